//! The database of this process: the one that is named, or a private one.

use anyhow::Context;
use private_postgres::PrivatePostgres;
use store::Store;
use tokio::task::spawn_blocking;

use crate::config::Config;

/// A connected, migrated store, and the private Postgres behind it if there is one.
#[derive(Debug)]
pub struct Database {
    /// The store.
    pub store: Store,
    private: Option<PrivatePostgres>,
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
            .map(PrivatePostgres::url)
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
        if let Some(private) = self.private {
            spawn_blocking(|| private.stop()).await??;
        }
        Ok(())
    }
}

async fn private(config: &Config) -> anyhow::Result<PrivatePostgres> {
    let folder = config.data_dir.clone();
    Ok(spawn_blocking(move || PrivatePostgres::start(&folder)).await??)
}
