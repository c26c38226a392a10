//! Workspaces and their policies.

use scheduler::{Policy, PolicyRow, PoolId, Time, WorkspaceId};

use crate::convert::{from_value, to_json, unsigned};
use crate::{Store, StoreError};

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Workspace {
    pub id: WorkspaceId,
    pub pool: PoolId,
    /// Lower case letters, digits and hyphens, at most 63; unique in the installation.
    pub slug: String,
    pub name: String,
    pub goal: String,
    pub created_at: Time,
}

impl Store {
    /// Makes a workspace with the first version of its policy. `Taken` when the slug is.
    pub async fn create_workspace(
        &self,
        workspace: &Workspace,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        let mut transaction = self.readers.begin().await?;
        insert(workspace, policy, &mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Changes what a workspace is called and for.
    pub async fn name_workspace(
        &self,
        id: WorkspaceId,
        name: &str,
        goal: &str,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE workspace SET name = $2, goal = $3 WHERE id = $1",
            id.0,
            name,
            goal
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// One workspace.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Option<Workspace>, StoreError> {
        let row = sqlx::query!(
            "SELECT id, pool_id, slug, name, goal, created_at FROM workspace WHERE id = $1",
            id.0
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| Workspace {
            id: WorkspaceId(row.id),
            pool: PoolId(row.pool_id),
            slug: row.slug,
            name: row.name,
            goal: row.goal,
            created_at: row.created_at.into(),
        }))
    }

    /// The workspace of that slug.
    pub async fn workspace_by_slug(&self, slug: &str) -> Result<Option<Workspace>, StoreError> {
        let id = sqlx::query_scalar!("SELECT id FROM workspace WHERE slug = $1", slug)
            .fetch_optional(&self.readers)
            .await?;
        match id {
            Some(id) => self.workspace(WorkspaceId(id)).await,
            None => Ok(None),
        }
    }

    /// Every workspace of the installation, by slug; for its administrators.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        let rows = sqlx::query!(
            "SELECT id, pool_id, slug, name, goal, created_at FROM workspace ORDER BY slug"
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Workspace {
                id: WorkspaceId(row.id),
                pool: PoolId(row.pool_id),
                slug: row.slug,
                name: row.name,
                goal: row.goal,
                created_at: row.created_at.into(),
            })
            .collect())
    }

    /// The latest versions of a policy, the one in force first.
    pub async fn policies(
        &self,
        workspace: WorkspaceId,
        limit: u32,
    ) -> Result<Vec<PolicyRow>, StoreError> {
        let rows = sqlx::query!(
            "SELECT version, at, policy FROM policy WHERE workspace_id = $1 ORDER BY version DESC LIMIT $2",
            workspace.0,
            i64::from(limit),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(PolicyRow {
                    workspace,
                    version: unsigned("policy's version", row.version)?,
                    at: row.at.into(),
                    policy: from_value("policy", row.policy)?,
                })
            })
            .collect()
    }

    /// The policy in force, with its version and since when.
    pub async fn policy(&self, workspace: WorkspaceId) -> Result<Option<PolicyRow>, StoreError> {
        let row = sqlx::query!(
            "SELECT version, at, policy FROM policy WHERE workspace_id = $1 ORDER BY version DESC LIMIT 1",
            workspace.0,
        )
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            Ok(PolicyRow {
                workspace,
                version: unsigned("policy's version", row.version)?,
                at: row.at.into(),
                policy: from_value("policy", row.policy)?,
            })
        })
        .transpose()
    }
}

/// Stores a workspace with the first version of its policy.
pub(crate) async fn insert(
    workspace: &Workspace,
    policy: &Policy,
    connection: &mut sqlx::PgConnection,
) -> Result<(), StoreError> {
    let made = sqlx::query!(
        "INSERT INTO workspace (id, pool_id, slug, name, goal, created_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (slug) DO NOTHING",
        workspace.id.0,
        workspace.pool.0,
        workspace.slug,
        workspace.name,
        workspace.goal,
        workspace.created_at.to_datetime(),
    )
    .execute(&mut *connection)
    .await?;
    if made.rows_affected() == 0 {
        return Err(StoreError::Taken);
    }
    sqlx::query!(
        "INSERT INTO policy (workspace_id, version, at, policy) VALUES ($1, 1, $2, $3::text::json)",
        workspace.id.0,
        workspace.created_at.to_datetime(),
        to_json(policy),
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
