//! A conductor with everything around it.

use std::collections::BTreeMap;

use scheduler::{
    Act, Actor, Answer, BudgetId, Claim, Claimed, Command, Complete, Conductor, CreateTasks, Fail,
    GiveBack, Granted, Needs, NewTask, Output, Overrule, Policy, Priority, PutAgent, PutBudget,
    PutResource, Refusal, Renew, Reply, ReportUsage, Request, Requirement, ResourceId,
    ResourceKind, Span, TaskId, ThrottledResource, Ticket, Time, Unit, Usage, Window,
};

use super::{Model, START, agent, agent_actor, boss, hash, id, workspace};

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
        self.put_agent_for(ws, n, capabilities, None);
    }

    /// An agent that takes so many leases at most.
    pub fn put_agent_for(
        &mut self,
        ws: u64,
        n: u64,
        capabilities: &[&str],
        max_concurrency: Option<u32>,
    ) {
        let card = PutAgent {
            id: agent(n),
            name: format!("agent-{n}"),
            capabilities: capabilities.iter().map(|&each| each.to_owned()).collect(),
            models: Vec::new(),
            max_concurrency,
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
            used: 0,
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

    pub fn is_answered(&self, ticket: Ticket) -> bool {
        self.answers.contains_key(&ticket)
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
