//! Beside the API: alive, ready, measured.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use engine::Health;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use tokio::time::timeout;

use crate::state::App;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// What readiness rests on.
#[derive(Debug, Serialize)]
struct Readiness {
    /// The database answers and its schema is current.
    database: bool,
    /// Every pool has a server that decides for it, and every loop runs.
    #[serde(flatten)]
    engine: Health,
}

/// `GET /readyz`: 200 when commands will be answered, else 503 with what is missing.
pub async fn ready(State(app): State<App>) -> Response {
    let asked = timeout(PATIENCE, app.store.is_migrated()).await;
    let database = matches!(asked, Ok(Ok(true)));
    let engine = app.engine.health();
    let stopping = *app.stopping.borrow();
    let ready = database && engine.ready && !stopping;
    let readiness = Json(Readiness { database, engine });
    if ready {
        return readiness.into_response();
    }
    let later = [(RETRY_AFTER, "1")];
    (StatusCode::SERVICE_UNAVAILABLE, later, readiness).into_response()
}

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often measurements are folded into their histograms, whether or not anybody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Collects what the process measures of itself.
pub fn recorder() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new().install_recorder()?;
    let kept = handle.clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(handle)
}

/// `GET /metrics`: in Prometheus' text format.
pub fn metrics(handle: &PrometheusHandle) -> Response {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        handle.render(),
    )
        .into_response()
}
