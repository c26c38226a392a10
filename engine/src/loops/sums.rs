//! Sums what was used and how many tasks are over, so that no reader has to go over all of it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;

const EVERY: Duration = Duration::from_secs(5);

/// Sums until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    loop {
        store::sums::tick(&shared.store, shared.clock.now()).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
