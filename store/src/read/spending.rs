//! Who spent of a budget.

use scheduler::{BudgetScope, Time, WorkspaceId};

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
    /// Usage since an instant (within two months, or at a midnight) that counts in a budget of that scope, by agent, model and kind. Of a
    /// task's tree nothing is told: the ledger does not know it.
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
