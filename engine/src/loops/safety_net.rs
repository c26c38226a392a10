//! The net below events: looks at each held pool now and then, whatever was or was not heard.
//!
//! A wake-up that was lost is caught here, and so is what somebody changed in the database behind
//! the conductor's back. Busy pools are looked at often, sleeping ones hardly ever.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler::PoolId;
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;
use crate::inbox::Message;
use crate::routes::HeldPool;

/// An inbox filled above this share is under load: the net looks half as often.
const LOADED_SHARE: usize = 4;

/// Looks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    let mut net = SafetyNet::default();
    loop {
        let pause = net.tick(&shared, Instant::now());
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

#[derive(Clone, Copy, Debug)]
struct Seen {
    epoch: i64,
    commands: u64,
    active_at: Instant,
    looked_at: Instant,
}

impl SafetyNet {
    /// Looks at the pools whose time has come; returns when the next one's comes.
    pub(crate) fn tick(&mut self, shared: &Shared, now: Instant) -> Duration {
        let held = shared.routes.held();
        self.pools
            .retain(|pool, _| held.iter().any(|held| held.pool == *pool));
        let polls = shared.config.polls;
        let mut next = polls.busy;
        for pool in held {
            let seen = self.seen(&pool, now);
            let mut interval = polls.after(now.duration_since(seen.active_at));
            if pool.inbox.depth() > shared.config.bounds.inbox / LOADED_SHARE {
                interval *= 2;
            }
            let waited = now.duration_since(seen.looked_at);
            if waited >= interval {
                seen.looked_at = now;
                // Without room in the inbox the conductor is awake anyway.
                pool.inbox.tell(Message::Nudge);
            } else {
                next = next.min(interval.saturating_sub(waited));
            }
        }
        next
    }

    fn seen(&mut self, pool: &HeldPool, now: Instant) -> &mut Seen {
        let commands = pool.inbox.sent();
        let fresh = Seen {
            epoch: pool.epoch,
            commands,
            active_at: now,
            looked_at: now,
        };
        let seen = self.pools.entry(pool.pool).or_insert(fresh);
        if seen.epoch != pool.epoch {
            *seen = fresh;
        } else if seen.commands != commands {
            seen.commands = commands;
            seen.active_at = now;
        }
        seen
    }
}
