//! The attempts at a task, as they ended.

use scheduler::{AgentId, Attempt, DecisionId, LeaseId, TaskId, WorkspaceId};

use crate::convert::{from_word, unsigned};
use crate::{Store, StoreError};

/// An attempt and what it used.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AttemptListed {
    pub attempt: Attempt,
    pub agent_name: String,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
}

impl Store {
    /// The ended attempts at a task, the first first.
    pub async fn attempts(
        &self,
        workspace: WorkspaceId,
        task: TaskId,
    ) -> Result<Vec<AttemptListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT a.lease_id, a.agent_id, coalesce(g.name, '') AS "agent_name!", a.epoch, a.outcome, a.state,
                   a.granted_at, a.ended_at, a.decision_id, a.error, u.input_tokens AS "input_tokens!",
                   u.output_tokens AS "output_tokens!", u.cost_microusd AS "cost_microusd!"
               FROM decision d JOIN attempt a ON a.decision_id = d.id
               LEFT JOIN agent g ON g.id = a.agent_id AND g.workspace_id = $1
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
                       coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
                       coalesce(sum(cost_microusd), 0)::bigint AS cost_microusd
                   FROM usage_report u WHERE u.lease_id = a.lease_id AND u.workspace_id = $1) u
               WHERE d.task_id = $2 AND d.workspace_id = $1 ORDER BY a.epoch"#,
            workspace.0,
            task.0,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(AttemptListed {
                    attempt: Attempt {
                        lease: LeaseId(row.lease_id),
                        task,
                        workspace,
                        agent: AgentId(row.agent_id),
                        epoch: unsigned("lease's epoch", row.epoch)?,
                        outcome: from_word("attempt's outcome", &row.outcome)?,
                        state: from_word("task's state", &row.state)?,
                        granted_at: row.granted_at.into(),
                        ended_at: row.ended_at.into(),
                        decision: DecisionId(row.decision_id),
                        error: row.error,
                    },
                    agent_name: row.agent_name,
                    input_tokens: unsigned("sum of tokens", row.input_tokens)?,
                    output_tokens: unsigned("sum of tokens", row.output_tokens)?,
                    cost_microusd: unsigned("sum of money", row.cost_microusd)?,
                })
            })
            .collect()
    }
}
