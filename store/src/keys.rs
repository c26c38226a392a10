//! API keys: each opens one workspace in one role. Only the SHA-256 of a key is stored.

use scheduler::{AgentId, KeyId, Time, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::convert::{date, from_word, instant, to_word};
use crate::events::REVOCATIONS;
use crate::idempotency::{Remembered, remember};
use crate::read::{Listed, Page};
use crate::{IdempotencyRow, Store, StoreError};

pub use crate::new_key::NewKey;

/// What a key may do in its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Role))]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// One agent: works, and makes tasks.
    Agent,
    /// Reads.
    Viewer,
    /// Makes and changes tasks.
    Member,
    /// Reviews, overrules, sets limits and budgets.
    Manager,
    /// Everything in the workspace.
    Admin,
}

impl KeyRole {
    /// Every role.
    pub const ALL: [Self; 5] = [
        Self::Agent,
        Self::Viewer,
        Self::Member,
        Self::Manager,
        Self::Admin,
    ];

    /// The word in keys, forms, the API, on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }

    /// The role of that word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether this role includes `other`. An agent is beside the ladder, not on it.
    pub const fn includes(self, other: Self) -> bool {
        match (self, other) {
            (Self::Agent, Self::Agent) => true,
            (Self::Agent, _) | (_, Self::Agent) => false,
            _ => self as u8 >= other as u8,
        }
    }
}

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Key {
    pub id: KeyId,
    pub workspace: WorkspaceId,
    pub name: String,
    pub role: KeyRole,
    /// Set for agents' keys and only for those.
    pub agent: Option<AgentId>,
    /// The readable start of the key.
    pub prefix: String,
    pub created_at: Time,
    pub expires_at: Option<Time>,
    pub last_used_at: Option<Time>,
    pub revoked_at: Option<Time>,
}

/// A key as people see it in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct KeyListed {
    pub key: Key,
    /// The name of the agent it is bound to.
    pub agent: Option<String>,
}

/// A key that opens something now, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct OpenedBy {
    pub key: KeyId,
    pub name: String,
    pub workspace: WorkspaceId,
    pub pool: scheduler::PoolId,
    pub role: KeyRole,
    /// The agent an agent's key works as, with its name.
    pub agent: Option<(AgentId, String)>,
    pub expires_at: Option<Time>,
}

impl Store {
    /// Stores a new key by the SHA-256 of the whole key.
    pub async fn create_key(&self, key: &Key, hash: &[u8; 32]) -> Result<(), StoreError> {
        insert(key, hash, &mut *self.readers.acquire().await?).await
    }

    /// Stores a new key and what was answered, unless that was answered before: then that is
    /// returned, and nothing stored. The answer must not hold the key.
    pub async fn create_key_once(
        &self,
        key: &Key,
        hash: &[u8; 32],
        answer: &IdempotencyRow,
    ) -> Result<Option<Remembered>, StoreError> {
        let mut transaction = self.readers.begin().await?;
        let before = remember(answer, &mut transaction).await?;
        if before.is_none() {
            insert(key, hash, &mut transaction).await?;
            transaction.commit().await?;
        }
        Ok(before)
    }

