//! `/leases/{id}`: what an agent does with a task it was given.

use axum::Json;
use axum::extract::State;
use engine::IdempotencyKey;
use scheduler::bounds::TOLD_MS;
use scheduler::{
    AgentId, Answer, AttemptOutcome, Complete, Fail, GiveBack, LateUsage, LeaseId, Refusal, Renew,
    Reply, ReportUsage, Request, Stop, TaskId, TaskState, ThrottledResource, Time, Usage, bounds,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::read::PastLease;

use super::bodies::{RequirementBody, requirements};
use crate::auth::Caller;
use crate::check::{Check, DESCRIPTION_BYTES, NOTE_BYTES};
use crate::input::{Id, Input};
use crate::problem::{Problem, repointed};
use crate::state::App;

/// Still at it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewBody {
    /// The lease's epoch.
    epoch: u32,
    /// From 0 to 1.
    progress: Option<f32>,
    /// What is going on, in a line.
    note: Option<String>,
}

/// A lease that goes on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Renewed {
    /// When it ends unless renewed again.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    /// Why the work should stop, if it should.
    stop: Option<Stop>,
}

/// What was used since the last report.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct UsageBody {
    /// The model that was called.
    model: Option<String>,
    /// Tokens read by the model.
    input_tokens: Option<u64>,
    /// Tokens written by the model.
    output_tokens: Option<u64>,
    /// Money, in millionths of a dollar.
    cost_microusd: Option<u64>,
    /// What was really used of resources.
    resources: Option<Vec<RequirementBody>>,
}

/// What was used since the last report, under a lease.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportBody {
    /// The lease's epoch.
    epoch: u32,
    /// The model that was called.
    model: Option<String>,
    /// Tokens read by the model.
    input_tokens: Option<u64>,
    /// Tokens written by the model.
    output_tokens: Option<u64>,
    /// Money, in millionths of a dollar.
    cost_microusd: Option<u64>,
    /// What was really used of resources.
    resources: Option<Vec<RequirementBody>>,
}

/// Done.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteBody {
    /// The lease's epoch.
    epoch: u32,
    /// What came out, as the author of the task expects it.
    #[schema(value_type = Option<Object>)]
    output: Option<Map<String, Value>>,
    /// What was used since the last report.
    usage: Option<UsageBody>,
    #[schema(ignore)]
    #[serde(default)]
    deliverables: Vec<Value>,
    #[schema(ignore)]
    #[serde(default)]
    insights: Vec<Value>,
}

/// It did not work.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailBody {
    /// The lease's epoch.
    epoch: u32,
    /// What went wrong.
    error: String,
    /// Whether another attempt makes sense; true unless said.
    retryable: Option<bool>,
    /// How long to wait before it at least; the back-off may take longer.
    retry_after_ms: Option<u32>,
    /// The resource whose provider refused; such an attempt does not count.
    throttled: Option<ThrottledBody>,
    /// What was used since the last report.
    usage: Option<UsageBody>,
}

/// A resource whose provider refused.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct ThrottledBody {
    /// Its name.
    resource: String,
    /// How long the provider said to wait: of it, a day (86400000) at most is waited.
    retry_after_ms: Option<u32>,
}

crate::input::objects_only!(UsageBody, ThrottledBody);

/// Given back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveBackBody {
    /// The lease's epoch.
    epoch: u32,
    /// Why.
    reason: Option<String>,
}

/// The task after what was written under its lease.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LeasedTaskAfter {
    /// The task.
    task_id: TaskId,
    /// Its state now.
    state: TaskState,
    /// For a throttled attempt: what was taken of the provider's word, a day (86400000) at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_for_ms: Option<u32>,
}

/// Keep the lease; say how far the work is, and hear whether it should stop.
#[utoipa::path(post, path = "/leases/{id}/renew", tag = "work", params(("id" = uuid::Uuid, Path)),
    request_body = RenewBody, responses((status = 200, body = Renewed)))]
pub async fn renew(
    State(app): State<App>,
    caller: Caller,
    Id(lease): Id<LeaseId>,
    input: Input<RenewBody>,
) -> Result<Json<Renewed>, Problem> {
    let RenewBody {
        epoch,
        progress,
        note,
    } = input.value;
    let mut check = Check::new();
    let fits = progress.is_none_or(|progress| (0.0..=1.0).contains(&progress));
    check.that(fits, "/progress", "must be from 0 to 1");
    check.text(note.as_deref(), "/note", NOTE_BYTES);
    check.done()?;
    let request = Request::Renew(Renew {
        lease,
        epoch,
        progress,
        note,
    });
    let said = Said::of(lease, epoch, None);
    match under_lease(&app, &caller, request, said, input.once).await?? {
        Reply::Renewed { expires_at, stop } => Ok(Json(Renewed { expires_at, stop })),
        other => Err(super::unexpected(&other)),
    }
}

