//! What goes into a conductor, and what it answers.

use serde::{Deserialize, Serialize};

use crate::{
    Act, Actor, Adaptive, AgentId, BudgetId, BudgetScope, Code, DecisionId, Eta, Fuse, Grant,
    LeaseId, NewTask, PermitId, Policy, Priority, Requirement, ResourceId, ResourceKind, Score,
    TaskFact, TaskId, TaskState, Tier, Time, Unblock, Unit, Window, WorkspaceId,
};

/// Pairs a command with its reply. Made by the engine, never reused while a conductor lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// A request to a conductor, on behalf of one workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The workspace of whoever asks; identifiers of others do not exist for it.
    pub workspace: WorkspaceId,
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub request: Request,
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names its struct")]
pub enum Request {
    CreateTasks(CreateTasks),
    Claim(Claim),
    /// A waiting claim whose caller went away.
    Withdraw {
        claim: Ticket,
    },
    Renew(Renew),
    Usage(ReportUsage),
    LateUsage(LateUsage),
    Complete(Complete),
    Fail(Fail),
    GiveBack(GiveBack),
    Overrule(Overrule),
    EditTask(EditTask),
    PutAgent(PutAgent),
    Heartbeat(Heartbeat),
    PutResource(PutResource),
    Throttled(Throttled),
    /// A person closes a resource until then, or opens it now (`None`).
    CloseResource(CloseResource),
    PutBudget(PutBudget),
    RemoveResource(RemoveResource),
    RemoveBudget {
        name: String,
    },
    PutPolicy(PutPolicy),
    TakePermit(TakePermit),
    ReturnPermit {
        permit: PermitId,
    },
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

/// A person (or an agent, for a handover of its own) overrules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overrule {
    /// The task.
    pub task: TaskId,
    /// What to do.
    pub act: Act,
    /// Why.
    pub reason: Option<String>,
    /// For `Boost`.
    pub boost: Option<crate::Boost>,
    /// For `Handoff`.
    pub handoff: Option<Handoff>,
    /// What the store knows, when the conductor said it does not hold the task.
    #[serde(default)]
    pub facts: Vec<TaskFact>,
}

/// To whom work is handed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handoff {
    /// The holder's epoch; a manager needs none.
    pub epoch: Option<u32>,
    /// Only this agent may take it.
    pub to_agent: Option<String>,
    /// Any agent with this capability may take it.
    pub to_capability: Option<String>,
}

/// Changes what a task needs or how it is ranked. Its text is changed where texts are kept; the
/// fields here are those the scheduler decides by. Only waiting tasks change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditTask {
    /// The task.
    pub task: TaskId,
    /// New stated priority.
    pub priority: Option<Priority>,
    /// New due date; `Some(None)` takes it away.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub due_at: Option<Option<Time>>,
    /// New class.
    pub class: Option<crate::Class>,
    /// New estimate.
    pub estimate: Option<crate::Estimate>,
    /// Other capabilities, sorted, without doubles.
    #[serde(default)]
    pub capabilities: Option<Vec<String>>,
    /// Other requirements, sorted by name, one entry a name.
    #[serde(default)]
    pub requires: Option<Vec<Requirement>>,
    /// Another agent to be pinned to, or nobody in particular (`Some("")`).
    #[serde(default)]
    pub agent: Option<String>,
    /// New text, stored in the same transaction.
    pub title: Option<String>,
    /// New text, stored in the same transaction.
    pub description: Option<String>,
    /// The version the author saw. Whoever sends this has checked it against the store; edits that
    /// were not stored by then are checked by the conductor.
    pub version: u32,
}

/// Tells an absent field from a null one.
#[expect(
    clippy::option_option,
    reason = "absent and null mean different things in a patch"
)]
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Time>>, D::Error> {
    Option::<Time>::deserialize(deserializer).map(Some)
}

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

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct PutResource {
    /// Used only for a new name.
    pub id: ResourceId,
    pub name: String,
    /// Of the pool rather than of the workspace.
    pub pool_wide: bool,
    pub kind: ResourceKind,
    pub adaptive: Option<Adaptive>,
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

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct CloseResource {
    pub resource: String,
    /// `None` opens it.
    pub until: Option<Time>,
    pub reason: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct PutBudget {
    /// Used only for a new name.
    pub id: BudgetId,
    pub name: String,
    pub scope: BudgetScope,
    pub unit: Unit,
    pub limit: u64,
    pub window: Window,
    pub soft_at: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct RemoveResource {
    pub name: String,
    pub pool_wide: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct PutPolicy {
    pub policy: Policy,
    /// The version the author saw, if it was said.
    pub version: Option<u32>,
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
    #[error("the lease is over; what is written under it is not accepted")]
    LeaseLost,
    #[error("the task is {state:?}, and that does not go with {act:?}")]
    WrongState { state: TaskState, act: Act },
    #[error("leases or permits hold some of it; close it, and remove it once they have ended")]
    Held,
    #[error("it has been changed since; read it again")]
    VersionConflict { current: u32 },
    #[error("the fuse {fuse:?} refuses: its limit is {limit}, this would make {count}")]
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
