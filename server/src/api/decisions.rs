//! `/decisions`: what was decided, why, and what people think of it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scheduler::{Actor, AgentId, DecisionId, DecisionKind, Query, ResourceId, Time, View};
use serde::{Deserialize, Serialize};
use store::read::{DecisionFilter, Review, Reviewed, ReviewedOnce, Verdict};

use super::decision_view::DecisionView;
use crate::auth::Caller;
use crate::check::{Check, NOTE_BYTES};
use crate::input::{Id, Input, Params};
use crate::once;
use crate::paging::{self, List};
use crate::problem::Problem;
use crate::state::App;

/// What of the decisions is asked for; all must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DecisionParams {
    /// Only decisions of this kind.
    kind: Option<DecisionKind>,
    /// Only decisions about this task.
    task: Option<uuid::Uuid>,
    /// Only decisions about this agent, by identifier or name.
    agent: Option<String>,
    /// Only decisions about this resource, by identifier or name.
    resource: Option<String>,
    /// Made then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Time>,
    /// Made before then.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Time>,
    /// 1 to 200, 50 unless said.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A decision with what people thought of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DecisionDetail {
    #[serde(flatten)]
    decision: DecisionView,
    /// What people think of it, each once; who spoke first first.
    reviews: Vec<ReviewedView>,
}

/// What somebody thinks of a decision now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReviewedView {
    #[serde(flatten)]
    stands: ReviewView,
    /// What they said before, the first first; it stands no more.
    before: Vec<ReviewView>,
}

/// What a manager thinks of a decision.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewBody {
    verdict: Agreement,
    /// Why.
    note: Option<String>,
}

/// Whether somebody would have decided the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Yes.
    Agree,
    /// No.
    Disagree,
}

/// A review.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReviewView {
    reviewer: Actor,
    verdict: Agreement,
    note: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    at: Time,
}

/// List decisions, newest first.
#[utoipa::path(get, path = "/decisions", tag = "oversight", params(DecisionParams),
    responses((status = 200, body = List<DecisionView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<DecisionParams>,
) -> Result<Json<List<DecisionView>>, Problem> {
    let DecisionParams {
        kind,
        task,
        agent,
        resource,
        from,
        to,
        limit,
        cursor,
    } = params;
    let page = paging::page(limit, cursor.as_deref())?;
    let agent = match agent {
        Some(word) => Some(agent_of(&app, &caller, &word).await?),
        None => None,
    };
    let resource = match resource {
        Some(word) => Some(resource_of(&app, &caller, &word).await?),
        None => None,
    };
    let filter = DecisionFilter {
        kind,
        task: task.map(Into::into),
        agent,
        resource,
        from,
        to,
    };
    Ok(Json(paging::list(
        app.store.decisions(caller.workspace, &filter, page).await?,
    )))
}

/// The agent of that identifier or name.
async fn agent_of(app: &App, caller: &Caller, word: &str) -> Result<AgentId, Problem> {
    if let Ok(id) = word.parse::<uuid::Uuid>() {
        return Ok(id.into());
    }
    let named = app.store.agent_named(caller.workspace, word).await?;
    named.ok_or_else(|| Problem::invalid_at("?agent", "is no agent of this workspace"))
}

/// The resource of that identifier or name.
async fn resource_of(app: &App, caller: &Caller, word: &str) -> Result<ResourceId, Problem> {
    if let Ok(id) = word.parse::<uuid::Uuid>() {
        return Ok(id.into());
    }
    let named = match app.ask(caller, Query::Resources).await? {
        View::Resources { resources } => resources
            .into_iter()
            .find(|view| view.spec.name == word)
            .map(|view| view.spec.id),
        _ => None,
    };
    named.ok_or_else(|| Problem::invalid_at("?resource", "is no resource of this workspace"))
}

/// Read one decision: what, why, on which state of the resources, and what else was considered.
#[utoipa::path(get, path = "/decisions/{id}", tag = "oversight", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = DecisionDetail)))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<DecisionId>,
) -> Result<Json<DecisionDetail>, Problem> {
    let listed = app
        .store
        .decision(caller.workspace, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let reviews = app.store.reviews(caller.workspace, id).await?;
    let reviews = reviews.into_iter().map(ReviewedView::from).collect();
    Ok(Json(DecisionDetail {
        decision: listed.into(),
        reviews,
    }))
}

/// Say whether you would have decided the same. It replaces what you said before, which is kept as
/// history; saying the same again adds nothing.
#[utoipa::path(post, path = "/decisions/{id}/review", tag = "oversight",
    params(("id" = uuid::Uuid, Path)), request_body = ReviewBody,
    responses((status = 201, body = ReviewView)))]
pub async fn review(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<DecisionId>,
    input: Input<ReviewBody>,
) -> Result<Response, Problem> {
    let ReviewBody { verdict, note } = input.value;
    let mut check = Check::new();
    check.text(note.as_deref(), "/note", NOTE_BYTES);
    check.done()?;
    let review = Review {
        reviewer: caller.actor(),
        verdict: verdict.into(),
        note,
        at: app.now(),
    };
    let (store, workspace) = (&app.store, caller.workspace);
    let Some(once) = &input.once else {
        let stands = store.review(workspace, id, &review).await?;
        let stands = stands.ok_or_else(Problem::not_found)?;
        return Ok(created(&ReviewView::from(stands)));
    };
    let answer =
        |stands: &Review| once::row(once, &caller, &ReviewView::from(stands.clone()), review.at);
    match store.review_once(workspace, id, &review, answer).await? {
        ReviewedOnce::Now(stands) => Ok(created(&ReviewView::from(stands))),
        ReviewedOnce::Before(before) => Ok(created(&once::same(once, before)?)),
        ReviewedOnce::NoSuchDecision => Err(Problem::not_found()),
    }
}

fn created(view: &impl Serialize) -> Response {
    (StatusCode::CREATED, Json(view)).into_response()
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        let Review {
            reviewer,
            verdict,
            note,
            at,
        } = review;
        Self {
            reviewer,
            verdict: verdict.into(),
            note,
            at,
        }
    }
}

impl From<Reviewed> for ReviewedView {
    fn from(reviewed: Reviewed) -> Self {
        Self {
            stands: reviewed.review.into(),
            before: reviewed.before.into_iter().map(ReviewView::from).collect(),
        }
    }
}

impl From<Verdict> for Agreement {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Agree => Self::Agree,
            Verdict::Disagree => Self::Disagree,
        }
    }
}

impl From<Agreement> for Verdict {
    fn from(agreement: Agreement) -> Self {
        match agreement {
            Agreement::Agree => Self::Agree,
            Agreement::Disagree => Self::Disagree,
        }
    }
}
