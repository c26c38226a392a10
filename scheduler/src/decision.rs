//! What is recorded of a decision: facts only. The words are rendered from them (`words`).

mod dispatch;
mod limits;
mod overrides;

use serde::{Deserialize, Serialize};

use crate::{AgentId, DecisionId, KeyId, ResourceId, TaskId, Time, UserId, WorkspaceId};

pub use dispatch::*;
pub use limits::*;
pub use overrides::*;

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

impl Actor {
    /// Whether both are the same one, whatever they were called at the time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Scheduler, Self::Scheduler) => true,
            (Self::Agent { id, .. }, Self::Agent { id: other, .. }) => id == other,
            (Self::User { id, .. }, Self::User { id: other, .. }) => id == other,
            (Self::Key { id, .. }, Self::Key { id: other, .. }) => id == other,
            _ => false,
        }
    }
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
