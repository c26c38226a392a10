//! People: their accounts, the workspaces they belong to, and how often a login failed.

use scheduler::{Policy, PoolId, Time, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::convert::{from_word, instant, to_word, unsigned};
use crate::workspaces::{self, Workspace};
use crate::{Store, StoreError};

/// What a person may do in the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// Everything, in every workspace.
    Admin,
    /// What the memberships allow.
    Member,
}

/// What a person may do in one workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceRole {
    /// Reads.
    Viewer,
    /// Makes and changes tasks.
    Member,
    /// Sets limits and overrules.
    Manager,
    /// Everything in the workspace.
    Admin,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Account {
    pub id: UserId,
    /// In lower case.
    pub email: String,
    /// argon2id, in PHC form.
    pub password_hash: String,
    pub role: AccountRole,
    pub created_at: Time,
    pub disabled_at: Option<Time>,
}

/// A workspace somebody belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Membership {
    pub workspace: WorkspaceId,
    pub pool: PoolId,
    pub slug: String,
    pub name: String,
    pub role: WorkspaceRole,
}

/// Failed logins since an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginFailures {
    /// Of the account, from anywhere.
    pub by_email: u32,
    /// From the address, of any account.
    pub by_address: u32,
}

impl Store {
    /// Stores a new account; `Taken` when the address has one.
    pub async fn create_account(&self, account: &Account) -> Result<(), StoreError> {
        let mut connection = self.readers.acquire().await?;
        insert(account, &mut connection).await
    }

    /// Stores the first account and its workspace and uses up the one-time code, all or nothing; false
    /// when the code is not the one offered or somebody was first. A workspace of that slug that is
    /// there already is taken as it is.
    pub async fn set_up(
        &self,
        account: &Account,
        workspace: &Workspace,
        policy: &Policy,
        code_hash: &[u8; 32],
    ) -> Result<bool, StoreError> {
        let mut transaction = self.readers.begin().await?;
        let used = sqlx::query!(
            "UPDATE installation SET setup_code_hash = NULL
             WHERE setup_code_hash = $1 AND NOT EXISTS (SELECT FROM account)",
            code_hash.as_slice(),
        )
        .execute(&mut *transaction)
        .await?;
        if used.rows_affected() == 0 {
            return Ok(false);
        }
        insert(account, &mut transaction).await?;
        match workspaces::insert(workspace, policy, &mut transaction).await {
            Ok(()) | Err(StoreError::Taken) => {}
            Err(error) => return Err(error),
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// The account of an address, whatever its case.
    pub async fn account_by_email(&self, email: &str) -> Result<Option<Account>, StoreError> {
        let id = sqlx::query_scalar!("SELECT id FROM account WHERE email = lower($1)", email)
            .fetch_optional(&self.readers)
            .await?;
        match id {
            Some(id) => self.account(UserId(id)).await,
            None => Ok(None),
        }
    }

    /// One account.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let row = sqlx::query!(
            "SELECT id, email, password_hash, role, created_at, disabled_at FROM account WHERE id = $1",
            id.0,
        )
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| {
            Ok(Account {
                id: UserId(row.id),
                email: row.email,
                password_hash: row.password_hash,
                role: from_word("account's role", &row.role)?,
                created_at: row.created_at.into(),
                disabled_at: instant(row.disabled_at),
            })
        })
        .transpose()
    }

    /// Replaces a password's hash.
    pub async fn set_password(
        &self,
        account: UserId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "UPDATE account SET password_hash = $2 WHERE id = $1",
            account.0,
            password_hash
        )
        .execute(&self.readers)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives somebody a role in a workspace, or another one.
    pub async fn put_membership(
        &self,
        account: UserId,
        workspace: WorkspaceId,
        role: WorkspaceRole,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO membership (account_id, workspace_id, role) VALUES ($1, $2, $3)
             ON CONFLICT (account_id, workspace_id) DO UPDATE SET role = excluded.role",
            account.0,
            workspace.0,
            to_word(&role),
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// The workspaces somebody may enter, by slug: an administrator of the installation all of them.
    pub async fn memberships(&self, account: UserId) -> Result<Vec<Membership>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT w.id, w.pool_id, w.slug, w.name, CASE WHEN a.role = 'admin' THEN 'admin' ELSE m.role END AS "role!"
               FROM account a CROSS JOIN workspace w
               LEFT JOIN membership m ON m.account_id = a.id AND m.workspace_id = w.id
               WHERE a.id = $1 AND (a.role = 'admin' OR m.role IS NOT NULL) ORDER BY w.slug"#,
            account.0,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Membership {
                    workspace: WorkspaceId(row.id),
                    pool: PoolId(row.pool_id),
                    slug: row.slug,
                    name: row.name,
                    role: from_word("membership's role", &row.role)?,
                })
            })
            .collect()
    }

    /// The people who belong to a workspace, by address, with their role there.
    pub async fn members(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(String, WorkspaceRole)>, StoreError> {
        let rows = sqlx::query!(
            "SELECT a.email, m.role FROM membership m JOIN account a ON a.id = m.account_id
             WHERE m.workspace_id = $1 AND a.disabled_at IS NULL ORDER BY a.email",
            workspace.0,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.email, from_word("membership's role", &row.role)?)))
            .collect()
    }

    /// Remembers how a login went.
    pub async fn login_attempted(
        &self,
        email: &str,
        address: &str,
        succeeded: bool,
        at: Time,
    ) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO login_attempt (at, email, address, succeeded) VALUES ($1, lower($2), $3, $4)",
            at.to_datetime(),
            email,
            address,
            succeeded,
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// How often logins failed since then.
    pub async fn login_failures(
        &self,
        email: &str,
        address: &str,
        since: Time,
    ) -> Result<LoginFailures, StoreError> {
        let row = sqlx::query!(
            r#"SELECT
                 (SELECT count(*) FROM login_attempt WHERE email = lower($1) AND at > $3 AND NOT succeeded) AS "by_email!",
                 (SELECT count(*) FROM login_attempt WHERE address = $2 AND at > $3 AND NOT succeeded) AS "by_address!""#,
            email,
            address,
            since.to_datetime(),
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(LoginFailures {
            by_email: unsigned("count of logins", row.by_email)?,
            by_address: unsigned("count of logins", row.by_address)?,
        })
    }
}

async fn insert(account: &Account, connection: &mut sqlx::PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO account (id, email, password_hash, role, created_at) VALUES ($1, lower($2), $3, $4, $5)",
        account.id.0,
        account.email,
        account.password_hash,
        to_word(&account.role),
        account.created_at.to_datetime(),
    )
    .execute(connection)
    .await
    .map_err(StoreError::or_taken)?;
    Ok(())
}
