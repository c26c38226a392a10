//! The conductor: one state machine for one pool.
//!
//! A file a concern: `create`, `claims`, `leases`, `overrule`, `agents`, `resources`, `settings` and
//! `permits` carry requests out; `filing` keeps tasks in lanes and lanes at gates; `holds` says what
//! holds a task, once for dispatch and for explanation; `start` gives a lease and `facts` records from
//! what; `fairness` charges workspaces and `reserve` saves up; `wake` moves on what can move; `graph`
//! knows who waits for whom; `verdicts`, `timers` and `load` do what they are named after; `explain`,
//! `blocker`, `eta`, `waitlist` and `views` read; `what_if` plays forward on an `excerpt`.

mod agents;
mod apart;
mod blocker;
mod claims;
mod create;
mod edit;
mod eta;
mod excerpt;
mod explain;
mod facts;
mod fairness;
mod filing;
mod fuses;
mod graph;
mod holds;
mod leases;
mod load;
mod look;
mod overrule;
mod permits;
mod removal;
mod reserve;
mod resources;
mod settings;
mod start;
mod state;
mod timers;
mod usage;
mod verdicts;
mod views;
mod waitlist;
mod wake;
mod what_if;

pub use what_if::Supposed;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::hash::BuildHasher;

use self::look::Look;
use self::state::{
    Agent, AgentIx, BudIx, Budget, Gate, Group, GroupIx, Lane, LaneIx, Lease, Permit, Profile,
    ProfileIx, ResIx, Resource, Task, TaskIx, Timer, WaitingClaim, WaitingPermit, Workspace, WsIx,
};
use crate::arena::Arena;
use crate::{
    AgentId, Answer, Command, IdSource, LeaseId, PermitId, PoolCounts, PoolId, Records, Refusal,
    Request, TaskId, Ticket, Time, WorkspaceId,
};

/// The scheduler core of one pool.
#[derive(Debug)]
pub struct Conductor {
    pool: PoolId,
    ids: IdSource,
    /// The instant of the running step.
    now: Time,
    last_created: Time,
    /// Fair share: the start tag of the last dispatch on a resource of the pool.
    virtual_time: f64,
    draining: bool,
    workspaces: Arena<WsIx, Workspace>,
    workspace_of: HashMap<WorkspaceId, WsIx>,
    tasks: Arena<TaskIx, Task>,
    task_of: HashTable<TaskIx>,
    hasher: DefaultHashBuilder,
    profiles: Arena<ProfileIx, Profile>,
    lanes: Arena<LaneIx, Lane>,
    groups: Arena<GroupIx, Group>,
    resources: Arena<ResIx, Resource>,
    /// Resources of the pool by name.
    pool_resources: BTreeMap<String, ResIx>,
    budgets: Arena<BudIx, Budget>,
    agents: Arena<AgentIx, Agent>,
    agent_of: HashMap<AgentId, AgentIx>,
    leases: HashMap<LeaseId, Lease>,
    lease_of: HashMap<TaskIx, LeaseId>,
    permits: BTreeMap<PermitId, Permit>,
    claims: BTreeMap<Ticket, WaitingClaim>,
    waiting_permits: VecDeque<WaitingPermit>,
    /// At each gate the groups that have a lane parked there and a claim waiting, in fair order.
    demand: HashMap<Gate, BTreeSet<(u64, GroupIx)>>,
    timers: BTreeSet<(Time, Timer)>,
    /// When something comes next for a task: its hour, a due step or its boost's end. Apart from the
    /// other timers, because hundreds of thousands of tasks may have one and this is half as large.
    hours: BTreeSet<(Time, TaskIx)>,
    /// The versions of open tasks edited since the load: what the store shows may be older.
    edited: HashMap<TaskId, u32>,
    /// What to look at before the step ends.
    agenda: Agenda,
    out: Output,
    /// Edges found at a load whose ends are not both there yet.
    loose_edges: Vec<(TaskId, TaskId)>,
    /// Leases taken in since the last start.
    loaded_leases: Vec<LeaseId>,
    look: Look,
}

