//! One file or folder per page: what it loads, and how it looks.

pub mod account;
pub mod agent;
pub mod agents;
pub mod budgets;
pub mod compare;
mod counts;
pub mod decision;
pub mod decisions;
pub mod failure;
pub mod find;
pub mod login;
pub mod overview;
pub mod resource;
pub mod resources;
pub mod settings;
pub mod setup;
pub mod task;
pub mod task_form;
pub mod tasks;
pub mod workspace;
pub mod workspaces;

use std::future::Future;
use std::pin::Pin;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use uuid::Uuid;

use crate::access::{House, PageError, Seat, Visitor};
use crate::islands::live::AGAIN;
use crate::markup::Markup;
use failure::failure;

/// What a page was asked for, taken from the request before anything is awaited.
#[derive(Clone)]
pub struct Asked {
    house: Option<House>,
    visitor: Option<Visitor>,
    path: ParamsMap,
    query: ParamsMap,
    again: Option<Vec<Uuid>>,
}

/// Rows that a page may say it shows.
const SHOWN: usize = 200;

impl Asked {
    /// By the request that is being answered.
    pub fn now() -> Self {
        Self {
            house: House::of_request(),
            visitor: Visitor::of_request(),
            path: use_params_map().get_untracked(),
            query: use_query_map().get_untracked(),
            again: use_context::<http::request::Parts>().and_then(|parts| {
                let shown = parts.headers.get(AGAIN)?.to_str().ok()?.split(',');
                Some(shown.filter_map(|id| id.parse().ok()).take(SHOWN).collect())
            }),
        }
    }

    /// A seat in the workspace that the path names.
    pub async fn seat(&self) -> Result<Seat, PageError> {
        self.seat_in(&self.path.get("ws").unwrap_or_default()).await
    }

    /// A seat in the workspace of that slug.
    pub async fn seat_in(&self, slug: &str) -> Result<Seat, PageError> {
        let (Some(house), Some(visitor)) = (&self.house, &self.visitor) else {
            return Err(PageError::SignedOut);
        };
        house.seat(visitor, slug).await
    }

    /// The workspace asked for by `?w=`, else the reader's first.
    pub fn workspace(&self) -> Option<String> {
        let first = || {
            self.visitor
                .as_ref()?
                .memberships
                .first()
                .map(|first| first.slug.clone())
        };
        self.param("w").or_else(first)
    }

    /// The identifier in the path. What is no identifier names nothing.
    pub fn id<T: std::str::FromStr>(&self) -> Result<T, PageError> {
        let text = self.path.get("id").unwrap_or_default();
        text.parse().map_err(|_| PageError::NotFound)
    }

    /// The name in the path.
    pub fn name(&self) -> String {
        self.path.get("name").unwrap_or_default()
    }

    /// What every page can reach.
    pub fn house(&self) -> Result<House, PageError> {
        self.house.clone().ok_or(PageError::SignedOut)
    }

    /// The one who asks.
    pub fn visitor(&self) -> Result<&Visitor, PageError> {
        self.visitor.as_ref().ok_or(PageError::SignedOut)
    }

    /// Who asks, as decisions name them.
    pub fn actor(&self) -> Result<scheduler::Actor, PageError> {
        let visitor = self.visitor()?;
        Ok(scheduler::Actor::User {
            id: visitor.account,
            name: visitor.email.clone(),
        })
    }

    /// Whether the page is shown already and only brought up to date.
    pub fn again(&self) -> bool {
        self.again.is_some()
    }

    /// What the page shows and `listed` does not have: its rows stay, and are told how they are now.
    pub fn kept(&self, listed: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
        let listed: Vec<_> = listed.collect();
        let shown = self.again.iter().flatten();
        shown.filter(|id| !listed.contains(id)).copied().collect()
    }

    /// A parameter of the address that is not empty.
    pub fn param(&self, name: &str) -> Option<String> {
        self.query.get(name).filter(|value| !value.is_empty())
    }
}

/// A page that waits for what it shows. The server sends it whole, so it reads without scripts.
pub fn loaded<T: 'static>(
    load: impl Future<Output = Result<T, PageError>> + Send + 'static,
    show: fn(T) -> Markup,
) -> AnyView {
    awaited(Box::pin(async move {
        isolated(match load.await {
            Ok(data) => show(data),
            Err(error) => failure(error),
        })
    }))
}

/// Without the characters by which a text could turn around how what surrounds it reads.
fn isolated(page: Markup) -> Markup {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}');
    let page = page.to_html();
    Markup::new(if page.contains(turns) {
        page.replace(turns, "")
    } else {
        page
    })
}

/// One for all pages: what waits is compiled for the type of what it waits for.
fn awaited(page: Pin<Box<dyn Future<Output = Markup> + Send>>) -> AnyView {
    view! { <Suspense>{Suspend::new(page)}</Suspense> }.into_any()
}
