//! Who reads, and what they may read.
//!
//! The server's middleware lets nobody past without a session and puts the [`Visitor`] into the
//! request. A page reaches the store only through a [`Seat`], and a seat is given only to members
//! of its workspace: what a page forgets, it cannot show.

use std::sync::Arc;

use engine::{Engine, EngineError, Heard, IdempotencyKey};
use leptos::prelude::*;
use scheduler::{Command, KeyId, PoolId, Query, Question, Time, UserId, View, WorkspaceId};
use store::accounts::{Membership, WorkspaceRole};
use store::{Store, StoreError};

use crate::acts::permission;

/// What every page can reach. Given as context by the server.
#[derive(Clone, Debug)]
pub struct House {
    /// What is stored.
    pub store: Store,
    /// What is decided.
    pub engine: Engine,
    /// Where people reach this server.
    pub address: Arc<str>,
    /// How a shell on the server's machine calls Baton with this server's data.
    pub command: Arc<str>,
}

/// The signed-in person a request is from.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Their account.
    pub account: UserId,
    /// What they signed in with.
    pub email: String,
    /// The SHA-256 of the session that asks.
    pub session: [u8; 32],
    /// The workspaces they may enter, by slug.
    pub memberships: Arc<[Membership]>,
    /// Whether they are an administrator of the installation.
    pub runs_the_house: bool,
}

/// A member's place in a workspace: the right to read it.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The pool it is decided in.
    pub pool: PoolId,
    /// Its name in addresses.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// What its holder may do there.
    pub role: WorkspaceRole,
    /// When the page was asked for, by the database's clock.
    pub now: Time,
    house: House,
}

/// Why a page cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// There is no such thing, or not for this reader.
    NotFound,
    /// Its reader may read the workspace, and not do there what the page is for.
    ReadsOnly,
    /// The address asks a list for what it does not have: a filter, or a place in it.
    Unfit,
    /// Somebody who is not signed in came past the middleware.
    SignedOut,
    /// The database or the conductor is away for a moment.
    Away,
    /// Something broke; it is in the log.
    Broken,
}

impl Visitor {
    /// Who asks for the page that is being rendered.
    pub fn of_request() -> Option<Self> {
        use_context::<http::request::Parts>()?
            .extensions
            .get::<Self>()
            .cloned()
    }

    fn membership(&self, slug: &str) -> Option<&Membership> {
        self.memberships
            .iter()
            .find(|membership| membership.slug == slug)
    }
}

impl House {
    /// The server's, as given to this page.
    pub fn of_request() -> Option<Self> {
        use_context::<Self>()
    }

    /// A seat in the workspace of that slug; to those who are no members it does not exist.
    pub async fn seat(&self, visitor: &Visitor, slug: &str) -> Result<Seat, PageError> {
        let membership = visitor.membership(slug).ok_or(PageError::NotFound)?;
        let workspace = self
            .store
            .workspace(membership.workspace)
            .await?
            .ok_or(PageError::NotFound)?;
        Ok(Seat {
            workspace: workspace.id,
            pool: workspace.pool,
            slug: workspace.slug,
            name: workspace.name,
            role: membership.role,
            now: self.engine.now(),
            house: self.clone(),
        })
    }
}

impl Seat {
    /// What is stored. Every read of a workspace names it: pass [`Seat::workspace`].
    pub fn store(&self) -> &Store {
        &self.house.store
    }

    /// Asks the conductor about this workspace.
    pub async fn ask(&self, query: Query) -> Result<View, PageError> {
        let question = Question {
            workspace: self.workspace,
            query,
        };
        Ok(self.house.engine.view(self.pool, question).await?)
    }

    /// Has a command decided, once for its key.
    pub(crate) async fn submit(
        &self,
        command: Command,
        once: IdempotencyKey,
    ) -> Result<Heard, EngineError> {
        self.house
            .engine
            .submit(self.pool, command, Some(once))
            .await
    }

    /// Revokes a key of the workspace, on every server; false when there is none such.
    pub(crate) async fn revoke_key(&self, key: KeyId) -> Result<bool, EngineError> {
        self.house.engine.revoke_key(self.workspace, key).await
    }

    /// Whether whoever sits here may do that act.
    pub fn may(&self, act: &str) -> bool {
        permission::may(self.role, act)
    }

    /// The address of something in this workspace.
    pub fn path(&self, rest: &str) -> String {
        format!("/w/{}/{rest}", self.slug)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a page could not be read from the store");
        if error.is_away() {
            Self::Away
        } else {
            Self::Broken
        }
    }
}

impl From<EngineError> for PageError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Busy | EngineError::NoConductor | EngineError::Away => Self::Away,
            other => {
                tracing::error!(error = %other, "a page could not be answered");
                Self::Broken
            }
        }
    }
}
