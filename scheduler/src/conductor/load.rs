//! Memory is a cache of Postgres: this fills it.

use std::sync::Arc;

use hashbrown::HashMap;

use super::state::{
    Counts, Extra, Held, Kind, Lease, Meter, Permit, Place, ResIx, Reserved, Resource, Task,
    TaskIx, Timer, Workspace,
};
use super::{Conductor, Output};
use crate::{
    Grant, LeaseId, OpenLease, OpenTask, PermitRow, Policy, Span, Stored, TaskState, Time, Unit,
    WorkspaceId,
};

/// How long a lease that is loaded lives at least: its agent could not renew it while nobody decided,
/// and has to ask again.
const GRACE: Span = Span::from_secs(10);

impl Conductor {
    /// Takes in one stored thing. Workspaces come before what lies in them, resources, budgets and
    /// agents before tasks, tasks before leases; what is already there is left as it is.
    pub fn restore(&mut self, stored: Stored) {
        match stored {
            Stored::Workspace {
                id,
                policy,
                policy_version,
            } => self.restore_workspace(id, policy, policy_version),
            Stored::Resource(row) => {
                let owner = row
                    .spec
                    .workspace
                    .and_then(|id| self.workspace_of.get(&id).copied());
                let names = owner.map_or(&self.pool_resources, |ws| &self.workspaces[ws].resources);
                if !names.contains_key(&row.spec.name) {
                    self.add_resource(row);
                }
            }
            Stored::Budget(row) => {
                let ws = self.workspace_of.get(&row.spec.workspace).copied();
                if let Some(ws) =
                    ws.filter(|&ws| !self.workspaces[ws].budgets.contains_key(&row.spec.name))
                {
                    let ix = self.add_budget(ws, row);
                    self.set_window_timer(ix);
                }
            }
            Stored::Agent(row) => {
                let ws = self.workspace_of.get(&row.workspace).copied();
                if let Some(ws) =
                    ws.filter(|&ws| !self.workspaces[ws].agents.contains_key(&row.card.name))
                {
                    self.add_agent(ws, row.card, row.seen_at, row.status);
                }
            }
            Stored::Task(task) => self.restore_task(*task),
            Stored::Lease(lease) => self.restore_lease(&lease),
            Stored::Permit(permit) => self.restore_permit(&permit),
            Stored::Kind(kind) => {
                if let Some(&ws) = self.workspace_of.get(&kind.workspace) {
                    let learnt = Kind {
                        attempts: kind.attempts,
                        duration_ms: kind.duration_ms,
                        tokens: kind.tokens,
                        cost_microusd: kind.cost_microusd,
                    };
                    self.workspaces[ws].kinds.entry(kind.kind).or_insert(learnt);
                }
            }
        }
    }

    /// Everything is restored: draws the consequences, as of `now`.
    pub fn start(&mut self, now: Time) -> Output {
        self.now = self.now.max(now);
        for (task, dependency) in std::mem::take(&mut self.loose_edges) {
            self.tie(task, dependency);
        }
        for ws in self.workspaces.ids() {
            self.rematch_budgets(ws);
        }
        for lane in self.lanes.ids() {
            self.resolve_lane(lane);
        }
        // Latest made first: whoever waits was made later than what it waits for, or with it.
        let mut related: Vec<TaskIx> = self
            .tasks
            .iter()
            .filter(|(_, task)| task.extra.is_some())
            .map(|(ix, _)| ix)
            .collect();
        related.sort_unstable_by_key(|&ix| std::cmp::Reverse(self.tasks[ix].created_at));
        for ix in related {
            self.revalue(vec![ix]);
            self.rescore(ix);
        }
        for ix in self.tasks.ids() {
            // One that went with another is no longer there.
            if self.tasks.get(ix).is_some() {
                self.forget_if_unneeded(ix);
            }
        }
        for lease in std::mem::take(&mut self.loaded_leases) {
            self.grant_grace(lease);
        }
        self.run_timers();
        self.finish_step()
    }

    fn grant_grace(&mut self, id: LeaseId) {
        let until = self.now + GRACE;
        if self
            .leases
            .get(&id)
            .is_some_and(|lease| lease.expires_at < until)
        {
            self.extend(id, until);
            self.record_renewal(id, None, None);
        }
    }

    fn restore_workspace(&mut self, id: WorkspaceId, policy: Policy, policy_version: u32) {
        if self.workspace_of.contains_key(&id) {
            return;
        }
        let ws = self.workspaces.insert(Workspace {
            id,
            policy: Arc::new(policy),
            policy_version,
            profiles: HashMap::new(),
            lanes: HashMap::new(),
            groups: Vec::new(),
            agents: std::collections::BTreeMap::new(),
            budgets: std::collections::BTreeMap::new(),
            resources: std::collections::BTreeMap::new(),
            tree_budgets: Vec::new(),
            kinds: HashMap::new(),
            virtual_time: self.virtual_time,
            counts: Counts::default(),
            stalled: std::collections::BTreeSet::new(),
            waits: std::collections::BTreeSet::new(),
            blown: Vec::new(),
        });
        self.workspace_of.insert(id, ws);
    }

