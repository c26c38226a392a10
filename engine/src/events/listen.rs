//! Hears what the holders of all pools tell.

use std::sync::Arc;

use store::events::Notice;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Event, Ring};
use crate::error::EngineError;

/// Listens until told to stop. Whatever was told while nobody listened is gone, so the start and
/// every lost connection are told as "may have missed something".
pub(crate) async fn listen(
    store: store::Store,
    ring: Arc<Ring>,
    revocations: watch::Sender<u64>,
    stop: CancellationToken,
) -> Result<(), EngineError> {
    let mut listener = store.listen().await?;
    let missed = || {
        ring.missed();
        revocations.send_modify(|count| *count += 1);
    };
    missed();
    loop {
        let heard = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            heard = listener.next() => heard?,
        };
        match heard {
            Notice::Payload(payload) => match serde_json::from_str::<Event>(&payload) {
                Ok(event) => ring.push(event),
                // A server of another version speaks otherwise.
                Err(_) => ring.missed(),
            },
            Notice::Revoked => revocations.send_modify(|count| *count += 1),
            Notice::Gap => missed(),
        }
    }
}
