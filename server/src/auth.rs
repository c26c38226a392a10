//! API keys: made, recognised, and remembered for a moment.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use scheduler::{Actor, AgentId, KeyId, PoolId, Span, Time, WorkspaceId};
use store::keys::{NewKey, OpenedBy};

use crate::permission::{Role, Who};
use crate::problem::Problem;
use crate::state::App;

/// How long a key is believed without asking the database, should nobody be heard to revoke one.
const BELIEVED: Duration = Duration::from_secs(3);
/// Keys remembered at most; beyond it, all are forgotten and asked for again.
const REMEMBERED: usize = 10_000;

/// How often it is looked whether a key still opens what is held open for it.
const LOOKED_AT_EVERY: Duration = Duration::from_mins(1);

/// How often a key's last use is written down.
const NOTED_EVERY: Span = Span::from_secs(60);

/// The SHA-256 of a whole key: all that is ever stored of it.
pub type KeyHash = [u8; 32];

/// The SHA-256 of a key. Keys are random, so that a slow hash would guard nothing more.
pub fn hash(key: &str) -> KeyHash {
    NewKey::hash_of(key)
}

/// Who makes a request, by its key.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Identity>);

/// What a key stands for.
#[derive(Debug)]
pub struct Identity {
    /// The key.
    pub key: KeyId,
    /// What is stored of it.
    hash: KeyHash,
    /// The count of revocations before the database was asked of it.
    as_of: u64,
    /// The key's name.
    pub name: String,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// The workspace's pool.
    pub pool: PoolId,
    /// What it may do.
    pub role: Role,
    /// The agent it is bound to: present exactly when the role is `agent`.
    pub agent: Option<(AgentId, String)>,
}

impl Deref for Caller {
    type Target = Identity;
    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl Caller {
    /// Whoever the guard let in.
    pub fn of(parts: &Parts) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::unauthenticated("This takes a key."))
    }

    /// The agent this key is bound to, with its name.
    pub fn as_agent(&self) -> Result<(AgentId, &str), Problem> {
        match &self.agent {
            Some((id, name)) => Ok((*id, name)),
            None => Err(Who::Agent
                .admit(self.role)
                .err()
                .unwrap_or_else(|| Problem::forbidden("This key is bound to no agent."))),
        }
    }

    /// How decisions name this caller.
    pub fn actor(&self) -> Actor {
        match &self.agent {
            Some((id, name)) => Actor::Agent {
                id: *id,
                name: name.clone(),
            },
            None => Actor::Key {
                id: self.key,
                name: self.name.clone(),
            },
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(parts)
    }
}

