//! What a conductor is made from.
//!
//! Rows are handed over one by one as they arrive, so that a million open tasks never stand in
//! memory twice. Workspaces come first, and tasks before leases. Whoever loads a pool has taken it
//! first, so nobody else writes what is read here.

mod facts;
mod leases;
mod open_rows;
mod settings;
mod tasks;

pub use open_rows::OPEN_TASKS;
use scheduler::{PoolId, Stored, WorkspaceId};
use uuid::Uuid;

use crate::convert::{from_value, unsigned};
use crate::{Store, StoreError};

impl Store {
    /// Reads everything of a pool.
    pub async fn load(&self, pool: PoolId, mut take: impl FnMut(Stored)) -> Result<(), StoreError> {
        let workspaces = self.load_workspaces(pool, None, &mut take).await?;
        self.load_resources(pool, None, &mut take).await?;
        self.load_rows(&workspaces, &mut take).await
    }

    /// Reads one workspace of a pool that is loaded already; false when the pool has no such.
    pub async fn load_workspace(
        &self,
        pool: PoolId,
        workspace: WorkspaceId,
        mut take: impl FnMut(Stored),
    ) -> Result<bool, StoreError> {
        let workspaces = self
            .load_workspaces(pool, Some(workspace.0), &mut take)
            .await?;
        if workspaces.is_empty() {
            return Ok(false);
        }
        self.load_resources(pool, Some(workspace.0), &mut take)
            .await?;
        self.load_rows(&workspaces, &mut take).await?;
        Ok(true)
    }

    /// Reads what people set in a pool, and its agents, but no work: workspaces, resources, budgets,
    /// agents.
    pub async fn load_settings(
        &self,
        pool: PoolId,
        mut take: impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let workspaces = self.load_workspaces(pool, None, &mut take).await?;
        self.load_resources(pool, None, &mut take).await?;
        self.load_budgets(&workspaces, &mut take).await?;
        self.load_agents(&workspaces, &mut take).await
    }

    async fn load_rows(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        self.load_budgets(workspaces, take).await?;
        self.load_agents(workspaces, take).await?;
        self.load_kinds(workspaces, take).await?;
        self.load_tasks(workspaces, take).await?;
        self.load_leases(workspaces, take).await?;
        self.load_permits(workspaces, take).await
    }

    async fn load_workspaces(
        &self,
        pool: PoolId,
        only: Option<Uuid>,
        take: &mut impl FnMut(Stored),
    ) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT w.id, p.version, p.policy FROM workspace w
               CROSS JOIN LATERAL (SELECT version, policy FROM policy p WHERE p.workspace_id = w.id
                                   ORDER BY version DESC LIMIT 1) p
               WHERE w.pool_id = $1 AND ($2::uuid IS NULL OR w.id = $2) ORDER BY w.id"#,
            pool.0,
            only,
        )
        .fetch_all(&self.loaders)
        .await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(row.id);
            take(Stored::Workspace {
                id: WorkspaceId(row.id),
                policy: from_value("policy", row.policy)?,
                policy_version: unsigned("policy's version", row.version)?,
            });
        }
        Ok(ids)
    }
}