/// What changed in a step and has consequences still to be drawn.
#[derive(Debug, Default)]
struct Agenda {
    /// Gates that may let more through.
    opened: BTreeSet<Gate>,
    /// Groups with a new head.
    ready: BTreeSet<GroupIx>,
    /// Agents that may take more than they might before.
    roomy: BTreeSet<AgentIx>,
    /// Gates whose timer may have to move.
    watch: BTreeSet<Gate>,
    /// Lanes whose verdict may have changed.
    verdicts: BTreeSet<LaneIx>,
    /// Tasks that wait beside the queues, and of which that may be said for another reason now.
    beside: BTreeSet<TaskIx>,
    resources: BTreeSet<ResIx>,
    budgets: BTreeSet<BudIx>,
}

/// What a step brought.
#[derive(Debug, Default)]
pub struct Output {
    /// To be stored before anything is heard.
    pub records: Records,
    /// To be heard once the records are stored.
    pub replies: Vec<(Ticket, Answer)>,
    /// When to step again even if nothing comes in.
    pub wake_at: Option<Time>,
}

impl Conductor {
    /// An empty conductor. `salt` is random and differs between all conductors of a pool: it keeps
    /// their identifiers apart.
    #[must_use]
    pub fn new(pool: PoolId, salt: u64) -> Self {
        Self {
            pool,
            ids: IdSource::new(salt),
            now: Time(0),
            last_created: Time(0),
            virtual_time: 0.0,
            draining: false,
            workspaces: Arena::default(),
            workspace_of: HashMap::new(),
            tasks: Arena::default(),
            task_of: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            profiles: Arena::default(),
            lanes: Arena::default(),
            groups: Arena::default(),
            resources: Arena::default(),
            pool_resources: BTreeMap::new(),
            budgets: Arena::default(),
            agents: Arena::default(),
            agent_of: HashMap::new(),
            leases: HashMap::new(),
            lease_of: HashMap::new(),
            permits: BTreeMap::new(),
            claims: BTreeMap::new(),
            waiting_permits: VecDeque::new(),
            demand: HashMap::new(),
            timers: BTreeSet::new(),
            hours: BTreeSet::new(),
            edited: HashMap::new(),
            agenda: Agenda::default(),
            out: Output::default(),
            loose_edges: Vec::new(),
            loaded_leases: Vec::new(),
            look: Look::default(),
        }
    }

    /// The pool it decides.
    #[must_use]
    pub const fn pool(&self) -> PoolId {
        self.pool
    }

    /// Does what has come due, carries the commands out in order, and draws all consequences.
    /// `now` never goes back between calls; if it does, it is taken to stand still.
    pub fn step(&mut self, now: Time, commands: Vec<(Ticket, Command)>) -> Output {
        self.now = self.now.max(now);
        self.run_timers();
        self.look_around();
        for (ticket, command) in commands {
            if let Some(answer) = self.carry_out(ticket, command) {
                self.out.replies.push((ticket, answer));
            }
            self.settle();
        }
        self.finish_step()
    }

    /// Answers every waiting claim and gives no lease from now on. What runs goes on elsewhere.
    pub fn drain(&mut self, now: Time) -> Output {
        self.now = self.now.max(now);
        self.draining = true;
        let waiting: Vec<Ticket> = self.claims.keys().copied().collect();
        for ticket in waiting {
            self.answer_claim(ticket, Vec::new());
        }
        while let Some(permit) = self.waiting_permits.pop_front() {
            self.out
                .replies
                .push((permit.ticket, Err(Refusal::Draining)));
        }
        self.finish_step()
    }

    /// Whether it has loaded this workspace.
    #[must_use]
    pub fn holds_workspace(&self, workspace: WorkspaceId) -> bool {
        self.workspace_of.contains_key(&workspace)
    }

    /// How much it holds.
    #[must_use]
    pub fn counts(&self) -> PoolCounts {
        PoolCounts {
            workspaces: self.workspaces.len(),
            open_tasks: self.tasks.len(),
            live_leases: self.leases.len(),
            waiting_claims: self.claims.len(),
            lanes: self.lanes.len(),
        }
    }

