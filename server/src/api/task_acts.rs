//! `PATCH /tasks/{id}` and the acts of people on a task: cancel, hold, release, retry, boost, handoff.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::IdempotencyKey;
use scheduler::bounds::{boost_end_fault, points_fault};
use scheduler::{
    Act, Boost, EditTask, Estimate, Handoff, Overrule, Refusal, Reply, Request, TaskId, Time,
};
use serde::Deserialize;
use store::read::TaskDetail;

use super::bodies::{TaskPatch, requirements, sorted};
use super::task_view::TaskAfter;
use crate::auth::Caller;
use crate::check::{Check, NOTE_BYTES};
use crate::input::{Id, Input};
use crate::problem::Problem;
use crate::state::App;

/// Change a task: its text, its priority and its due date until it is over, what it needs only while it
/// waits. What changed is a decision of kind `override`.
#[utoipa::path(patch, path = "/tasks/{id}", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = TaskPatch, responses((status = 200, body = TaskAfter)))]
pub async fn edit(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<TaskPatch>,
) -> Result<Json<TaskAfter>, Problem> {
    let mut patch = input.value;
    let mut check = Check::new();
    patch.check(&mut check);
    check.done()?;
    if !answered_before(&app, &caller, input.once.as_ref()).await? {
        let stored = unchanged_since(&app, &caller, task, patch.version).await?;
        // A text said again as it was is no change.
        patch.title.take_if(|title| *title == stored.task.title);
        patch
            .description
            .take_if(|text| *text == stored.description);
    }
    let agent = patch.agent().map(str::to_owned);
    let requires = patch.requires.as_deref();
    let requires = requires.map(|requires| sorted(requirements(Some(requires))));
    let request = Request::EditTask(EditTask {
        task,
        priority: patch.priority,
        due_at: patch.due_at,
        class: patch.class,
        estimate: patch.estimate.as_ref().map(Estimate::from),
        capabilities: patch.capabilities.map(sorted),
        requires,
        agent,
        title: patch.title,
        description: patch.description,
        version: patch.version,
    });
    let edited = app.carry_out(&caller, request, input.once).await;
    if edited
        .as_ref()
        .is_err_and(|problem| problem.status() == StatusCode::NOT_FOUND)
    {
        // It ended since that look.
        unchanged_since(&app, &caller, task, patch.version).await?;
    }
    let Json(mut after) = after(edited?)?;
    after.version = Some(patch.version.saturating_add(1));
    Ok(Json(after))
}

/// Whether this is a repetition, for which what it was made from has moved on.
async fn answered_before(
    app: &App,
    caller: &Caller,
    once: Option<&IdempotencyKey>,
) -> Result<bool, Problem> {
    match once {
        Some(once) => Ok(app
            .store
            .remembered(caller.workspace, &once.key, app.now())
            .await?
            .is_some()),
        None => Ok(false),
    }
}

/// The task, if it can be edited and is still as the author read it, as far as the store knows.
async fn unchanged_since(
    app: &App,
    caller: &Caller,
    task: TaskId,
    version: u32,
) -> Result<TaskDetail, Problem> {
    let found = app.store.task(caller.workspace, task).await?;
    let found = found.ok_or_else(Problem::not_found)?;
    let stored = &found.task;
    if stored.state.is_terminal() {
        return Err(Refusal::WrongState {
            state: stored.state,
            act: Act::Edit,
        }
        .into());
    }
    if stored.version != version {
        return Err(Refusal::VersionConflict {
            current: stored.version,
        }
        .into());
    }
    Ok(found)
}

/// Why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonBody {
    /// In a sentence; kept with the decision.
    reason: Option<String>,
}

/// More points, or a pin, for a while.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoostBody {
    /// Points added to the score, from -100000 to 100000; either this or `pin`.
    score_delta: Option<i32>,
    /// `true`: before everything that is not pinned. `false`: its boost or pin ends now. Either this or
    /// `score_delta`, which is refused while a pin lasts.
    pin: Option<bool>,
    /// When it ends, 31 days ahead at most; needed unless `pin` is `false`.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// Why, in a sentence.
    reason: String,
}

/// To whom a task is handed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandoffBody {
    /// The lease's epoch: needed from the agent that holds it, not from a manager.
    epoch: Option<u32>,
    /// The agent that alone may take it; either this or `to_capability`.
    to_agent: Option<String>,
    /// A capability that its next agent must have; either this or `to_agent`.
    to_capability: Option<String>,
    /// What the next one should know.
    note: Option<String>,
}

/// Call a task off.
#[utoipa::path(post, path = "/tasks/{id}/cancel", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = ReasonBody, responses((status = 200, body = TaskAfter)))]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<ReasonBody>,
) -> Result<Json<TaskAfter>, Problem> {
    simple(&app, &caller, task, Act::Cancel, input).await
}

