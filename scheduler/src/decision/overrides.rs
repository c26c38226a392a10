//! What people decided: overrides and policies.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    /// For an edit, what it changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ValueChange>,
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
    /// What changed.
    pub changes: Vec<ValueChange>,
}

/// One changed value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueChange {
    /// JSON pointer.
    pub pointer: String,
    /// The value before.
    pub from: Value,
    /// The value after. Texts are not repeated here: of them both are null.
    pub to: Value,
}

impl ValueChange {
    /// What differs between two states of a thing, each as JSON.
    pub(crate) fn between(old: &impl Serialize, new: &impl Serialize) -> Vec<Self> {
        let mut changes = Vec::new();
        if let (Ok(old), Ok(new)) = (serde_json::to_value(old), serde_json::to_value(new)) {
            differences("", &old, &new, &mut changes);
        }
        changes
    }

    /// A text was changed.
    pub(crate) fn of_text(pointer: &str) -> Self {
        Self {
            pointer: pointer.to_owned(),
            from: Value::Null,
            to: Value::Null,
        }
    }
}

fn differences(pointer: &str, old: &Value, new: &Value, changes: &mut Vec<ValueChange>) {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        if old != new {
            changes.push(ValueChange {
                pointer: pointer.to_owned(),
                from: old.clone(),
                to: new.clone(),
            });
        }
        return;
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    for name in new.keys().chain(gone) {
        let [old, new] = [old, new].map(|of| of.get(name).unwrap_or(&Value::Null));
        differences(&format!("{pointer}/{name}"), old, new, changes);
    }
}
