//! What people decided: overrides and policies.

use serde::{Deserialize, Serialize};

use crate::{Boost, LeaseId, TaskState};

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
    pub boost: Option<Boost>,
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