/// Report what was used since the last report; reports add up, those of a lease that was lost too. One
/// sent again under the same `Idempotency-Key` is counted once.
#[utoipa::path(post, path = "/leases/{id}/usage", tag = "work", params(("id" = uuid::Uuid, Path)),
    request_body = ReportBody, responses((status = 200, body = LeasedTaskAfter)))]
pub async fn usage(
    State(app): State<App>,
    caller: Caller,
    Id(lease): Id<LeaseId>,
    input: Input<ReportBody>,
) -> Result<Json<LeasedTaskAfter>, Problem> {
    let ReportBody {
        epoch,
        model,
        input_tokens,
        output_tokens,
        cost_microusd,
        resources,
    } = input.value;
    let body = UsageBody {
        model,
        input_tokens,
        output_tokens,
        cost_microusd,
        resources,
    };
    let usage = body.checked("")?;
    let said = Said::of(lease, epoch, Some(&usage));
    let request = Request::Usage(ReportUsage {
        lease,
        epoch,
        usage,
    });
    after(under_lease(&app, &caller, request, said, input.once).await??)
}

/// Hand in the result.
#[utoipa::path(post, path = "/leases/{id}/complete", tag = "work", params(("id" = uuid::Uuid, Path)),
    request_body = CompleteBody, responses((status = 200, body = LeasedTaskAfter)))]
pub async fn complete(
    State(app): State<App>,
    caller: Caller,
    Id(lease): Id<LeaseId>,
    input: Input<CompleteBody>,
) -> Result<Json<LeasedTaskAfter>, Problem> {
    let body = input.value;
    let mut check = Check::new();
    let unkept = "is not kept by this version; put it into output";
    check.that(body.deliverables.is_empty(), "/deliverables", unkept);
    check.that(body.insights.is_empty(), "/insights", unkept);
    check.done()?;
    let usage = body
        .usage
        .map(|usage| usage.checked("/usage"))
        .transpose()?;
    let said = Said::of(lease, body.epoch, usage.as_ref());
    let output = body.output.map(Value::Object);
    let request = Request::Complete(Complete {
        lease,
        epoch: body.epoch,
        output,
        usage,
    });
    ended(&app, &caller, request, said, input.once).await
}

/// Say that the attempt failed, and whether a provider's limit was the reason.
#[utoipa::path(post, path = "/leases/{id}/fail", tag = "work", params(("id" = uuid::Uuid, Path)),
    request_body = FailBody, responses((status = 200, body = LeasedTaskAfter)))]
pub async fn fail(
    State(app): State<App>,
    caller: Caller,
    Id(lease): Id<LeaseId>,
    input: Input<FailBody>,
) -> Result<Json<LeasedTaskAfter>, Problem> {
    let body = input.value;
    let mut check = Check::new();
    check.text(Some(&body.error), "/error", DESCRIPTION_BYTES);
    if let Some(throttled) = &body.throttled {
        check.name(&throttled.resource, "/throttled/resource");
    }
    check.done()?;
    let usage = body
        .usage
        .map(|usage| usage.checked("/usage"))
        .transpose()?;
    let said = Said::of(lease, body.epoch, usage.as_ref());
    let throttled = body.throttled.as_ref();
    let told = throttled.and_then(|throttled| throttled.retry_after_ms.or(body.retry_after_ms));
    let request = Request::Fail(Fail {
        lease,
        epoch: body.epoch,
        error: body.error,
        retryable: body.retryable.unwrap_or(true),
        retry_after_ms: body.retry_after_ms,
        throttled: body.throttled.map(
            |ThrottledBody {
                 resource,
                 retry_after_ms,
             }| {
                ThrottledResource {
                    resource,
                    retry_after_ms,
                }
            },
        ),
        usage,
        jitter: jitter()?,
    });
    let Json(mut after) = ended(&app, &caller, request, said, input.once).await?;
    after.closed_for_ms = told.map(|ms| ms.min(TOLD_MS));
    Ok(Json(after))
}

/// Give the task back; it waits again, and the attempt does not count.
#[utoipa::path(post, path = "/leases/{id}/release", tag = "work", params(("id" = uuid::Uuid, Path)),
    request_body = GiveBackBody, responses((status = 200, body = LeasedTaskAfter)))]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    Id(lease): Id<LeaseId>,
    input: Input<GiveBackBody>,
) -> Result<Json<LeasedTaskAfter>, Problem> {
    let GiveBackBody { epoch, reason } = input.value;
    let mut check = Check::new();
    check.text(reason.as_deref(), "/reason", NOTE_BYTES);
    check.done()?;
    let request = Request::GiveBack(GiveBack {
        lease,
        epoch,
        reason,
    });
    let said = Said::of(lease, epoch, None);
    after(under_lease(&app, &caller, request, said, input.once).await??)
}