    fn restore_task(&mut self, open: OpenTask) {
        let Some(&ws) = self.workspace_of.get(&open.workspace) else {
            return;
        };
        if self.find_task(open.id).is_some() {
            return;
        }
        let place = match open.state {
            TaskState::Backlog => Place::Held,
            TaskState::InReview => Place::Review,
            TaskState::Failed => Place::Failed,
            TaskState::Cancelled => Place::Cancelled,
            TaskState::Pending | TaskState::InProgress | TaskState::Done
                if !open.waits_for.is_empty() =>
            {
                Place::Depends
            }
            TaskState::Pending | TaskState::InProgress | TaskState::Done
                if open.not_before.is_some_and(|at| at > self.now) =>
            {
                Place::Timed
            }
            TaskState::Pending | TaskState::InProgress | TaskState::Done => Place::Queued,
        };
        self.note_created(open.created_at);
        let profile = self.profile_for(ws, &open.needs, || Arc::clone(&open.needs));
        let plain = open.due_at.is_none()
            && open.not_before.is_none()
            && open.boost.is_none()
            && open.children == 0
            && open.ancestors.is_empty()
            && open.waits_for.is_empty();
        let extra = (!plain).then(|| {
            Box::new(Extra {
                ancestors: open.ancestors.into(),
                children: open.children,
                due_at: open.due_at.into(),
                not_before: open.not_before.into(),
                backing_off: open.backing_off,
                boost: open.boost.map(Box::new),
                ..Extra::default()
            })
        });
        let ix = self.add_task(Task {
            id: open.id,
            created_at: open.created_at,
            rank: 0,
            profile,
            epoch: open.epoch,
            score: 0,
            attempts: open.attempts,
            priority: open.priority,
            place: Place::Failed,
            extra,
        });
        self.rescore(ix);
        self.admit_task(ix, place);
        for dependency in open.waits_for {
            self.tie(open.id, dependency);
        }
    }

    /// Links a task to what it waits for, as soon as both are there.
    fn tie(&mut self, task: crate::TaskId, dependency: crate::TaskId) {
        match (self.find_task(task), self.find_task(dependency)) {
            (Some(task), Some(dependency)) => {
                if !self.tasks[task].waits_for().contains(&dependency) {
                    self.link(task, dependency);
                }
            }
            _ => self.loose_edges.push((task, dependency)),
        }
    }

    fn restore_lease(&mut self, open: &OpenLease) {
        let (Some(task), Some(&agent)) =
            (self.find_task(open.task), self.agent_of.get(&open.agent))
        else {
            return;
        };
        if self.leases.contains_key(&open.id) {
            return;
        }
        let held = self.restore_grants(&open.grants);
        for held in held.iter().filter(|held| !held.slots.is_empty()) {
            self.resources[held.resource].holders.insert(open.id);
        }
        let ws = self.ws_of(task);
        let mut reservations = Vec::new();
        let (mut tokens, mut cost_microusd) = (0, 0);
        for booked in &open.reservations {
            let of = |ix: &&super::state::BudIx| self.budgets[**ix].spec.id == booked.budget;
            if let Some(&budget) = self.workspaces[ws].budgets.values().find(of) {
                self.budgets[budget].reserved += booked.left;
                // What it used is known by what counted it.
                let used = match self.budgets[budget].spec.unit {
                    Unit::Tokens => &mut tokens,
                    Unit::Microusd => &mut cost_microusd,
                };
                *used = booked.used.max(*used);
                reservations.push(Reserved {
                    budget,
                    left: booked.left,
                    used: booked.used,
                });
            }
        }
        let expected = self.expected_ms(task);
        self.put(task, Place::Leased);
        let entry = &mut self.tasks[task];
        entry.epoch = entry.epoch.max(open.epoch);
        entry.attempts += 1;
        self.lease_of.insert(task, open.id);
        self.agents[agent].running += 1;
        self.timers
            .insert((open.expires_at, Timer::LeaseExpiry(open.id)));
        self.loaded_leases.push(open.id);
        self.leases.insert(
            open.id,
            Lease {
                id: open.id,
                task,
                ws,
                agent,
                epoch: open.epoch,
                granted_at: open.granted_at,
                expires_at: open.expires_at,
                held,
                reservations,
                decision: open.decision,
                expected_end: open.granted_at
                    + Span::from_millis(expected.unwrap_or(60_000) as i64),
                duration_known: expected.is_some(),
                said_end: None,
                tokens,
                cost_microusd,
            },
        );
    }

    fn restore_permit(&mut self, row: &PermitRow) {
        let Some(&ws) = self.workspace_of.get(&row.workspace) else {
            return;
        };
        let held = self.restore_grants(&row.grants);
        self.timers
            .insert((row.expires_at, Timer::PermitExpiry(row.id)));
        self.note_holder(row.id, &held);
        self.permits.insert(
            row.id,
            Permit {
                ws,
                agent: row.agent,
                expires_at: row.expires_at,
                held,
            },
        );
    }

    /// What was held is held again; a bucket's state already says what was taken.
    fn restore_grants(&mut self, grants: &[Grant]) -> Vec<Held> {
        let mut held = Vec::with_capacity(grants.len());
        for grant in grants {
            // Its name may be another's by now.
            let of = |(_, resource): &(ResIx, &Resource)| resource.spec.id == grant.resource;
            let Some((resource, _)) = self.resources.iter().find(of) else {
                continue;
            };
            if let Meter::Slots(slots) = &mut self.resources[resource].meter {
                slots.hold(&grant.slots);
            }
            held.push(Held {
                resource,
                amount: grant.amount,
                slots: grant.slots.clone(),
                used: 0,
            });
        }
        held
    }
}
