//! `baton workspace create`.

use anyhow::bail;
use clap::Subcommand;
use scheduler::Policy;
use scheduler::bounds::{SLUG_WORDS, is_slug};
use store::workspaces::Workspace;
use store::{Store, StoreError};

use super::say;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace; prints its identifier.
    Create {
        /// Its short name: lower-case letters, digits and hyphens.
        slug: String,
        /// Its name for people; the slug unless said.
        #[arg(long)]
        name: Option<String>,
        /// What its team is after.
        #[arg(long, default_value = "")]
        goal: String,
        /// The pool it is decided in; made if it is new.
        #[arg(long, default_value = "main")]
        pool: String,
    },
}

pub async fn run(command: Command, store: &Store) -> anyhow::Result<()> {
    let Command::Create {
        slug,
        name,
        goal,
        pool,
    } = command;
    if !is_slug(&slug) {
        bail!("`{slug}` is no short name: use {SLUG_WORDS}");
    }
    let pool = store.pool_named(&pool).await?;
    let workspace = Workspace {
        id: uuid::Uuid::now_v7().into(),
        pool,
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
        goal,
        created_at: store.now().await?,
    };
    match store.create_workspace(&workspace, &Policy::default()).await {
        Ok(()) => say(workspace.id)?,
        Err(StoreError::Taken) => bail!("there is a workspace `{}` already", workspace.slug),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
