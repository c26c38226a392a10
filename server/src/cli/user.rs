//! `baton user create`.

use std::io::Read;

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use store::accounts::{Account, AccountRole, WorkspaceRole};
use store::{Store, StoreError};

use super::say;
use crate::check::is_email;
use crate::password;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an account; the password is read from standard input.
    Create {
        /// The address to sign in with.
        #[arg(long)]
        email: String,
        /// `admin` for everything in every workspace.
        #[arg(long, default_value = "member")]
        role: RoleName,
        /// A workspace to belong to, by its short name.
        #[arg(long, requires = "workspace_role")]
        workspace: Option<String>,
        /// What the person may do there.
        #[arg(long, requires = "workspace")]
        workspace_role: Option<WorkspaceRoleName>,
        /// Needed, so that no password stands in a command line.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    Admin,
    Member,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum WorkspaceRoleName {
    Viewer,
    Member,
    Manager,
    Admin,
}

impl From<RoleName> for AccountRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Member => Self::Member,
        }
    }
}

impl From<WorkspaceRoleName> for WorkspaceRole {
    fn from(name: WorkspaceRoleName) -> Self {
        match name {
            WorkspaceRoleName::Viewer => Self::Viewer,
            WorkspaceRoleName::Member => Self::Member,
            WorkspaceRoleName::Manager => Self::Manager,
            WorkspaceRoleName::Admin => Self::Admin,
        }
    }
}

pub async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let Command::Create {
        email,
        role,
        workspace,
        workspace_role,
        ..
    } = command;
    let email = email.trim().to_lowercase();
    if !is_email(&email) {
        bail!("`{email}` is no address");
    }
    let workspace = match workspace {
        None => None,
        Some(slug) => {
            let found = store.workspace_by_slug(&slug).await?;
            Some(found.with_context(|| format!("there is no workspace `{slug}`"))?)
        }
    };
    let account = Account {
        id: uuid::Uuid::now_v7().into(),
        email,
        password_hash: hashed(&read_password()?)?,
        role: role.into(),
        created_at: store.now().await?,
        disabled_at: None,
    };
    match store.create_account(&account).await {
        Ok(()) => {}
        Err(StoreError::Taken) => bail!("{} has an account already", account.email),
        Err(error) => return Err(error.into()),
    }
    if let (Some(workspace), Some(role)) = (workspace, workspace_role) {
        store
            .put_membership(account.id, workspace.id, role.into())
            .await?;
    }
    say(account.id)?;
    Ok(())
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    // A little more than any password may have, so that an endless input ends.
    std::io::stdin()
        .take(4_096)
        .read_to_string(&mut text)
        .context("reading the password")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn hashed(password: &str) -> anyhow::Result<String> {
    if let Err(fault) = password::check(password) {
        bail!("{fault}");
    }
    password::hash(password)
}
