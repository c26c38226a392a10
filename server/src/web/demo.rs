//! The demo's two buttons.

use app::access::Visitor;
use axum::extract::{Extension, State};
use axum::response::Redirect;

use super::Web;
use crate::demo::Options;
use crate::problem::Problem;

/// Agents of a demo that is started from a page.
const AGENTS: u32 = 14;

/// `POST /demo/start`: starts the demo unless one runs, and goes there.
pub async fn start(
    State(web): State<Web>,
    visitor: Option<Extension<Visitor>>,
) -> Result<Redirect, Problem> {
    admit(visitor)?;
    begin(&web).await
}

/// Starts the demo for somebody who may, and goes there.
pub async fn begin(web: &Web) -> Result<Redirect, Problem> {
    let options = Options::new(AGENTS).map_err(|error| Problem::internal(&error))?;
    let started = web.demo.start(options).await;
    let started = started.map_err(|error| Problem::internal(&error))?;
    Ok(Redirect::to(&format!("/?w={}", started.slug)))
}

/// `POST /demo/stop`: stops it, wherever it runs, and leaves nothing behind.
pub async fn stop(
    State(web): State<Web>,
    visitor: Option<Extension<Visitor>>,
) -> Result<Redirect, Problem> {
    admit(visitor)?;
    let stopped = web.demo.stop().await;
    stopped.map_err(|error| Problem::internal(&error))?;
    Ok(Redirect::to("/"))
}

/// Lets in whoever may make workspaces: the administrators of the installation.
fn admit(visitor: Option<Extension<Visitor>>) -> Result<(), Problem> {
    match visitor {
        Some(Extension(visitor)) if visitor.runs_the_house => Ok(()),
        Some(_) => Err(Problem::forbidden(
            "Only an administrator can start or stop the demo.",
        )),
        None => Err(Problem::unauthenticated("Sign in first.")),
    }
}
