//! Answers given before: the same key with the same body gets the same answer, for a day. They are
//! written in the transaction that stores their effect: a pool's flush, or one of the store's own.

use scheduler::{Time, WorkspaceId};

use crate::{IdempotencyRow, Store, StoreError};

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
        read(workspace, key, now, &mut *self.readers.acquire().await?).await
    }
}

/// Remembers an answer, or finds the one given before. Of two at the same time the second waits here
/// for the first to commit.
pub(crate) async fn remember(
    answer: &IdempotencyRow,
    transaction: &mut sqlx::PgConnection,
) -> Result<Option<Remembered>, StoreError> {
    let new = sqlx::query!(
        "INSERT INTO idempotency AS i (workspace_id, key, request_hash, answer, created_at)
         VALUES ($1, $2, $3, $4::text::json, $5)
         ON CONFLICT (workspace_id, key) DO UPDATE SET request_hash = excluded.request_hash,
             answer = excluded.answer, created_at = excluded.created_at WHERE i.created_at <= $6",
        answer.workspace.0,
        answer.key,
        answer.request_hash.as_slice(),
        answer.answer.to_string(),
        answer.at.to_datetime(),
        (answer.at - KEPT).to_datetime(),
    )
    .execute(&mut *transaction)
    .await?;
    if new.rows_affected() == 1 {
        return Ok(None);
    }
    read(answer.workspace, &answer.key, answer.at, transaction).await
}

async fn read(
    workspace: WorkspaceId,
    key: &str,
    now: Time,
    connection: &mut sqlx::PgConnection,
) -> Result<Option<Remembered>, StoreError> {
    let row = sqlx::query!(
        "SELECT request_hash, answer FROM idempotency WHERE workspace_id = $1 AND key = $2 AND created_at > $3",
        workspace.0,
        key,
        (now - KEPT).to_datetime(),
    )
    .fetch_optional(connection)
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
