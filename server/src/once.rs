//! Acts that the store makes by itself, once for each idempotency key: what the engine does for
//! those that a conductor decides.

use engine::{EngineError, IdempotencyKey};
use scheduler::Time;
use serde::Serialize;
use serde_json::Value;
use store::IdempotencyRow;
use store::idempotency::Remembered;

use crate::auth::Caller;
use crate::problem::Problem;

/// What to remember of an answer, to be stored with its effect.
pub fn row(
    once: &IdempotencyKey,
    caller: &Caller,
    answer: &impl Serialize,
    at: Time,
) -> Result<IdempotencyRow, Problem> {
    Ok(IdempotencyRow {
        workspace: caller.workspace,
        key: once.key.clone(),
        request_hash: once.request_hash,
        answer: serde_json::to_value(answer).map_err(|error| Problem::internal(&error))?,
        at,
    })
}

/// The answer given before, unless the key was used with another request then.
pub fn same(once: &IdempotencyKey, before: Remembered) -> Result<Value, Problem> {
    if before.request_hash == once.request_hash {
        Ok(before.answer)
    } else {
        Err(EngineError::IdempotencyMismatch.into())
    }
}
