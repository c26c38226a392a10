//! The net below events: looks at each held pool now and then, whatever was or was not heard.
//!
//! A wake-up that was lost is caught here, and so is what somebody stored behind the conductor's
//! back. Busy pools are looked at often, sleeping ones hardly ever, and none more than its size and
//! load allow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler::PoolId;
use tokio_util::sync::CancellationToken;

use super::behind;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::inbox::Message;
use crate::routes::HeldPool;

/// An inbox filled above this share is under load: the net looks half as often.
const LOADED_SHARE: usize = 4;
/// Looking takes at most one part in so many of a server's time.
const REST: u32 = 100;

/// Looks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    let mut net = SafetyNet::default();
    loop {
        let pause = net.tick(&shared).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// When each pool was active and looked at.
#[derive(Debug, Default)]
pub(crate) struct SafetyNet {
    pools: HashMap<PoolId, Seen>,
}

#[derive(Debug)]
struct Seen {
    epoch: i64,
    commands: u64,
    active_at: Instant,
    looked_at: Instant,
    took: Duration,
    known: behind::Known,
}

impl SafetyNet {
    /// Looks at the pools whose time has come; returns when the next one's comes.
    pub(crate) async fn tick(&mut self, shared: &Shared) -> Result<Duration, EngineError> {
        let held = shared.routes.held();
        self.pools
            .retain(|pool, _| held.iter().any(|held| held.pool == *pool));
        let mut next = shared.config.polls.busy;
        for pool in held.iter().filter(|pool| pool.is_loaded()) {
            let now = Instant::now();
            let seen = self.seen(pool, now);
            let interval = seen.interval(shared, pool, now);
            let waited = now.duration_since(seen.looked_at);
            if waited < interval {
                next = next.min(interval.saturating_sub(waited));
                continue;
            }
            seen.looked_at = now;
            // Without room in the inbox the conductor is awake anyway.
            pool.inbox.tell(Message::Nudge);
            match behind::look(shared, pool, &mut seen.known).await {
                Ok(missing) if missing.is_empty() => {}
                Ok(missing) => {
                    tracing::info!(pool = %pool.pool, count = missing.len(), "found what was stored by others");
                    pool.inbox.tell_surely(Message::Restore(missing)).await;
                }
                // A conductor that is busy or gone is looked at again when its time comes.
                Err(EngineError::Busy | EngineError::Away) => seen.known.clear(),
                Err(error) => return Err(error),
            }
            seen.took = now.elapsed();
        }
        Ok(next)
    }

    fn seen(&mut self, pool: &HeldPool, now: Instant) -> &mut Seen {
        let commands = pool.inbox.sent();
        let fresh = || Seen {
            epoch: pool.epoch,
            commands,
            active_at: now,
            looked_at: now,
            took: Duration::ZERO,
            known: behind::Known::new(),
        };
        let seen = self.pools.entry(pool.pool).or_insert_with(fresh);
        if seen.epoch != pool.epoch {
            *seen = fresh();
        } else if seen.commands != commands {
            seen.commands = commands;
            seen.active_at = now;
        }
        seen
    }
}

impl Seen {
    fn interval(&self, shared: &Shared, pool: &HeldPool, now: Instant) -> Duration {
        let mut interval = shared
            .config
            .polls
            .after(now.duration_since(self.active_at));
        if pool.inbox.depth() > shared.config.bounds.inbox / LOADED_SHARE {
            interval *= 2;
        }
        interval.max(self.took * REST)
    }
}
