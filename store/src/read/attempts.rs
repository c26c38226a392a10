//! The attempts at a task, as they ended.

use scheduler::{
    AgentId, Attempt, AttemptOutcome, DecisionId, LeaseId, Needs, TaskId, TaskState, WorkspaceId,
};
use uuid::Uuid;

use crate::convert::{from_json, from_word, unsigned};
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

/// What a lease was for that was taken from its agent.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PastLease {
    pub task: TaskId,
    /// The task's parents, the nearest first.
    pub ancestors: Vec<TaskId>,
    pub needs: Needs,
    pub agent: AgentId,
    pub epoch: u32,
    pub outcome: AttemptOutcome,
    /// The task's state after.
    pub state: TaskState,
    /// A person's, if one took it.
    pub reason: Option<String>,
}

impl Store {
    /// A lease of the workspace that ran out or was revoked (whoever ended an attempt has had their
    /// say). Found by the decision that gave it, which was made in the same step: their identifiers
    /// begin with the same millisecond.
    pub async fn past_lease(
        &self,
        workspace: WorkspaceId,
        lease: LeaseId,
    ) -> Result<Option<PastLease>, StoreError> {
        let millisecond = lease.0.as_u128() >> 80;
        let [from, below] =
            [millisecond, millisecond + 1].map(|at| Uuid::from_u128(at.wrapping_shl(80)));
        let row = sqlx::query!(
            r#"SELECT a.task_id AS "task_id!", a.agent_id AS "agent_id!", a.epoch AS "epoch!", n.needs,
                   a.outcome AS "outcome!", a.state AS "state!", a.error
               FROM ended_attempt a
               JOIN task t ON t.workspace_id = $1 AND t.id = a.task_id JOIN needs n ON n.id = t.needs_id
               WHERE a.workspace_id = $1 AND a.lease_id = $2 AND a.outcome IN ('expired', 'revoked')
               AND a.task_id = ANY (ARRAY(
                   SELECT task_id FROM decision
                   WHERE workspace_id = $1 AND id >= $3 AND id < $4 AND kind = 'dispatch'))"#,
            workspace.0,
            lease.0,
            from,
            below,
        )
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let task = TaskId(row.task_id);
        let facts = self.task_facts(workspace, &[task]).await?.pop();
        Ok(Some(PastLease {
            task,
            ancestors: facts.map(|facts| facts.ancestors).unwrap_or_default(),
            needs: from_json("task's needs", &row.needs)?,
            agent: AgentId(row.agent_id),
            epoch: unsigned("lease's epoch", row.epoch)?,
            outcome: from_word("attempt's outcome", &row.outcome)?,
            state: from_word("task's state", &row.state)?,
            reason: row.error,
        }))
    }

    /// The ended attempts at a task, the first first.
    pub async fn attempts(
        &self,
        workspace: WorkspaceId,
        task: TaskId,
    ) -> Result<Vec<AttemptListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT a.lease_id AS "lease_id!", a.agent_id AS "agent_id!", coalesce(g.name, '') AS "agent_name!",
                   a.epoch AS "epoch!", a.outcome AS "outcome!", a.state AS "state!", a.granted_at AS "granted_at!",
                   a.ended_at AS "ended_at!", a.decision_id AS "decision_id!", a.error, u.input_tokens AS "input_tokens!",
                   u.output_tokens AS "output_tokens!", u.cost_microusd AS "cost_microusd!"
               FROM ended_attempt a
               LEFT JOIN agent g ON g.id = a.agent_id AND g.workspace_id = $1
               CROSS JOIN LATERAL (
                   SELECT coalesce(sum(input_tokens), 0)::bigint AS input_tokens,
                       coalesce(sum(output_tokens), 0)::bigint AS output_tokens,
                       coalesce(sum(cost_microusd), 0)::bigint AS cost_microusd
                   FROM usage_report u WHERE u.lease_id = a.lease_id AND u.workspace_id = $1) u
               WHERE a.task_id = $2 AND a.workspace_id = $1 ORDER BY a.epoch"#,
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
