//! What there is once: the servers' shared secret, the one-time set-up code, the servers alive.

use scheduler::Time;
use uuid::Uuid;

use crate::{Store, StoreError};

/// A server of this installation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Server {
    pub id: Uuid,
    pub url: String,
    pub seen_at: Time,
}

impl Store {
    /// The secret by which servers know each other; made when the schema was. Never leaves them.
    pub async fn installation_secret(&self) -> Result<Vec<u8>, StoreError> {
        Ok(sqlx::query_scalar!("SELECT secret FROM installation")
            .fetch_one(&self.readers)
            .await?)
    }

    /// Sets the SHA-256 of the one-time code for the first person, unless somebody has an account
    /// already; whether it was set. A code set before is no longer good.
    pub async fn offer_setup(&self, code_hash: &[u8; 32]) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "UPDATE installation SET setup_code_hash = $1 WHERE NOT EXISTS (SELECT FROM account)",
            code_hash.as_slice(),
        )
        .execute(&self.readers)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether nobody has an account yet.
    pub async fn needs_setup(&self) -> Result<bool, StoreError> {
        let none = sqlx::query_scalar!(r#"SELECT NOT EXISTS (SELECT FROM account) AS "none!""#)
            .fetch_one(&self.readers)
            .await?;
        Ok(none)
    }

    /// Says that a server is alive, and where.
    pub async fn server_seen(&self, server: &Server) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO server (id, url, seen_at) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen_at = excluded.seen_at",
            server.id,
            server.url,
            server.seen_at.to_datetime(),
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// The servers heard of since then, the latest first.
    pub async fn servers_since(&self, since: Time) -> Result<Vec<Server>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, url, seen_at FROM server WHERE seen_at >= $1 ORDER BY seen_at DESC",
            since.to_datetime(),
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Server {
                id: row.id,
                url: row.url,
                seen_at: row.seen_at.into(),
            })
            .collect())
    }
}
