//! What an agent is told of the attempt before its own: how it ended, and what a person said since.

use scheduler::{AttemptOutcome, DecisionKind, Facts, Granted};
use serde::Serialize;
use store::StoreError;
use store::read::{DecisionFilter, Page};

use crate::auth::Caller;
use crate::state::App;

/// The attempt before this one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Previous {
    /// The name of the agent that had it.
    agent: String,
    /// How it ended; `completed` of a result that was sent back.
    outcome: AttemptOutcome,
    /// What the agent said of it, or whoever took it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What was said when it was handed over, sent back or set to be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The attempt before a lease; `None` for the first. A lease is worth more than its history: where
/// that cannot be read the log says so, and the lease is answered without.
pub(super) async fn previous(app: &App, caller: &Caller, lease: &Granted) -> Option<Previous> {
    if lease.epoch <= 1 {
        return None;
    }
    read(app, caller, lease).await.unwrap_or_else(|error| {
        tracing::warn!(%error, task = %lease.task, "the attempt before cannot be read");
        None
    })
}

async fn read(app: &App, caller: &Caller, lease: &Granted) -> Result<Option<Previous>, StoreError> {
    let attempts = app.store.attempts(caller.workspace, lease.task).await?;
    let Some(last) = attempts
        .into_iter()
        .rfind(|one| one.attempt.epoch < lease.epoch)
    else {
        return Ok(None);
    };
    let filter = DecisionFilter {
        kind: Some(DecisionKind::Override),
        task: Some(lease.task),
        ..DecisionFilter::default()
    };
    let decisions = app
        .store
        .decisions(caller.workspace, &filter, Page::default());
    let said = decisions.await?.items.into_iter().find_map(|listed| {
        let since = last.attempt.decision..lease.decision;
        match listed.decision.facts {
            Facts::Override(facts) if since.contains(&listed.decision.id) => facts.reason,
            _ => None,
        }
    });
    Ok(Some(Previous {
        agent: last.agent_name,
        outcome: last.attempt.outcome,
        // Who takes a lease away says why once.
        error: last
            .attempt
            .error
            .filter(|error| Some(error) != said.as_ref()),
        note: said,
    }))
}
