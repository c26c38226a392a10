//! What is recorded of a decision: facts only. The words are rendered from them (`words`).

use serde::{Deserialize, Serialize};

use crate::{
    AgentId, AttemptOutcome, BudgetId, DecisionId, KeyId, LeaseId, Requirement, ResourceId, TaskId,
    TaskState, Time, UserId, WorkspaceId,
};

/// The sort of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum DecisionKind {
    Dispatch,
    NotYet,
    Reprioritise,
    Fuse,
    Budget,
    Throttle,
    Guardian,
    Override,
    Approval,
    Experiment,
    Policy,
    Expiry,
}

impl DecisionKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::Dispatch,
        Self::NotYet,
        Self::Reprioritise,
        Self::Fuse,
        Self::Budget,
        Self::Throttle,
        Self::Guardian,
        Self::Override,
        Self::Approval,
        Self::Experiment,
        Self::Policy,
        Self::Expiry,
    ];

    /// The word used in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::NotYet => "not_yet",
            Self::Reprioritise => "reprioritise",
            Self::Fuse => "fuse",
            Self::Budget => "budget",
            Self::Throttle => "throttle",
            Self::Guardian => "guardian",
            Self::Override => "override",
            Self::Approval => "approval",
            Self::Experiment => "experiment",
            Self::Policy => "policy",
            Self::Expiry => "expiry",
        }
    }
}

/// Who decided or asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "identifiers and names")]
pub enum Actor {
    /// Baton itself, by the policy in force.
    Scheduler,
    Agent {
        id: AgentId,
        name: String,
    },
    User {
        id: UserId,
        name: String,
    },
    Key {
        id: KeyId,
        name: String,
    },
}

/// One decision, append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// `UUIDv7`: sorts and partitions by time.
    pub id: DecisionId,
    /// The workspace whose decision it is.
    pub workspace: WorkspaceId,
    /// When.
    pub at: Time,
    /// The task it is about, if it is about one.
    pub task: Option<TaskId>,
    /// The agent it is about, if it is about one.
    pub agent: Option<AgentId>,
    /// The resource it is about, if it is about one.
    pub resource: Option<ResourceId>,
    /// Who decided.
    pub actor: Actor,
    /// The policy in force.
    pub policy_version: u32,
    /// What was decided and from what.
    pub facts: Facts,
}

impl Decision {
    /// The sort of this decision.
    #[must_use]
    pub const fn kind(&self) -> DecisionKind {
        match self.facts {
            Facts::Dispatch(_) => DecisionKind::Dispatch,
            Facts::NotYet(_) => DecisionKind::NotYet,
            Facts::Fuse(_) => DecisionKind::Fuse,
            Facts::Budget(_) => DecisionKind::Budget,
            Facts::Throttle(_) => DecisionKind::Throttle,
            Facts::Override(_) => DecisionKind::Override,
            Facts::Policy(_) => DecisionKind::Policy,
            Facts::Expiry(_) => DecisionKind::Expiry,
            Facts::Reprioritise(_) => DecisionKind::Reprioritise,
        }
    }
}

/// What a decision was made from: enough to make it again, and to say it in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names its struct")]
pub enum Facts {
    Dispatch(Box<DispatchFacts>),
    NotYet(Box<NotYetFacts>),
    Fuse(FuseFacts),
    Budget(BudgetFacts),
    Throttle(ThrottleFacts),
    Override(OverrideFacts),
    Policy(PolicyFacts),
    Expiry(ExpiryFacts),
    Reprioritise(ReprioritiseFacts),
}

/// A task was given to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DispatchFacts {
    /// The lease given.
    pub lease: LeaseId,
    /// Its epoch.
    pub epoch: u32,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// The agent's name.
    pub agent: String,
    /// The lane it headed.
    pub lane: LaneFacts,
    /// Its key among the heads compared, higher goes first.
    pub rank: i64,
    /// What made its score.
    pub factors: Vec<Factor>,
    /// How long it had waited since it could first start, in milliseconds.
    pub waited_ms: u64,
    /// Each resource it needed, before and after.
    pub resources: Vec<ResourceFact>,
    /// Each budget it was reserved in, before and after.
    pub budgets: Vec<BudgetFact>,
    /// The heads of other lanes that were compared, and why each did not go instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub considered: Vec<Considered>,
}

/// A lane's key in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneFacts {
    /// A short stable name: a hash of the key, in hex.
    pub id: String,
    /// The class.
    pub class: crate::Class,
    /// Capabilities needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Resources needed by the head.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// The one agent it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The model its work is expected to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tasks waiting in it, the head included.
    pub waiting: u32,
}

/// One part of a score: its size times its weight is its effect in points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Factor {
    /// Which factor.
    pub name: FactorName,
    /// What was measured, in the factor's own unit.
    pub value: f64,
    /// Points for one unit.
    pub weight: f64,
    /// Points it gave.
    pub effect: f64,
}

/// The factors of a score, and their units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FactorName {
    /// What the author says: low 0 to urgent 3.
    StatedPriority,
    /// Logarithm (base 2) of one more than the number of tasks behind it, transitively.
    Unblocks,
    /// Logarithm (base 2) of one more than the minutes of the longest chain of work behind it.
    CriticalPath,
    /// Nearness of the due date: 0 for more than a week away, 1 for now or past.
    DueDate,
    /// The class's band, in points.
    Class,
    /// Hours since it was created.
    Age,
    /// A person's boost, in points.
    Boost,
    /// A person's pin: before everything unpinned.
    Pin,
}

