//! What runs: leases, and permits.

use futures::TryStreamExt;
use scheduler::{
    AgentId, DecisionId, LeaseId, OpenLease, PermitId, PermitRow, Stored, TaskId, WorkspaceId,
};
use uuid::Uuid;

use crate::convert::{from_json, unsigned};
use crate::{Store, StoreError};

impl Store {
    pub(super) async fn load_leases(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let mut rows = sqlx::query!(
            "SELECT id, task_id, workspace_id, agent_id, epoch, granted_at, expires_at, grants, reservations, decision_id
             FROM lease WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch(&self.loaders);
        while let Some(row) = rows.try_next().await? {
            take(Stored::Lease(OpenLease {
                id: LeaseId(row.id),
                task: TaskId(row.task_id),
                workspace: WorkspaceId(row.workspace_id),
                agent: AgentId(row.agent_id),
                epoch: unsigned("lease's epoch", row.epoch)?,
                granted_at: row.granted_at.into(),
                expires_at: row.expires_at.into(),
                grants: from_json("lease's grants", &row.grants)?,
                reservations: from_json("lease's reservations", &row.reservations)?,
                decision: DecisionId(row.decision_id),
            }));
        }
        Ok(())
    }

    pub(super) async fn load_permits(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            "SELECT id, workspace_id, agent_id, granted_at, expires_at, grants
             FROM permit WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch_all(&self.loaders)
        .await?;
        for row in rows {
            take(Stored::Permit(PermitRow {
                id: PermitId(row.id),
                workspace: WorkspaceId(row.workspace_id),
                agent: AgentId(row.agent_id),
                granted_at: row.granted_at.into(),
                expires_at: row.expires_at.into(),
                grants: from_json("permit's grants", &row.grants)?,
            }));
        }
        Ok(())
    }
}