impl UsageBody {
    fn checked(self, base: &str) -> Result<Usage, Problem> {
        let usage = Usage {
            model: self.model,
            input_tokens: self.input_tokens.unwrap_or(0),
            output_tokens: self.output_tokens.unwrap_or(0),
            cost_microusd: self.cost_microusd.unwrap_or(0),
            resources: requirements(self.resources.as_deref()),
        };
        let mut check = Check::new();
        check.under(base.to_owned());
        check.optional_name(usage.model.as_deref(), "/model");
        let bounded = |count: u64| count <= super::MOST_TOKENS;
        check.that(
            bounded(usage.input_tokens),
            "/input_tokens",
            super::TOO_MANY_TOKENS,
        );
        check.that(
            bounded(usage.output_tokens),
            "/output_tokens",
            super::TOO_MANY_TOKENS,
        );
        let affordable = usage.cost_microusd <= bounds::MICROUSD;
        check.that(affordable, "/cost_microusd", super::TOO_MUCH_MONEY);
        check.requirements(&usage.resources, "/resources");
        check.done()?;
        Ok(usage)
    }
}

/// A random number in [0, 1) with 53 bits.
fn jitter() -> Result<f64, Problem> {
    let bits = getrandom::u64().map_err(|error| Problem::internal(&error))?;
    Ok((bits >> 11) as f64 / (1_u64 << 53) as f64)
}

/// What a request says of a lease, and was used under it.
struct Said {
    lease: LeaseId,
    epoch: u32,
    usage: Usage,
}

impl Said {
    fn of(lease: LeaseId, epoch: u32, usage: Option<&Usage>) -> Self {
        Self {
            lease,
            epoch,
            usage: usage.cloned().unwrap_or_default(),
        }
    }

    const fn uses_nothing(&self) -> bool {
        let Usage {
            input_tokens,
            output_tokens,
            cost_microusd,
            ..
        } = self.usage;
        input_tokens == 0 && output_tokens == 0 && cost_microusd == 0
    }
}

/// Hands in what an agent says under a lease. If the lease was lost, what was used is charged all
/// the same, and the answer is that it was lost, and how.
async fn under_lease(
    app: &App,
    caller: &Caller,
    request: Request,
    said: Said,
    once: Option<IdempotencyKey>,
) -> Result<Answer, Problem> {
    let late = once.as_ref().map(|once| IdempotencyKey {
        key: format!("{} late", once.key),
        request_hash: once.request_hash,
    });
    let answer = app.submit(caller, request, once).await?.answer;
    match answer {
        Err(Refusal::LeaseLost) => Err(lost(app, caller, said, late).await?),
        answer => Ok(answer),
    }
}

async fn lost(
    app: &App,
    caller: &Caller,
    said: Said,
    once: Option<IdempotencyKey>,
) -> Result<Problem, Problem> {
    let problem = Problem::from(Refusal::LeaseLost);
    let (agent, _) = caller.as_agent()?;
    let past = app.store.past_lease(caller.workspace, said.lease);
    let of_caller = |past: &PastLease| past.agent == agent && past.epoch == said.epoch;
    let Some(past) = past.await?.filter(of_caller) else {
        return Ok(problem);
    };
    let problem = problem.adding(&how_lost(&past));
    if said.uses_nothing() {
        return Ok(problem);
    }
    charge_late(app, caller, agent, said, past, once).await?;
    Ok(problem.adding("What was used is counted."))
}

/// What became of a lease that was taken from its agent.
fn how_lost(past: &PastLease) -> String {
    let how = match (past.outcome, past.state) {
        (AttemptOutcome::Expired, _) => return "It ran out without a renewal.".to_owned(),
        (_, TaskState::Cancelled) => "cancelled",
        (_, TaskState::Backlog) => "held",
        _ => "handed over",
    };
    let reason = past.reason.as_deref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    format!("Its task was {how}{reason}.")
}

/// Counts what was used under a lease that is over.
async fn charge_late(
    app: &App,
    caller: &Caller,
    agent: AgentId,
    said: Said,
    past: PastLease,
    once: Option<IdempotencyKey>,
) -> Result<(), Problem> {
    let mut usage = said.usage;
    usage.model = usage.model.or(past.needs.estimate.model);
    let late = LateUsage {
        lease: said.lease,
        agent,
        task: past.task,
        ancestors: past.ancestors,
        kind: past.needs.kind,
        usage,
    };
    app.carry_out(caller, Request::LateUsage(late), once)
        .await?;
    Ok(())
}

/// Ends a lease. What was used stands one level down in such a body.
async fn ended(
    app: &App,
    caller: &Caller,
    request: Request,
    said: Said,
    once: Option<IdempotencyKey>,
) -> Result<Json<LeasedTaskAfter>, Problem> {
    let down = |pointer: String| match pointer.strip_prefix("/resources") {
        Some(rest) => format!("/usage/resources{rest}"),
        None => pointer,
    };
    let answer = under_lease(app, caller, request, said, once).await?;
    after(answer.map_err(|refusal| repointed(refusal, down))?)
}

fn after(reply: Reply) -> Result<Json<LeasedTaskAfter>, Problem> {
    match reply {
        Reply::Task { task, state } => Ok(Json(LeasedTaskAfter {
            task_id: task,
            state,
            closed_for_ms: None,
        })),
        other => Err(super::unexpected(&other)),
    }
}
