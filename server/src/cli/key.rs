//! `baton key create`.

use anyhow::{Context, bail};
use clap::{Subcommand, ValueEnum};
use scheduler::AgentId;
use store::Store;
use store::keys::{Key, KeyRole};

use crate::auth::NewKey;
use crate::check::name_fault;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key; prints it, once.
    Create {
        /// The workspace's short name.
        #[arg(long)]
        workspace: String,
        /// What the key may do.
        #[arg(long)]
        role: RoleName,
        /// The agent that an agent's key is bound to; made if it is new.
        #[arg(long)]
        agent: Option<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    Agent,
    Member,
    Manager,
    Admin,
}

impl From<RoleName> for KeyRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Agent => Self::Agent,
            RoleName::Member => Self::Member,
            RoleName::Manager => Self::Manager,
            RoleName::Admin => Self::Admin,
        }
    }
}

#[expect(clippy::print_stdout, reason = "the key is what scripts read")]
pub async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let Command::Create {
        workspace,
        role,
        agent,
    } = command;
    let workspace = store
        .workspace_by_slug(&workspace)
        .await?
        .with_context(|| format!("there is no workspace `{workspace}`"))?;
    let agent = match (role, agent) {
        (RoleName::Agent, None) => bail!("an agent's key needs --agent NAME"),
        (RoleName::Agent, Some(name)) => Some(name),
        (_, Some(_)) => bail!("--agent goes with --role agent only"),
        (_, None) => None,
    };
    if let Some(detail) = agent.as_deref().and_then(name_fault) {
        bail!("an agent's name {detail}");
    }
    let now = store.now().await?;
    let agent_id: Option<AgentId> = match &agent {
        Some(name) => Some(
            store
                .ensure_agent(workspace.id, name, uuid::Uuid::now_v7().into())
                .await?,
        ),
        None => None,
    };
    let role = KeyRole::from(role);
    let new = NewKey::generate(role.into())?;
    let key = Key {
        id: uuid::Uuid::now_v7().into(),
        workspace: workspace.id,
        name: agent.unwrap_or_else(|| new.prefix.clone()),
        role,
        agent: agent_id,
        prefix: new.prefix,
        created_at: now,
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    };
    store.create_key(&key, &new.hash).await?;
    println!("{}", new.text);
    Ok(())
}
