//! LISTEN and NOTIFY: how servers tell each other what pages should show. Notices are hints: those
//! sent while a listener was away are lost, and whoever hears [`Notice::Gap`] reads again.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification, PgPoolOptions};
use tokio::time::timeout;

use crate::{Store, StoreError};

/// What pages should show.
const CHANNEL: &str = "baton_events";
/// Keys that were revoked.
pub(crate) const REVOCATIONS: &str = "baton_revocations";
/// Postgres refuses payloads of 8,000 bytes and more.
pub const MAX_PAYLOAD_BYTES: usize = 7_500;

/// A listener that hears nothing for so long asks whether its connection still lives: one that was lost
/// without a word is as silent as a quiet database.
const QUIET: Duration = Duration::from_secs(5);
/// How long the database may take to answer that.
const ANSWERS: Duration = Duration::from_secs(5);

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A payload as it was sent.
    Payload(String),
    /// A key was revoked.
    Revoked,
    /// The connection was lost and is back; notices in between are gone.
    Gap,
}

/// A connection that listens.
#[derive(Debug)]
pub struct Listener(PgListener);

impl Store {
    /// Tells every listener, this server's own included. At most [`MAX_PAYLOAD_BYTES`].
    pub async fn notify(&self, payload: &str) -> Result<(), StoreError> {
        sqlx::query!("SELECT pg_notify($1, $2)", CHANNEL, payload)
            .execute(&self.readers)
            .await?;
        Ok(())
    }

    /// Begins to listen, on a connection of its own: one that has died may not be given up at once, and
    /// nobody else is to wait for that.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        let options = (*self.readers.connect_options()).clone();
        let own = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWERS)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen_all([CHANNEL, REVOCATIONS]).await?;
        Ok(Listener(listener))
    }
}

impl Listener {
    /// Waits for the next notice. Reconnects by itself, and says that it did. An error, which may also
    /// be a connection that answers no more, ends it: listen anew.
    pub async fn next(&mut self) -> Result<Notice, StoreError> {
        loop {
            match timeout(QUIET, self.0.try_recv()).await {
                Ok(heard) => return Ok(heard?.map_or(Notice::Gap, Notice::from)),
                Err(_) => self.is_alive().await?,
            }
        }
    }

    async fn is_alive(&mut self) -> Result<(), StoreError> {
        let asked = sqlx::query!("SELECT 1 AS one").fetch_one(&mut self.0);
        match timeout(ANSWERS, asked).await {
            Ok(answered) => answered.map(drop).map_err(StoreError::from),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }
}

impl From<PgNotification> for Notice {
    fn from(told: PgNotification) -> Self {
        match told.channel() {
            REVOCATIONS => Self::Revoked,
            _ => Self::Payload(told.payload().to_owned()),
        }
    }
}
