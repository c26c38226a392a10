//! Password hashing off the async threads, a little at a time.

use std::sync::Arc;

use anyhow::Context;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::password;

/// Each takes 46 MiB and a processor for a moment: a flood of logins must not take all of both.
const AT_ONCE: usize = 1;

/// Hashes and compares.
#[derive(Clone, Debug)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// The hash of nobody's password: an unknown address takes as long as a known one.
    nobody: Arc<str>,
}

impl Passwords {
    /// Makes nobody's hash.
    pub fn new() -> anyhow::Result<Self> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).context("no randomness")?;
        let nobody = password::hash(&hex::encode(secret))?.into();
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            nobody,
        })
    }

    /// Hashes.
    pub async fn hash(&self, password: String) -> anyhow::Result<String> {
        let _turn = self.turns.acquire().await?;
        spawn_blocking(move || password::hash(&password)).await?
    }

    /// Whether it is the one that was hashed. `None`, an unknown account, never matches.
    pub async fn matches(&self, password: String, hash: Option<String>) -> anyhow::Result<bool> {
        let _turn = self.turns.acquire().await?;
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let same = spawn_blocking(move || password::matches(&password, &hash)).await?;
        Ok(same && known)
    }
}
