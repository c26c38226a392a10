//! Postgres: the only crate with SQL. One module per concern, concrete types, no traits.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`flush`] | the one writer of what a conductor decided: a batch, fenced, in one transaction |
//! | [`pool`] | which server holds which pool: take, renew, release; the [`Fence`] of every write |
//! | [`load`] | what a conductor is made from: a pool, one workspace, facts of finished tasks |
//! | [`workspaces`] | workspaces and their first policy, by id and by slug |
//! | [`read`] | everything pages and the API list: tasks, attempts, decisions, agents, usage, overview |
//! | [`keys`] | API keys, by the hash of the whole key |
//! | [`accounts`] | people, their workspaces, and how often a login failed |
//! | [`sessions`] | browser sessions by the hash of their identifier, with idle and absolute limits |
//! | [`idempotency`] | answers given before |
//! | [`installation`] | the shared secret, the one-time set-up code, the servers alive |
//! | [`demo`] | the demo's workspace, made and taken away whole |
//! | [`partitions`] | the weeks of the decision table, made ahead |
//! | [`sums`] | what was used and how many tasks are over, summed behind the flushes |
//! | [`retention`] | takes away what has run out |
//! | [`events`] | LISTEN and NOTIFY between servers |
//!
//! Every query is checked against the migrations when it is compiled, from `.sqlx` when there is no
//! database at hand. Whoever changes a query or a migration renews that folder with
//! `cargo sqlx prepare --workspace`.
//!
//! Reads and writes of one workspace carry its identifier; another's rows do not exist for them.
//! Times are [`scheduler::Time`], passed in; the database's clock is read only to prove who holds a
//! pool ([`Store::now`] tells it to whoever passes times in).

pub mod accounts;
mod convert;
pub mod demo;
mod error;
pub mod events;
pub mod flush;
pub mod history;
pub mod idempotency;
pub mod installation;
pub mod keys;
pub mod load;
mod new_key;
pub mod partitions;
pub mod pool;
pub mod read;
pub mod retention;
pub mod sessions;
pub mod sums;
pub mod words;
pub mod workspaces;

use std::str::FromStr;
use std::time::Duration;

use scheduler::Time;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};
use tokio::time::timeout;

pub use error::{FlushError, StoreError};
pub use flush::{Batch, Flushed, IdempotencyRow, TaskText, Turn};
pub use pool::Fence;

/// The migrations this binary carries.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// How long connections may take to close: one that was lost without a word never does.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The connections kept for flushes, so that no reader can make a commit wait: one writes, one reads.
const FLUSHERS: u32 = 2;
/// Connections for loading a pool: one reads on while what the other read is taken in.
const LOADERS: u32 = 2;
/// How long those are kept after a load.
const LOADER_IDLE: Duration = Duration::from_secs(10);
/// Connections kept for holding on to pools, which must not wait for either.
const KEEPERS: u32 = 2;

/// A handle to the database; cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    readers: PgPool,
    writer: flush::Reserved,
    /// Reads what the tasks that a flush leases say, while they are being leased.
    teller: flush::Reserved,
    loaders: PgPool,
    keepers: PgPool,
}

/// Settings of the connections that load. A load walks indexes in their order: what Postgres would
/// rather do after a glance at old statistics, scan and sort on all cores, takes them from the one who
/// takes the rows in.
pub const LOADING: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("max_parallel_workers_per_gather", "0"),
    ("jit", "off"),
];

impl Store {
    /// Connects to `url` and proves that the database answers. Holds at most `max_connections`
    /// connections (at least 8), of which two are for flushes, two for loads and two for holding on to pools.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?;
        let store = Self::open(options.clone(), max_connections);
        if let Err(error) = store.now().await {
            // A pool that waited in vain does not say for what.
            return Err(match timeout(ACQUIRE_TIMEOUT, options.connect()).await {
                Ok(Err(reason)) => reason.into(),
                _ => error,
            });
        }
        Ok(store)
    }

    /// Like [`Store::connect`], but connects on first use.
    pub fn open(options: PgConnectOptions, max_connections: u32) -> Self {
        let pool = |connections: u32| {
            PgPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
        };
        let flusher = options.clone().options(flush::SETTINGS);
        let loader = options.clone().options(LOADING);
        let reader = options.options([("jit", "off")]);
        let readers = max_connections
            .saturating_sub(FLUSHERS + LOADERS + KEEPERS)
            .max(2);
        Self {
            readers: pool(readers).connect_lazy_with(reader.clone()),
            writer: flush::Reserved::new(flusher.clone()),
            teller: flush::Reserved::new(flusher),
            loaders: pool(LOADERS)
                .idle_timeout(LOADER_IDLE)
                .connect_lazy_with(loader),
            keepers: pool(KEEPERS).connect_lazy_with(reader),
        }
    }

    /// Brings the schema up to date; several servers may do it at once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        Ok(MIGRATOR.run(&self.readers).await?)
    }

    /// Whether every migration this binary carries has been applied.
    pub async fn is_migrated(&self) -> Result<bool, StoreError> {
        let applied = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM _sqlx_migrations WHERE success AND version = ANY($1)"#,
            &MIGRATOR.iter().map(|migration| migration.version).collect::<Vec<_>>(),
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(usize::try_from(applied).is_ok_and(|applied| applied == MIGRATOR.iter().count()))
    }

    /// The database's clock.
    pub async fn now(&self) -> Result<Time, StoreError> {
        let now = sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#)
            .fetch_one(&self.readers)
            .await?;
        Ok(now.into())
    }

    /// Closes every connection once its query is over, or leaves it to the database to find it gone.
    pub async fn close(&self) {
        let close = async {
            self.writer.close().await;
            self.teller.close().await;
            self.loaders.close().await;
            self.keepers.close().await;
            self.readers.close().await;
        };
        let _ = timeout(CLOSE_PATIENCE, close).await;
    }
}
