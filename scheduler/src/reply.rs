//! What a conductor answers.

use serde::{Deserialize, Serialize};

use crate::{
    Act, AgentId, BudgetId, Code, DecisionId, Eta, Fuse, Grant, LeaseId, PermitId, ResourceId,
    Score, TaskId, TaskState, Tier, Time, Unblock,
};

/// What a conductor answers. Heard only once what it rests on is committed.
pub type Answer = Result<Reply, Refusal>;

/// A request was carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names what was asked")]
pub enum Reply {
    Created {
        tasks: Vec<Created>,
    },
    Claimed(Claimed),
    Renewed {
        expires_at: Time,
        stop: Option<Stop>,
    },
    /// Usage, completion, failure, giving back, overruling, editing: the task's state after.
    Task {
        task: TaskId,
        state: TaskState,
    },
    Agent {
        id: AgentId,
    },
    Heartbeat {
        retry_after_ms: u32,
    },
    Resource {
        id: ResourceId,
    },
    Budget {
        id: BudgetId,
    },
    Policy {
        version: u32,
    },
    Permit {
        permit: PermitId,
        expires_at: Time,
        grants: Vec<Grant>,
    },
    /// A permit that could not be had in time.
    NoPermit {
        waits: Vec<Wait>,
        retry_after_ms: u32,
    },
    Withdrawn,
    Returned,
    Charged,
    Removed,
}

/// A task that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Created {
    pub id: TaskId,
    pub state: TaskState,
    pub score: Score,
    pub created_at: Time,
    pub depth: u16,
}

/// What a claim got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claimed {
    /// Leases given. The tasks' texts are added where texts are kept.
    pub leases: Vec<Granted>,
    /// What waits that this agent could do, by lane, at most ten; empty when leases are not.
    pub waits: Vec<Wait>,
    /// When to ask again.
    pub retry_after_ms: u32,
}

/// One lease given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Granted {
    pub lease: LeaseId,
    pub task: TaskId,
    pub epoch: u32,
    pub attempt: u16,
    pub expires_at: Time,
    pub grants: Vec<Grant>,
    pub decision: DecisionId,
}

/// Work that waits, in a claim's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wait {
    /// The worst blocker.
    pub code: Code,
    /// Its tier.
    pub tier: Tier,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Tasks that wait so.
    pub waiting: u32,
    /// In words.
    pub headline: String,
    /// What has to happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unblocks_when: Option<Unblock>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Eta>,
}

/// Why a running lease should stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stop {
    /// A blocker's code.
    pub code: Code,
    /// In words.
    pub reason: String,
}

/// A request was not carried out, and nothing changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Refusal {
    #[error("there is no such thing in this workspace")]
    NotFound,
    /// The conductor does not hold these; the engine adds facts and asks again.
    #[error("the conductor needs facts about tasks it does not hold")]
    NeedFacts { tasks: Vec<TaskId> },
    /// The conductor does not know the workspace; the engine loads it and asks again.
    #[error("the conductor does not hold this workspace")]
    NeedWorkspace,
    #[error("the lease is over, or has another epoch; what is written under it is not accepted")]
    LeaseLost,
    #[error("the task is {state:?}, and that does not go with {act:?}")]
    WrongState { state: TaskState, act: Act },
    #[error("leases or permits hold some of it; close it, and remove it once they have ended")]
    Held,
    #[error("it has been changed since; read it again")]
    VersionConflict { current: u32 },
    #[error("a fuse refuses: {}", crate::words::fuse(*fuse, *limit, *count))]
    Fuse {
        fuse: Fuse,
        limit: u64,
        count: u64,
        pointer: String,
    },
    #[error("{pointer}: {detail}")]
    Invalid { pointer: String, detail: String },
    #[error("not allowed: {detail}")]
    Forbidden { detail: String },
    #[error("the conductor takes no new work now")]
    Draining,
}
