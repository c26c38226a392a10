//! The database of this process: the one that is named, or a private one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use private_postgres::PrivatePostgres;
use store::Store;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::sleep;
use tracing::{error, warn};

use crate::config::Config;

/// How often a private Postgres is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one that could not be started again is left alone.
const START_AGAIN_AFTER: Duration = Duration::from_secs(15);

/// A connected, migrated store, and the private Postgres behind it if there is one.
#[derive(Debug)]
pub struct Database {
    /// The store.
    pub store: Store,
    private: Option<Kept>,
}

impl Database {
    /// Connects to `DATABASE_URL`; when it is unset, starts a private Postgres, or shares the one
    /// that another process started. Brings the schema up to date.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        let private = match &config.database_url {
            Some(_) => None,
            None => Some(private(config).await?),
        };
        let url = private
            .as_ref()
            .map(|kept| kept.postgres.url())
            .or(config.database_url.as_deref());
        let url = url.context("there is no database")?;
        let store = Store::connect(url, config.database_connections)
            .await
            .context("the database cannot be reached; see DATABASE_URL")?;
        store
            .migrate()
            .await
            .context("bringing the schema up to date")?;
        Ok(Self { store, private })
    }

    /// Closes every connection; stops a private Postgres that nobody else uses.
    pub async fn close(self) -> anyhow::Result<()> {
        self.store.close().await;
        if let Some(kept) = self.private {
            spawn_blocking(move || kept.postgres.stop()).await??;
        }
        Ok(())
    }
}

/// A private Postgres that is started again whenever it dies.
#[derive(Debug)]
struct Kept {
    postgres: Arc<PrivatePostgres>,
    keeper: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn private(config: &Config) -> anyhow::Result<Kept> {
    let folder = config.data_dir.clone();
    let postgres = spawn_blocking(move || PrivatePostgres::start(&folder)).await??;
    let postgres = Arc::new(postgres);
    let keeper = tokio::spawn(keep(postgres.clone())).abort_handle();
    Ok(Kept { postgres, keeper })
}

/// What waits for the database meanwhile is answered 503 or tried again, as when one that is named
/// goes away.
async fn keep(postgres: Arc<PrivatePostgres>) {
    loop {
        sleep(LOOK_EVERY).await;
        let looked_at = postgres.clone();
        match spawn_blocking(move || looked_at.revive()).await {
            Ok(Ok(true)) => warn!("the private Postgres had died; it was started again"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => {
                error!("the private Postgres has died and does not start again: {error}");
                sleep(START_AGAIN_AFTER).await;
            }
            // The runtime is about to end.
            Err(_) => return,
        }
    }
}
