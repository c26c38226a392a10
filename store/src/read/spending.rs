//! Who spent of a budget.

use scheduler::{BudgetScope, TaskId, Time, WorkspaceId};

use crate::convert::unsigned;
use crate::{Store, StoreError};

/// What one agent used with one model on one kind of task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The agent's name.
    pub agent: String,
    /// The model, if one was named.
    pub model: Option<String>,
    /// The kind of task.
    pub kind: String,
    /// Tokens read and written.
    pub tokens: u64,
    /// Money, in millionths of a dollar.
    pub cost_microusd: u64,
}

impl Store {
    /// Tokens and money used since an instant by a task and everything split from it.
    pub async fn spent_on_tree(
        &self,
        workspace: WorkspaceId,
        root: TaskId,
        since: Time,
    ) -> Result<(u64, u64), StoreError> {
        let spent = sqlx::query!(
            // Each step by its key: a tree is small, and what it hangs on is not.
            r#"WITH RECURSIVE tree (id) AS (
                   SELECT $2::uuid
                   UNION ALL
                   SELECT c.id FROM tree CROSS JOIN LATERAL (
                       SELECT f.id FROM task f WHERE f.workspace_id = $1 AND f.parent_id = tree.id OFFSET 0) c),
               given (lease_id) AS (
                   SELECT a.lease_id FROM tree CROSS JOIN LATERAL (
                       SELECT f.lease_id FROM attempt f
                       WHERE f.workspace_id = $1 AND f.task_id = tree.id OFFSET 0) a
                   UNION
                   SELECT e.lease_id FROM tree CROSS JOIN LATERAL (
                       SELECT f.lease_id FROM task_end f
                       WHERE f.workspace_id = $1 AND f.task_id = tree.id OFFSET 0) e
                   UNION
                   SELECT l.id FROM tree CROSS JOIN LATERAL (
                       SELECT f.id FROM lease f WHERE f.task_id = tree.id AND f.workspace_id = $1 OFFSET 0) l)
               SELECT coalesce(sum(u.input_tokens + u.output_tokens), 0)::bigint AS "tokens!",
                   coalesce(sum(u.cost_microusd), 0)::bigint AS "cost!"
               FROM given CROSS JOIN LATERAL (
                   SELECT f.input_tokens, f.output_tokens, f.cost_microusd FROM usage_report f
                   WHERE f.lease_id = given.lease_id AND f.at >= $3 OFFSET 0) u"#,
            workspace.0,
            root.0,
            since.to_datetime(),
        )
        .fetch_one(&self.readers)
        .await?;
        Ok((
            unsigned("sum of tokens", spent.tokens)?,
            unsigned("sum of money", spent.cost)?,
        ))
    }

    /// Usage since an instant (within two months, or at a midnight) that counts in a budget of that scope, by agent, model and kind. Of a
    /// task's tree nothing is told, see [`Store::spent_on_tree`].
    pub async fn spent_by(
        &self,
        workspace: WorkspaceId,
        scope: &BudgetScope,
        since: Time,
    ) -> Result<Vec<Spent>, StoreError> {
        let (agent, model) = match scope {
            BudgetScope::Workspace => (None, None),
            BudgetScope::Agent(agent) => (Some(agent.0), None),
            BudgetScope::Model(model) => (None, Some(model.as_str())),
            BudgetScope::TaskTree(_) | BudgetScope::Experiment(_) | BudgetScope::Thinking => {
                return Ok(Vec::new());
            }
        };
        let rows = sqlx::query!(
            r#"SELECT a.name AS agent, s.model, s.kind AS "kind!", s.tokens AS "tokens!", s.cost AS "cost!"
               FROM (SELECT agent_id, model, kind, sum(tokens)::bigint AS tokens, sum(cost_microusd)::bigint AS cost
                     FROM usage_since($1, $2)
                     WHERE ($3::uuid IS NULL OR agent_id = $3) AND ($4::text IS NULL OR model = $4)
                     GROUP BY agent_id, model, kind) s
               JOIN agent a ON a.id = s.agent_id AND a.workspace_id = $1"#,
            workspace.0,
            since.to_datetime(),
            agent,
            model,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Spent {
                    agent: row.agent,
                    model: row.model,
                    kind: row.kind,
                    tokens: unsigned("sum of tokens", row.tokens)?,
                    cost_microusd: unsigned("sum of money", row.cost)?,
                })
            })
            .collect()
    }
}
