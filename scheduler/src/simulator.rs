//! A whole pool on a virtual clock: the same conductor, agents that work as long as a scenario says,
//! and chance from a seed. A day passes in seconds, and the same seed gives the same day.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::{
    Actor, AgentId, Claim, Command, Complete, Conductor, CreateTasks, Fail, Granted, KeyId,
    NewTask, Output, Policy, PoolId, PutBudget, PutResource, Refusal, Reply, Request, ResourceKind,
    Span, Stored, TaskId, Ticket, Time, Usage, WorkspaceId,
};
use uuid::Uuid;

/// What is played.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// When the virtual clock starts.
    pub start: Time,
    /// Who works, by workspace.
    pub workspaces: Vec<Team>,
    /// Resources of the pool, by name.
    pub resources: Vec<(String, ResourceKind)>,
    /// Work, in order of arrival.
    pub arrivals: Vec<Arrival>,
    /// The share of attempts that fail, in [0, 1).
    pub failures: f64,
    /// Where chance begins.
    pub seed: u64,
    /// When the play ends even if work is left.
    pub until: Time,
}

/// A workspace and its agents.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its policy.
    pub policy: Policy,
    /// Agents, each with one lease at a time, all with these capabilities.
    pub agents: u32,
    /// What every agent can do.
    pub capabilities: Vec<String>,
    /// Its budget, if it has one.
    pub budget: Option<PutBudget>,
}

/// A task and how its work will go.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// When it is created.
    pub at: Time,
    /// The workspace, by place.
    pub workspace: usize,
    /// The task.
    pub task: NewTask,
    /// How long an attempt takes.
    pub work: Span,
    /// What an attempt uses.
    pub usage: Usage,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Tasks created, refused by a fuse, done, and left at the end.
    pub created: u64,
    /// Tasks refused.
    pub refused: u64,
    /// Tasks done.
    pub done: u64,
    /// Leases given.
    pub dispatches: u64,
    /// Decisions recorded.
    pub decisions: u64,
    /// Steps of the conductor.
    pub steps: u64,
    /// How long done tasks waited from their creation to their first lease, sorted, in milliseconds.
    pub waits_ms: Vec<u64>,
    /// Tasks done by workspace, by place.
    pub done_by: Vec<u64>,
    /// When the last task was done.
    pub ended_at: Time,
    /// Busy time of all agents over the whole, in [0, 1].
    pub utilisation: f64,
    /// What was taken of each bucket, and when: `(resource, at, amount)`.
    pub taken: Vec<(String, Time, u32)>,
    /// The most slots of each resource in use at once.
    pub peak: BTreeMap<String, u32>,
}

impl Report {
    /// The wait that a share of done tasks did not exceed, in milliseconds.
    #[must_use]
    pub fn wait_ms(&self, share: f64) -> u64 {
        let last = self.waits_ms.len().saturating_sub(1);
        let at = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        self.waits_ms.get(at).copied().unwrap_or(0)
    }
}

/// Plays a scenario to its end.
#[must_use]
pub fn simulate(scenario: &Scenario) -> Report {
    let mut play = Play::new(scenario);
    play.set_up();
    play.run();
    play.report()
}

/// What happens next, in order of time and then of making.
#[derive(Debug)]
enum Event {
    Arrival(usize),
    Finished {
        agent: usize,
        granted: Granted,
        arrival: usize,
    },
}

struct Worker {
    workspace: usize,
    id: AgentId,
    name: String,
    busy: Span,
}

struct Play<'a> {
    scenario: &'a Scenario,
    conductor: Conductor,
    now: Time,
    chance: u64,
    tickets: u64,
    events: BinaryHeap<Reverse<(Time, u64, usize)>>,
    /// What each entry of `events` means, by its place.
    meanings: Vec<Option<Event>>,
    workers: Vec<Worker>,
    claims: BTreeMap<Ticket, usize>,
    arrival_of: BTreeMap<TaskId, usize>,
    started: BTreeMap<TaskId, Time>,
    in_use: BTreeMap<String, u32>,
    wake_at: Option<Time>,
    report: Report,
}

