//! A small world around a conductor: a store in memory, agents, and a source of chance that can be
//! played again.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::{BTreeMap, BTreeSet};

use scheduler::{
    Act, Actor, AgentId, AgentRow, Answer, AttemptOutcome, BudgetId, BudgetRow, Claim, Claimed,
    Class, Command, Complete, Conductor, CreateTasks, Decision, DecisionId, Estimate, Facts, Fail,
    GiveBack, Granted, KeyId, LeaseId, Needs, NewTask, OpenLease, OpenTask, Output, Overrule,
    Policy, PoolId, Priority, PutAgent, PutBudget, PutResource, Refusal, Renew, Reply, ReportUsage,
    Request, Requirement, ResourceId, ResourceKind, ResourceRow, Span, Stored, TaskFact, TaskId,
    TaskState, ThrottledResource, Ticket, Time, Unit, Usage, UsageRow, Window, WorkspaceId,
};
use uuid::Uuid;

pub const START: Time = Time(1_763_000_000_000_000);

/// `SplitMix64` (Steele, Lea and Flood 2014): small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len() as u64) as usize])
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The seeds to play: `BATON_SEED` alone if it is set, else `count` from a fixed start.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("BATON_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => vec![seed],
        None => (1..=count).collect(),
    }
}

pub fn id(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | kind << 56 | u128::from(n))
}

pub fn workspace(n: u64) -> WorkspaceId {
    id(1, n).into()
}

pub fn agent(n: u64) -> AgentId {
    id(2, n).into()
}

pub fn boss() -> Actor {
    Actor::Key {
        id: KeyId(id(3, 0)),
        name: "boss".to_owned(),
    }
}

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
            self.resources.insert(row.spec.id, row.clone());
        }
        for row in &records.budgets {
            self.budgets.insert(row.spec.id, row.clone());
        }
        for id in &records.resources_removed {
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
            self.slots.retain(|_, holder| *holder != lease.id);
        }
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

/// A conductor, its store, and the clock.
pub struct World {
    pub conductor: Conductor,
    pub model: Model,
    pub now: Time,
    pub answers: BTreeMap<Ticket, Answer>,
    pub wake_at: Option<Time>,
    tickets: u64,
    ids: u64,
    loads: u64,
}

impl World {
    pub fn new(workspaces: u64, policy: &Policy) -> Self {
        let mut model = Model::default();
        for n in 0..workspaces {
            model.workspaces.insert(workspace(n), (policy.clone(), 1));
        }
        let (conductor, _) = model.load(1, START);
        Self {
            conductor,
            model,
            now: START,
            answers: BTreeMap::new(),
            wake_at: None,
            tickets: 0,
            ids: 0,
            loads: 1,
        }
    }

    pub fn pass(&mut self, span: Span) {
        self.now = self.now + span;
    }

    /// Time goes on, and what is due happens when it is due.
    pub fn pass_waking(&mut self, span: Span) {
        let until = self.now + span;
        while let Some(at) = self.wake_at.filter(|&at| at <= until) {
            self.now = self.now.max(at);
            self.step(Vec::new());
        }
        self.now = until;
    }

    pub fn step(&mut self, commands: Vec<(Ticket, Command)>) {
        let output = self.conductor.step(self.now, commands);
        self.take(output);
    }

    fn take(&mut self, output: Output) {
        self.model.store(&output);
        self.wake_at = output.wake_at;
        for (ticket, answer) in output.replies {
            assert!(
                self.answers.insert(ticket, answer).is_none(),
                "two answers to one request"
            );
        }
    }

    /// The process dies and another takes over: memory is dropped and loaded again.
    pub fn reload(&mut self) {
        self.loads += 1;
        let (conductor, output) = self.model.load(self.loads, self.now);
        self.conductor = conductor;
        self.take(output);
    }

