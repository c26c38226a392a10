//! The URL map: who answers under which path.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use engine::forward::{INTERNAL_BODY_BYTES, INTERNAL_PATH};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::api;
use crate::health;
use crate::state::App;

/// Everything the server answers: `/api`, what stands beside it, and below all the rest `pages`.
pub fn router(app: App, metrics: PrometheusHandle, pages: Router) -> anyhow::Result<Router> {
    let (api, description) = api::router(&app);
    let internal = Router::new()
        .route(&format!("{INTERNAL_PATH}/{{what}}"), post(forwarded))
        .layer(DefaultBodyLimit::max(INTERNAL_BODY_BYTES));
    Ok(Router::new()
        .merge(api)
        .merge(api::docs::router(&description)?)
        .merge(internal)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route(
            "/metrics",
            get(move || std::future::ready(health::metrics(&metrics))),
        )
        .with_state(app)
        .merge(pages))
}

/// What another server of the installation asks of this one, which holds the pool.
async fn forwarded(
    State(app): State<App>,
    Path(_what): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let proof = headers
        .get(AUTHORIZATION)
        .map(axum::http::HeaderValue::as_bytes)
        .unwrap_or_default();
    if !app.engine.is_ours(proof) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let told = app.engine.handle_forwarded(&body).await;
    ([(CONTENT_TYPE, "application/json")], told).into_response()
}