impl<'a> Play<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let workers = scenario
            .workspaces
            .iter()
            .enumerate()
            .flat_map(|(workspace, team)| {
                (0..team.agents).map(move |n| Worker {
                    workspace,
                    id: AgentId(numbered(2, (workspace as u64) << 32 | u64::from(n))),
                    name: format!("agent-{workspace}-{n}"),
                    busy: Span::ZERO,
                })
            });
        Self {
            scenario,
            conductor: Conductor::new(PoolId(numbered(9, 0)), scenario.seed),
            now: scenario.start,
            chance: scenario.seed,
            tickets: 0,
            events: BinaryHeap::new(),
            meanings: Vec::new(),
            workers: workers.collect(),
            claims: BTreeMap::new(),
            arrival_of: BTreeMap::new(),
            started: BTreeMap::new(),
            in_use: BTreeMap::new(),
            wake_at: None,
            report: Report {
                done_by: vec![0; scenario.workspaces.len()],
                ..Report::default()
            },
        }
    }

    fn set_up(&mut self) {
        for (at, team) in self.scenario.workspaces.iter().enumerate() {
            let id = workspace_id(at);
            let policy = team.policy.clone();
            self.conductor.restore(Stored::Workspace {
                id,
                policy,
                policy_version: 1,
            });
        }
        let output = self.conductor.start(self.now);
        self.take(output);
        for (n, (name, kind)) in self.scenario.resources.iter().enumerate() {
            let (id, name, kind) = (numbered(5, n as u64).into(), name.clone(), kind.clone());
            let request = PutResource {
                id,
                name,
                pool_wide: true,
                kind,
                adaptive: None,
            };
            self.send(0, operator(), Request::PutResource(request));
        }
        for at in 0..self.scenario.workspaces.len() {
            if let Some(budget) = self.scenario.workspaces[at].budget.clone() {
                self.send(at, operator(), Request::PutBudget(budget));
            }
        }
        for at in 0..self.workers.len() {
            let worker = &self.workers[at];
            let team = &self.scenario.workspaces[worker.workspace];
            let card = crate::PutAgent {
                id: worker.id,
                name: worker.name.clone(),
                capabilities: team.capabilities.clone(),
                models: Vec::new(),
                max_concurrency: Some(1),
                card: serde_json::Value::Null,
            };
            self.send(worker.workspace, operator(), Request::PutAgent(card));
            self.claim(at);
        }
        for (at, arrival) in self.scenario.arrivals.iter().enumerate() {
            self.schedule(arrival.at, Event::Arrival(at));
        }
    }

    fn run(&mut self) {
        loop {
            let next = self.events.peek().map(|Reverse((at, ..))| *at);
            let at = match (next, self.wake_at) {
                (Some(next), Some(wake)) => next.min(wake),
                (Some(at), None) | (None, Some(at)) => at,
                (None, None) => return,
            };
            if at > self.scenario.until || (next.is_none() && self.arrival_of.is_empty()) {
                return;
            }
            self.now = self.now.max(at);
            match next {
                Some(next) if next <= at => self.happen(),
                _ => self.step(Vec::new()),
            }
        }
    }

    fn happen(&mut self) {
        let Some(Reverse((_, _, place))) = self.events.pop() else {
            return;
        };
        match self.meanings[place].take() {
            Some(Event::Arrival(at)) => self.arrive(at),
            Some(Event::Finished {
                agent,
                granted,
                arrival,
            }) => self.finish(agent, &granted, arrival),
            None => {}
        }
    }

    fn arrive(&mut self, at: usize) {
        let arrival = &self.scenario.arrivals[at];
        self.arrival_of.insert(arrival.task.id, at);
        let tasks = vec![arrival.task.clone()];
        self.send(
            arrival.workspace,
            operator(),
            Request::CreateTasks(CreateTasks {
                tasks,
                facts: Vec::new(),
            }),
        );
    }

    fn finish(&mut self, agent: usize, granted: &Granted, arrival: usize) {
        for grant in granted
            .grants
            .iter()
            .filter(|grant| !grant.slots.is_empty())
        {
            if let Some(held) = self.in_use.get_mut(&grant.name) {
                *held -= grant.amount;
            }
        }
        let arrival = &self.scenario.arrivals[arrival];
        let (lease, epoch, usage) = (granted.lease, granted.epoch, Some(arrival.usage.clone()));
        let fails = self.draw() < self.scenario.failures;
        let jitter = self.draw();
        let request = if fails {
            let (error, retryable) = ("simulated".to_owned(), true);
            Request::Fail(Fail {
                lease,
                epoch,
                error,
                retryable,
                retry_after_ms: None,
                throttled: None,
                usage,
                jitter,
            })
        } else {
            Request::Complete(Complete {
                lease,
                epoch,
                output: None,
                usage,
            })
        };
        let worker = &mut self.workers[agent];
        worker.busy = Span(worker.busy.0 + arrival.work.0);
        let actor = Actor::Agent {
            id: worker.id,
            name: worker.name.clone(),
        };
        self.send(arrival.workspace, actor, request);
        self.claim(agent);
    }

    fn claim(&mut self, at: usize) {
        let worker = &self.workers[at];
        let (agent, name) = (worker.id, worker.name.clone());
        let actor = Actor::Agent {
            id: agent,
            name: name.clone(),
        };
        let claim = Claim {
            agent,
            name,
            max: 1,
            wait_until: Time::NEVER,
            capabilities: None,
            models: None,
        };
        let workspace = worker.workspace;
        self.claims.insert(Ticket(self.tickets + 1), at);
        self.send(workspace, actor, Request::Claim(claim));
    }

    fn send(&mut self, workspace: usize, actor: Actor, request: Request) {
        self.tickets += 1;
        let command = Command {
            workspace: workspace_id(workspace),
            actor,
            request,
        };
        self.step(vec![(Ticket(self.tickets), command)]);
    }

    fn step(&mut self, commands: Vec<(Ticket, Command)>) {
        let output = self.conductor.step(self.now, commands);
        self.take(output);
    }

    fn take(&mut self, output: Output) {
        self.report.steps += 1;
        self.report.decisions += output.records.decisions.len() as u64;
        self.report.dispatches += output.records.leased.len() as u64;
        self.wake_at = output.wake_at;
        for ended in &output.records.ended {
            if let Some(at) = self.arrival_of.remove(&ended.id)
                && ended.state == crate::TaskState::Done
            {
                self.count_done(at);
            }
        }
        for (ticket, answer) in output.replies {
            match answer {
                Ok(Reply::Claimed(claimed)) => {
                    if let Some(agent) = self.claims.remove(&ticket) {
                        claimed
                            .leases
                            .into_iter()
                            .for_each(|granted| self.begin(agent, granted));
                    }
                }
                Ok(Reply::Created { tasks }) => self.report.created += tasks.len() as u64,
                Err(Refusal::Fuse { .. }) => self.report.refused += 1,
                _ => {}
            }
        }
    }

    fn count_done(&mut self, at: usize) {
        let arrival = &self.scenario.arrivals[at];
        self.report.done += 1;
        self.report.done_by[arrival.workspace] += 1;
        self.report.ended_at = self.now;
        if let Some(started) = self.started.remove(&arrival.task.id) {
            self.report
                .waits_ms
                .push((started.since(arrival.at).0 / 1_000) as u64);
        }
    }

    fn begin(&mut self, agent: usize, granted: Granted) {
        let Some(&arrival) = self.arrival_of.get(&granted.task) else {
            return;
        };
        self.started.entry(granted.task).or_insert(self.now);
        for grant in &granted.grants {
            if grant.slots.is_empty() {
                self.report
                    .taken
                    .push((grant.name.clone(), self.now, grant.amount));
            } else {
                let held = self.in_use.entry(grant.name.clone()).or_default();
                *held += grant.amount;
                let peak = self.report.peak.entry(grant.name.clone()).or_default();
                *peak = (*peak).max(*held);
            }
        }
        let ends = self.now + self.scenario.arrivals[arrival].work;
        self.schedule(
            ends,
            Event::Finished {
                agent,
                granted,
                arrival,
            },
        );
    }

    fn schedule(&mut self, at: Time, event: Event) {
        let place = self.meanings.len();
        self.meanings.push(Some(event));
        self.events.push(Reverse((at, place as u64, place)));
    }

    /// In [0, 1), by `SplitMix64` (Steele, Lea and Flood 2014).
    fn draw(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn report(mut self) -> Report {
        self.report.waits_ms.sort_unstable();
        let span = self
            .report
            .ended_at
            .since(self.scenario.start)
            .as_secs_f64();
        let busy: f64 = self
            .workers
            .iter()
            .map(|worker| worker.busy.as_secs_f64())
            .sum();
        let whole = span * self.workers.len() as f64;
        self.report.utilisation = if whole > 0.0 { busy / whole } else { 0.0 };
        self.report
    }
}

/// The workspace at a place of a scenario.
#[must_use]
pub fn workspace_id(at: usize) -> WorkspaceId {
    numbered(1, at as u64).into()
}

fn operator() -> Actor {
    Actor::Key {
        id: KeyId(numbered(3, 0)),
        name: "simulator".to_owned(),
    }
}

/// An identifier of a kind that is the same in every play.
fn numbered(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 | kind << 64 & 0xfff << 64 | u128::from(n),
    )
}
