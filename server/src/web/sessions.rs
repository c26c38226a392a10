//! Sessions in Postgres, behind tower-sessions' trait. The database knows a session by the hash of
//! its identifier, and ends it at two limits: when it is not used, and in any case.

use async_trait::async_trait;
use scheduler::{Span, UserId};
use sha2::{Digest, Sha256};
use store::StoreError;
use store::sessions::SessionRow;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use tower_sessions::{Expiry, SessionManagerLayer};

use crate::state::App;

/// Under this name a session keeps whose it is.
pub const ACCOUNT: &str = "account";

/// Ends a session that is not used.
const IDLE_DAYS: i64 = 7;
/// Ends every session.
const ABSOLUTE: Span = Span::from_secs(30 * 86_400);

/// The layer that reads and writes the cookie. Over plain HTTP, which is for the loopback only, the
/// cookie cannot be `Secure`, and its name cannot promise it.
pub fn layer(app: App, url: &str) -> SessionManagerLayer<Sessions> {
    let plain = is_plain_loopback(url);
    if !plain && !url.starts_with("https://") {
        tracing::warn!(
            "{url} is not https: browsers will keep no session; set BATON_PUBLIC_URL to the address people use"
        );
    }
    let name = if plain { "baton" } else { "__Host-baton" };
    SessionManagerLayer::new(Sessions { app })
        .with_name(name)
        .with_secure(!plain)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(Duration::days(IDLE_DAYS)))
}

fn is_plain_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let host = rest.split('/').next().unwrap_or_default();
    ["127.0.0.1", "[::1]", "localhost"].iter().any(|loopback| {
        host.strip_prefix(loopback)
            .is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}

/// The store.
#[derive(Clone, Debug)]
pub struct Sessions {
    app: App,
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        loop {
            match self.app.store.create_session(&self.row(record)?).await {
                Err(StoreError::Taken) => record.id = Id::default(),
                other => return other.map_err(|error| backend(&error)),
            }
        }
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        // One that was revoked while this request ran stays revoked.
        if self.load(&record.id).await?.is_none() {
            return Ok(());
        }
        let saved = self.app.store.save_session(&self.row(record)?).await;
        saved.map_err(|error| backend(&error))
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = self.app.store.session(&hash(id), self.app.now()).await;
        let Some(row) = found.map_err(|error| backend(&error))? else {
            return Ok(None);
        };
        let data = serde_json::from_value(row.data)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date: row
                .idle_expires_at
                .min(row.absolute_expires_at)
                .to_datetime(),
        }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let deleted = self.app.store.delete_session(&hash(id)).await;
        deleted.map(drop).map_err(|error| backend(&error))
    }
}

impl Sessions {
    fn row(&self, record: &Record) -> session_store::Result<SessionRow> {
        let data = serde_json::to_value(&record.data)
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        let account = record
            .data
            .get(ACCOUNT)
            .and_then(|account| serde_json::from_value::<UserId>(account.clone()).ok());
        let now = self.app.now();
        Ok(SessionRow {
            id_hash: hash(&record.id),
            account,
            data,
            created_at: now,
            idle_expires_at: record.expiry_date.into(),
            absolute_expires_at: now + ABSOLUTE,
        })
    }
}

/// By what the database knows a session.
pub fn hash(id: &Id) -> [u8; 32] {
    Sha256::digest(id.0.to_be_bytes()).into()
}

fn backend(error: &StoreError) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_loopback_is_trusted_without_encryption() {
        assert!(
            is_plain_loopback("http://127.0.0.1:3000") && is_plain_loopback("http://localhost")
        );
        assert!(
            !is_plain_loopback("http://10.0.0.7:3000") && !is_plain_loopback("https://127.0.0.1")
        );
        assert!(!is_plain_loopback("http://127.0.0.1.evil.example"));
    }
}
