//! What agents ask for.

use serde::{Deserialize, Serialize};

use crate::{AgentId, LeaseId, NewTask, Requirement, TaskFact, TaskId, Time};

/// An agent's card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutAgent {
    /// The agent, by name: the caller's identifier is used only for a new name.
    pub id: AgentId,
    /// Unique in the workspace.
    pub name: String,
    /// What it can do.
    pub capabilities: Vec<String>,
    /// The models it may call; empty for any.
    pub models: Vec<String>,
    /// Leases at once; `None` for no limit of its own.
    pub max_concurrency: Option<u32>,
    /// What the conductor does not use: health address, endpoint, offers. Stored as given.
    pub card: serde_json::Value,
}

/// An agent says how it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Heartbeat {
    pub agent: AgentId,
    pub name: String,
    pub status: AgentStatus,
    pub detail: Option<String>,
}

/// What an agent says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AgentStatus {
    /// Ready for work.
    #[default]
    Idle,
    /// At work.
    Busy,
    /// Finishes what it has and takes no more.
    Draining,
}

/// Tasks, all or none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateTasks {
    /// In order; a dependency or parent may stand anywhere in it.
    pub tasks: Vec<NewTask>,
    /// What the store knows of tasks named here that a conductor said it does not hold.
    #[serde(default)]
    pub facts: Vec<TaskFact>,
}

/// An agent asks for work.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claim {
    /// The agent; registered on the spot if it is new to the conductor.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Leases at most, 1 to 100.
    pub max: u16,
    /// How long it waits for the first lease.
    pub wait_until: Time,
    /// Only work that needs no more than these; default: all it has.
    pub capabilities: Option<Vec<String>>,
    /// Only work for these models (or none); default: all it has.
    pub models: Option<Vec<String>>,
}

/// A lease goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Renew {
    pub lease: LeaseId,
    pub epoch: u32,
    /// From 0 to 1.
    pub progress: Option<f32>,
    pub note: Option<String>,
}

/// What has been used since the last report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Usage {
    pub model: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
    /// More (or the whole) of resources than was granted; adds up over reports.
    pub resources: Vec<Requirement>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct ReportUsage {
    pub lease: LeaseId,
    pub epoch: u32,
    pub usage: Usage,
}

/// What an agent used under a lease that it had lost: what the lease was for is told with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LateUsage {
    pub lease: LeaseId,
    pub agent: AgentId,
    pub task: TaskId,
    pub ancestors: Vec<TaskId>,
    pub kind: String,
    pub usage: Usage,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Complete {
    pub lease: LeaseId,
    pub epoch: u32,
    pub output: Option<serde_json::Value>,
    pub usage: Option<Usage>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Fail {
    pub lease: LeaseId,
    pub epoch: u32,
    pub error: String,
    pub retryable: bool,
    pub retry_after_ms: Option<u32>,
    pub throttled: Option<ThrottledResource>,
    pub usage: Option<Usage>,
    /// In [0, 1), drawn at the edge: shortens the back-off.
    pub jitter: f64,
}

/// The resource a provider refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThrottledResource {
    /// Its name.
    pub resource: String,
    /// How long the provider said to wait.
    pub retry_after_ms: Option<u32>,
}

/// The holder gives a lease back; costs the task no attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct GiveBack {
    pub lease: LeaseId,
    pub epoch: u32,
    pub reason: Option<String>,
}

/// A provider refused a call outside any lease, or said how much is left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct Throttled {
    pub resource: String,
    pub retry_after_ms: Option<u32>,
    pub limit: Option<u32>,
    pub remaining: Option<u32>,
}

/// Grants for calls an agent makes on its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct TakePermit {
    pub agent: AgentId,
    pub name: String,
    pub requires: Vec<Requirement>,
    pub wait_until: Time,
}
