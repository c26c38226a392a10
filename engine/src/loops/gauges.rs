//! Measures what stands rather than happens: queues, memory, what conductors hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;
use crate::measure::{names, resident_bytes};
use crate::routes::HeldPool;

const EVERY: Duration = Duration::from_secs(5);
/// Quantiles fade by half as often as this.
const TICKS_TO_FADE: u32 = 24;

/// Measures until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    let mut ticks = 0;
    loop {
        ticks += 1;
        tick(&shared, ticks % TICKS_TO_FADE == 0).await;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Measures once.
pub(crate) async fn tick(shared: &Shared, fade: bool) {
    metrics::gauge!(names::RESIDENT_BYTES).set(resident_bytes() as f64);
    for held in shared.routes.held() {
        held.measures.sample(Instant::now());
        if fade {
            held.measures.prioritisation.fade();
            held.measures.dispatch.fade();
        }
        measure(&held).await;
    }
}

async fn measure(held: &HeldPool) {
    let pool = held.pool.to_string();
    metrics::gauge!(names::INBOX_DEPTH, "pool" => pool.clone()).set(held.inbox.depth() as f64);
    if !held.is_loaded() {
        return;
    }
    // A conductor too busy to count is counted next time.
    let Ok(counts) = held.inbox.counts().await else {
        return;
    };
    metrics::gauge!(names::OPEN_TASKS, "pool" => pool.clone()).set(counts.open_tasks as f64);
    metrics::gauge!(names::LIVE_LEASES, "pool" => pool.clone()).set(counts.live_leases as f64);
    metrics::gauge!(names::WAITING_CLAIMS, "pool" => pool).set(counts.waiting_claims as f64);
}
