//! Numbers for the overview.

use scheduler::{ResourceId, Time, WorkspaceId};

use crate::convert::unsigned;
use crate::{Store, StoreError};

/// Tasks of a workspace by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the states' names")]
pub struct StateCounts {
    pub backlog: u64,
    pub pending: u64,
    pub in_progress: u64,
    pub in_review: u64,
    pub done: u64,
    pub failed: u64,
    pub cancelled: u64,
}

/// A number that was counted only up to [`MOST_COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounded {
    /// How many were counted.
    pub number: u64,
    /// Whether there are more.
    pub more: bool,
}

impl Bounded {
    /// A number that is known.
    pub const fn exact(number: u64) -> Self {
        Self {
            number,
            more: false,
        }
    }

    fn counted(rows: i64) -> Result<Self, StoreError> {
        let rows = unsigned::<i64, u64>("count of tasks", rows)?;
        Ok(Self {
            number: rows.min(MOST_COUNTED),
            more: rows > MOST_COUNTED,
        })
    }
}

/// Tasks that are over, by how they ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the states' names")]
pub struct EndCounts {
    pub done: Bounded,
    pub failed: Bounded,
    pub cancelled: Bounded,
}

/// Beyond this nobody counts along.
pub const MOST_COUNTED: u64 = 1_000;

/// Provider refusals of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RefusalCount {
    pub resource: ResourceId,
    pub refusals: u64,
}

impl Store {
    /// How many tasks are in each state. Counts by indexes alone: what is common is all less what is
    /// rare.
    pub async fn state_counts(&self, workspace: WorkspaceId) -> Result<StateCounts, StoreError> {
        let row = sqlx::query!(
            r#"WITH rare_open AS (
                   SELECT state, count(*) AS n FROM open_task
                   WHERE workspace_id = $1 AND state <> 'pending' GROUP BY state),
               rare_end AS (
                   SELECT state, count(*) AS n FROM task_end
                   WHERE workspace_id = $1 AND state <> 'done' GROUP BY state)
               SELECT (SELECT count(*) FROM open_task WHERE workspace_id = $1) AS "open!",
                   (SELECT count(*) FROM task_end WHERE workspace_id = $1) AS "ended!",
                   (SELECT count(*) FROM lease WHERE workspace_id = $1) AS "leased!",
                   (SELECT coalesce(sum(n), 0) FROM rare_open)::bigint AS "not_pending!",
                   (SELECT coalesce(sum(n), 0) FROM rare_open WHERE state = 'backlog')::bigint AS "backlog!",
                   (SELECT coalesce(sum(n), 0) FROM rare_open WHERE state = 'in_review')::bigint AS "in_review!",
                   (SELECT coalesce(sum(n), 0) FROM rare_end WHERE state = 'failed')::bigint AS "failed!",
                   (SELECT coalesce(sum(n), 0) FROM rare_end WHERE state = 'cancelled')::bigint AS "cancelled!""#,
            workspace.0,
        )
        .fetch_one(&self.readers)
        .await?;
        let count = |number: i64| unsigned::<i64, u64>("count of tasks", number.max(0));
        Ok(StateCounts {
            backlog: count(row.backlog)?,
            pending: count(row.open - row.not_pending - row.leased)?,
            in_progress: count(row.leased)?,
            in_review: count(row.in_review)?,
            done: count(row.ended - row.failed - row.cancelled)?,
            failed: count(row.failed)?,
            cancelled: count(row.cancelled)?,
        })
    }

    /// How many tasks are over. What is open the conductor has counted; history only grows, so that
    /// it is counted to a bound.
    pub async fn end_counts(&self, workspace: WorkspaceId) -> Result<EndCounts, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
                 (SELECT count(*) FROM (SELECT FROM task_end WHERE workspace_id = $1 AND state = 'done'
                     ORDER BY task_id DESC LIMIT $2) d) AS "done!",
                 (SELECT count(*) FROM (SELECT FROM task_end WHERE workspace_id = $1 AND state = 'failed'
                     AND state <> 'done' ORDER BY task_id DESC LIMIT $2) f) AS "failed!",
                 (SELECT count(*) FROM (SELECT FROM task_end WHERE workspace_id = $1 AND state = 'cancelled'
                     AND state <> 'done' ORDER BY task_id DESC LIMIT $2) c) AS "cancelled!""#,
            workspace.0,
            MOST_COUNTED as i64 + 1,
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(EndCounts {
            done: Bounded::counted(row.done)?,
            failed: Bounded::counted(row.failed)?,
            cancelled: Bounded::counted(row.cancelled)?,
        })
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
