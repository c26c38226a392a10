//! Why a command or a question was not answered.

/// The engine could not answer. What a conductor refuses is an answer, not one of these.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The pool's inbox is full. Nothing was done; try again shortly.
    #[error("too many commands wait for this pool's conductor")]
    Busy,
    /// No server holds the pool at the moment. Nothing was done.
    #[error("no server holds this pool at the moment")]
    NoConductor,
    /// The conductor went away before it answered. What was asked may have been done or not.
    #[error("the conductor of this pool went away before it answered")]
    Away,
    /// The idempotency key was used with another body. Nothing was done.
    #[error("this idempotency key was used with another request")]
    IdempotencyMismatch,
    /// The request with this idempotency key is still running.
    #[error("the request with this idempotency key is still running")]
    StillRunning,
    /// The database did not answer as it should.
    #[error("the database did not answer: {0}")]
    Store(#[from] store::StoreError),
    /// The HTTP client could not be made.
    #[error("the client for other servers could not be made: {0}")]
    Client(#[source] reqwest::Error),
}
