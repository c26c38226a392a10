//! The store in memory.

use std::collections::{BTreeMap, BTreeSet};

use scheduler::{
    AgentId, AgentRow, AttemptOutcome, BudgetId, BudgetRow, Conductor, Decision, DecisionId, Facts,
    LeaseId, OpenLease, OpenTask, Output, Policy, PoolId, Requirement, ResourceId, ResourceKind,
    ResourceRow, Stored, TaskFact, TaskId, TaskState, Time, Unit, UsageRow, Window, WorkspaceId,
};

use super::id;

/// What Postgres would hold: it takes records in and gives a conductor its memory back. Everything it
/// is handed is checked as the constraints there would.
#[derive(Debug, Default)]
pub struct Model {
    pub workspaces: BTreeMap<WorkspaceId, (Policy, u32)>,
    pub open: BTreeMap<TaskId, OpenTask>,
    pub depends: BTreeMap<TaskId, Vec<TaskId>>,
    pub parents: BTreeMap<TaskId, TaskId>,
    pub ended: BTreeMap<TaskId, TaskState>,
    /// Failed and cancelled tasks as they ended.
    pub over: BTreeMap<TaskId, OpenTask>,
    pub leases: BTreeMap<TaskId, OpenLease>,
    pub slots: BTreeMap<(ResourceId, u32), LeaseId>,
    pub epochs: BTreeMap<TaskId, u32>,
    pub decisions: BTreeMap<DecisionId, Decision>,
    pub attempts: BTreeSet<LeaseId>,
    pub resources: BTreeMap<ResourceId, ResourceRow>,
    /// Resources whose limit was changed.
    pub changed: BTreeSet<ResourceId>,
    pub budgets: BTreeMap<BudgetId, BudgetRow>,
    pub agents: BTreeMap<AgentId, AgentRow>,
    pub usage: Vec<UsageRow>,
    /// What each bucket gave, when.
    pub given: BTreeMap<ResourceId, Vec<(Time, u32, LeaseId)>>,
}

impl Model {
    pub fn store(&mut self, output: &Output) {
        let records = &output.records;
        for decision in &records.decisions {
            assert!(
                self.decisions
                    .insert(decision.id, decision.clone())
                    .is_none(),
                "a decision twice"
            );
        }
        for created in &records.created {
            assert!(
                self.open
                    .insert(created.open.id, created.open.clone())
                    .is_none(),
                "a task twice"
            );
            self.depends
                .insert(created.open.id, created.task.depends_on.clone());
            self.parents
                .extend(created.task.parent.map(|parent| (created.open.id, parent)));
        }
        for row in &records.resources {
            let before = self.resources.insert(row.spec.id, row.clone());
            if before.is_some_and(|before| before.spec.kind != row.spec.kind) {
                self.changed.insert(row.spec.id);
            }
        }
        for row in &records.budgets {
            self.budgets.insert(row.spec.id, row.clone());
        }
        for (_, id) in &records.resources_removed {
            assert!(
                self.resources.remove(id).is_some(),
                "removed what was not there"
            );
        }
        for (_, id) in &records.budgets_removed {
            assert!(
                self.budgets.remove(id).is_some(),
                "removed what was not there"
            );
        }
        for row in &records.agents {
            self.agents.insert(row.card.id, row.clone());
        }
        for row in &records.policies {
            self.workspaces
                .insert(row.workspace, (row.policy.clone(), row.version));
        }
        self.usage.extend(records.usage.iter().cloned());
        self.store_life(output);
        self.check_slots();
    }

