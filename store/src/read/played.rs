//! What agents played lately: their leases, ended or not, as a score is read.
//!
//! Read from the workspace's latest dispatches, so that it costs what it shows and not what there is:
//! `LIMIT 1` makes each end be looked up by itself, whatever the planner expects.

use scheduler::{AgentId, AttemptOutcome, TaskId, Time, WorkspaceId};

use crate::convert::{from_word, instant, unsigned};
use crate::{Store, StoreError};

/// A lease, from its beginning to its end or until now.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Played {
    pub task: TaskId,
    pub title: String,
    pub agent: AgentId,
    pub granted_at: Time,
    /// How and when it ended; `None` while it runs.
    pub ended: Option<(AttemptOutcome, Time)>,
    /// The agent's last word, when it was an error.
    pub error: Option<String>,
}

/// How an agent did among the workspace's latest dispatches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AgentRecord {
    pub agent: AgentId,
    /// Attempts that ended.
    pub ended: u64,
    /// Those that completed.
    pub completed: u64,
    /// The latest error, what it was about and when.
    pub last_error: Option<(String, TaskId, Time)>,
}

impl Store {
    /// The latest leases of a workspace, the newest first: of one agent or of all, given at `since` or
    /// later. Looks at no more than `dispatches` decisions.
    pub async fn played(
        &self,
        workspace: WorkspaceId,
        agent: Option<AgentId>,
        since: Time,
        dispatches: u32,
        limit: u32,
    ) -> Result<Vec<Played>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT d.task_id AS "task_id!", t.title, d.agent_id AS "agent_id!", d.at,
                   coalesce(a.ended_at, e.at) AS "ended_at?", coalesce(a.error, e.error) AS "error?",
                   coalesce(a.outcome, attempt_outcome(e.state)) AS "outcome?"
               FROM (SELECT id, at, task_id, agent_id
                     FROM (SELECT id, at, task_id, agent_id, kind FROM decision
                           WHERE workspace_id = $1 AND id >= first_id_at($3)
                           ORDER BY id DESC LIMIT $4) latest
                     WHERE kind = 'dispatch' AND ($2::uuid IS NULL OR agent_id = $2)
                     ORDER BY id DESC LIMIT $5) d
               JOIN task t ON t.workspace_id = $1 AND t.id = d.task_id
               LEFT JOIN LATERAL (SELECT outcome, ended_at, error FROM attempt
                   WHERE decision_id = d.id AND workspace_id = $1 LIMIT 1) a ON true
               LEFT JOIN LATERAL (SELECT state, at, error FROM task_end
                   WHERE workspace_id = $1 AND task_id = d.task_id AND decision_id = d.id AND lease_id IS NOT NULL
                   LIMIT 1) e ON true
               ORDER BY d.id DESC"#,
            workspace.0,
            agent.map(|id| id.0),
            since.to_datetime(),
            i64::from(dispatches),
            i64::from(limit),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let ended = match (row.outcome, instant(row.ended_at)) {
                    (Some(word), Some(at)) => Some((from_word("attempt's outcome", &word)?, at)),
                    _ => None,
                };
                Ok(Played {
                    task: TaskId(row.task_id),
                    title: row.title,
                    agent: AgentId(row.agent_id),
                    granted_at: row.at.into(),
                    ended,
                    error: row.error,
                })
            })
            .collect()
    }

    /// How each agent did among the latest `dispatches` decisions of the workspace.
    pub async fn agent_records(
        &self,
        workspace: WorkspaceId,
        dispatches: u32,
    ) -> Result<Vec<AgentRecord>, StoreError> {
        let rows = sqlx::query!(
            r#"WITH ends AS MATERIALIZED (
                   SELECT d.agent_id, d.task_id, coalesce(a.outcome, attempt_outcome(e.state)) AS outcome,
                       coalesce(a.ended_at, e.at) AS ended_at, coalesce(a.error, e.error) AS error
                   FROM (SELECT id, kind, agent_id, task_id FROM decision WHERE workspace_id = $1
                         ORDER BY id DESC LIMIT $2) d
                   LEFT JOIN LATERAL (SELECT outcome, ended_at, error FROM attempt
                       WHERE decision_id = d.id AND workspace_id = $1 LIMIT 1) a ON true
                   LEFT JOIN LATERAL (SELECT state, at, error FROM task_end
                       WHERE workspace_id = $1 AND task_id = d.task_id AND decision_id = d.id AND lease_id IS NOT NULL
                       LIMIT 1) e ON true
                   WHERE d.kind = 'dispatch' AND (a.outcome IS NOT NULL OR e.state IS NOT NULL))
               SELECT e.agent_id AS "agent_id!", count(*) AS "ended!",
                   count(*) FILTER (WHERE e.outcome = 'completed') AS "completed!",
                   l.error AS "error?", l.task_id AS "task_id?", l.ended_at AS "ended_at?"
               FROM ends e
               LEFT JOIN (SELECT DISTINCT ON (agent_id) agent_id, error, task_id, ended_at FROM ends
                          WHERE error IS NOT NULL AND outcome NOT IN ('revoked', 'released')
                          ORDER BY agent_id, ended_at DESC) l ON l.agent_id = e.agent_id
               GROUP BY e.agent_id, l.error, l.task_id, l.ended_at"#,
            workspace.0,
            i64::from(dispatches),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let at = instant(row.ended_at);
                let last_error = row
                    .error
                    .zip(row.task_id)
                    .zip(at)
                    .map(|((error, task), at)| (error, TaskId(task), at));
                Ok(AgentRecord {
                    agent: AgentId(row.agent_id),
                    ended: unsigned("count of attempts", row.ended)?,
                    completed: unsigned("count of attempts", row.completed)?,
                    last_error,
                })
            })
            .collect()
    }
}
