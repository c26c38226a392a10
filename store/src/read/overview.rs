//! Numbers for the overview.

use scheduler::{ResourceId, TaskState, Time, WorkspaceId};

use crate::convert::{from_word, unsigned};
use crate::{Store, StoreError};

/// Tasks that are over, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the states' names")]
pub struct EndCounts {
    pub done: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// Provider refusals of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RefusalCount {
    pub resource: ResourceId,
    pub refusals: u64,
}

impl Store {
    /// How many tasks are over. What is open the conductor has counted.
    pub async fn end_counts(&self, workspace: WorkspaceId) -> Result<EndCounts, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT state AS "state!", ends AS "ends!" FROM ends_of($1)"#,
            workspace.0
        )
        .fetch_all(&self.readers)
        .await?;
        let mut counts = EndCounts::default();
        for row in rows {
            let count = unsigned("count of tasks", row.ends)?;
            match from_word("task's state", &row.state)? {
                TaskState::Failed => counts.failed = count,
                TaskState::Cancelled => counts.cancelled = count,
                _ => counts.done = count,
            }
        }
        Ok(counts)
    }

    /// Attempts that ended since then: a minute's worth is the throughput.
    pub async fn attempts_since(
        &self,
        workspace: WorkspaceId,
        since: Time,
    ) -> Result<u64, StoreError> {
        let ended = sqlx::query_scalar!(
            r#"SELECT count(*) AS "ended!" FROM ended_attempt WHERE ended_at >= $2 AND workspace_id = $1"#,
            workspace.0,
            since.to_datetime(),
        )
        .fetch_one(&self.readers)
        .await?;
        unsigned("count of attempts", ended)
    }

    /// Provider refusals since then, of the workspace's resources and of its pool's own; resources
    /// without any are left out.
    pub async fn refusals_since(
        &self,
        workspace: WorkspaceId,
        since: Time,
    ) -> Result<Vec<RefusalCount>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT r.id, c.refusals AS "refusals!" FROM workspace w
               JOIN resource r ON r.pool_id = w.pool_id AND (r.workspace_id = w.id OR r.workspace_id IS NULL)
               CROSS JOIN LATERAL (SELECT count(*) AS refusals FROM refusal f
                                   WHERE f.resource_id = r.id AND f.at >= $2) c
               WHERE w.id = $1 AND c.refusals > 0 ORDER BY r.name"#,
            workspace.0,
            since.to_datetime(),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(RefusalCount {
                    resource: ResourceId(row.id),
                    refusals: unsigned("count of refusals", row.refusals)?,
                })
            })
            .collect()
    }
}