    /// Leases and ends as a flush nets them: what ended goes first, so that what it held can be given
    /// again; a lease that was given and ended within one batch is never live.
    fn store_life(&mut self, output: &Output) {
        let records = &output.records;
        let brief: BTreeSet<LeaseId> = records.leased.iter().map(|lease| lease.id).collect();
        for attempt in &records.attempts {
            assert!(
                self.attempts.insert(attempt.lease),
                "an attempt ended twice"
            );
            if brief.contains(&attempt.lease) {
                continue;
            }
            let lease = self
                .leases
                .remove(&attempt.task)
                .expect("an attempt ends under a live lease");
            if attempt.outcome == AttemptOutcome::Released {
                // The work did not begin: what it took was put back.
                self.given
                    .values_mut()
                    .for_each(|given| given.retain(|&(.., holder)| holder != lease.id));
            }
            assert_eq!(lease.id, attempt.lease);
        }
        for freed in &records.slots_freed {
            let place = (freed.resource, freed.slot);
            if self.slots.get(&place) == Some(&LeaseId(freed.holder)) {
                self.slots.remove(&place);
            }
        }
        let is_over = |lease: &LeaseId| self.attempts.contains(lease);
        assert!(
            !self.slots.values().any(is_over),
            "a slot is stored as held by a lease that is over"
        );
        for open in &records.changed {
            self.open.insert(open.id, open.clone());
            if !open.state.is_terminal() {
                self.ended.remove(&open.id);
            }
        }
        for ended in &records.ended {
            assert!(ended.state.is_terminal());
            assert!(
                self.ended.insert(ended.id, ended.state).is_none(),
                "two ends of one task"
            );
            if let Some(open) = self.open.get(&ended.id) {
                self.over.insert(
                    ended.id,
                    OpenTask {
                        state: ended.state,
                        ..open.clone()
                    },
                );
            }
            if !ended.kept {
                self.open.remove(&ended.id);
            }
            let awaited = self
                .open
                .keys()
                .any(|other| *other != ended.id && self.waits_for(*other).contains(&ended.id));
            assert_eq!(
                ended.kept,
                ended.state != TaskState::Done && awaited,
                "kept only while others wait for it"
            );
        }
        for (_, task) in &records.forgotten {
            assert!(
                self.ended.contains_key(task),
                "only what is over is forgotten"
            );
            self.open.remove(task);
        }
        for lease in records
            .leased
            .iter()
            .filter(|lease| !self.attempts.contains(&lease.id))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.check_lease(&lease);
            for grant in &lease.grants {
                for &slot in &grant.slots {
                    let before = self.slots.insert((grant.resource, slot), lease.id);
                    assert!(
                        before.is_none(),
                        "slot {slot} of {} given twice",
                        grant.name
                    );
                }
            }
            assert!(
                self.leases.insert(lease.task, lease).is_none(),
                "two live leases of one task"
            );
        }
        for renewed in &records.renewed {
            if let Some(lease) = self.leases.get_mut(&renewed.task) {
                lease.expires_at = renewed.expires_at;
                lease.reservations.clone_from(&renewed.reservations);
            }
        }
    }

    fn check_lease(&mut self, lease: &OpenLease) {
        let decision = &self.decisions[&lease.decision];
        let Facts::Dispatch(facts) = &decision.facts else {
            panic!("a lease without a dispatch decision")
        };
        assert_eq!(
            (facts.lease, facts.epoch, decision.task),
            (lease.id, lease.epoch, Some(lease.task))
        );
        for budget in &facts.budgets {
            assert!(
                budget.settled + budget.reserved + budget.taken <= budget.limit,
                "reserved + settled ≤ limit: {budget:?}"
            );
        }
        let epoch = self.epochs.entry(lease.task).or_default();
        assert!(lease.epoch > *epoch, "epochs only grow");
        *epoch = lease.epoch;
        let open = &self.open[&lease.task];
        assert_eq!(
            open.state,
            TaskState::Pending,
            "only a waiting task is leased"
        );
        for dependency in &self.depends[&lease.task] {
            assert_eq!(
                self.ended.get(dependency),
                Some(&TaskState::Done),
                "a dependency is done before its dependant starts"
            );
        }
        let mut granted: Vec<Requirement> = lease
            .grants
            .iter()
            .map(|grant| Requirement {
                resource: grant.name.clone(),
                amount: grant.amount,
            })
            .collect();
        granted.sort();
        assert_eq!(
            granted, open.needs.requires,
            "grants are the task's needs, all or nothing"
        );
        for grant in &lease.grants {
            if grant.slots.is_empty() {
                self.given.entry(grant.resource).or_default().push((
                    lease.granted_at,
                    grant.amount,
                    lease.id,
                ));
            }
        }
    }

    fn check_slots(&self) {
        for row in self.resources.values() {
            if let ResourceKind::Slots { slots } = row.spec.kind {
                let held = self
                    .slots
                    .range((row.spec.id, 0)..=(row.spec.id, u32::MAX))
                    .count();
                assert!(
                    held <= slots as usize,
                    "{held} of {slots} slots of {} in use",
                    row.spec.name
                );
            }
        }
    }

    /// Invariant 5 over all that was given, for buckets whose limit was never changed.
    pub fn check_buckets(&self) {
        for (id, given) in &self.given {
            let ResourceKind::Bucket {
                capacity,
                refill_per_s,
            } = self.resources[id].spec.kind
            else {
                continue;
            };
            if self.changed.contains(id) {
                continue;
            }
            for (at, &(from, ..)) in given.iter().enumerate() {
                let mut sum = 0.0;
                for &(to, amount, _) in given[at..].iter().take(300) {
                    sum += f64::from(amount);
                    let most = f64::from(capacity) + refill_per_s * to.since(from).as_secs_f64();
                    assert!(
                        sum <= most + 1e-6,
                        "a bucket gave {sum} in {:?}, at most {most}",
                        to.since(from)
                    );
                }
            }
        }
    }

    /// Invariant 12: what was reported adds up to what is settled, for budgets whose window held.
    pub fn check_ledger(&self, since: Time) {
        for row in self
            .budgets
            .values()
            .filter(|row| row.spec.window == Window::Total)
        {
            let rows = self
                .usage
                .iter()
                .filter(|usage| usage.at >= since && usage.workspace == row.spec.workspace);
            let sum: u64 = rows
                .map(|usage| match row.spec.unit {
                    Unit::Tokens => usage.input_tokens + usage.output_tokens,
                    Unit::Microusd => usage.cost_microusd,
                })
                .sum();
            assert_eq!(
                sum, row.state.settled,
                "the ledger of {} adds up",
                row.spec.name
            );
        }
    }

    fn waits_for(&self, task: TaskId) -> Vec<TaskId> {
        let all = self.depends.get(&task).into_iter().flatten();
        all.filter(|id| self.ended.get(*id) != Some(&TaskState::Done))
            .copied()
            .collect()
    }

    pub fn fact(&self, id: TaskId, workspace: WorkspaceId) -> Option<TaskFact> {
        let state = *self.ended.get(&id)?;
        Some(TaskFact {
            id,
            workspace,
            state,
            ancestors: self.ancestors(id),
            children: self.children(id),
            reopen: self.reopen(id, state),
        })
    }

    fn reopen(&self, id: TaskId, state: TaskState) -> Option<Box<OpenTask>> {
        let open = self.over.get(&id).filter(|_| state != TaskState::Done)?;
        Some(Box::new(OpenTask {
            waits_for: self.waits_for(id),
            children: self.children(id),
            ..open.clone()
        }))
    }

    fn ancestors(&self, id: TaskId) -> Vec<TaskId> {
        std::iter::successors(self.parents.get(&id).copied(), |up| {
            self.parents.get(up).copied()
        })
        .collect()
    }

    fn children(&self, id: TaskId) -> u32 {
        self.parents
            .values()
            .filter(|parent| **parent == id)
            .count() as u32
    }

    /// A conductor loaded from what is stored.
    pub fn load(&self, salt: u64, now: Time) -> (Conductor, Output) {
        let mut conductor = Conductor::new(PoolId(id(9, 0)), salt);
        for (&id, (policy, version)) in &self.workspaces {
            conductor.restore(Stored::Workspace {
                id,
                policy: policy.clone(),
                policy_version: *version,
            });
        }
        self.resources
            .values()
            .for_each(|row| conductor.restore(Stored::Resource(row.clone())));
        self.budgets
            .values()
            .for_each(|row| conductor.restore(Stored::Budget(row.clone())));
        self.agents
            .values()
            .for_each(|row| conductor.restore(Stored::Agent(row.clone())));
        for open in self.open.values() {
            let waits_for = self.waits_for(open.id);
            // What failed and nobody waits for any more is not loaded.
            let needed = !open.state.is_terminal()
                || self
                    .open
                    .keys()
                    .any(|other| self.waits_for(*other).contains(&open.id));
            if needed {
                let open = OpenTask {
                    waits_for,
                    children: self.children(open.id),
                    ..open.clone()
                };
                conductor.restore(Stored::Task(Box::new(open)));
            }
        }
        self.leases
            .values()
            .for_each(|lease| conductor.restore(Stored::Lease(lease.clone())));
        let output = conductor.start(now);
        (conductor, output)
    }
}
