//! Browser sessions, by the SHA-256 of their identifier. Each has two limits: it ends when it is not
//! used for a while, and at the latest so long after it began.

use scheduler::{Time, UserId};

use crate::{Store, StoreError};

/// A session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRow {
    /// SHA-256 of the identifier in the cookie.
    pub id_hash: [u8; 32],
    /// Whose it is, once somebody logged in.
    pub account: Option<UserId>,
    /// What it carries.
    pub data: serde_json::Value,
    /// When it began.
    pub created_at: Time,
    /// When it ends unless it is used.
    pub idle_expires_at: Time,
    /// When it ends in any case.
    pub absolute_expires_at: Time,
}

impl Store {
    /// Stores a new session; `Taken` when there is one of that identifier.
    pub async fn create_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO session (id_hash, account_id, data, created_at, idle_expires_at, absolute_expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            session.id_hash.as_slice(),
            session.account.map(|id| id.0),
            session.data,
            session.created_at.to_datetime(),
            session.idle_expires_at.to_datetime(),
            session.absolute_expires_at.to_datetime(),
        )
        .execute(&self.readers)
        .await
        .map_err(StoreError::or_taken)?;
        Ok(())
    }

    /// Stores what changed of a session, but never its beginning or its last end; a session unknown
    /// is stored anew.
    pub async fn save_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO session (id_hash, account_id, data, created_at, idle_expires_at, absolute_expires_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id_hash) DO UPDATE SET account_id = excluded.account_id, data = excluded.data,
                 idle_expires_at = excluded.idle_expires_at",
            session.id_hash.as_slice(),
            session.account.map(|id| id.0),
            session.data,
            session.created_at.to_datetime(),
            session.idle_expires_at.to_datetime(),
            session.absolute_expires_at.to_datetime(),
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// A session that is good at `now`: both limits ahead and its account, if any, not disabled.
    pub async fn session(
        &self,
        id_hash: &[u8; 32],
        now: Time,
    ) -> Result<Option<SessionRow>, StoreError> {
        let row = sqlx::query!(
            "SELECT s.account_id, s.data, s.created_at, s.idle_expires_at, s.absolute_expires_at
             FROM session s LEFT JOIN account a ON a.id = s.account_id
             WHERE s.id_hash = $1 AND s.idle_expires_at > $2 AND s.absolute_expires_at > $2 AND a.disabled_at IS NULL",
            id_hash.as_slice(),
            now.to_datetime(),
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| SessionRow {
            id_hash: *id_hash,
            account: row.account_id.map(UserId),
            data: row.data,
            created_at: row.created_at.into(),
            idle_expires_at: row.idle_expires_at.into(),
            absolute_expires_at: row.absolute_expires_at.into(),
        }))
    }

    /// Ends a session; false when there was none.
    pub async fn delete_session(&self, id_hash: &[u8; 32]) -> Result<bool, StoreError> {
        let done = sqlx::query!("DELETE FROM session WHERE id_hash = $1", id_hash.as_slice())
            .execute(&self.readers)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Ends a session of somebody; false when there was none such.
    pub async fn end_session_of(
        &self,
        account: UserId,
        id_hash: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "DELETE FROM session WHERE account_id = $1 AND id_hash = $2",
            account.0,
            id_hash.as_slice()
        )
        .execute(&self.readers)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Somebody's sessions that are good at `now`, the newest first.
    pub async fn sessions_of(
        &self,
        account: UserId,
        now: Time,
    ) -> Result<Vec<SessionRow>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id_hash, data, created_at, idle_expires_at, absolute_expires_at FROM session
             WHERE account_id = $1 AND idle_expires_at > $2 AND absolute_expires_at > $2 ORDER BY created_at DESC",
            account.0,
            now.to_datetime(),
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                Some(SessionRow {
                    // The length is a CHECK of the table.
                    id_hash: row.id_hash.try_into().ok()?,
                    account: Some(account),
                    data: row.data,
                    created_at: row.created_at.into(),
                    idle_expires_at: row.idle_expires_at.into(),
                    absolute_expires_at: row.absolute_expires_at.into(),
                })
            })
            .collect())
    }

    /// Ends all sessions of somebody but one; how many.
    pub async fn revoke_sessions(
        &self,
        account: UserId,
        but: Option<&[u8; 32]>,
    ) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "DELETE FROM session WHERE account_id = $1 AND id_hash IS DISTINCT FROM $2",
            account.0,
            but.map(<[u8; 32]>::as_slice),
        )
        .execute(&self.readers)
        .await?;
        Ok(done.rows_affected())
    }
}
