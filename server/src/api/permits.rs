//! `/permits`: grants for calls an agent makes on its own, without a task.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use scheduler::{PermitId, Reply, Request, Requirement, Span, TakePermit, Time, Wait};
use serde::{Deserialize, Serialize};

use super::bodies::{RequirementBody, requirements};
use super::claims::{LONGEST_WAIT_MS, requirement};
use crate::auth::Caller;
use crate::check::Check;
use crate::input::{Id, Input};
use crate::problem::Problem;
use crate::state::App;

/// What is needed, and how long it may take.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PermitBody {
    /// Taken all or nothing; 1 to 32.
    requires: Vec<RequirementBody>,
    /// How long to wait, at most 60000; 0 unless said.
    wait_ms: Option<u32>,
}

/// A permit, or why there is none yet.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Permit {
    /// Given: hand it back when the calls are made.
    Given {
        permit_id: PermitId,
        /// When what it holds goes back by itself.
        #[schema(value_type = String, format = DateTime)]
        expires_at: Time,
        /// What it holds.
        grants: Vec<Requirement>,
    },
    /// Not in time.
    NotYet {
        /// What holds it.
        not_yet: Vec<Wait>,
        /// When to ask again.
        retry_after_ms: u32,
    },
}

/// Take grants of resources for calls outside any task.
#[utoipa::path(post, path = "/permits", tag = "limits", request_body = PermitBody,
    responses((status = 200, body = Permit)))]
pub async fn take(
    State(app): State<App>,
    caller: Caller,
    input: Input<PermitBody>,
) -> Result<Json<Permit>, Problem> {
    let (agent, name) = caller.as_agent()?;
    let requires = requirements(Some(&input.value.requires));
    let wait_ms = input.value.wait_ms.unwrap_or(0);
    let mut check = Check::new();
    check.that(
        !requires.is_empty(),
        "/requires",
        "must name at least one resource",
    );
    check.requirements(&requires, "/requires");
    check.that(
        wait_ms <= LONGEST_WAIT_MS,
        "/wait_ms",
        "must be at most 60000",
    );
    check.done()?;
    let wait_until = app.now() + Span::from_millis(wait_ms.into());
    let permit = TakePermit {
        agent,
        name: name.to_owned(),
        requires,
        wait_until,
    };
    let request = Request::TakePermit(permit);
    let heard = app.submit_and_wait(&caller, request, input.once).await?;
    match heard.answer? {
        Reply::Permit {
            permit,
            expires_at,
            grants,
        } => {
            let grants = grants.into_iter().map(requirement).collect();
            Ok(Json(Permit::Given {
                permit_id: permit,
                expires_at,
                grants,
            }))
        }
        Reply::NoPermit {
            waits,
            retry_after_ms,
        } => Ok(Json(Permit::NotYet {
            not_yet: waits,
            retry_after_ms,
        })),
        other => Err(super::unexpected(&other)),
    }
}

/// Hand a permit back.
#[utoipa::path(delete, path = "/permits/{id}", tag = "limits", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)))]
pub async fn give_back(
    State(app): State<App>,
    caller: Caller,
    Id(permit): Id<PermitId>,
) -> Result<StatusCode, Problem> {
    match app
        .carry_out(&caller, Request::ReturnPermit { permit }, None)
        .await?
    {
        Reply::Returned => Ok(StatusCode::NO_CONTENT),
        other => Err(super::unexpected(&other)),
    }
}
