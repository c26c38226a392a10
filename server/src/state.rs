//! What every request can reach.

use std::ops::Deref;
use std::sync::Arc;

use engine::{Engine, EngineError, Heard, IdempotencyKey, Stats};
use scheduler::{Command, Query, Question, Reply, Request, Time, View};
use store::{Store, StoreError};
use tokio::sync::watch;

use crate::auth::{Caller, Keys};
use crate::problem::Problem;
use axum::http::StatusCode;

/// The process's parts; cheap to clone.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// What [`App`] shares.
#[derive(Debug)]
pub struct Parts {
    /// Postgres.
    pub store: Store,
    /// The conductors, here or elsewhere.
    pub engine: Engine,
    /// API keys seen lately.
    pub keys: Keys,
    /// Turns true when the server is about to stop: streams end.
    pub stopping: watch::Receiver<bool>,
    revocations: watch::Receiver<u64>,
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// All parts together.
    pub fn new(store: Store, engine: Engine, stopping: watch::Receiver<bool>) -> Self {
        Self(Arc::new(Parts {
            revocations: engine.revocations(),
            store,
            engine,
            keys: Keys::default(),
            stopping,
        }))
    }

    /// How often keys may have been revoked since the start.
    pub fn revocations(&self) -> u64 {
        *self.revocations.borrow()
    }

    /// The database's time.
    pub fn now(&self) -> Time {
        self.engine.now()
    }

    /// Hands a request of `caller` to its pool's conductor.
    pub async fn submit(
        &self,
        caller: &Caller,
        request: Request,
        once: Option<IdempotencyKey>,
    ) -> Result<Heard, Problem> {
        let command = Command {
            workspace: caller.workspace,
            actor: caller.actor(),
            request,
        };
        Ok(self.engine.submit(caller.pool, command, once).await?)
    }

    /// Like [`App::submit`], for requests that may wait long: given up once the caller's key opens
    /// nothing any more.
    pub async fn submit_and_wait(
        &self,
        caller: &Caller,
        request: Request,
        once: Option<IdempotencyKey>,
    ) -> Result<Heard, Problem> {
        tokio::select! {
            biased;
            heard = self.submit(caller, request, once) => heard,
            problem = self.keys.closed(self, caller) => Err(problem),
        }
    }

    /// Like [`App::submit`], for requests whose refusals need no more than their own words.
    pub async fn carry_out(
        &self,
        caller: &Caller,
        request: Request,
        once: Option<IdempotencyKey>,
    ) -> Result<Reply, Problem> {
        Ok(self.submit(caller, request, once).await?.answer?)
    }

    /// Asks the caller's pool's conductor about the caller's workspace.
    pub async fn ask(&self, caller: &Caller, query: Query) -> Result<View, Problem> {
        let question = Question {
            workspace: caller.workspace,
            query,
        };
        let answered = self.engine.view(caller.pool, question).await;
        answered.map_err(unanswered)
    }

    /// Figures of the caller's pool.
    pub async fn stats(&self, caller: &Caller) -> Result<Stats, Problem> {
        self.engine.stats(caller.pool).await.map_err(unanswered)
    }
}

/// Why a question has no answer. Unlike a command, it has no effect that could come twice.
fn unanswered(error: EngineError) -> Problem {
    match error {
        EngineError::Away => Problem::away(
            "The server that holds this workspace went away before it answered; ask again in a moment.",
        ),
        other => other.into(),
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Busy => {
                Self::away("Too much waits for this workspace's server.").with_code("busy")
            }
            EngineError::NoConductor => Self::away("No server holds this workspace's pool yet."),
            EngineError::Away => Self::away(
                "The server that holds this workspace went away before it answered, and may have done it; ask again. A POST with the same Idempotency-Key has one effect.",
            ),
            EngineError::IdempotencyMismatch => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_mismatch",
                "This Idempotency-Key was used with another request.",
            ),
            EngineError::StillRunning => Self::new(
                StatusCode::CONFLICT,
                "still_running",
                "The request with this Idempotency-Key is still running.",
            )
            .with_retry_after(1),
            EngineError::Store(error) => error.into(),
            EngineError::Client(error) => Self::internal(&error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_away() {
            tracing::warn!(%error, "the database is away");
            Self::away("The database is away for a moment.")
        } else {
            Self::internal(&error)
        }
    }
}
