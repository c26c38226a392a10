//! Gathers what was committed until it is told.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hashbrown::{HashMap, HashSet};
use scheduler::{LeaseId, Level, Records, RenewedLease, TaskState, WorkspaceId};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Item, Kind};

/// Items named in one notification; more become "something of that kind changed". As JSON they
/// stay under the 8,000 bytes that Postgres carries.
pub(super) const NAMED: usize = 45;

/// What has been committed and not yet told; bounded by the number of workspaces.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    gathered: Mutex<Gathered>,
    pub(super) wake: Notify,
}

#[derive(Debug, Default)]
struct Gathered {
    closed: bool,
    reset: bool,
    named: Vec<Item>,
    places: HashMap<(Kind, Uuid), usize>,
    unnamed: BTreeSet<(Option<WorkspaceId>, Kind)>,
}

/// One notification's worth.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Bundle {
    pub reset: bool,
    pub items: Vec<Item>,
}

impl Collector {
    /// Adds what a committed flush changed.
    pub(crate) fn add(&self, records: &Records) {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        // Beyond the bound nothing is named anyway, so nothing is looked at one by one.
        if records.len() > 2 * NAMED {
            gathered.stop_naming();
        }
        changes(records, |item| gathered.put(item));
        let anything = !gathered.is_empty();
        drop(gathered);
        if anything {
            self.wake.notify_one();
        }
    }

    /// Everyone shall read again all they show.
    pub(crate) fn reset(&self) {
        self.gathered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reset = true;
        self.wake.notify_one();
    }

    /// Nothing more comes; what is left is told and then no more.
    pub(crate) fn close(&self) {
        self.gathered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.wake.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.gathered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed
    }

    /// Takes one notification's worth; `None` when all is told.
    pub(super) fn take(&self) -> Option<Bundle> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        if gathered.is_empty() {
            return None;
        }
        let reset = std::mem::take(&mut gathered.reset);
        let mut items = std::mem::take(&mut gathered.named);
        gathered.places.clear();
        while items.len() < NAMED
            && let Some((workspace, kind)) = gathered.unnamed.pop_first()
        {
            items.push(Item {
                workspace,
                kind,
                id: None,
                state: None,
            });
        }
        Some(Bundle { reset, items })
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        !self.reset && self.named.is_empty() && self.unnamed.is_empty()
    }

    fn put(&mut self, item: Item) {
        let Some(id) = item.id.filter(|_| self.unnamed.is_empty()) else {
            self.unnamed.insert((item.workspace, item.kind));
            return;
        };
        if let Some(&place) = self.places.get(&(item.kind, id)) {
            let state = item.state.or(self.named[place].state);
            self.named[place] = Item { state, ..item };
        } else if self.named.len() < NAMED {
            self.places.insert((item.kind, id), self.named.len());
            self.named.push(item);
        } else {
            self.stop_naming();
            self.unnamed.insert((item.workspace, item.kind));
        }
    }

    fn stop_naming(&mut self) {
        self.places.clear();
        self.unnamed
            .extend(self.named.drain(..).map(|item| (item.workspace, item.kind)));
    }
}

