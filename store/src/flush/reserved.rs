//! The connections that flushes go through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::{Mutex, MutexGuard};

/// One connection for one use, outside any pool: a pool asks a connection whether it still lives each
/// time it is taken and given back, and changes between several, each with its own plans and caches.
/// Flushes go one after the other anyway.
#[derive(Clone, Debug)]
pub(crate) struct Reserved {
    options: PgConnectOptions,
    connection: Arc<Mutex<Option<PgConnection>>>,
}

/// The connection while one flush has it. It is kept only if the flush says that it went well: one
/// that failed, or was given up half-way, is closed, and the database rolls back.
pub(crate) struct Taken<'a> {
    place: MutexGuard<'a, Option<PgConnection>>,
    connection: PgConnection,
}

impl Reserved {
    /// Connects on first use.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            connection: Arc::default(),
        }
    }

    pub(crate) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let mut place = self.connection.lock().await;
        let connection = match place.take() {
            Some(connection) => connection,
            // Boxed, because it is rare and would make every flush large.
            None => Box::pin(self.options.connect()).await?,
        };
        Ok(Taken { place, connection })
    }

    pub(crate) async fn close(&self) {
        use sqlx::Connection;

        if let Some(connection) = self.connection.lock().await.take()
            && let Err(error) = connection.close().await
        {
            // Nothing is lost: what was flushed is committed.
            drop(error);
        }
    }
}

impl Taken<'_> {
    /// The flush went well: the next one may have the connection.
    pub(crate) fn keep(mut self) {
        *self.place = Some(self.connection);
    }
}

impl Deref for Taken<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