    /// `None` when the answer comes in a later step.
    fn carry_out(&mut self, ticket: Ticket, command: Command) -> Option<Answer> {
        let Some(&ws) = self.workspace_of.get(&command.workspace) else {
            return Some(Err(Refusal::NeedWorkspace));
        };
        let actor = command.actor;
        Some(match command.request {
            Request::CreateTasks(request) => self.create_tasks(ws, &actor, request),
            Request::Claim(request) => return self.claim(ticket, ws, &request),
            Request::Withdraw { claim } => Ok(self.withdraw(claim)),
            Request::Renew(request) => self.renew(ws, &actor, request),
            Request::Usage(request) => self.report_usage(ws, &actor, &request),
            Request::LateUsage(request) => Ok(self.charge_late(ws, request)),
            Request::Complete(request) => self.complete(ws, &actor, request),
            Request::Fail(request) => self.fail(ws, &actor, request),
            Request::GiveBack(request) => self.give_back(ws, &actor, request),
            Request::Overrule(request) => self.overrule(ws, &actor, request),
            Request::EditTask(request) => self.edit_task(ws, &actor, request),
            Request::PutAgent(request) => self.put_agent(ws, &actor, request),
            Request::Heartbeat(request) => Ok(self.heartbeat(ws, request)),
            Request::PutResource(request) => self.put_resource(ws, &actor, request),
            Request::Throttled(request) => self.throttled(ws, &actor, &request),
            Request::CloseResource(request) => self.close_by_hand(ws, &actor, request),
            Request::PutBudget(request) => self.put_budget(ws, &actor, request),
            Request::RemoveResource(request) => self.remove_resource(ws, &actor, &request),
            Request::RemoveBudget { name } => self.remove_budget(ws, &actor, &name),
            Request::PutPolicy(request) => self.put_policy(ws, &actor, request),
            Request::TakePermit(request) => return self.take_permit(ticket, ws, request),
            Request::ReturnPermit { permit } => self.return_permit(ws, &actor, permit),
        })
    }

    fn finish_step(&mut self) -> Output {
        self.settle();
        self.record_verdicts();
        self.set_gate_timers();
        self.record_states();
        self.out.wake_at = self.next_hour().into_iter().chain(self.next_look()).min();
        std::mem::take(&mut self.out)
    }

    /// Each touched resource and budget once.
    fn record_states(&mut self) {
        for ix in std::mem::take(&mut self.agenda.resources) {
            let row = self.resource_row(ix);
            self.out.records.resources.push(row);
        }
        for ix in std::mem::take(&mut self.agenda.budgets) {
            let row = self.budget_row(ix);
            self.out.records.budgets.push(row);
        }
    }

    fn find_task(&self, id: TaskId) -> Option<TaskIx> {
        let hash = self.hasher.hash_one(id);
        self.task_of
            .find(hash, |&ix| self.tasks[ix].id == id)
            .copied()
    }

    /// The task, if it is of this workspace.
    fn task_in(&self, ws: WsIx, id: TaskId) -> Option<TaskIx> {
        self.find_task(id).filter(|&ix| self.ws_of(ix) == ws)
    }

    fn ws_of(&self, task: TaskIx) -> WsIx {
        self.lanes[self.lane_of(task)].ws
    }

    fn lane_of(&self, task: TaskIx) -> LaneIx {
        self.profiles[self.tasks[task].profile].lane
    }

    fn add_task(&mut self, task: Task) -> TaskIx {
        let hash = self.hasher.hash_one(task.id);
        let ix = self.tasks.insert(task);
        let Self {
            task_of,
            tasks,
            hasher,
            ..
        } = self;
        task_of.insert_unique(hash, ix, |&ix| hasher.hash_one(tasks[ix].id));
        ix
    }

    /// Forgets a task that is in no lane, no graph and under no lease any more, and the hour set for it.
    fn drop_task(&mut self, ix: TaskIx) {
        let hash = self.hasher.hash_one(self.tasks[ix].id);
        if let Ok(entry) = self.task_of.find_entry(hash, |&other| other == ix) {
            entry.remove();
        }
        self.edited.remove(&self.tasks[ix].id);
        self.unset_task_timer(ix);
        let profile = self.tasks[ix].profile;
        self.tasks.remove(ix);
        self.release_profile(profile);
    }
}