    /// The agent of that name, made with `id` and an empty card if there is none: a key can be bound
    /// to an agent that has not been heard of yet.
    pub async fn ensure_agent(
        &self,
        workspace: WorkspaceId,
        name: &str,
        id: AgentId,
    ) -> Result<AgentId, StoreError> {
        sqlx::query!(
            "INSERT INTO agent (id, workspace_id, name, capabilities, models, card, status)
             VALUES ($1, $2, $3, '{}', '{}', '{}', 'idle') ON CONFLICT (workspace_id, name) DO NOTHING",
            id.0,
            workspace.0,
            name,
        )
        .execute(&self.readers)
        .await?;
        let id = sqlx::query_scalar!(
            "SELECT id FROM agent WHERE workspace_id = $1 AND name = $2",
            workspace.0,
            name
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(AgentId(id))
    }

    /// What a key opens at `now`; nothing once it is revoked or has run out.
    pub async fn open_by_key(
        &self,
        hash: &[u8; 32],
        now: Time,
    ) -> Result<Option<OpenedBy>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT k.id, k.name, k.workspace_id, w.pool_id, k.role, k.agent_id, a.name AS "agent_name?", k.expires_at
               FROM api_key k JOIN workspace w ON w.id = k.workspace_id
               LEFT JOIN agent a ON a.id = k.agent_id AND a.workspace_id = k.workspace_id
               WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)"#,
            hash.as_slice(),
            now.to_datetime(),
        )
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            Ok(OpenedBy {
                key: KeyId(row.id),
                name: row.name,
                workspace: WorkspaceId(row.workspace_id),
                pool: scheduler::PoolId(row.pool_id),
                role: from_word("key's role", &row.role)?,
                agent: row
                    .agent_id
                    .map(|id| (AgentId(id), row.agent_name.unwrap_or_default())),
                expires_at: instant(row.expires_at),
            })
        })
        .transpose()
    }

    /// Remembers when keys were last used; called now and then with many, not at every request.
    pub async fn touch_keys(&self, keys: &[KeyId], at: Time) -> Result<(), StoreError> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        sqlx::query!(
            "UPDATE api_key SET last_used_at = $2 WHERE id = ANY($1)",
            &ids,
            at.to_datetime()
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// Revokes a key of the workspace, and tells every server; false when there is none such. One
    /// that was revoked before stays so.
    pub async fn revoke_key(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
        at: Time,
    ) -> Result<bool, StoreError> {
        let told = sqlx::query!(
            "WITH revoked AS (
                 UPDATE api_key SET revoked_at = coalesce(revoked_at, $3)
                 WHERE workspace_id = $1 AND id = $2 RETURNING id)
             SELECT pg_notify($4, id::text) FROM revoked",
            workspace.0,
            key.0,
            at.to_datetime(),
            REVOCATIONS,
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(told.is_some())
    }

    /// A workspace's keys, newest first.
    pub async fn keys(
        &self,
        workspace: WorkspaceId,
        page: Page,
    ) -> Result<Listed<KeyListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT k.id, k.name, k.role, k.agent_id, a.name AS "agent_name?", k.prefix, k.created_at,
                      k.expires_at, k.last_used_at, k.revoked_at
               FROM api_key k LEFT JOIN agent a ON a.id = k.agent_id AND a.workspace_id = k.workspace_id
               WHERE k.workspace_id = $1 AND k.id < $2 ORDER BY k.id DESC LIMIT $3"#,
            workspace.0,
            page.below(),
            page.rows(),
        )
        .fetch_all(&self.readers)
        .await?;
        let items: Vec<_> = rows
            .into_iter()
            .map(|row| {
                let key = Key {
                    id: KeyId(row.id),
                    workspace,
                    name: row.name,
                    role: from_word("key's role", &row.role)?,
                    agent: row.agent_id.map(AgentId),
                    prefix: row.prefix,
                    created_at: row.created_at.into(),
                    expires_at: instant(row.expires_at),
                    last_used_at: instant(row.last_used_at),
                    revoked_at: instant(row.revoked_at),
                };
                Ok(KeyListed {
                    key,
                    agent: row.agent_name,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(page.listed(items, |listed| listed.key.id.0))
    }
}

async fn insert(
    key: &Key,
    hash: &[u8; 32],
    connection: &mut sqlx::PgConnection,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO api_key (id, workspace_id, name, role, agent_id, prefix, hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        key.id.0,
        key.workspace.0,
        key.name,
        to_word(&key.role),
        key.agent.map(|id| id.0),
        key.prefix,
        hash.as_slice(),
        key.created_at.to_datetime(),
        date(key.expires_at),
    )
    .execute(connection)
    .await
    .map_err(StoreError::or_taken)?;
    Ok(())
}
