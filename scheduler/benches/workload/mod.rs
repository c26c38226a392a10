//! The work that is measured: four workspaces of one pool, hundreds of lanes, half of what waits blocked.
//!
//! What can run needs nothing, calls of a bucket that all workspaces share, slots, or both; it comes
//! in four sets of capabilities, three classes, four kinds on two models and four priorities, and each
//! workspace has a budget on all its work and one on a model. What cannot run waits in equal parts for
//! a closed bucket, an empty one, a slot that is taken, a resource nobody defined, an agent nobody has,
//! another task, or tomorrow.
#![allow(dead_code, reason = "each benchmark uses its part")]

use scheduler::{
    Actor, AgentId, BudgetScope, Claim, Class, ClassBands, CloseResource, Command, Complete,
    CreateTasks, Estimate, Fuses, Granted, Needs, NewTask, Policy, Priority, PutAgent, PutBudget,
    PutResource, Request, Requirement, ResourceKind, Span, TaskId, Time, Unit, Usage, Window,
    WorkspaceId,
};
use uuid::Uuid;

/// Workspaces that compete for the pool.
pub const WORKSPACES: usize = 4;
/// Ways in which a task can be blocked.
const BLOCKS: u64 = 7;
/// Longer than any benchmark.
const DAY: Span = Span::from_secs(86_400);
/// An agent that holds what others wait for.
const HOLDER: usize = 0;

/// Makes commands, the same ones each time.
#[derive(Clone, Debug)]
pub struct Workload {
    /// The workspaces, to be made by whoever runs it.
    pub workspaces: Vec<WorkspaceId>,
    start: Time,
    /// When identifiers say that they were made.
    pub now: Time,
    made: u64,
    state: u64,
    /// The last task of each workspace that waits for the closed bucket: others wait for it.
    stuck: Vec<Option<TaskId>>,
}

impl Workload {
    /// Begins at `start`.
    pub fn new(start: Time) -> Self {
        let mut workload = Self {
            workspaces: Vec::new(),
            start,
            now: start,
            made: 0,
            state: 0x9e37_79b9_7f4a_7c15,
            stuck: vec![None; WORKSPACES],
        };
        workload.workspaces = (0..WORKSPACES)
            .map(|_| WorkspaceId(workload.id()))
            .collect();
        workload
    }

    /// A policy whose fuses let a million tasks wait.
    pub fn policy() -> Policy {
        let fuses = Fuses {
            max_pending: 4_000_000,
            ..Policy::default().fuses
        };
        Policy {
            fuses,
            class_bands: ClassBands::default(),
            ..Policy::default()
        }
    }

    /// Resources, budgets and agents (as many as asked, spread over the workspaces), to be carried
    /// out in order. After them [`Self::hold`] has to be claimed by [`Self::holder`].
    pub fn settings(&mut self, agents: usize) -> Vec<Command> {
        let mut all = Vec::new();
        for ws in 0..WORKSPACES {
            let mut put = |id: Uuid, name: &str, pool_wide: bool, kind: ResourceKind| {
                let request = PutResource {
                    id: id.into(),
                    name: name.to_owned(),
                    pool_wide,
                    kind,
                    adaptive: None,
                };
                all.push((ws, Request::PutResource(request)));
            };
            let calls = ResourceKind::Bucket {
                capacity: 1_000_000_000,
                refill_per_s: 1e7,
            };
            let trickle = ResourceKind::Bucket {
                capacity: 1,
                refill_per_s: 1e-6,
            };
            if ws == 0 {
                put(self.id(), "calls", true, calls.clone());
            }
            put(self.id(), "closed", false, calls);
            put(self.id(), "empty", false, trickle);
            put(
                self.id(),
                "desk",
                false,
                ResourceKind::Slots { slots: 8_192 },
            );
            put(self.id(), "taken", false, ResourceKind::Slots { slots: 1 });
            let close = CloseResource {
                resource: "closed".to_owned(),
                until: Some(self.start + DAY),
                reason: None,
            };
            all.push((ws, Request::CloseResource(close)));
            let scopes = [
                ("all", BudgetScope::Workspace, Unit::Microusd),
                (
                    "large",
                    BudgetScope::Model("large".to_owned()),
                    Unit::Tokens,
                ),
            ];
            for (name, scope, unit) in scopes {
                let budget = PutBudget {
                    id: self.id().into(),
                    name: name.to_owned(),
                    scope,
                    unit,
                    limit: 1 << 50,
                    window: Window::Month,
                    soft_at: 0.8,
                    used: 0,
                };
                all.push((ws, Request::PutBudget(budget)));
            }
            all.push((ws, Request::PutAgent(card(ws, HOLDER))));
        }
        for agent in 0..agents {
            all.push((
                agent % WORKSPACES,
                Request::PutAgent(card(agent % WORKSPACES, 1 + agent)),
            ));
        }
        all.into_iter()
            .map(|(ws, request)| self.command(ws, request))
            .collect()
    }

