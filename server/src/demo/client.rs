//! The public interface, as a stranger sees it.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;

/// Longer than the longest wait for work.
const PATIENCE: Duration = Duration::from_secs(75);
/// Shorter than a server keeps an idle connection, which would else close just as it is used.
const IDLE: Duration = Duration::from_secs(20);

/// One stranger with a key.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// Why something was not done.
#[derive(Debug)]
pub enum Fault {
    /// The server answered, but not so.
    Refused(StatusCode, Value),
    /// Nobody answered.
    Away(reqwest::Error),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(status, body) => write!(f, "{status}: {body}"),
            Self::Away(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        Self::Away(error)
    }
}

impl Fault {
    /// Whether asking again later may help: the server is away, or says when to come back.
    pub fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused(status, _) => *status == StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A client that any stranger could make.
pub fn http() -> reqwest::Result<reqwest::Client> {
    // Another part of the process may have chosen a provider already; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .pool_idle_timeout(IDLE)
        .no_proxy()
        .build()
}

impl Client {
    /// Speaks to the interface of the server at `url`.
    pub fn new(http: reqwest::Client, url: &str, key: String) -> Self {
        Self {
            http,
            base: format!("{url}/api/v1"),
            key,
        }
    }

    /// Asks, and reads the answer.
    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, Fault> {
        let mut asked = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        if !body.is_null() {
            asked = asked.json(body);
        }
        let answer = asked.send().await?;
        let status = answer.status();
        let body = answer.json().await.unwrap_or_default();
        if status.is_success() {
            Ok(body)
        } else {
            Err(Fault::Refused(status, body))
        }
    }

    /// Asks for something to be done.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Fault> {
        self.ask(Method::POST, path, &body).await
    }
}
