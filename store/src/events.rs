//! LISTEN and NOTIFY: how servers tell each other what pages should show. Notices are hints: those
//! sent while a listener was away are lost, and whoever hears [`Notice::Gap`] reads again.

use sqlx::postgres::{PgListener, PgNotification};

use crate::{Store, StoreError};

/// What pages should show.
const CHANNEL: &str = "baton_events";
/// Keys that were revoked.
pub(crate) const REVOCATIONS: &str = "baton_revocations";
/// Postgres refuses payloads of 8,000 bytes and more.
pub const MAX_PAYLOAD_BYTES: usize = 7_500;

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

    /// Begins to listen, on a connection of its own.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        let mut listener = PgListener::connect_with(&self.readers).await?;
        listener.listen_all([CHANNEL, REVOCATIONS]).await?;
        Ok(Listener(listener))
    }
}

impl Listener {
    /// Waits for the next notice. Reconnects by itself, and says that it did.
    pub async fn next(&mut self) -> Result<Notice, StoreError> {
        Ok(match self.0.try_recv().await? {
            Some(notification) => notification.into(),
            None => Notice::Gap,
        })
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
