//! What servers of one installation say to each other.

use scheduler::{Answer, Command, PoolId, Question, View};
use serde::{Deserialize, Serialize};
use store::TaskText;

use crate::error::EngineError;
use crate::idempotency::IdempotencyKey;
use crate::measure::Stats;

/// A command's answer, and what belongs to it but is not decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// What the conductor answered, committed.
    pub answer: Answer,
    /// The texts of the tasks of a claim's leases, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<TaskText>,
    /// Whether this answers an idempotency key again, without a new effect.
    #[serde(default)]
    pub replayed: bool,
}

/// What one server asks of the one that holds a pool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    Submit {
        pool: PoolId,
        command: Box<Command>,
        idempotency: Option<IdempotencyKey>,
    },
    View {
        pool: PoolId,
        question: Question,
    },
    Stats {
        pool: PoolId,
    },
}

/// What it is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Heard(Heard),
    View(View),
    Stats(Stats),
    Trouble(Trouble),
}

/// Why it is told nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    Busy,
    /// The pool is not held there.
    NotHere,
    Away,
    IdempotencyMismatch,
    StillRunning,
    /// What was asked could not be read: the other server is of another version.
    Unreadable,
}

impl From<&EngineError> for Trouble {
    fn from(error: &EngineError) -> Self {
        match error {
            EngineError::Busy => Self::Busy,
            EngineError::NoConductor => Self::NotHere,
            EngineError::Away | EngineError::Store(_) | EngineError::Client(_) => Self::Away,
            EngineError::IdempotencyMismatch => Self::IdempotencyMismatch,
            EngineError::StillRunning => Self::StillRunning,
        }
    }
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Busy => Self::Busy,
            Trouble::NotHere => Self::NoConductor,
            Trouble::Away | Trouble::Unreadable => Self::Away,
            Trouble::IdempotencyMismatch => Self::IdempotencyMismatch,
            Trouble::StillRunning => Self::StillRunning,
        }
    }
}
