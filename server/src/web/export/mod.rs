//! Lists as files: the same query as the page, every row of it. Those that grow without end are streamed
//! page by page; the others ([`short`]) are what the page shows.

mod short;
mod writer;

pub use short::{agents, budgets, resources, spending, workspaces};

use std::collections::HashMap;
use std::sync::Arc;

use app::access::{House, PageError, Seat, Visitor};
use app::lists;
use axum::extract::{Extension, FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;

use super::Web;
use crate::api::{DecisionView, TaskSummary};
use crate::problem::Problem;
use writer::{Rows, Writer, rows};

const TASK_COLUMNS: [&str; 17] = [
    "id",
    "ref",
    "title",
    "state",
    "kind",
    "class",
    "priority",
    "score",
    "capabilities",
    "requires",
    "agent",
    "attempts",
    "max_attempts",
    "created_at",
    "created_by",
    "due_at",
    "ended_at",
];
const DECISION_COLUMNS: [&str; 9] = [
    "id",
    "at",
    "kind",
    "headline",
    "reasoning",
    "subject",
    "actor",
    "policy_version",
    "outcome",
];

/// The parameters of an address.
type Pairs = Query<HashMap<String, String>>;

/// `GET /w/{ws}/tasks.csv` and `.json`.
pub async fn tasks(Asked { seat, uri }: Asked, Query(pairs): Pairs) -> Result<Response, Problem> {
    let filter = lists::tasks(&|name| param(&pairs, name), seat.now)?;
    let read = move |page| {
        let (seat, filter) = (seat.clone(), filter.clone());
        async move {
            let listed = seat.store().tasks(seat.workspace, &filter, page).await?;
            Ok(rows::<_, TaskSummary>(listed))
        }
    };
    Ok(Writer::new(read, &TASK_COLUMNS, &uri, &pairs)?.respond("tasks"))
}

/// `GET /w/{ws}/decisions.csv` and `.json`.
pub async fn decisions(
    Asked { seat, uri }: Asked,
    Query(pairs): Pairs,
) -> Result<Response, Problem> {
    let filter = lists::decisions(&seat, &|name| param(&pairs, name)).await?;
    let read = move |page| {
        let (seat, filter) = (seat.clone(), filter.clone());
        async move {
            let Some(filter) = filter else {
                return Ok(Rows::default());
            };
            let listed = seat
                .store()
                .decisions(seat.workspace, &filter, page)
                .await?;
            Ok(rows::<_, DecisionView>(listed))
        }
    };
    Ok(Writer::new(read, &DECISION_COLUMNS, &uri, &pairs)?.respond("decisions"))
}

/// What a workspace's list is asked with.
pub struct Asked {
    /// The reader's seat in the workspace; to those who are no members it does not exist.
    seat: Seat,
    uri: Uri,
}

impl FromRequestParts<Web> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Problem> {
        let Path(slug) = Path::<String>::from_request_parts(parts, web)
            .await
            .map_err(|_| Problem::not_found())?;
        let visitor = Option::<Extension<Visitor>>::from_request_parts(parts, web).await;
        let visitor = known(visitor.unwrap_or_default())?;
        Ok(Self {
            seat: house(web).seat(&visitor, &slug).await?,
            uri: parts.uri.clone(),
        })
    }
}

/// The reader, if somebody is signed in.
fn known(visitor: Option<Extension<Visitor>>) -> Result<Visitor, Problem> {
    let signed_in = visitor.ok_or_else(|| Problem::unauthenticated("Sign in first."))?;
    Ok(signed_in.0)
}

fn house(web: &Web) -> House {
    House {
        store: web.app.store.clone(),
        engine: web.app.engine.clone(),
        address: Arc::clone(&web.origin),
        command: Arc::from(""),
    }
}

fn param(pairs: &HashMap<String, String>, name: &str) -> Option<String> {
    pairs.get(name).filter(|value| !value.is_empty()).cloned()
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        match error {
            PageError::NotFound => Self::not_found(),
            PageError::ReadsOnly => Self::forbidden("You may only read here."),
            PageError::Unfit => Self::invalid_at("?", "is a filter that the list does not have"),
            PageError::SignedOut => Self::unauthenticated("Sign in first."),
            PageError::Away => {
                Self::away("The workspace's server or the database is away for a moment.")
            }
            PageError::Broken => Self::internal(&"a list could not be read"),
        }
    }
}
