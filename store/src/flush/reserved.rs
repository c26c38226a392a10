//! The connections that flushes go through.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Mutex, MutexGuard};

/// A connection that lay unused for so long is asked whether it still lives: a database that was
/// restarted meanwhile is no reason for a flush to fail.
const DOUBTED_AFTER: Duration = Duration::from_secs(1);

/// One connection for one use, outside any pool: a pool asks a connection whether it still lives each
/// time it is taken and given back, and changes between several, each with its own plans and caches.
/// Flushes go one after the other anyway, and only a pause between two raises a doubt.
#[derive(Clone, Debug)]
pub(crate) struct Reserved {
    options: PgConnectOptions,
    place: Arc<Mutex<Option<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    connection: PgConnection,
    since: Instant,
}

/// The connection while one flush has it. It is kept only if the flush says that it went well: one
/// that failed, or was given up half-way, is closed, and the database rolls back.
pub(crate) struct Taken<'a> {
    place: MutexGuard<'a, Option<Kept>>,
    connection: PgConnection,
}

impl Reserved {
    /// Connects on first use.
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            place: Arc::default(),
        }
    }

    pub(crate) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let mut place = self.place.lock().await;
        // Boxed, because it is rare and would make every flush large.
        let connection = match place.take() {
            Some(kept) if kept.since.elapsed() < DOUBTED_AFTER => kept.connection,
            Some(kept) => Box::pin(self.living(kept.connection)).await?,
            None => Box::pin(self.options.connect()).await?,
        };
        Ok(Taken { place, connection })
    }

    async fn living(&self, mut connection: PgConnection) -> Result<PgConnection, sqlx::Error> {
        match connection.ping().await {
            Ok(()) => Ok(connection),
            Err(_) => self.options.connect().await,
        }
    }

    pub(crate) async fn close(&self) {
        if let Some(kept) = self.place.lock().await.take()
            && let Err(error) = kept.connection.close().await
        {
            // Nothing is lost: what was flushed is committed.
            drop(error);
        }
    }
}

impl Taken<'_> {
    /// The flush went well: the next one may have the connection.
    pub(crate) fn keep(mut self) {
        *self.place = Some(Kept {
            connection: self.connection,
            since: Instant::now(),
        });
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
