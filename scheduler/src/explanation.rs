//! Why not yet: one object for the page, the API, the claim reply and MCP.

use serde::{Deserialize, Serialize};

use crate::{AgentId, DecisionId, LeaseId, PermitId, TaskId, TaskState, Time};

/// Why a task does not run; the worst first, tier by tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(
    missing_docs,
    reason = "the words of the contract; `words` says each in a sentence"
)]
pub enum Code {
    Misconfigured,
    NeedsApproval,
    NeverFits,
    BudgetExhausted,
    FuseBlown,
    NoEligibleAgent,
    DependencyFailed,
    DependencyPending,
    RateLimited,
    NoFreeSlot,
    BudgetWindow,
    ProviderBackoff,
    AgentsOffline,
    AgentsBusy,
    LowerPriority,
    FairShare,
    ReservedForOther,
    NotBefore,
    RetryBackoff,
    Evaluating,
}

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Tier {
    /// A person must do something.
    NeedsYou,
    /// Other tasks must finish.
    OtherWork,
    /// A limit must free up.
    Capacity,
    /// Others go first.
    Turn,
    /// An hour must come.
    Time,
    /// Less than one pass old.
    None,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 20] = [
        Self::Misconfigured,
        Self::NeedsApproval,
        Self::NeverFits,
        Self::BudgetExhausted,
        Self::FuseBlown,
        Self::NoEligibleAgent,
        Self::DependencyFailed,
        Self::DependencyPending,
        Self::RateLimited,
        Self::NoFreeSlot,
        Self::BudgetWindow,
        Self::ProviderBackoff,
        Self::AgentsOffline,
        Self::AgentsBusy,
        Self::LowerPriority,
        Self::FairShare,
        Self::ReservedForOther,
        Self::NotBefore,
        Self::RetryBackoff,
        Self::Evaluating,
    ];

    /// The tier a code belongs to.
    #[must_use]
    pub const fn tier(self) -> Tier {
        match self {
            Self::Misconfigured
            | Self::NeedsApproval
            | Self::NeverFits
            | Self::BudgetExhausted
            | Self::FuseBlown
            | Self::NoEligibleAgent
            | Self::DependencyFailed => Tier::NeedsYou,
            Self::DependencyPending => Tier::OtherWork,
            Self::RateLimited
            | Self::NoFreeSlot
            | Self::BudgetWindow
            | Self::ProviderBackoff
            | Self::AgentsOffline
            | Self::AgentsBusy => Tier::Capacity,
            Self::LowerPriority | Self::FairShare | Self::ReservedForOther => Tier::Turn,
            Self::NotBefore | Self::RetryBackoff => Tier::Time,
            Self::Evaluating => Tier::None,
        }
    }

    /// The word used in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Misconfigured => "misconfigured",
            Self::NeedsApproval => "needs_approval",
            Self::NeverFits => "never_fits",
            Self::BudgetExhausted => "budget_exhausted",
            Self::FuseBlown => "fuse_blown",
            Self::NoEligibleAgent => "no_eligible_agent",
            Self::DependencyFailed => "dependency_failed",
            Self::DependencyPending => "dependency_pending",
            Self::RateLimited => "rate_limited",
            Self::NoFreeSlot => "no_free_slot",
            Self::BudgetWindow => "budget_window",
            Self::ProviderBackoff => "provider_backoff",
            Self::AgentsOffline => "agents_offline",
            Self::AgentsBusy => "agents_busy",
            Self::LowerPriority => "lower_priority",
            Self::FairShare => "fair_share",
            Self::ReservedForOther => "reserved_for_other",
            Self::NotBefore => "not_before",
            Self::RetryBackoff => "retry_backoff",
            Self::Evaluating => "evaluating",
        }
    }
}

/// One thing that holds a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Blocker {
    /// Which.
    pub code: Code,
    /// Whose move it is.
    pub tier: Tier,
    /// Since when, as far as is known.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The resource, budget or capability it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The model that no agent has, or none of those that have the capability in `resource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Who has it now, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Holder>,
    /// The agents it is about, by name, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<String>,
    /// Those of them that finish what they have and take nothing new.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub draining: Vec<String>,
    /// Why a resource is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<crate::CloseReason>,
    /// The tasks it waits for, at most ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskId>,
    /// What there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub have: Option<f64>,
    /// What it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<f64>,
    /// What there is at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// What work of its class leaves free for others, beyond what it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<f64>,
    /// What a budget's numbers count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<crate::Unit>,
    /// What has to happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unblocks_when: Option<Unblock>,
    /// When that is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<Eta>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
}

/// Who holds part of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holder {
    /// The lease, unless a permit holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseId>,
    /// The permit, unless a lease holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permit: Option<PermitId>,
    /// Its task; absent where another workspace of the pool holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// Its agent; absent where another workspace of the pool holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// How much it holds.
    pub amount: u32,
}

/// What has to happen for a blocker to go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Unblock {
    ResourceDefined,
    LimitRaised,
    TaskReleased,
    ResultReviewed,
    AgentRegistered,
    AgentOnline,
    AgentFree,
    DependencyDone,
    DependencyRetried,
    BucketRefilled,
    SlotFreed,
    WindowReset,
    ReservationReturned,
    ResourceReopened,
    TurnCame,
    TimeReached,
    EstimateGiven,
}

/// When something is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Eta {
    /// As likely before as after.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub p50: Time,
    /// Nine times in ten before.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub p90: Time,
    /// How it was found.
    pub method: EtaMethod,
}

/// How an ETA was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EtaMethod {
    /// From the clock and the refill rate.
    Exact,
    /// By playing forward the leases held and the queue before it, with learnt durations.
    Simulated,
}

/// What a reader may do about a blocker, by the route that does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    DefineResource,
    RaiseLimit,
    ReopenResource,
    RaiseBudget,
    ReleaseTask,
    AcceptResult,
    SendBack,
    RetryDependency,
    CancelTask,
    BoostTask,
    RegisterAgent,
    EditTask,
}

/// Where a task stands in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Position {
    /// From 1.
    pub rank: u32,
    /// Tasks in the lane.
    pub of: u32,
}

/// What is decided of a task right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Verdict {
    /// It runs.
    Running,
    /// It goes to the next agent that asks.
    Dispatching,
    /// It waits, and the blockers say for what.
    NotYet,
    /// It is over.
    Ended,
}

/// Why a task is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// The task.
    pub task_id: TaskId,
    /// Its state.
    pub state: TaskState,
    /// What is decided of it.
    pub verdict: Verdict,
    /// In a colleague's words.
    pub headline: String,
    /// Its lane's name, while it waits in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<String>,
    /// Its place in the lane, while it waits in one.
    #[serde(default)]
    pub position: Option<Position>,
    /// All that holds it, worst tier first; empty only when it runs, is about to, or is over.
    pub blockers: Vec<Blocker>,
    /// The decision behind it.
    #[serde(default)]
    pub decision_id: Option<DecisionId>,
    /// When this was found.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub evaluated_at: Time,
    /// When to look again at the latest.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recheck_at: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_the_order_of_their_tiers() {
        assert!(Code::ALL.is_sorted_by_key(|code| (code.tier(), *code)));
        assert!(Code::ALL.is_sorted());
    }
}
