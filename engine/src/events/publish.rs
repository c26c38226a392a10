//! Tells the other servers what was committed: one place, one notification at a time.

use std::time::{Duration, Instant};

use super::Event;
use crate::batch::Desk;

/// After a notification that failed.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Tells until the collector is closed and empty. A quiet pool's change is told at once; of a busy
/// one's, what gathers within `gap` is told together.
pub(crate) async fn publish(desk: Desk, gap: Duration) {
    let mut seq = 0;
    loop {
        desk.events.wake.notified().await;
        while let Some(bundle) = desk.events.take() {
            let told = Instant::now();
            let event = Event {
                pool: Some(desk.fence.pool),
                epoch: desk.fence.epoch,
                seq,
                reset: bundle.reset,
                items: bundle.items,
            };
            if tell(&desk, &event).await {
                seq += 1;
                tokio::time::sleep(gap.saturating_sub(told.elapsed())).await;
            } else {
                // What was in it cannot be named later without an order: all is read again.
                desk.events.reset();
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
        if desk.events.is_closed() {
            return;
        }
    }
}

async fn tell(desk: &Desk, event: &Event) -> bool {
    let payload = match serde_json::to_string(event) {
        Ok(payload) => payload,
        Err(error) => {
            tracing::error!(%error, "an event cannot be written");
            return true;
        }
    };
    match desk.store.notify(&payload).await {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "the other servers could not be told");
            false
        }
    }
}
