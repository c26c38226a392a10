//! The same key with the same body gives the same answer and one effect.
//!
//! Done at the pool's holder: keys under way stand in a set in memory, those done in Postgres,
//! written in the same flush as the effect. A key leaves the set only after that flush, so there is
//! no moment at which it stands in neither. The set dies with its conductor, whose unflushed effects
//! die with it too.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use scheduler::{Time, WorkspaceId};
use serde::{Deserialize, Serialize};
use store::IdempotencyRow;

use crate::error::EngineError;

/// What a caller sends to be answered once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Chosen by the caller, unique in its workspace for a day.
    pub key: String,
    /// SHA-256 of the method, path and body, to tell a replay from a mistake.
    pub request_hash: [u8; 32],
}

/// The keys under way at one conductor.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    running: Mutex<HashSet<(WorkspaceId, String)>>,
}

/// One key under way; leaves the set when dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    keys: Arc<Keys>,
    pub(crate) workspace: WorkspaceId,
    pub(crate) key: IdempotencyKey,
}

impl Keys {
    /// Enters the set, or says that the key is there already.
    pub(crate) fn hold(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        key: IdempotencyKey,
    ) -> Result<Hold, EngineError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.insert((workspace, key.key.clone())) {
            return Err(EngineError::StillRunning);
        }
        drop(running);
        Ok(Hold {
            keys: Arc::clone(self),
            workspace,
            key,
        })
    }
}

impl Hold {
    /// What is remembered of the answer.
    pub(crate) fn row(&self, answer: serde_json::Value, at: Time) -> IdempotencyRow {
        IdempotencyRow {
            workspace: self.workspace,
            key: self.key.key.clone(),
            request_hash: self.key.request_hash,
            answer,
            at,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let name = (self.workspace, std::mem::take(&mut self.key.key));
        self.keys
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_once_at_a_time_and_by_workspace() {
        let keys = Arc::new(Keys::default());
        let key = || IdempotencyKey {
            key: "a".into(),
            request_hash: [1; 32],
        };
        let held = keys.hold(WorkspaceId::default(), key()).unwrap();
        let again = keys.hold(WorkspaceId::default(), key());
        assert!(matches!(again, Err(EngineError::StillRunning)));
        assert!(
            keys.hold(WorkspaceId("1".repeat(32).parse().unwrap()), key())
                .is_ok()
        );
        drop(held);
        assert!(keys.hold(WorkspaceId::default(), key()).is_ok());
    }
}