/// Put a task aside until it is released.
#[utoipa::path(post, path = "/tasks/{id}/hold", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = ReasonBody, responses((status = 200, body = TaskAfter)))]
pub async fn hold(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<ReasonBody>,
) -> Result<Json<TaskAfter>, Problem> {
    simple(&app, &caller, task, Act::Hold, input).await
}

/// Let a held task wait for its turn again; of a task in review, accept the result: it is done.
#[utoipa::path(post, path = "/tasks/{id}/release", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = ReasonBody, responses((status = 200, body = TaskAfter)))]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<ReasonBody>,
) -> Result<Json<TaskAfter>, Problem> {
    simple(&app, &caller, task, Act::Release, input).await
}

/// Give a failed or cancelled task all its attempts anew; of a task in review, send the result back: it
/// waits for its turn again.
#[utoipa::path(post, path = "/tasks/{id}/retry", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = ReasonBody, responses((status = 200, body = TaskAfter)))]
pub async fn retry(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<ReasonBody>,
) -> Result<Json<TaskAfter>, Problem> {
    simple(&app, &caller, task, Act::Retry, input).await
}

/// Raise or lower a task's score, or pin it, until a given time, or end that; recorded as a decision.
#[utoipa::path(post, path = "/tasks/{id}/boost", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = BoostBody, responses((status = 200, body = TaskAfter)))]
pub async fn boost(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<BoostBody>,
) -> Result<Json<TaskAfter>, Problem> {
    let body = input.value;
    let mut check = Check::new();
    check.that(
        body.pin.is_some() != body.score_delta.is_some(),
        "/score_delta",
        "give either score_delta or pin",
    );
    check.fault(body.score_delta.and_then(points_fault), "/score_delta");
    let end = match body.expires_at {
        Some(end) => boost_end_fault(app.now(), end),
        None => (body.pin != Some(false)).then_some("must say when it ends"),
    };
    check.fault(end, "/expires_at");
    check.reason(&body.reason);
    check.done()?;
    let lasts = body.expires_at.filter(|_| body.pin != Some(false));
    let boost = lasts.map(|expires_at| Boost {
        score_delta: body.score_delta,
        expires_at,
    });
    let overrule = Overrule {
        boost,
        ..overrule(task, Act::Boost, Some(body.reason))
    };
    after(
        app.carry_out(&caller, Request::Overrule(overrule), input.once)
            .await?,
    )
}

/// Hand a task to another agent: by the lease's holder with its epoch, or by a manager.
#[utoipa::path(post, path = "/tasks/{id}/handoff", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    request_body = HandoffBody, responses((status = 200, body = TaskAfter)))]
pub async fn handoff(
    State(app): State<App>,
    caller: Caller,
    Id(task): Id<TaskId>,
    input: Input<HandoffBody>,
) -> Result<Json<TaskAfter>, Problem> {
    let body = input.value;
    let mut check = Check::new();
    let one = body.to_agent.is_some() != body.to_capability.is_some();
    check.that(one, "/to_agent", "give either to_agent or to_capability");
    check.optional_name(body.to_agent.as_deref(), "/to_agent");
    check.optional_name(body.to_capability.as_deref(), "/to_capability");
    check.text(body.note.as_deref(), "/note", NOTE_BYTES);
    check.that(
        body.epoch.is_some() || caller.agent.is_none(),
        "/epoch",
        "an agent names its lease's epoch",
    );
    check.done()?;
    let handoff = Handoff {
        epoch: body.epoch,
        to_agent: body.to_agent,
        to_capability: body.to_capability,
    };
    let overrule = Overrule {
        handoff: Some(handoff),
        ..overrule(task, Act::Handoff, body.note)
    };
    after(
        app.carry_out(&caller, Request::Overrule(overrule), input.once)
            .await?,
    )
}

async fn simple(
    app: &App,
    caller: &Caller,
    task: TaskId,
    act: Act,
    input: Input<ReasonBody>,
) -> Result<Json<TaskAfter>, Problem> {
    let reason = input.value.reason;
    let mut check = Check::new();
    check.text(reason.as_deref(), "/reason", NOTE_BYTES);
    check.done()?;
    let request = Request::Overrule(overrule(task, act, reason));
    after(app.carry_out(caller, request, input.once).await?)
}

fn overrule(task: TaskId, act: Act, reason: Option<String>) -> Overrule {
    Overrule {
        task,
        act,
        reason,
        boost: None,
        handoff: None,
        facts: Vec::new(),
    }
}

fn after(reply: Reply) -> Result<Json<TaskAfter>, Problem> {
    match reply {
        Reply::Task { task, state } => Ok(Json(TaskAfter {
            id: task,
            state,
            version: None,
        })),
        other => Err(super::unexpected(&other)),
    }
}
