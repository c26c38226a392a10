//! Makes room ahead and takes away what has run out. Any server may do it at any time.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;

/// Sweeps until told to stop. A sweep that fails is tried again by the supervisor.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    loop {
        tick(&shared).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(shared.config.retention_every) => {}
        }
    }
}

/// Sweeps once.
pub(crate) async fn tick(shared: &Shared) -> Result<(), EngineError> {
    let now = shared.clock.now();
    let weeks = shared.store.ensure_partitions(now).await?;
    if weeks > 0 {
        tracing::info!(weeks, "room made for the decisions to come");
    }
    let removed = store::retention::tick(&shared.store, now).await?;
    if removed != store::retention::Removed::default() {
        tracing::info!(?removed, "what had run out was taken away");
    }
    Ok(())
}