/// What changed, a later state of a task after an earlier one.
fn changes(records: &Records, mut put: impl FnMut(Item)) {
    let mut task = |workspace, id: Uuid, state| {
        put(Item {
            workspace: Some(workspace),
            kind: Kind::Task,
            id: Some(id),
            state,
        });
    };
    let over: HashSet<LeaseId> = records
        .attempts
        .iter()
        .map(|attempt| attempt.lease)
        .collect();
    for created in &records.created {
        let open = &created.open;
        task(open.workspace, open.id.0, Some(open.state));
        // They tell of those below and behind them.
        for around in open
            .ancestors
            .first()
            .into_iter()
            .chain(&created.task.depends_on)
        {
            task(open.workspace, around.0, None);
        }
    }
    for open in &records.changed {
        task(open.workspace, open.id.0, Some(open.state));
    }
    for attempt in &records.attempts {
        task(attempt.workspace, attempt.task.0, Some(attempt.state));
    }
    for lease in records
        .leased
        .iter()
        .filter(|lease| !over.contains(&lease.id))
    {
        task(lease.workspace, lease.task.0, Some(TaskState::InProgress));
    }
    let told = |renewed: &&RenewedLease| renewed.progress.is_some() || renewed.note.is_some();
    for renewed in records.renewed.iter().filter(told) {
        task(renewed.workspace, renewed.task.0, None);
    }
    for ended in &records.ended {
        task(ended.workspace, ended.id.0, Some(ended.state));
    }
    for edit in &records.edits {
        task(edit.workspace, edit.task.0, None);
    }
    for used in &records.usage {
        task(used.workspace, used.task.0, None);
    }
    let mut other = |workspace, kind, id| {
        put(Item {
            workspace,
            kind,
            id: Some(id),
            state: None,
        });
    };
    for decision in &records.decisions {
        other(Some(decision.workspace), Kind::Decision, decision.id.0);
    }
    for row in &records.resources {
        other(row.spec.workspace, Kind::Resource, row.spec.id.0);
    }
    for (workspace, resource) in &records.resources_removed {
        other(*workspace, Kind::Resource, resource.0);
    }
    for row in &records.budgets {
        other(Some(row.spec.workspace), Kind::Budget, row.spec.id.0);
    }
    for (workspace, budget) in &records.budgets_removed {
        other(Some(*workspace), Kind::Budget, budget.0);
    }
    for level in &records.levels {
        match *level {
            Level::Slots(workspace, resource) => other(workspace, Kind::Resource, resource.0),
            Level::Budget(workspace, budget) => other(Some(workspace), Kind::Budget, budget.0),
        }
    }
    for lease in &records.leased {
        other(Some(lease.workspace), Kind::Agent, lease.agent.0);
    }
    for attempt in &records.attempts {
        other(Some(attempt.workspace), Kind::Agent, attempt.agent.0);
        // What came of it.
        other(Some(attempt.workspace), Kind::Decision, attempt.decision.0);
    }
    for used in &records.usage {
        other(Some(used.workspace), Kind::Agent, used.agent.0);
    }
    for row in &records.agents {
        other(Some(row.workspace), Kind::Agent, row.card.id.0);
    }
    for seen in &records.seen {
        other(Some(seen.workspace), Kind::Agent, seen.agent.0);
    }
    for row in &records.policies {
        other(Some(row.workspace), Kind::Policy, row.workspace.0);
    }
}

#[cfg(test)]
mod tests {
    use scheduler::{AgentId, AgentSeen, AgentStatus, Time};

    use super::*;

    fn seen(count: u128) -> Records {
        let row = |n| AgentSeen {
            workspace: WorkspaceId(Uuid::from_u128(1)),
            agent: AgentId(Uuid::from_u128(n)),
            at: Time(0),
            status: AgentStatus::Idle,
            detail: None,
        };
        Records {
            seen: (0..count).map(row).collect(),
            ..Records::default()
        }
    }

    #[test]
    fn the_same_thing_twice_is_told_once() {
        let collector = Collector::default();
        collector.add(&seen(3));
        collector.add(&seen(3));
        assert_eq!(collector.take().map(|bundle| bundle.items.len()), Some(3));
        assert_eq!(collector.take(), None);
    }

    #[test]
    fn too_many_to_name_become_one_of_their_kind() {
        let collector = Collector::default();
        collector.add(&seen(NAMED as u128 + 1));
        let items = collector.take().unwrap().items;
        assert_eq!(
            (items.len(), items[0].kind, items[0].id),
            (1, Kind::Agent, None)
        );
        collector.add(&seen(1));
        assert!(
            collector.take().unwrap().items[0].id.is_some(),
            "names come back afterwards"
        );
    }
}