    /// Tasks that take what others are to wait for, one a workspace.
    pub fn hold(&mut self) -> Vec<Command> {
        let hold = |workload: &mut Self, ws: usize| {
            let mut task = workload.task(ws, false);
            task.needs = Needs {
                kind: "hold".to_owned(),
                requires: requires(&["empty", "taken"]),
                agent: Some(name(HOLDER)),
                max_attempts: 1,
                lease_ms: 86_400_000,
                ..Needs::default()
            };
            workload.create(ws, vec![task])
        };
        (0..WORKSPACES).map(|ws| hold(self, ws)).collect()
    }

    /// Takes the tasks of [`Self::hold`].
    pub fn hold_claims(&self, now: Time) -> Vec<Command> {
        (0..WORKSPACES)
            .map(|ws| self.claim_as(ws, HOLDER, now))
            .collect()
    }

    /// So many tasks of a workspace; every other one is blocked.
    pub fn mixed(&mut self, ws: usize, count: usize) -> Command {
        let tasks = (0..count).map(|n| self.task(ws, n % 2 == 1)).collect();
        self.create(ws, tasks)
    }

    /// So many tasks of a workspace, all of which can run.
    pub fn runnable(&mut self, ws: usize, count: usize) -> Command {
        let tasks = (0..count).map(|_| self.task(ws, false)).collect();
        self.create(ws, tasks)
    }

    /// An agent asks for one task and does not wait.
    pub fn claim(&self, agent: usize, now: Time) -> Command {
        self.claim_as(agent % WORKSPACES, 1 + agent, now)
    }

    /// It has done it, and says what it used if asked to.
    pub fn complete(&self, agent: usize, lease: &Granted, with_usage: bool) -> Command {
        let usage = Usage {
            model: Some("small".to_owned()),
            input_tokens: 900,
            output_tokens: 120,
            cost_microusd: 450,
            resources: Vec::new(),
        };
        let ws = agent % WORKSPACES;
        Command {
            workspace: self.workspaces[ws],
            actor: actor(ws, 1 + agent),
            request: Request::Complete(Complete {
                lease: lease.lease,
                epoch: lease.epoch,
                output: None,
                usage: with_usage.then_some(usage),
            }),
        }
    }

    fn claim_as(&self, ws: usize, agent: usize, now: Time) -> Command {
        Command {
            workspace: self.workspaces[ws],
            actor: actor(ws, agent),
            request: Request::Claim(Claim {
                agent: agent_id(ws, agent),
                name: name(agent),
                max: 1,
                wait_until: now,
                capabilities: None,
                models: None,
            }),
        }
    }

    fn create(&self, ws: usize, tasks: Vec<NewTask>) -> Command {
        let facts = Vec::new();
        self.command(ws, Request::CreateTasks(CreateTasks { tasks, facts }))
    }

