//! The pages' half of the server: who is signed in, what their browser may do, and the pages.
//!
//! Around every page, outermost first: headers, the forgery check, the session, the guard. The guard
//! fails closed: only the way in ([`login`], [`setup`]) and the site's files pass without a session.

mod account;
mod admit;
mod attempts;
mod compress;
mod demo;
mod events;
mod export;
mod forgery;
mod forms;
mod login;
mod pages;
mod passwords;
mod sessions;
mod setup;

use std::sync::Arc;

use app::away_document;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::assets;
use crate::demo::Demo;
use crate::state::App;
pub use attempts::TrustedProxies;
use passwords::Passwords;

/// What the pages' handlers share.
#[derive(Clone, Debug)]
struct Web {
    app: App,
    /// Where browsers reach this server: scheme, host and port.
    origin: Arc<str>,
    passwords: Passwords,
    demo: Demo,
    /// What renders a page, before any of what stands around it.
    pages: Router,
    /// The page of a moment without the database.
    away: Arc<str>,
}

/// The pages, their stream, and the forms of the way in and out; below all of it the site's files.
/// `url` is where people reach this server.
pub fn router(app: &App, demo: &Demo, url: &str) -> anyhow::Result<Router> {
    let pages = pages::router(app, url)?;
    let web = Web {
        app: app.clone(),
        origin: url.into(),
        passwords: Passwords::new()?,
        demo: demo.clone(),
        pages: pages.clone(),
        away: away_document(&assets::urls()?.style).into(),
    };
    let handlers = Router::new()
        .route("/login", post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/setup", post(setup::begin))
        .route("/demo/start", post(demo::start))
        .route("/demo/stop", post(demo::stop))
        .route("/account/password", post(account::change_password))
        .route("/account/look", post(account::choose_look))
        .route("/w/{ws}/events", get(events::stream))
        .route("/w.csv", get(export::workspaces))
        .route("/w.json", get(export::workspaces))
        .route("/w/{ws}/agents.csv", get(export::agents))
        .route("/w/{ws}/agents.json", get(export::agents))
        .route("/w/{ws}/resources.csv", get(export::resources))
        .route("/w/{ws}/resources.json", get(export::resources))
        .route("/w/{ws}/budgets.csv", get(export::budgets))
        .route("/w/{ws}/budgets.json", get(export::budgets))
        .route("/w/{ws}/spending.csv", get(export::spending))
        .route("/w/{ws}/spending.json", get(export::spending))
        .route("/w/{ws}/tasks.csv", get(export::tasks))
        .route("/w/{ws}/tasks.json", get(export::tasks))
        .route("/w/{ws}/decisions.csv", get(export::decisions))
        .route("/w/{ws}/decisions.json", get(export::decisions))
        .with_state(web.clone());
    Ok(handlers
        .merge(pages)
        .layer(from_fn_with_state(web.clone(), admit::admit))
        .layer(sessions::layer(app.clone(), url))
        .layer(from_fn(forms::bounded))
        .layer(from_fn_with_state(web.clone(), forgery::refuse))
        .layer(from_fn(admit::headers))
        .layer(from_fn(compress::pages)))
}
