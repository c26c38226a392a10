//! Breaks the texts of new tasks into words, so that they are found. A search reads what has no words
//! yet by itself, so that this may lag.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::words::Indexer;
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;

/// The least pause between two rounds.
const PAUSE: Duration = Duration::from_secs(1);
/// Part of the time that may go into it: under load, creation comes first.
const REST: u32 = 3;

/// Looks for new tasks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    let mut indexer = Indexer::default();
    loop {
        let began = Instant::now();
        indexer.round(&shared.store, shared.clock.now()).await?;
        let pause = PAUSE.max(began.elapsed() * REST);
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}
