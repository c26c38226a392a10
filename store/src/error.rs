//! What can go wrong.

use std::borrow::Cow;

/// A read or a plain write failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, or refused.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("migrations: {0}")]
    Migrations(#[from] sqlx::migrate::MigrateError),
    /// A stored value does not read as what it should be.
    #[error("a stored {what} cannot be read: {detail}")]
    Corrupt {
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        detail: Cow<'static, str>,
    },
    /// A name that must be unique is taken.
    #[error("the name is taken")]
    Taken,
}

impl StoreError {
    /// Whether trying again later may help: the database is away rather than of another opinion.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Database(error) => is_away(error),
            Self::Migrations(_) | Self::Corrupt { .. } | Self::Taken => false,
        }
    }

    /// Turns a violated unique constraint into [`StoreError::Taken`].
    pub(crate) fn or_taken(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) if error.is_unique_violation() => Self::Taken,
            other => Self::Database(other),
        }
    }
}

/// A flush failed; nothing of it is stored, unless the connection was lost while it committed.
#[derive(Debug, thiserror::Error)]
pub enum FlushError {
    /// The pool is held by another, or by nobody: nothing may be written for it.
    #[error("the pool is no longer held")]
    Fenced,
    /// The database refused what memory believed: a constraint, or a row that was not there. Memory
    /// must be dropped and loaded again.
    #[error("the database disagrees with memory: {detail}")]
    Disagrees {
        /// The constraint or the assertion.
        detail: String,
    },
    /// The database is away; whether the flush was committed is not known.
    #[error("database: {0}")]
    Database(sqlx::Error),
    /// A stored text does not read as what it should be.
    #[error(transparent)]
    Read(StoreError),
}

/// Raised by `assert_rows`.
const ROWS_MISSING: &str = "BT001";

impl From<sqlx::Error> for FlushError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(refused) = &error else {
            return Self::Database(error);
        };
        let code = refused.code().unwrap_or_default();
        // Class 23: integrity constraints.
        if code.starts_with("23") || code == ROWS_MISSING {
            return Self::Disagrees {
                detail: refused.message().to_owned(),
            };
        }
        Self::Database(error)
    }
}

impl From<StoreError> for FlushError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            other => Self::Read(other),
        }
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Connection exceptions, too many connections, shutting down or starting up.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}
