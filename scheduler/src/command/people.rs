//! What people set, change and overrule.

use serde::{Deserialize, Serialize};

use crate::{
    Act, Adaptive, Boost, BudgetId, BudgetScope, Class, Estimate, Policy, Priority, Requirement,
    ResourceId, ResourceKind, TaskFact, TaskId, Time, Unit, Window,
};

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
    pub boost: Option<Boost>,
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
    pub class: Option<Class>,
    /// New estimate.
    pub estimate: Option<Estimate>,
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
pub struct RemoveResource {
    pub name: String,
    pub pool_wide: bool,
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
    /// What the ledger has for this scope since the window began, in the budget's unit: what a new
    /// budget, or one with another window, begins with. The engine fills it in.
    #[serde(default)]
    pub used: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "see `api.md`")]
pub struct PutPolicy {
    pub policy: Policy,
    /// The version the author saw, if it was said.
    pub version: Option<u32>,
}
