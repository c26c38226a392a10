//! What was stored behind a conductor's back: settings and agents that somebody wrote by hand or by
//! the command line.

use std::collections::{BTreeMap, HashSet};

use scheduler::{Query, Stored, View, WorkspaceId};
use uuid::Uuid;

use crate::engine::Shared;
use crate::error::EngineError;
use crate::routes::HeldPool;

/// Things of one pool that are known to be in its conductor's memory.
pub(crate) type Known = HashSet<Uuid>;

/// Reads the pool's settings and returns those its conductor does not hold. Only what was not there
/// at the last look is asked about.
pub(crate) async fn look(
    shared: &Shared,
    pool: &HeldPool,
    known: &mut Known,
) -> Result<Vec<Stored>, EngineError> {
    let mut fresh: BTreeMap<Option<WorkspaceId>, Vec<(Uuid, Stored)>> = BTreeMap::new();
    let keep = |fact: Stored| {
        if let Some((workspace, id)) = named(&fact).filter(|(_, id)| !known.contains(id)) {
            fresh.entry(workspace).or_default().push((id, fact));
        }
    };
    shared.store.load_settings(pool.pool, keep).await?;
    let mut missing = Vec::new();
    // What belongs to the pool is seen from any of its workspaces.
    let anywhere = fresh.keys().flatten().next().copied();
    for (workspace, facts) in fresh {
        if let Some(workspace) = workspace.or(anywhere) {
            let held = held(pool, workspace).await?;
            missing.extend(
                facts
                    .iter()
                    .filter(|(id, _)| !held.contains(id))
                    .map(|(_, fact)| fact.clone()),
            );
        }
        known.extend(facts.into_iter().map(|(id, _)| id));
    }
    Ok(missing)
}

/// What a thing is called and whose it is. Workspaces are not asked about here: asking for anything
/// in one loads it.
fn named(fact: &Stored) -> Option<(Option<WorkspaceId>, Uuid)> {
    match fact {
        Stored::Resource(row) => Some((row.spec.workspace, row.spec.id.0)),
        Stored::Budget(row) => Some((Some(row.spec.workspace), row.spec.id.0)),
        Stored::Agent(row) => Some((Some(row.workspace), row.card.id.0)),
        _ => None,
    }
}

/// Everything of one workspace that its conductor holds.
async fn held(pool: &HeldPool, workspace: WorkspaceId) -> Result<HashSet<Uuid>, EngineError> {
    let mut held = HashSet::new();
    for query in [Query::Resources, Query::Budgets, Query::Agents] {
        match pool.inbox.view(workspace, query).await? {
            View::Resources { resources } => {
                held.extend(resources.iter().map(|view| view.spec.id.0));
            }
            View::Budgets { budgets } => held.extend(budgets.iter().map(|view| view.row.spec.id.0)),
            View::Agents { agents } => held.extend(agents.iter().map(|view| view.id.0)),
            _ => {}
        }
    }
    Ok(held)
}
