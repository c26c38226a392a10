//! From the making of the demo's workspace to its last row.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use reqwest::Method;
use scheduler::{Policy, Span};
use store::keys::{Key, KeyRole, NewKey};
use store::workspaces::Workspace;
use store::{Store, StoreError};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::client::{Client, http};
use super::feed::Feed;
use super::fleet::{Agent, Tally};
use super::provider::Provider;
use super::story;
use super::{Options, provider};

/// How long a demo is believed to live without a word from whoever runs it.
const TTL: Span = Span::from_secs(6);
/// How often that word is given, and whether to stop is asked.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// How long a pool's holder may take to let it go: longer than a dead one's hold lasts.
const LET_GO_PATIENCE: Duration = Duration::from_secs(25);
/// How long a server may take to hold a new pool.
const TAKE_PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);
/// Workspaces called `demo`, `demo-2` … that may be somebody's own.
const NAMESAKES: u32 = 9;

/// A demo that lives.
pub struct Life {
    pub store: Store,
    pub url: String,
    pub runner: Uuid,
    pub workspace: Workspace,
    pub options: Options,
    pub tally: Arc<Tally>,
}

/// Makes the workspace; none when a demo runs already.
pub async fn make(store: &Store, runner: Uuid) -> anyhow::Result<Option<Workspace>> {
    for n in 1..=NAMESAKES {
        let workspace = Workspace {
            id: Uuid::now_v7().into(),
            pool: Uuid::new_v4().into(),
            slug: if n == 1 {
                "demo".to_owned()
            } else {
                format!("demo-{n}")
            },
            name: "Demo".to_owned(),
            goal: story::GOAL.to_owned(),
            created_at: store.now().await?,
        };
        match store
            .create_demo(&workspace, &Policy::default(), runner, TTL)
            .await
        {
            Ok(()) => return Ok(Some(workspace)),
            Err(StoreError::Taken) if store.demo().await?.is_some() => return Ok(None),
            Err(StoreError::Taken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("there are workspaces demo, demo-2 … demo-{NAMESAKES} already")
}

/// Takes away what a killed demo left.
pub async fn bury(store: &Store) -> anyhow::Result<()> {
    match store.demo().await? {
        Some(demo) if !demo.alive => {
            tracing::info!("taking away a demo that was left behind");
            erase(store, demo.workspace).await
        }
        _ => Ok(()),
    }
}

/// Takes the demo away, every row of it, as soon as its pool is let go.
pub async fn erase(store: &Store, demo: scheduler::WorkspaceId) -> anyhow::Result<()> {
    store.close_demo(demo).await?;
    let began = Instant::now();
    while !store.erase_demo(demo).await? {
        let gone = store
            .demo()
            .await?
            .is_none_or(|left| left.workspace != demo);
        if gone {
            break;
        }
        ensure!(
            began.elapsed() < LET_GO_PATIENCE,
            "a server still holds the demo's pool; it is taken away at the next start"
        );
        sleep(LOOK).await;
    }
    Ok(())
}

impl Life {
    /// Lives until told to stop, here or by anybody in the database; then leaves nothing behind.
    pub async fn run(self, mut stop: watch::Receiver<bool>, begun: oneshot::Sender<()>) {
        tokio::select! {
            ended = self.work(begun) => if let Err(error) = ended {
                tracing::error!(error = format!("{error:#}"), "the demo ended");
            },
            () = self.keep() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        // By now every agent and the provider are dropped.
        if let Err(error) = erase(&self.store, self.workspace.id).await {
            tracing::error!(
                error = format!("{error:#}"),
                "the demo could not be taken away"
            );
        }
    }

    /// Says that it lives until it is to stop.
    async fn keep(&self) {
        loop {
            match self.store.keep_demo(self.runner, TTL).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(%error, "the demo could not say that it lives"),
            }
            sleep(KEEP_EVERY).await;
        }
    }

    async fn work(&self, begun: oneshot::Sender<()>) -> anyhow::Result<()> {
        let http = http()?;
        let provider = Provider::start(self.options.pace).await?;
        let manager = self.client(&http, KeyRole::Manager, "demo").await?;
        self.set_limits(&manager).await?;
        let mut fleet = JoinSet::new();
        for n in 0..self.options.agents {
            let (name, capabilities) = story::agent(n);
            let agent = Agent {
                client: self.client(&http, KeyRole::Agent, &name).await?,
                http: http.clone(),
                provider: provider.url.as_str().into(),
                pace: self.options.pace,
                tally: Arc::clone(&self.tally),
                capabilities,
                name,
            };
            fleet.spawn(agent.run());
        }
        if self.options.provoke {
            fleet.spawn(provider::burst(
                http.clone(),
                provider.url.clone(),
                self.options.pace,
            ));
        }
        // Whoever waits for the beginning may have gone.
        let _ = begun.send(());
        let feed = Feed {
            client: manager,
            trace: Arc::clone(&self.options.trace),
            pace: self.options.pace,
        };
        let fault = feed.run().await;
        Err(fault).context("handing in work")
    }

    /// Sets limits as a manager does, as soon as a server holds the new pool.
    async fn set_limits(&self, manager: &Client) -> anyhow::Result<()> {
        let began = Instant::now();
        for (path, body) in story::settings(&self.workspace.slug) {
            while let Err(fault) = manager.ask(Method::PUT, &path, &body).await {
                ensure!(
                    fault.passes() && began.elapsed() < TAKE_PATIENCE,
                    "setting {path}: {fault}"
                );
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// A stranger with a new key; an agent's is bound to the agent of that name.
    async fn client(
        &self,
        http: &reqwest::Client,
        role: KeyRole,
        name: &str,
    ) -> anyhow::Result<Client> {
        let new = NewKey::generate(role.as_str())?;
        let agent = match role {
            KeyRole::Agent => {
                let id = Uuid::now_v7().into();
                Some(self.store.ensure_agent(self.workspace.id, name, id).await?)
            }
            _ => None,
        };
        let key = Key {
            id: Uuid::now_v7().into(),
            workspace: self.workspace.id,
            name: name.to_owned(),
            role,
            agent,
            prefix: new.prefix,
            created_at: self.store.now().await?,
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        self.store.create_key(&key, &new.hash).await?;
        Ok(Client::new(http.clone(), &self.url, new.text))
    }
}
