//! `GET /stats`: how the workspace's pool does.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use engine::Quantiles;
use scheduler::{Code, Query, View};
use serde::Serialize;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Figures of the pool, and what waits in the workspace.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Stats {
    /// Leases given a second, over the last minute, in the whole pool.
    throughput_per_s: f64,
    /// What the scheduler thought about one dispatch.
    prioritisation_ms: Milliseconds,
    /// The share of scores answered from memory; null while no model scores.
    cache_hit_rate: Option<f64>,
    /// Writes in the last hour that failed or lost their fence.
    contention_errors_per_h: u64,
    /// From what made a lease possible to the lease.
    dispatch_latency_ms: Milliseconds,
    /// Memory of the server that decides.
    rss_bytes: u64,
    /// The share of all spending that was Baton's own thinking.
    thinking_share: f64,
    /// The workspace's waiting tasks by what holds them.
    #[schema(value_type = BTreeMap<String, u32>)]
    pending_by_code: BTreeMap<&'static str, u32>,
}

/// Two quantiles.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub struct Milliseconds {
    p50: f64,
    p99: f64,
}

/// Read how the scheduler does.
#[utoipa::path(get, path = "/stats", tag = "knowing", responses((status = 200, body = Stats)))]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Json<Stats>, Problem> {
    let stats = app.stats(&caller).await?;
    let View::Summary { summary } = app.ask(&caller, Query::Summary).await? else {
        return Err(Problem::internal(
            &"the conductor answered another question",
        ));
    };
    Ok(Json(Stats {
        throughput_per_s: stats.throughput_per_s,
        prioritisation_ms: stats.prioritisation.into(),
        cache_hit_rate: None,
        contention_errors_per_h: stats.contention_errors_per_h,
        dispatch_latency_ms: stats.dispatch_latency.into(),
        rss_bytes: stats.resident_bytes,
        // No model is called yet.
        thinking_share: 0.0,
        pending_by_code: summary
            .pending_by_code
            .iter()
            .map(|(code, count)| (Code::as_str(*code), *count))
            .collect(),
    }))
}

impl From<Quantiles> for Milliseconds {
    fn from(quantiles: Quantiles) -> Self {
        Self {
            p50: quantiles.p50_ns as f64 / 1e6,
            p99: quantiles.p99_ns as f64 / 1e6,
        }
    }
}