/// A resource at the moment of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceFact {
    /// Its name.
    pub name: String,
    /// `bucket` or `slots`.
    pub kind: ResourceFactKind,
    /// Capacity or number of slots, as believed.
    pub limit: f64,
    /// Available before.
    pub available: f64,
    /// Taken by this decision.
    pub taken: u32,
    /// Tokens a second, for buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill_per_s: Option<f64>,
}

/// The kinds of resource without their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum ResourceFactKind {
    Bucket,
    Slots,
}

/// A budget at the moment of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetFact {
    /// The budget.
    pub id: BudgetId,
    /// Its name.
    pub name: String,
    /// What it counts.
    pub unit: crate::Unit,
    /// Its limit.
    pub limit: u64,
    /// Settled in the window, before.
    pub settled: u64,
    /// Reserved by live leases, before.
    pub reserved: u64,
    /// Reserved by this decision.
    pub taken: u64,
}

/// Another lane's head that did not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// The head.
    pub task: TaskId,
    /// Its key.
    pub rank: i64,
    /// Why it did not go: a blocker's code; `lower_priority` for a lower key.
    pub why_not: crate::Code,
    /// The resource or budget that held it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// A lane cannot go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotYetFacts {
    /// The lane.
    pub lane: LaneFacts,
    /// What holds it.
    pub blockers: Vec<crate::Blocker>,
}

/// A fuse refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuseFacts {
    /// Which fuse.
    pub fuse: Fuse,
    /// Its limit.
    pub limit: u64,
    /// What the request would have made of it.
    pub count: u64,
    /// How often it has refused the same actor in the same minute.
    pub times: u32,
}

/// The fuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Fuse {
    DelegationDepth,
    Children,
    Pending,
    AgentCreates,
    Cycle,
}

/// A budget warned, ran out, or was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetFacts {
    /// The budget's name.
    pub name: String,
    /// What happened.
    pub event: BudgetEvent,
    /// What it counts.
    pub unit: crate::Unit,
    /// Its limit.
    pub limit: u64,
    /// Settled in the window.
    pub settled: u64,
    /// Reserved by live leases.
    pub reserved: u64,
    /// When the window turns, if it does.
    pub resets_at: Option<Time>,
}

/// What happened to a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetEvent {
    /// The soft threshold was crossed.
    Warned,
    /// The limit was reached.
    Exhausted,
    /// A person set it.
    Set,
    /// A person took it away.
    Removed,
}

/// A resource was closed, opened, lowered, raised or set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThrottleFacts {
    /// The resource's name.
    pub name: String,
    /// What happened.
    pub event: ThrottleEvent,
    /// Until when it is closed.
    pub until: Option<Time>,
    /// Refusals in a row.
    pub refusals: u32,
    /// The share of the limit now believed available.
    pub believed: f64,
    /// How it is limited, after.
    pub limit: crate::ResourceKind,
    /// A person's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What happened to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThrottleEvent {
    /// A provider refused.
    Refused,
    /// A provider's headers said less is left than believed.
    Lowered,
    /// A person closed it.
    Closed,
    /// A person opened it.
    Reopened,
    /// A person set its limit.
    Set,
    /// A person took it away.
    Removed,
}

/// A person or agent overruled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideFacts {
    /// What was done.
    pub act: Act,
    /// The task's state before and after.
    pub from: TaskState,
    /// The task's state after.
    pub to: TaskState,
    /// For a boost, how much and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boost: Option<crate::Boost>,
    /// For a handover, to whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_agent: Option<String>,
    /// The lease it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_lease: Option<LeaseId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a person may do to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum Act {
    Cancel,
    Hold,
    Release,
    Retry,
    Boost,
    Handoff,
    Edit,
}

/// The policy changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyFacts {
    /// The new version.
    pub version: u32,
    /// JSON pointers of what changed, with the value before and after.
    pub changes: Vec<PolicyChange>,
}

/// One changed value of a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// JSON pointer.
    pub pointer: String,
    /// The value before.
    pub from: serde_json::Value,
    /// The value after.
    pub to: serde_json::Value,
}

/// A lease ran out, or an override did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpiryFacts {
    /// What ran out.
    pub event: ExpiryEvent,
    /// The task's state after.
    pub to: TaskState,
    /// The attempt that ended, from 1.
    pub attempt: u16,
    /// Attempts it may have.
    pub max_attempts: u16,
    /// When it may start again.
    pub retry_at: Option<Time>,
}

/// What ran out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "identifiers and names")]
pub enum ExpiryEvent {
    /// A lease was neither renewed nor ended in time.
    Lease { lease: LeaseId, agent: String },
    /// A boost or pin reached its end.
    Boost,
}

/// A task's score changed by what is known, not by a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReprioritiseFacts {
    /// Rank before.
    pub from: i64,
    /// Rank after.
    pub to: i64,
    /// What made the new score.
    pub factors: Vec<Factor>,
}

/// How an attempt ended: what came of a dispatch decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How.
    pub outcome: AttemptOutcome,
    /// The task's state after.
    pub state: TaskState,
    /// When.
    pub at: Time,
}
