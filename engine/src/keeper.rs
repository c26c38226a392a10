//! Holds the pools: takes what is free, renews what is held, stands down from what is lost.
//!
//! A pool is believed to be held until a little before its expiry, counted from before the renewal
//! was sent; by then a server that cannot renew has stopped. (The flush proves it again.)

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use scheduler::{PoolId, Span};
use store::pool::{Holder, PoolRow};
use store::{Fence, StoreError};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::actor::Ended;
use crate::engine::Shared;
use crate::error::EngineError;
use crate::holding::{Holding, Pause};
use crate::inbox::Message;
use crate::measure::{Measures, names};
use crate::routes::Route;

/// How long actors may take to write what they have when the server stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(8);

/// Keeps the pools of one server. Dropped, it ends its actors at once, and others take over when
/// the pools expire.
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    held: HashMap<PoolId, Holding>,
    actors: JoinSet<Ended>,
    /// Outlive the actors, so that figures do not start again with each.
    measures: HashMap<PoolId, Arc<Measures>>,
    pauses: HashMap<PoolId, Pause>,
    /// The pools there were at the last look.
    known: HashSet<PoolId>,
    renew_at: Instant,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            held: HashMap::new(),
            actors: JoinSet::new(),
            measures: HashMap::new(),
            pauses: HashMap::new(),
            known: HashSet::new(),
            renew_at: Instant::now(),
        }
    }

    /// Keeps until told to stop; then lets everything go in order.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), EngineError> {
        loop {
            let pause = self.tick().await;
            self.shared.looked_over.send_replace(true);
            tokio::select! {
                () = stop.cancelled() => {
                    self.let_go().await;
                    return Ok(());
                }
                Some(ended) = self.actors.join_next() => self.reap(&ended).await,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Renews what is due and takes what is free. Returns when to look again. A database that is
    /// away is met again at the next tick; until then what is held is believed or lapses.
    pub(crate) async fn tick(&mut self) -> Duration {
        if Instant::now() >= self.renew_at {
            self.renew_at = Instant::now() + self.shared.config.renew_every;
            self.renew_all().await;
        }
        if let Err(error) = self.look_over().await {
            tracing::warn!(%error, "the pools could not be looked over");
        }
        let now = Instant::now();
        let next_pause = self
            .pauses
            .values()
            .map(|pause| pause.until)
            .filter(|until| *until > now)
            .min();
        let next = next_pause.map_or(self.renew_at, |until| until.min(self.renew_at));
        next.saturating_duration_since(now)
            .min(self.shared.config.watch_every)
    }

    async fn renew_all(&mut self) {
        let ttl = span(self.shared.config.pool_ttl);
        let fences: Vec<Fence> = self.held.values().map(|holding| holding.fence).collect();
        for fence in fences {
            let asked = Instant::now();
            let renewal = self.shared.store.renew(&fence, ttl);
            match tokio::time::timeout(self.shared.config.renew_every, renewal).await {
                Ok(Ok(Some(held))) => {
                    self.shared.clock.correct(asked, held.now, Instant::now());
                    if let Some(holding) = self.held.get(&fence.pool) {
                        holding.until.send_replace(self.surely_until(asked));
                    }
                }
                Ok(Ok(None)) => self.lose(fence.pool),
                Ok(Err(error)) => {
                    tracing::warn!(pool = %fence.pool, %error, "a pool could not be renewed");
                }
                Err(_) => tracing::warn!(pool = %fence.pool, "the renewal of a pool took too long"),
            }
        }
        if let Err(error) = self.shared.be_seen().await {
            tracing::warn!(%error, "this server could not say that it is alive");
        }
    }

    async fn look_over(&mut self) -> Result<(), StoreError> {
        let first = !*self.shared.looked_over.borrow();
        let rows = self.shared.store.pools().await?;
        self.forget_but(&rows);
        for row in rows {
            if row.closing {
                self.let_go_of(row.id).await;
                continue;
            }
            if self.held.contains_key(&row.id) {
                continue;
            }
            match self.shared.store.holder_of(row.id).await? {
                Some(other) if self.shared.is_predecessor(&other) => {
                    self.shared.routes.set(row.id, Route::Nobody);
                    if first {
                        self.bury(row.id, &other).await?;
                        self.take(row.id).await?;
                    }
                }
                Some(other) if other.holder != self.shared.config.server_id => {
                    self.shared
                        .routes
                        .set(row.id, Route::There(other.url.into()));
                }
                _ => self.take(row.id).await?,
            }
        }
        metrics::gauge!(names::POOLS_HELD).set(self.held.len() as f64);
        Ok(())
    }

    /// Frees a pool that this server's predecessor held when it was killed. Only at the start: later
    /// it may be held by one that has bound the address since, while this one goes away.
    async fn bury(&self, pool: PoolId, predecessor: &Holder) -> Result<(), StoreError> {
        let fence = Fence {
            pool,
            epoch: predecessor.epoch,
            holder: predecessor.holder,
        };
        if self.shared.store.release(&fence).await? {
            tracing::info!(%pool, epoch = fence.epoch, "pool freed: its holder served here and is gone");
        }
        Ok(())
    }

    async fn take(&mut self, pool: PoolId) -> Result<(), StoreError> {
        if self
            .pauses
            .get(&pool)
            .is_some_and(|pause| pause.until > Instant::now())
        {
            return Ok(());
        }
        let asked = Instant::now();
        let config = &self.shared.config;
        let taken = self
            .shared
            .store
            .try_take(
                pool,
                config.server_id,
                &config.public_url,
                span(config.pool_ttl),
            )
            .await?;
        if let Some(held) = taken {
            self.shared.clock.correct(asked, held.now, Instant::now());
            self.start(held.fence, asked);
        }
        Ok(())
    }

    fn start(&mut self, fence: Fence, asked: Instant) {
        tracing::info!(pool = %fence.pool, epoch = fence.epoch, "pool taken");
        let measures = Arc::clone(self.measures.entry(fence.pool).or_default());
        let until = self.surely_until(asked);
        let (holding, here) =
            Holding::start(&self.shared, fence, until, measures, &mut self.actors);
        self.held.insert(fence.pool, holding);
        self.shared
            .routes
            .set(fence.pool, Route::Here(Arc::new(here)));
    }

    /// The pool is another's by now: whatever is in memory is worth nothing.
    fn lose(&mut self, pool: PoolId) {
        if let Some(holding) = self.held.remove(&pool) {
            tracing::warn!(%pool, epoch = holding.fence.epoch, "pool lost");
            holding.actor.abort();
            self.count_failure(pool);
            self.shared.routes.set(pool, Route::Nobody);
        }
    }

    /// An actor ended; its pool is taken again at the next look, if it is still free to take.
    async fn reap(&mut self, ended: &Result<Ended, JoinError>) {
        match ended {
            Ok(Ended::Drained) => {}
            Ok(why) => tracing::error!(%why, "a conductor ended; its memory is dropped"),
            Err(error) if error.is_cancelled() => {}
            Err(panic) => tracing::error!(%panic, "a conductor panicked; its memory is dropped"),
        }
        let over: Vec<PoolId> = self
            .held
            .iter()
            .filter(|(_, holding)| holding.actor.is_finished())
            .map(|(pool, _)| *pool)
            .collect();
        for pool in over {
            let Some(holding) = self.held.remove(&pool) else {
                continue;
            };
            if holding.leaving {
                self.release(&holding).await;
                continue;
            }
            self.pause(pool, holding.since.elapsed());
            self.count_failure(pool);
            self.shared.routes.set(pool, Route::Nobody);
        }
    }

    /// Has a closing pool drained; it is released when its actor has ended.
    async fn let_go_of(&mut self, pool: PoolId) {
        self.shared.routes.remove(pool);
        let Some(holding) = self.held.get_mut(&pool).filter(|held| !held.leaving) else {
            return;
        };
        tracing::info!(%pool, "pool is closing");
        holding.leaving = true;
        holding.inbox.tell_surely(Message::Drain).await;
    }

    /// Forgets what was known of pools that are gone.
    fn forget_but(&mut self, rows: &[PoolRow]) {
        let there: HashSet<PoolId> = rows.iter().map(|row| row.id).collect();
        self.measures.retain(|pool, _| there.contains(pool));
        self.pauses.retain(|pool, _| there.contains(pool));
        for &pool in self.known.difference(&there) {
            self.shared.routes.remove(pool);
            self.shared.ring.forget(pool);
        }
        self.known = there;
    }

    async fn release(&self, holding: &Holding) {
        let pool = holding.fence.pool;
        if let Err(error) = self.shared.store.release(&holding.fence).await {
            tracing::warn!(%pool, %error, "a pool could not be released; it expires by itself");
        }
    }

    fn pause(&mut self, pool: PoolId, lived: Duration) {
        let before = self.pauses.get(&pool).copied();
        self.pauses.insert(pool, Pause::after(lived, before));
    }

    fn count_failure(&self, pool: PoolId) {
        metrics::counter!(names::FLUSH_FAILURES).increment(1);
        if let Some(measures) = self.measures.get(&pool) {
            measures.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Drains all conductors, then frees their pools for others to take at once.
    async fn let_go(&mut self) {
        for holding in self.held.values() {
            holding.inbox.tell_surely(Message::Drain).await;
        }
        let all_over = async { while self.actors.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN_PATIENCE, all_over)
            .await
            .is_err()
        {
            tracing::warn!(
                "a conductor could not write all it had in time; its callers were not answered"
            );
        }
        for (pool, holding) in std::mem::take(&mut self.held) {
            // A flush that is cut off here either committed or not: the release waits for it.
            holding.actor.abort();
            self.shared.routes.set(pool, Route::Nobody);
            self.release(&holding).await;
        }
    }

    fn surely_until(&self, asked: Instant) -> tokio::time::Instant {
        let ttl = self.shared.config.pool_ttl;
        tokio::time::Instant::from_std(asked + ttl * 9 / 10)
    }
}

fn span(duration: Duration) -> Span {
    Span(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}
