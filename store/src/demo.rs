//! The demo: one workspace at a time that whoever runs it keeps alive, and that can be taken away
//! whole. See the migration that made its table for why that is possible although decisions are
//! append-only.

use scheduler::{Policy, PoolId, Span, WorkspaceId};
use uuid::Uuid;

use crate::workspaces::{Workspace, insert};
use crate::{Store, StoreError};

/// The demo there is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Demo {
    pub workspace: WorkspaceId,
    pub pool: PoolId,
    pub slug: String,
    /// Whether somebody runs it; else whoever did died.
    pub alive: bool,
    /// Whether it is being stopped.
    pub closing: bool,
}

impl Store {
    /// Makes the demo's workspace, in a pool of its own, run by `runner` for a span unless kept.
    /// `Taken` when there is a demo, or the slug is another workspace's.
    pub async fn create_demo(
        &self,
        workspace: &Workspace,
        policy: &Policy,
        runner: Uuid,
        ttl: Span,
    ) -> Result<(), StoreError> {
        let mut transaction = self.readers.begin().await?;
        sqlx::query!(
            "INSERT INTO pool (id, name) VALUES ($1, $2)",
            workspace.pool.0,
            format!("demo {}", workspace.pool.0),
        )
        .execute(&mut *transaction)
        .await?;
        insert(workspace, policy, &mut transaction).await?;
        sqlx::query!(
            "INSERT INTO demo (workspace_id, runner, expires_at)
             VALUES ($1, $2, clock_timestamp() + $3::bigint * interval '1 microsecond')",
            workspace.id.0,
            runner,
            ttl.0,
        )
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::or_taken)?;
        Ok(transaction.commit().await?)
    }

    /// The demo, if there is one.
    pub async fn demo(&self) -> Result<Option<Demo>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT w.id, w.slug, p.id AS pool, p.closing, d.expires_at > clock_timestamp() AS "alive!"
               FROM demo d JOIN workspace w ON w.id = d.workspace_id JOIN pool p ON p.id = w.pool_id"#
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| Demo {
            workspace: WorkspaceId(row.id),
            pool: PoolId(row.pool),
            slug: row.slug,
            alive: row.alive,
            closing: row.closing,
        }))
    }

    /// Keeps the demo alive for another span; false when it is to stop, or is another's or gone.
    pub async fn keep_demo(&self, runner: Uuid, ttl: Span) -> Result<bool, StoreError> {
        let kept = sqlx::query!(
            "UPDATE demo d SET expires_at = clock_timestamp() + $2::bigint * interval '1 microsecond'
             FROM workspace w JOIN pool p ON p.id = w.pool_id
             WHERE w.id = d.workspace_id AND d.runner = $1 AND NOT p.closing",
            runner,
            ttl.0,
        )
        .execute(&self.keepers)
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Has the demo stop: its pool is let go and taken no more.
    pub async fn close_demo(&self, demo: WorkspaceId) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE pool SET closing = true
             WHERE id = (SELECT w.pool_id FROM workspace w JOIN demo d ON d.workspace_id = w.id WHERE w.id = $1)",
            demo.0,
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// Takes a closed demo away, every row of it; false while its pool is still held.
    pub async fn erase_demo(&self, demo: WorkspaceId) -> Result<bool, StoreError> {
        let gone = sqlx::query_scalar!(r#"SELECT erase_demo($1) AS "gone!""#, demo.0)
            .fetch_one(&self.readers)
            .await?;
        Ok(gone)
    }
}
