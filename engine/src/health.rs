//! How the engine does, for readiness.

use std::collections::BTreeMap;

use scheduler::PoolId;
use serde::Serialize;

use crate::routes::{Route, Routes};
use crate::supervise::LoopHealth;

/// How the engine does, for readiness.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Every pool has a holder that is loaded or elsewhere, and every loop runs.
    pub ready: bool,
    /// Who holds which pool.
    pub pools: Vec<PoolHealth>,
    /// The supervised loops.
    pub loops: BTreeMap<&'static str, LoopHealth>,
}

/// Who holds a pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PoolHealth {
    /// The pool.
    pub pool: PoolId,
    /// Where it is decided.
    #[serde(flatten)]
    pub place: Place,
}

/// Where a pool is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// In this process.
    Here {
        /// The fence of what it writes.
        epoch: i64,
    },
    /// In this process, as soon as it is loaded.
    Loading,
    /// On another server.
    Elsewhere {
        /// Its address.
        url: String,
    },
    /// Nowhere at the moment.
    Nowhere,
}

impl Health {
    pub(crate) fn of(routes: &Routes, loops: BTreeMap<&'static str, LoopHealth>) -> Self {
        let all = routes.all().into_iter();
        let pools: Vec<_> = all
            .map(|(pool, route)| PoolHealth {
                pool,
                place: route.into(),
            })
            .collect();
        let decided =
            |pool: &PoolHealth| matches!(pool.place, Place::Here { .. } | Place::Elsewhere { .. });
        // The first pool is as old as the installation: where none is known, its holder was just found dead.
        let ready = !pools.is_empty()
            && pools.iter().all(decided)
            && loops.values().all(|health| health.running);
        Self {
            ready,
            pools,
            loops,
        }
    }
}

impl From<Route> for Place {
    fn from(route: Route) -> Self {
        match route {
            Route::Here(held) if held.is_loaded() => Self::Here { epoch: held.epoch },
            Route::Here(_) => Self::Loading,
            Route::There(url) => Self::Elsewhere {
                url: url.to_string(),
            },
            Route::Nobody => Self::Nowhere,
        }
    }
}
