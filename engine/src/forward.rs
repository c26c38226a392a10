//! Asks the server that holds a pool, and answers those that ask this one.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use scheduler::{Command, Request, Time};

use crate::error::EngineError;
use crate::wire::{Ask, Told, Trouble};

/// Below the address of a server: what others of the installation ask. Followed by `submit`, `view`
/// or `stats`.
pub const INTERNAL_PATH: &str = "/internal/v1";

/// The largest question: a batch of tasks as the API takes it, grown by what is added on the way.
pub const INTERNAL_BODY_BYTES: usize = 8 << 20;

/// Within one data centre a server that lives is connected to well within this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Shorter than the other side keeps an idle connection, which would else close just as it is used.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// For what the conductor answers at once: a full batch, a slow disk.
const PATIENCE: Duration = Duration::from_secs(15);

/// Why a server did not answer; for the log.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A client for the other servers of the installation.
#[derive(Debug)]
pub(crate) struct Forwarder {
    client: reqwest::Client,
    bearer: HeaderValue,
    /// The servers that did not answer when they were last asked.
    silent: Mutex<HashSet<Box<str>>>,
    secret: Vec<u8>,
}

impl Forwarder {
    pub(crate) fn new(secret: &[u8]) -> Result<Self, EngineError> {
        // Another part of the process may have chosen a provider already; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(EngineError::Client)?;
        let secret = hex::encode(secret);
        let mut bearer = HeaderValue::try_from(format!("Bearer {secret}"))
            .unwrap_or(HeaderValue::from_static(""));
        bearer.set_sensitive(true);
        Ok(Self {
            client,
            bearer,
            silent: Mutex::default(),
            secret: secret.into_bytes(),
        })
    }

    /// Whether an `Authorization` header proves that a server of this installation asks. Takes the
    /// same time whatever it says.
    pub(crate) fn is_ours(&self, authorization: &[u8]) -> bool {
        let Some(shown) = authorization.strip_prefix(b"Bearer ") else {
            return false;
        };
        let differences = shown
            .iter()
            .zip(&self.secret)
            .fold(0, |differences, (a, b)| differences | (a ^ b));
        shown.len() == self.secret.len() && differences == 0
    }

    /// Asks the server at `url`. A server that is not there, does not answer in time, or answers
    /// nothing readable is away.
    pub(crate) async fn ask(
        &self,
        url: &str,
        ask: &Ask,
        patience: Duration,
    ) -> Result<Told, EngineError> {
        match self.exchange(url, ask, patience).await {
            Ok(told) => {
                if self.silent().remove(url) {
                    tracing::info!(url, "the server that holds the pool answers again");
                }
                match told {
                    Told::Trouble(trouble) => Err(trouble.into()),
                    told => Ok(told),
                }
            }
            Err(reason) => {
                // Said once: every request meets it until another server has taken over.
                if self.silent().insert(url.into()) {
                    tracing::warn!(url, %reason, "the server that holds the pool did not answer");
                }
                Err(EngineError::Away)
            }
        }
    }

    fn silent(&self) -> MutexGuard<'_, HashSet<Box<str>>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, url: &str, ask: &Ask, patience: Duration) -> Result<Told, BoxError> {
        let body = serde_json::to_vec(ask)?;
        let asked = self
            .client
            .post(format!("{url}{INTERNAL_PATH}/{}", path(ask)))
            .header(AUTHORIZATION, self.bearer.clone())
            .header(CONTENT_TYPE, "application/json")
            .timeout(patience)
            .body(body);
        let response = asked.send().await?;
        if !response.status().is_success() {
            return Err(response.status().to_string().into());
        }
        Ok(serde_json::from_slice(&response.bytes().await?)?)
    }
}

/// Reads a question.
pub(crate) fn read(body: &[u8]) -> Result<Ask, Told> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::warn!(%error, "another server asked what cannot be read");
        Told::Trouble(Trouble::Unreadable)
    })
}

/// How long a command may take: a claim may wait as long as it says.
pub(crate) fn patience(command: &Command, now: Time) -> Duration {
    let wait_until = match &command.request {
        Request::Claim(claim) => claim.wait_until,
        Request::TakePermit(permit) => permit.wait_until,
        _ => now,
    };
    PATIENCE + Duration::from_micros(u64::try_from(wait_until.since(now).0).unwrap_or(0))
}

/// For questions that change nothing.
pub(crate) const fn short_patience() -> Duration {
    PATIENCE
}

const fn path(ask: &Ask) -> &'static str {
    match ask {
        Ask::Submit { .. } => "submit",
        Ask::View { .. } => "view",
        Ask::Stats { .. } => "stats",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_installation_s_secret_opens() {
        let forwarder = Forwarder::new(&[0x0a, 0xff]).unwrap();
        assert!(forwarder.is_ours(b"Bearer 0aff"));
        for wrong in [
            &b"Bearer 0afe"[..],
            b"Bearer 0a",
            b"Bearer 0aff0",
            b"0aff",
            b"Bearer ",
        ] {
            assert!(!forwarder.is_ours(wrong), "{wrong:?}");
        }
    }
}
