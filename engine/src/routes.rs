//! Which server answers for which pool, as this one believes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use scheduler::PoolId;
use tokio::sync::watch;

use crate::inbox::Inbox;
use crate::measure::Measures;

/// A pool that this process holds.
#[derive(Debug)]
pub(crate) struct HeldPool {
    pub pool: PoolId,
    pub epoch: i64,
    pub inbox: Arc<Inbox>,
    pub measures: Arc<Measures>,
    pub loaded: Arc<AtomicBool>,
}

/// Who answers for a pool.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// This process; while the pool is loaded its inbox gathers what comes.
    Here(Arc<HeldPool>),
    /// The server at that address.
    There(Arc<str>),
    /// Nobody at the moment.
    Nobody,
}

/// Beliefs, renewed by the keeper; a wrong one costs the caller one more attempt.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    pools: RwLock<HashMap<PoolId, Route>>,
    /// Moves on when a belief does.
    renewed: watch::Sender<()>,
}

impl Routes {
    pub(crate) fn get(&self, pool: PoolId) -> Option<Route> {
        self.pools
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&pool)
            .cloned()
    }

    pub(crate) fn set(&self, pool: PoolId, route: Route) {
        self.pools
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(pool, route);
        self.renewed.send_replace(());
    }

    /// Returns when the pool is known to be held elsewhere than at `url`.
    pub(crate) async fn moved(&self, pool: PoolId, url: &str) {
        let mut renewed = self.renewed.subscribe();
        loop {
            let elsewhere = match self.get(pool) {
                Some(Route::Here(_)) => true,
                Some(Route::There(known)) => *known != *url,
                Some(Route::Nobody) | None => false,
            };
            if elsewhere || renewed.changed().await.is_err() {
                return;
            }
        }
    }

    /// Forgets an address that did not answer, unless another is known by now.
    pub(crate) fn forget(&self, pool: PoolId, url: &str) {
        let mut pools = self.pools.write().unwrap_or_else(PoisonError::into_inner);
        if matches!(pools.get(&pool), Some(Route::There(known)) if &**known == url) {
            pools.remove(&pool);
        }
    }

    /// Forgets a pool that is closing or gone.
    pub(crate) fn remove(&self, pool: PoolId) {
        self.pools
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&pool);
    }

    /// Everything known.
    pub(crate) fn all(&self) -> Vec<(PoolId, Route)> {
        let pools = self.pools.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = pools
            .iter()
            .map(|(pool, route)| (*pool, route.clone()))
            .collect();
        all.sort_by_key(|(pool, _)| *pool);
        all
    }

    /// The pools held here.
    pub(crate) fn held(&self) -> Vec<Arc<HeldPool>> {
        let here = |(_, route)| {
            if let Route::Here(held) = route {
                Some(held)
            } else {
                None
            }
        };
        self.all().into_iter().filter_map(here).collect()
    }
}

impl HeldPool {
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.load(Ordering::Acquire)
    }
}