/// Lets a request pass whose key is known and allowed. Stands before every route of the API.
pub async fn guard(
    State((app, who)): State<(App, Who)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = app.keys.recognise(&app, request.headers()).await?;
    who.admit(caller.role)?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Keys seen lately. A key is looked up by its hash, so that memory holds no usable key.
#[derive(Debug, Default)]
pub struct Keys {
    seen: RwLock<HashMap<KeyHash, Seen>>,
    noted: Mutex<HashMap<KeyId, Time>>,
}

#[derive(Clone, Debug)]
struct Seen {
    caller: Option<Caller>,
    until: Instant,
    /// The count of revocations before the database was asked.
    as_of: u64,
}

impl Keys {
    async fn recognise(&self, app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
        self.look_up(app, hash(bearer(headers)?)).await
    }

    async fn look_up(&self, app: &App, hash: KeyHash) -> Result<Caller, Problem> {
        let seen = match self.fresh(&hash, app.revocations()) {
            Some(seen) => seen,
            None => self.ask(app, hash).await?,
        };
        seen.caller.ok_or_else(|| {
            Problem::unauthenticated("This key is not known here, has expired, or was revoked.")
        })
    }

    /// Ends, with what to answer, when the caller's key opens nothing any more. For what waits or
    /// streams long after its key was looked at.
    pub async fn closed(&self, app: &App, caller: &Caller) -> Problem {
        let (mut revocations, mut as_of) = (app.engine.revocations(), caller.as_of);
        loop {
            tokio::select! {
                _ = revocations.wait_for(|count| *count != as_of) => {}
                () = tokio::time::sleep(LOOKED_AT_EVERY) => {}
            }
            as_of = app.revocations();
            match self.look_up(app, caller.hash).await {
                Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => return problem,
                _ => {}
            }
        }
    }

    fn fresh(&self, hash: &KeyHash, as_of: u64) -> Option<Seen> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash)
            .filter(|seen| seen.as_of == as_of && seen.until > Instant::now())
            .cloned()
    }

    async fn ask(&self, app: &App, hash: KeyHash) -> Result<Seen, Problem> {
        let (now, as_of) = (app.now(), app.revocations());
        let opened = app.store.open_by_key(&hash, now).await?;
        let believed = opened
            .as_ref()
            .map_or(BELIEVED, |opened| believed(opened, now));
        if let Some(opened) = &opened {
            self.used(app, opened.key, now).await;
        }
        let caller = opened.map(|opened| Caller(Arc::new(Identity::new(opened, hash, as_of))));
        let seen = Seen {
            caller,
            until: Instant::now() + believed,
            as_of,
        };
        let mut all = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(hash, seen.clone());
        Ok(seen)
    }

    /// Remembers that a key is in use, once a minute at most. Losing one such note harms nobody.
    async fn used(&self, app: &App, key: KeyId, now: Time) {
        let stale = {
            let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
            if noted.len() >= REMEMBERED {
                noted.clear();
            }
            let stale = noted
                .get(&key)
                .is_none_or(|before| now.since(*before) >= NOTED_EVERY);
            if stale {
                noted.insert(key, now);
            }
            stale
        };
        if !stale {
            return;
        }
        if let Err(error) = app.store.touch_keys(&[key], now).await {
            tracing::warn!(%error, "a key's last use was not noted");
        }
    }
}

/// A key that runs out sooner is believed no longer than that.
fn believed(opened: &OpenedBy, now: Time) -> Duration {
    let left = opened.expires_at.map(|at| at.since(now).0);
    left.and_then(|us| u64::try_from(us).ok())
        .map_or(BELIEVED, |us| BELIEVED.min(Duration::from_micros(us)))
}

impl Identity {
    fn new(opened: OpenedBy, hash: KeyHash, as_of: u64) -> Self {
        let OpenedBy {
            key,
            name,
            workspace,
            pool,
            role,
            agent,
            ..
        } = opened;
        Self {
            key,
            hash,
            as_of,
            name,
            workspace,
            pool,
            role,
            agent,
        }
    }
}

/// The key that a request shows.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Problem::unauthenticated(
            "Send the key as `Authorization: Bearer baton_…`.",
        ));
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && key.len() <= 200)
        .map(|(_, key)| key.trim())
        .ok_or_else(|| Problem::unauthenticated("Send the key as `Authorization: Bearer baton_…`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_what_it_is_and_no_two_are_alike() {
        let (one, other) = (
            NewKey::generate(Role::Agent.as_str()).unwrap(),
            NewKey::generate(Role::Agent.as_str()).unwrap(),
        );
        assert!(one.text.starts_with("baton_agent_") && one.text.starts_with(&one.prefix));
        assert_eq!(one.text.len(), "baton_agent_".len() + 64);
        assert_ne!(one.text, other.text);
        assert_eq!(one.hash, hash(&one.text));
    }

    #[test]
    fn a_derived_key_is_the_same_for_the_same_maker_and_identifier_only() {
        let [id, other] = [1, 2].map(|n| KeyId(uuid::Uuid::from_u128(n)));
        let text = |of, id| NewKey::derived(Role::Member.as_str(), of, id).text;
        assert_eq!(text("baton_admin_a", id), text("baton_admin_a", id));
        assert_ne!(text("baton_admin_a", id), text("baton_admin_b", id));
        assert_ne!(text("baton_admin_a", id), text("baton_admin_a", other));
    }

    #[test]
    fn only_one_bearer_header_counts() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).is_err());
        headers.append(header::AUTHORIZATION, "bearer baton_x".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap(), "baton_x");
        headers.append(header::AUTHORIZATION, "Bearer baton_y".parse().unwrap());
        assert!(bearer(&headers).is_err());
    }
}
