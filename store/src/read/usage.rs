//! The ledger in sums.

use scheduler::{Time, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::convert::{instant, to_word, unsigned};
use crate::{Store, StoreError};

/// What usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageGroup {
    /// The agent's name.
    Agent,
    /// The model.
    Model,
    /// The kind of task.
    Kind,
    /// The experiment; reports belong to none yet, and are summed as that.
    Experiment,
    /// The UTC day, as `YYYY-MM-DD`.
    Day,
}

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UsageSum {
    /// What it is the sum of; `None` for reports that name none.
    pub group: Option<String>,
    pub reports: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
}

impl Store {
    /// Usage reported from `from` and before `to`, summed by a group; dearest first, days in order.
    pub async fn usage(
        &self,
        workspace: WorkspaceId,
        group: UsageGroup,
        from: Time,
        to: Time,
    ) -> Result<Vec<UsageSum>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT g.name AS "group", count(*) AS "reports!", sum(g.input_tokens)::bigint AS "input_tokens!",
                   sum(g.output_tokens)::bigint AS "output_tokens!", sum(g.cost_microusd)::bigint AS "cost_microusd!"
               FROM (SELECT u.*, CASE $4 WHEN 'agent' THEN a.name WHEN 'model' THEN u.model WHEN 'kind' THEN u.kind
                         WHEN 'day' THEN to_char(u.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') END AS name
                     FROM usage_report u LEFT JOIN agent a ON a.id = u.agent_id AND a.workspace_id = $1
                     WHERE u.workspace_id = $1 AND u.at >= $2 AND u.at < $3) g
               GROUP BY g.name
               ORDER BY CASE WHEN $4 = 'day' THEN g.name END, sum(g.cost_microusd) DESC, g.name"#,
            workspace.0,
            from.to_datetime(),
            to.to_datetime(),
            to_word(&group),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(UsageSum {
                    group: row.group,
                    reports: unsigned("count of reports", row.reports)?,
                    input_tokens: unsigned("sum of tokens", row.input_tokens)?,
                    output_tokens: unsigned("sum of tokens", row.output_tokens)?,
                    cost_microusd: unsigned("sum of money", row.cost_microusd)?,
                })
            })
            .collect()
    }

    /// Money spent since then (within two months, or at a midnight), in millionths of a dollar.
    pub async fn spent_since(
        &self,
        workspace: WorkspaceId,
        since: Time,
    ) -> Result<u64, StoreError> {
        let spent = sqlx::query_scalar!(
            r#"SELECT coalesce(sum(cost_microusd), 0)::bigint AS "spent!" FROM usage_since($1, $2)"#,
            workspace.0,
            since.to_datetime(),
        )
        .fetch_one(&self.readers)
        .await?;
        unsigned("sum of money", spent)
    }

    /// When the first use was reported that a workspace has since then, by the ledger.
    pub async fn first_use_since(
        &self,
        workspace: WorkspaceId,
        since: Time,
    ) -> Result<Option<Time>, StoreError> {
        let first = sqlx::query_scalar!(
            "SELECT min(at) FROM usage_report WHERE workspace_id = $1 AND at >= $2",
            workspace.0,
            since.to_datetime(),
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(instant(first))
    }
}
