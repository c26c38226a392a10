//! Answers given before: the same key with the same body gets the same answer, for a day. They are
//! written by the flush that stores their effect.

use scheduler::{Time, WorkspaceId};

use crate::{Store, StoreError};

/// How long an answer is remembered, in microseconds: 24 hours.
pub const KEPT: scheduler::Span = scheduler::Span::from_secs(24 * 3_600);

/// An answer given before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// SHA-256 of what was asked then.
    pub request_hash: [u8; 32],
    /// What was answered.
    pub answer: serde_json::Value,
}

impl Store {
    /// What was answered to this key, unless that is a day ago.
    pub async fn remembered(
        &self,
        workspace: WorkspaceId,
        key: &str,
        now: Time,
    ) -> Result<Option<Remembered>, StoreError> {
        let row = sqlx::query!(
            "SELECT request_hash, answer FROM idempotency WHERE workspace_id = $1 AND key = $2 AND created_at > $3",
            workspace.0,
            key,
            (now - KEPT).to_datetime(),
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.and_then(|row| {
            // The length is a CHECK of the table.
            let request_hash = row.request_hash.try_into().ok()?;
            Some(Remembered {
                request_hash,
                answer: row.answer,
            })
        }))
    }
}
