//! Agents, with what they do and what they cost.

use scheduler::{AgentId, AgentRow, PutAgent, Time, WorkspaceId};

use crate::convert::{from_word, instant, unsigned};
use crate::{Store, StoreError};

/// An agent in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentListed {
    /// Its card, and what it last said.
    pub agent: AgentRow,
    /// What it last said in words.
    pub detail: Option<String>,
    /// Leases it holds.
    pub running: u32,
    /// Money since the instant asked for, in millionths of a dollar.
    pub spent_microusd: u64,
}

impl Store {
    /// A workspace's agents by name, with what each spent since then.
    pub async fn agents(
        &self,
        workspace: WorkspaceId,
        spent_since: Time,
    ) -> Result<Vec<AgentListed>, StoreError> {
        self.agents_where(workspace, None, spent_since).await
    }

    /// One agent.
    pub async fn agent(
        &self,
        workspace: WorkspaceId,
        id: AgentId,
        spent_since: Time,
    ) -> Result<Option<AgentListed>, StoreError> {
        Ok(self
            .agents_where(workspace, Some(id), spent_since)
            .await?
            .pop())
    }

    /// The identifier of the agent of that name.
    pub async fn agent_named(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<Option<AgentId>, StoreError> {
        let id = sqlx::query_scalar!(
            "SELECT id FROM agent WHERE workspace_id = $1 AND name = $2",
            workspace.0,
            name
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(id.map(AgentId))
    }

    /// The agent of that name or identifier; of two, the one of that name.
    pub async fn agent_called(
        &self,
        workspace: WorkspaceId,
        called: &str,
    ) -> Result<Option<AgentId>, StoreError> {
        let id = sqlx::query_scalar!(
            "SELECT id FROM agent WHERE workspace_id = $1 AND (name = $2 OR id = $3) ORDER BY name = $2 DESC LIMIT 1",
            workspace.0,
            called,
            called.parse::<AgentId>().ok().map(|id| id.0),
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(id.map(AgentId))
    }

    /// A workspace's agents by name: those too that have a key and were never heard of.
    pub async fn agent_names(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(AgentId, String)>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, name FROM agent WHERE workspace_id = $1 ORDER BY name",
            workspace.0
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (AgentId(row.id), row.name))
            .collect())
    }

    async fn agents_where(
        &self,
        workspace: WorkspaceId,
        only: Option<AgentId>,
        spent_since: Time,
    ) -> Result<Vec<AgentListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT a.id, a.name, a.capabilities, a.models, a.max_concurrency, a.card, a.seen_at, a.status, a.detail,
                   coalesce(l.running, 0) AS "running!", coalesce(u.spent, 0)::bigint AS "spent!"
               FROM agent a
               LEFT JOIN (SELECT agent_id, count(*) AS running FROM lease
                          WHERE workspace_id = $1 GROUP BY agent_id) l ON l.agent_id = a.id
               LEFT JOIN (SELECT agent_id, sum(cost_microusd) AS spent FROM usage_since($1, $3)
                          GROUP BY agent_id) u ON u.agent_id = a.id
               WHERE a.workspace_id = $1 AND ($2::uuid IS NULL OR a.id = $2) ORDER BY a.name"#,
            workspace.0,
            only.map(|id| id.0),
            spent_since.to_datetime(),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(AgentListed {
                    agent: AgentRow {
                        workspace,
                        card: PutAgent {
                            id: AgentId(row.id),
                            name: row.name,
                            capabilities: row.capabilities,
                            models: row.models,
                            max_concurrency: row.max_concurrency.map(i32::cast_unsigned),
                            card: row.card,
                        },
                        seen_at: instant(row.seen_at),
                        status: from_word("agent's status", &row.status)?,
                    },
                    detail: row.detail,
                    running: unsigned("count of leases", row.running)?,
                    spent_microusd: unsigned("sum of money", row.spent)?,
                })
            })
            .collect()
    }
}
