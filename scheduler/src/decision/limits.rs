//! Fuses, budgets, resources and leases that ran out: what limits did, and how they were set.

use serde::{Deserialize, Serialize};

use crate::{LeaseId, ResourceKind, TaskState, Time, Unit};

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
    pub unit: Unit,
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
    pub limit: ResourceKind,
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
