//! Which task goes next, and why others do not: the facts of an order.

use serde::{Deserialize, Serialize};

use crate::{Blocker, BudgetId, Class, Code, LeaseId, Requirement, TaskId, Unit};

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

/// A lane cannot go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotYetFacts {
    /// The lane.
    pub lane: LaneFacts,
    /// What holds it.
    pub blockers: Vec<Blocker>,
}

/// A lane's key in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneFacts {
    /// A short stable name: a hash of the key, in hex.
    pub id: String,
    /// The class.
    pub class: Class,
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

/// Another lane's head that did not go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// The head.
    pub task: TaskId,
    /// Its key.
    pub rank: i64,
    /// Why it did not go: a blocker's code; `lower_priority` for a lower key.
    pub why_not: Code,
    /// The resource or budget that held it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
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
    pub unit: Unit,
    /// Its limit.
    pub limit: u64,
    /// Settled in the window, before.
    pub settled: u64,
    /// Reserved by live leases, before.
    pub reserved: u64,
    /// Reserved by this decision.
    pub taken: u64,
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
