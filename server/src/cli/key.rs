//! `baton key create`, `list` and `revoke`.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use scheduler::{AgentId, WorkspaceId};
use store::Store;
use store::keys::{Key, KeyListed, KeyRole, NewKey};
use store::read::Page;

use super::say;
use crate::check::name_fault;

/// How long the servers may take to hear that a key is revoked. They are told without a wait, and hear
/// of it within a tenth of a second even when busy; this leaves them more, so that the key opens nothing
/// any more once the command has ended. (One that just then hears nothing asks within 3 s by itself.)
const HEARD_WITHIN: Duration = Duration::from_millis(300);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key; prints it, once.
    Create {
        /// The workspace's short name.
        #[arg(long)]
        workspace: String,
        /// What the key may do.
        #[arg(long, value_parser = roles())]
        role: KeyRole,
        /// The agent that an agent's key is bound to; made if it is new.
        #[arg(long, required_if_eq("role", "agent"), value_parser = agent_name)]
        agent: Option<String>,
    },
    /// List a workspace's keys, newest first: identifier, prefix, role, name, when last used, whether
    /// it is revoked; separated by tabs.
    List {
        /// The workspace's short name.
        #[arg(long)]
        workspace: String,
    },
    /// Revoke a key: it opens nothing any more, on any server, once this has ended.
    Revoke {
        /// The workspace's short name.
        #[arg(long)]
        workspace: String,
        /// The key's identifier, or its beginning as `baton key list` shows it.
        key: String,
    },
}

/// The roles by their words.
fn roles() -> impl TypedValueParser<Value = KeyRole> {
    PossibleValuesParser::new(KeyRole::ALL.map(KeyRole::as_str))
        .try_map(|word| KeyRole::named(&word).ok_or("there is no such role"))
}

fn agent_name(name: &str) -> Result<String, String> {
    match name_fault(name) {
        Some(detail) => Err(format!("an agent's name {detail}")),
        None => Ok(name.to_owned()),
    }
}

pub async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    match command {
        Command::Create {
            workspace,
            role,
            agent,
        } => create(&workspace, role, agent, store).await,
        Command::List { workspace } => list(&workspace, store).await,
        Command::Revoke { workspace, key } => revoke(&workspace, &key, store).await,
    }
}

async fn create(
    slug: &str,
    role: KeyRole,
    agent: Option<String>,
    store: &Store,
) -> anyhow::Result<()> {
    if agent.is_some() && role != KeyRole::Agent {
        bail!("--agent goes with --role agent only");
    }
    let workspace = workspace(slug, store).await?;
    let now = store.now().await?;
    let agent_id: Option<AgentId> = match &agent {
        Some(name) => Some(
            store
                .ensure_agent(workspace, name, uuid::Uuid::now_v7().into())
                .await?,
        ),
        None => None,
    };
    let new = NewKey::generate(role.as_str())?;
    let key = Key {
        id: uuid::Uuid::now_v7().into(),
        workspace,
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
    say(new.text)?;
    Ok(())
}

async fn list(slug: &str, store: &Store) -> anyhow::Result<()> {
    for KeyListed { key, agent } in every(workspace(slug, store).await?, store).await? {
        let role = key.role.as_str();
        let used = key.last_used_at.map(|at| at.to_string());
        let state = match (key.revoked_at, agent) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(agent)) => format!("works as {agent}"),
            (None, None) => String::new(),
        };
        say(format_args!(
            "{}\t{}\t{role}\t{}\t{}\t{state}",
            key.id,
            key.prefix,
            key.name,
            used.as_deref().unwrap_or("never used"),
        ))?;
    }
    Ok(())
}

async fn revoke(slug: &str, wanted: &str, store: &Store) -> anyhow::Result<()> {
    let workspace = workspace(slug, store).await?;
    let keys = every(workspace, store).await?;
    let mut matching = keys
        .iter()
        .map(|listed| &listed.key)
        .filter(|key| key.id.to_string() == wanted || key.prefix == wanted);
    let key = matching
        .next()
        .with_context(|| format!("the workspace `{slug}` has no key `{wanted}`"))?;
    if matching.next().is_some() {
        bail!("several keys begin with `{wanted}`: give the identifier");
    }
    store
        .revoke_key(workspace, key.id, store.now().await?)
        .await?;
    tokio::time::sleep(HEARD_WITHIN).await;
    Ok(())
}

async fn workspace(slug: &str, store: &Store) -> anyhow::Result<WorkspaceId> {
    let found = store.workspace_by_slug(slug).await?;
    let workspace = found.with_context(|| format!("there is no workspace `{slug}`"))?;
    Ok(workspace.id)
}

async fn every(workspace: WorkspaceId, store: &Store) -> anyhow::Result<Vec<KeyListed>> {
    let mut all = Vec::new();
    let mut page = Page::default();
    loop {
        let listed = store.keys(workspace, page).await?;
        all.extend(listed.items);
        page.after = listed.next;
        if page.after.is_none() {
            return Ok(all);
        }
    }
}
