//! `POST /claims`: an agent asks for work. The hot path.

use axum::Json;
use axum::extract::State;
use scheduler::{
    AgentId, Claim, DecisionId, Estimate, Grant, Granted, LeaseId, Reply, Request, Requirement,
    Span, TaskId, Time, Wait,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::TaskText;

use super::previous::{Previous, previous};
use crate::auth::Caller;
use crate::check::Check;
use crate::input::Input;
use crate::problem::Problem;
use crate::state::App;

/// Leases of one claim at most.
const MOST_LEASES: u16 = 100;
/// The longest wait of one claim.
pub const LONGEST_WAIT_MS: u32 = 60_000;

/// How much work is wanted, and of which kind.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimBody {
    /// Leases at most, 1 to 100; 1 unless said.
    max: Option<u16>,
    /// How long to wait for the first lease, at most 60000; 0 unless said.
    wait_ms: Option<u32>,
    /// Only work that needs no more than these; all the agent has unless said.
    capabilities: Option<Vec<String>>,
    /// Only work for these models; all the agent has unless said.
    models: Option<Vec<String>>,
}

/// What a claim got.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Claimed {
    /// Leases given; empty when there is nothing to do now.
    leases: Vec<Lease>,
    /// What waits that this agent could do, and why; empty when leases are not.
    not_yet: Vec<Wait>,
    /// When to ask again.
    retry_after_ms: u32,
}

/// A task, given until `expires_at`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Lease {
    /// The lease.
    #[serde(rename = "lease_id")]
    id: LeaseId,
    /// To be named in everything written under the lease.
    epoch: u32,
    /// Which attempt of the task this is, from 1.
    attempt: u16,
    /// When it ends unless renewed.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    /// What to do.
    task: LeasedTask,
    /// What it holds.
    grants: Vec<Requirement>,
    /// Why this task, now, to this agent.
    decision_id: DecisionId,
    /// The attempt before this one, if there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

/// What an agent needs to know of the task it was given.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LeasedTask {
    /// The task.
    id: TaskId,
    /// One line.
    title: String,
    /// Anything more.
    description: String,
    /// The sort of work.
    kind: String,
    /// Its author's own data.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    /// Its author's own name for it.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The task it was split from.
    parent_id: Option<TaskId>,
    /// What it is expected to use.
    estimate: Estimate,
}

/// Ask for work. No work is not an error: `leases` is empty, `not_yet` says why, and
/// `retry_after_ms` says when to ask again.
#[utoipa::path(post, path = "/claims", tag = "work", request_body = ClaimBody,
    responses((status = 200, body = Claimed)))]
pub async fn claim(
    State(app): State<App>,
    caller: Caller,
    input: Input<ClaimBody>,
) -> Result<Json<Claimed>, Problem> {
    let (agent, name) = caller.as_agent()?;
    let request = Request::Claim(input.value.command(agent, name, app.now())?);
    let heard = app.submit_and_wait(&caller, request, input.once).await?;
    match heard.answer? {
        Reply::Claimed(claimed) => Ok(Json(Claimed {
            leases: leases(&app, &caller, claimed.leases, heard.texts).await?,
            not_yet: claimed.waits,
            retry_after_ms: claimed.retry_after_ms,
        })),
        other => Err(super::unexpected(&other)),
    }
}

impl ClaimBody {
    fn command(self, agent: AgentId, name: &str, now: Time) -> Result<Claim, Problem> {
        let (max, wait_ms) = (self.max.unwrap_or(1), self.wait_ms.unwrap_or(0));
        let mut check = Check::new();
        check.that(
            (1..=MOST_LEASES).contains(&max),
            "/max",
            "must be from 1 to 100",
        );
        check.that(
            wait_ms <= LONGEST_WAIT_MS,
            "/wait_ms",
            "must be at most 60000",
        );
        check.words(
            self.capabilities.as_deref().unwrap_or_default(),
            "/capabilities",
        );
        check.words(self.models.as_deref().unwrap_or_default(), "/models");
        check.done()?;
        Ok(Claim {
            agent,
            name: name.to_owned(),
            max,
            wait_until: now + Span::from_millis(wait_ms.into()),
            capabilities: self.capabilities,
            models: self.models,
        })
    }
}

/// Pairs each lease with its task's text; both come in the same order.
async fn leases(
    app: &App,
    caller: &Caller,
    granted: Vec<Granted>,
    texts: Vec<TaskText>,
) -> Result<Vec<Lease>, Problem> {
    let paired = granted.len() == texts.len()
        && granted
            .iter()
            .zip(&texts)
            .all(|(granted, text)| granted.task == text.id);
    if !paired {
        return Err(Problem::internal(&"leases came without their tasks' texts"));
    }
    let mut leases = Vec::with_capacity(granted.len());
    for (granted, text) in granted.into_iter().zip(texts) {
        let previous = previous(app, caller, &granted).await;
        leases.push(lease(granted, text, previous));
    }
    Ok(leases)
}

fn lease(granted: Granted, text: TaskText, previous: Option<Previous>) -> Lease {
    Lease {
        id: granted.lease,
        epoch: granted.epoch,
        attempt: granted.attempt,
        expires_at: granted.expires_at,
        task: LeasedTask {
            id: text.id,
            title: text.title,
            description: text.description,
            kind: text.needs.kind,
            payload: text.payload,
            reference: text.reference,
            parent_id: text.parent,
            estimate: text.needs.estimate,
        },
        grants: granted.grants.into_iter().map(requirement).collect(),
        decision_id: granted.decision,
        previous,
    }
}

/// A grant as the agent knows it: by the resource's name.
pub fn requirement(grant: Grant) -> Requirement {
    Requirement {
        resource: grant.name,
        amount: grant.amount,
    }
}