    fn command(&self, ws: usize, request: Request) -> Command {
        Command {
            workspace: self.workspaces[ws],
            actor: Actor::Scheduler,
            request,
        }
    }

    fn task(&mut self, ws: usize, blocked: bool) -> NewTask {
        let id = TaskId(self.id());
        let kind = self.random(4) as usize;
        let mut needs = Needs {
            kind: ["research", "write", "check", "translate"][kind].to_owned(),
            class: [
                Class::Ordinary,
                Class::Ordinary,
                Class::Routine,
                Class::Strategic,
            ][self.random(4) as usize],
            capabilities: words(
                [&[][..], &["code"], &["research"], &["code", "research"]][self.random(4) as usize],
            ),
            requires: requires(
                [&[][..], &["calls"], &["desk"], &["calls", "desk"]][self.random(4) as usize],
            ),
            estimate: Estimate {
                model: Some(["small", "large"][kind % 2].to_owned()),
                input_tokens: Some(900),
                output_tokens: Some(120),
                cost_microusd: Some(450),
                duration_ms: Some(2_000),
            },
            agent: None,
            max_attempts: 3,
            lease_ms: 600_000,
            needs_review: false,
        };
        let mut task = NewTask {
            id,
            title: format!("Compare the prices of article {}", self.made),
            description: "In the three shops that are named in the team's notes, with the sources."
                .to_owned(),
            payload: Some(serde_json::json!({ "article": self.made })),
            reference: None,
            needs: Needs::default(),
            priority: [
                Priority::Low,
                Priority::Medium,
                Priority::High,
                Priority::Urgent,
            ][self.random(4) as usize],
            due_at: (self.random(8) == 0).then(|| self.start + DAY),
            not_before: None,
            depends_on: Vec::new(),
            parent: None,
        };
        if blocked {
            self.block(ws, &mut task, &mut needs);
        }
        task.needs = needs;
        task
    }

    fn block(&mut self, ws: usize, task: &mut NewTask, needs: &mut Needs) {
        let before = self.stuck[ws];
        match (self.random(BLOCKS), before) {
            (0, _) => needs.requires = requires(&["empty"]),
            (1, _) => needs.requires = requires(&["desk", "taken"]),
            (2, _) => needs.requires = requires(&["calls", "nowhere"]),
            (3, _) => needs.capabilities = words(&["telepathy"]),
            (4, _) => task.not_before = Some(self.start + DAY),
            (5, Some(before)) => task.depends_on = vec![before],
            _ => {
                needs.requires = requires(&["closed"]);
                self.stuck[ws] = Some(task.id);
            }
        }
    }

    /// `UUIDv7`s that grow, a thousand a millisecond.
    fn id(&mut self) -> Uuid {
        self.made += 1;
        let ms = u128::from(self.now.as_millis() as u64);
        Uuid::from_u128(ms << 80 | 0x7 << 76 | 0b10 << 62 | u128::from(self.made))
    }

    /// Below `bound`, by `SplitMix64` (Steele, Lea and Flood 2014).
    fn random(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn card(ws: usize, agent: usize) -> PutAgent {
    PutAgent {
        id: agent_id(ws, agent),
        name: name(agent),
        capabilities: words(&["code", "research"]),
        models: words(&["large", "small"]),
        max_concurrency: None,
        card: serde_json::Value::Null,
    }
}

fn actor(ws: usize, agent: usize) -> Actor {
    Actor::Agent {
        id: agent_id(ws, agent),
        name: name(agent),
    }
}

fn name(agent: usize) -> String {
    format!("agent-{agent}")
}

fn agent_id(ws: usize, agent: usize) -> AgentId {
    AgentId(Uuid::from_u128(
        0x7 << 76 | 0b10 << 62 | (ws as u128) << 32 | agent as u128,
    ))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn requires(names: &[&str]) -> Vec<Requirement> {
    let one = |&name: &&str| Requirement {
        resource: name.to_owned(),
        amount: 1,
    };
    names.iter().map(one).collect()
}
