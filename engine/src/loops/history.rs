//! Keeps the history of limits: looks at each held pool every ten seconds and folds what it sees into
//! one row a resource and minute, and one a budget and grain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use scheduler::{Gauges, PoolId, ResourceId};
use tokio_util::sync::CancellationToken;

use crate::engine::Shared;
use crate::error::EngineError;
use crate::routes::HeldPool;

const EVERY: Duration = Duration::from_secs(10);

/// What each resource of a pool had given at the last look.
type Given = HashMap<ResourceId, u64>;

/// Looks until told to stop.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), EngineError> {
    let mut given: HashMap<(PoolId, i64), Given> = HashMap::new();
    loop {
        tick(&shared, &mut given).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Looks once.
pub(crate) async fn tick(
    shared: &Shared,
    given: &mut HashMap<(PoolId, i64), Given>,
) -> Result<(), EngineError> {
    let held = shared.routes.held();
    given.retain(|&(pool, epoch), _| {
        held.iter()
            .any(|one| one.pool == pool && one.epoch == epoch)
    });
    for pool in held.iter().filter(|pool| pool.is_loaded()) {
        look(
            shared,
            pool,
            given.entry((pool.pool, pool.epoch)).or_default(),
        )
        .await?;
    }
    Ok(())
}

async fn look(shared: &Shared, pool: &HeldPool, before: &mut Given) -> Result<(), EngineError> {
    // A conductor too busy to look is looked at next time.
    let Ok(mut gauges) = pool.inbox.gauges().await else {
        return Ok(());
    };
    let given = gauges
        .resources
        .iter()
        .map(|one| (one.resource, one.given))
        .collect();
    since(&mut gauges, before);
    *before = given;
    shared
        .store
        .keep_gauges(&gauges, shared.clock.now())
        .await?;
    Ok(())
}

/// Leaves of what was given what came since the last look.
fn since(gauges: &mut Gauges, before: &Given) {
    for gauge in &mut gauges.resources {
        let known = before.get(&gauge.resource).copied().unwrap_or(0);
        gauge.given = gauge.given.saturating_sub(known);
    }
}