    pub fn send(&mut self, ws: u64, actor: Actor, request: Request) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.step(vec![(
            ticket,
            Command {
                workspace: workspace(ws),
                actor,
                request,
            },
        )]);
        ticket
    }

    /// Sends, adding facts where the conductor asks for them.
    pub fn ask(&mut self, ws: u64, actor: Actor, request: Request) -> Answer {
        let ticket = self.send(ws, actor.clone(), request.clone());
        let answer = self.answers.remove(&ticket).expect("an answer at once");
        let (Err(Refusal::NeedFacts { tasks }), Request::CreateTasks(create)) = (&answer, request)
        else {
            return answer;
        };
        let facts = tasks
            .iter()
            .filter_map(|&task| self.model.fact(task, workspace(ws)))
            .collect();
        let ticket = self.send(
            ws,
            actor,
            Request::CreateTasks(CreateTasks { facts, ..create }),
        );
        self.answers.remove(&ticket).expect("an answer at once")
    }

    pub fn task_id(&mut self) -> TaskId {
        self.ids += 1;
        id(4, self.ids).into()
    }

    pub fn new_task(&mut self, requires: &[(&str, u32)]) -> NewTask {
        let mut requires: Vec<Requirement> = requires
            .iter()
            .map(|&(resource, amount)| Requirement {
                resource: resource.to_owned(),
                amount,
            })
            .collect();
        requires.sort();
        NewTask {
            id: self.task_id(),
            title: "a task".to_owned(),
            description: String::new(),
            payload: None,
            reference: None,
            needs: Needs {
                kind: "general".to_owned(),
                requires,
                max_attempts: 3,
                lease_ms: 60_000,
                ..Needs::default()
            },
            priority: Priority::Medium,
            due_at: None,
            not_before: None,
            depends_on: Vec::new(),
            parent: None,
        }
    }

    pub fn create(&mut self, ws: u64, tasks: Vec<NewTask>) -> Answer {
        self.ask(
            ws,
            boss(),
            Request::CreateTasks(CreateTasks {
                tasks,
                facts: Vec::new(),
            }),
        )
    }

    pub fn add(&mut self, ws: u64, requires: &[(&str, u32)]) -> TaskId {
        let task = self.new_task(requires);
        let id = task.id;
        self.create(ws, vec![task]).expect("created");
        id
    }

    pub fn put_agent(&mut self, ws: u64, n: u64, capabilities: &[&str]) {
        let card = PutAgent {
            id: agent(n),
            name: format!("agent-{n}"),
            capabilities: capabilities.iter().map(|&each| each.to_owned()).collect(),
            models: Vec::new(),
            max_concurrency: None,
            card: serde_json::Value::Null,
        };
        self.ask(ws, agent_actor(n), Request::PutAgent(card))
            .expect("registered");
    }

    pub fn put_resource(&mut self, ws: u64, name: &str, kind: ResourceKind, pool_wide: bool) {
        let id = ResourceId(id(5, hash(name) ^ if pool_wide { 0 } else { ws + 1 }));
        let request = PutResource {
            id,
            name: name.to_owned(),
            pool_wide,
            kind,
            adaptive: None,
        };
        self.ask(ws, boss(), Request::PutResource(request))
            .expect("set");
    }

    pub fn put_budget(&mut self, ws: u64, name: &str, unit: Unit, limit: u64, window: Window) {
        let request = PutBudget {
            id: BudgetId(id(6, hash(name) ^ ws)),
            name: name.to_owned(),
            scope: scheduler::BudgetScope::Workspace,
            unit,
            limit,
            window,
            soft_at: 0.8,
        };
        self.ask(ws, boss(), Request::PutBudget(request))
            .expect("set");
    }

    /// A claim that waits `wait`; answered at once or later.
    pub fn claim_waiting(&mut self, ws: u64, n: u64, max: u16, wait: Span) -> Ticket {
        let wait_until = self.now + wait;
        let claim = Claim {
            agent: agent(n),
            name: format!("agent-{n}"),
            max,
            wait_until,
            capabilities: None,
            models: None,
        };
        self.send(ws, agent_actor(n), Request::Claim(claim))
    }

    pub fn claim(&mut self, ws: u64, n: u64, max: u16) -> Claimed {
        let ticket = self.claim_waiting(ws, n, max, Span::ZERO);
        self.claimed(ticket)
            .expect("a claim that does not wait is answered at once")
    }

    pub fn claimed(&mut self, ticket: Ticket) -> Option<Claimed> {
        match self.answers.remove(&ticket)? {
            Ok(Reply::Claimed(claimed)) => Some(claimed),
            other => panic!("not a claim's answer: {other:?}"),
        }
    }

    pub fn complete(&mut self, ws: u64, n: u64, granted: &Granted, usage: Option<Usage>) -> Answer {
        let request = Complete {
            lease: granted.lease,
            epoch: granted.epoch,
            output: None,
            usage,
        };
        self.ask(ws, agent_actor(n), Request::Complete(request))
    }

    pub fn fail(
        &mut self,
        ws: u64,
        n: u64,
        granted: &Granted,
        throttled: Option<&str>,
        jitter: f64,
    ) -> Answer {
        let throttled = throttled.map(|name| ThrottledResource {
            resource: name.to_owned(),
            retry_after_ms: Some(2_000),
        });
        let request = Fail {
            lease: granted.lease,
            epoch: granted.epoch,
            error: "it broke".to_owned(),
            retryable: true,
            retry_after_ms: None,
            throttled,
            usage: None,
            jitter,
        };
        self.ask(ws, agent_actor(n), Request::Fail(request))
    }

    pub fn renew(&mut self, ws: u64, n: u64, granted: &Granted) -> Answer {
        let request = Renew {
            lease: granted.lease,
            epoch: granted.epoch,
            progress: None,
            note: None,
        };
        self.ask(ws, agent_actor(n), Request::Renew(request))
    }

    pub fn report(&mut self, ws: u64, n: u64, granted: &Granted, tokens: u64) -> Answer {
        let usage = Usage {
            input_tokens: tokens,
            ..Usage::default()
        };
        let request = ReportUsage {
            lease: granted.lease,
            epoch: granted.epoch,
            usage,
        };
        self.ask(ws, agent_actor(n), Request::Usage(request))
    }

    pub fn hand_back(&mut self, ws: u64, n: u64, granted: &Granted) -> Answer {
        let request = GiveBack {
            lease: granted.lease,
            epoch: granted.epoch,
            reason: None,
        };
        self.ask(ws, agent_actor(n), Request::GiveBack(request))
    }

    pub fn overrule(&mut self, ws: u64, task: TaskId, act: Act) -> Answer {
        let request = Overrule {
            task,
            act,
            reason: None,
            boost: None,
            handoff: None,
            facts: Vec::new(),
        };
        self.ask(ws, boss(), Request::Overrule(request))
    }

    pub fn explain(&self, ws: u64, task: TaskId) -> Option<scheduler::Explanation> {
        let query = scheduler::Query::Explain { task };
        match self.conductor.view(workspace(ws), &query, self.now) {
            scheduler::View::Explanation { explanation } => explanation.map(|boxed| *boxed),
            other => panic!("not an explanation: {other:?}"),
        }
    }

    pub fn code(&self, ws: u64, task: TaskId) -> Option<scheduler::Code> {
        self.explain(ws, task)?
            .blockers
            .first()
            .map(|blocker| blocker.code)
    }
}

pub fn agent_actor(n: u64) -> Actor {
    Actor::Agent {
        id: agent(n),
        name: format!("agent-{n}"),
    }
}

pub fn estimate(tokens: u32) -> Estimate {
    Estimate {
        input_tokens: Some(tokens),
        ..Estimate::default()
    }
}

pub fn outcome_is_lost(answer: &Answer) -> bool {
    matches!(answer, Err(Refusal::LeaseLost))
}

pub fn class_of(n: u64) -> Class {
    Class::ALL[(n % 5) as usize]
}

fn hash(name: &str) -> u64 {
    name.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) & 0xffff_ffff
}
