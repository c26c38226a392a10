//! What holds a task: the rules of limits, once, for dispatch, verdict and explanation.

use std::ops::ControlFlow;

use super::Conductor;
use super::state::{AgentIx, BudIx, Budget, Gate, LaneIx, Meter, ResIx, Resource, TaskIx};
use crate::{AgentStatus, BudgetSpec, Code, ResourceKind, Time, Unit, UnknownCostMode};

/// Tasks that step aside at one budget, at most: behind them their lanes wait, so that a backlog
/// costs no more than this.
pub(super) const ASIDE: usize = 1_024;
/// What nobody estimated is reserved with a quarter of the budget's limit at most.
const GUESSED_SHARE: u64 = 4;

/// One thing that holds a task back, with what is needed to say it in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Hold {
    /// Nobody has defined the resource of this requirement (by place).
    Undefined { at: usize },
    /// More than the resource ever has.
    NeverFits {
        resource: ResIx,
        need: u32,
        limit: u32,
    },
    /// Closed until then.
    Closed { resource: ResIx, until: Time },
    /// Less there than it takes. `spare` is what exploratory work must leave.
    Short {
        resource: ResIx,
        need: u32,
        have: i64,
        spare: u32,
    },
    /// The resource saves up for another lane.
    Reserved { resource: ResIx, lane: LaneIx },
    /// More than the budget's whole limit.
    BeyondBudget { budget: BudIx, need: u64 },
    /// Too much of the budget is spent.
    Spent { budget: BudIx, need: u64 },
    /// Enough is unspent, but others have reserved it.
    Booked { budget: BudIx, need: u64 },
    /// A budget counts the task, nobody has estimated it, and the policy refuses that.
    Unestimated { budget: BudIx },
}

/// What follows for a lane whose head is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// The lane waits at this gate.
    Park(Gate),
    /// The head alone steps aside until something is set.
    Stall(Code),
}

impl Conductor {
    /// Visits everything that holds a task at `now`, in the order in which it is said; stops as the
    /// visitor wants.
    pub(super) fn each_hold(
        &self,
        task: TaskIx,
        now: Time,
        visit: &mut impl FnMut(Hold) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let profile = &self.profiles[self.tasks[task].profile];
        let lane = &self.lanes[profile.lane];
        for (at, need) in profile.needs.requires.iter().enumerate() {
            let Some(resource) = lane.resources[at] else {
                visit(Hold::Undefined { at })?;
                continue;
            };
            let spare = self.spare(task, resource, now);
            if let Some(hold) = self.resource_hold(resource, need.amount, spare, now) {
                visit(hold)?;
            }
            if let Some(hold) =
                self.reservation_hold(profile.lane, task, resource, need.amount, now)
            {
                visit(hold)?;
            }
        }
        for budget in self.budgets_on(task) {
            if let Some(hold) = self.budget_hold(task, budget, now) {
                visit(hold)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The first thing that holds a task, if any.
    pub(super) fn first_hold(&self, task: TaskIx, now: Time) -> Option<Hold> {
        let mut first = None;
        let _ = self.each_hold(task, now, &mut |hold| {
            first = Some(hold);
            ControlFlow::Break(())
        });
        first
    }

    /// The worst of the limits that hold a task, of those that count.
    pub(super) fn worst_hold(
        &self,
        task: TaskIx,
        now: Time,
        counts: impl Fn(Code) -> bool,
    ) -> Option<Code> {
        let mut worst: Option<Code> = None;
        let _ = self.each_hold(task, now, &mut |hold| {
            let code = Some(self.code_of(hold)).filter(|&code| counts(code));
            worst = worst.into_iter().chain(code).min();
            ControlFlow::Continue(())
        });
        worst
    }

    /// Whether a budget on the agent alone holds the task: another agent may take it.
    pub(super) fn agent_hold(&self, agent: AgentIx, task: TaskIx, now: Time) -> Option<Hold> {
        self.agents[agent]
            .budgets
            .iter()
            .find_map(|&budget| self.budget_hold(task, budget, now))
    }

    /// What holds a task at every agent online that could take it: a budget of each one's own.
    pub(super) fn own_budgets_hold(&self, task: TaskIx, now: Time) -> Option<Hold> {
        let group = &self.groups[self.lanes[self.lane_of(task)].group];
        let takes_work = |&&ix: &&AgentIx| {
            self.is_online(ix, now) && self.agents[ix].status != AgentStatus::Draining
        };
        let mut first = None;
        for &agent in group.agents.iter().filter(takes_work) {
            let hold = self.agent_hold(agent, task, now)?;
            first.get_or_insert(hold);
        }
        first
    }

    /// Whether the resource alone would let `need` through, reservations aside.
    pub(super) fn resource_hold(
        &self,
        ix: ResIx,
        need: u32,
        spare: u32,
        now: Time,
    ) -> Option<Hold> {
        let resource = &self.resources[ix];
        let limit = resource.limit();
        if need > limit && need > resource.stated_limit() {
            return Some(Hold::NeverFits {
                resource: ix,
                need,
                limit: resource.stated_limit(),
            });
        }
        if let Some(until) = resource.closed_at(now) {
            return Some(Hold::Closed {
                resource: ix,
                until,
            });
        }
        let have = resource.available(now);
        let short = have < i64::from(need) + i64::from(spare.min(limit.saturating_sub(need)));
        short.then_some(Hold::Short {
            resource: ix,
            need,
            have,
            spare,
        })
    }

    /// What this task must leave free: a share of the whole for exploratory work, nothing for other
    /// classes, and nothing any more for what has waited as long as waiting is bounded to.
    pub(super) fn spare(&self, task: TaskIx, resource: ResIx, now: Time) -> u32 {
        let entry = &self.tasks[task];
        if self.profiles[entry.profile].needs.class != crate::Class::Exploratory {
            return 0;
        }
        let policy = &self.workspaces[self.ws_of(task)].policy;
        let waited_hours = now.since(entry.created_at).as_secs_f64() / 3_600.0;
        if waited_hours > policy.overtaking_bound_hours() {
            return 0;
        }
        (policy.exploratory_headroom * f64::from(self.resources[resource].limit())).ceil() as u32
    }

    /// Budgets that count this task, but for those on agents.
    pub(super) fn budgets_on(&self, task: TaskIx) -> impl Iterator<Item = BudIx> {
        let lane = &self.lanes[self.lane_of(task)];
        let entry = &self.tasks[task];
        let within = |root| root == entry.id || entry.ancestors().contains(&root);
        let trees = &self.workspaces[lane.ws].tree_budgets;
        lane.budgets.iter().copied().chain(
            trees
                .iter()
                .filter(move |(root, _)| within(*root))
                .map(|&(_, ix)| ix),
        )
    }

    fn budget_hold(&self, task: TaskIx, ix: BudIx, now: Time) -> Option<Hold> {
        let budget = &self.budgets[ix];
        let Some(need) = self.charge(task, &budget.spec) else {
            return Some(Hold::Unestimated { budget: ix });
        };
        let settled = budget.settled_at(now);
        if need > budget.spec.limit {
            Some(Hold::BeyondBudget { budget: ix, need })
        } else if need == 0 {
            None
        } else if settled + need > budget.spec.limit {
            Some(Hold::Spent { budget: ix, need })
        } else if settled + budget.reserved + need > budget.spec.limit {
            Some(Hold::Booked { budget: ix, need })
        } else {
            None
        }
    }

    /// Whether a budget has too little left for a task, whatever is reserved.
    pub(super) fn is_spent_for(&self, task: TaskIx, budget: BudIx) -> bool {
        matches!(
            self.budget_hold(task, budget, self.now),
            Some(Hold::Spent { .. })
        )
    }

    /// What a task is reserved with: its estimate, else what its kind has used, else the default;
    /// `None` where the policy wants an estimate and there is none.
    pub(super) fn charge(&self, task: TaskIx, budget: &BudgetSpec) -> Option<u64> {
        let profile = &self.profiles[self.tasks[task].profile];
        let estimate = &profile.needs.estimate;
        let stated = match budget.unit {
            Unit::Tokens => match (estimate.input_tokens, estimate.output_tokens) {
                (None, None) => None,
                (read, written) => {
                    Some(u64::from(read.unwrap_or(0)) + u64::from(written.unwrap_or(0)))
                }
            },
            Unit::Microusd => estimate.cost_microusd,
        };
        if stated.is_some() {
            return stated;
        }
        let workspace = &self.workspaces[self.lanes[profile.lane].ws];
        let policy = &workspace.policy.unknown_cost;
        if policy.mode == UnknownCostMode::Refuse {
            return None;
        }
        let kind = workspace.kinds.get(&profile.needs.kind);
        let (learnt, default) = match budget.unit {
            Unit::Tokens => (kind.map(|kind| kind.tokens), policy.default_tokens),
            Unit::Microusd => (kind.map(|kind| kind.cost_microusd), policy.default_microusd),
        };
        // A kind that never reported anything has taught nothing.
        let guess = learnt
            .filter(|&mean| mean >= 1.0)
            .map_or(default, |mean| mean.ceil() as u64);
        // A guess never takes so much of a budget that nothing could start and teach a better one.
        Some(guess.min((budget.limit / GUESSED_SHARE).max(1)))
    }

    /// What follows for a lane from what holds its head.
    pub(super) fn consequence(&self, hold: Hold) -> Consequence {
        match hold {
            Hold::Undefined { .. } => Consequence::Park(Gate::Undefined),
            Hold::Closed { resource, .. }
            | Hold::Short { resource, .. }
            | Hold::Reserved { resource, .. } => Consequence::Park(Gate::Resource(resource)),
            // What is reserved comes back soon. What is spent does not, and others may need less.
            Hold::Booked { budget, .. } if !self.on_tree(budget) => {
                Consequence::Park(Gate::Budget(budget))
            }
            Hold::Spent { budget, .. }
                if !self.on_tree(budget) && self.budgets[budget].aside.len() >= ASIDE =>
            {
                Consequence::Park(Gate::Budget(budget))
            }
            hold => Consequence::Stall(self.code_of(hold)),
        }
    }

    fn on_tree(&self, budget: BudIx) -> bool {
        matches!(
            self.budgets[budget].spec.scope,
            crate::BudgetScope::TaskTree(_)
        )
    }

    pub(super) fn code_of(&self, hold: Hold) -> Code {
        match hold {
            Hold::Undefined { .. } | Hold::Unestimated { .. } => Code::Misconfigured,
            Hold::NeverFits { .. } | Hold::BeyondBudget { .. } => Code::NeverFits,
            Hold::Closed { .. } => Code::ProviderBackoff,
            Hold::Short { resource, .. } => match self.resources[resource].meter {
                Meter::Bucket(_) => Code::RateLimited,
                Meter::Slots(_) => Code::NoFreeSlot,
            },
            Hold::Reserved { .. } => Code::ReservedForOther,
            Hold::Spent { .. } => Code::BudgetExhausted,
            Hold::Booked { .. } => Code::BudgetWindow,
        }
    }
}

impl Resource {
    /// Capacity or slots as people set them.
    pub(super) fn stated_limit(&self) -> u32 {
        match &self.meter {
            Meter::Bucket(bucket) => bucket.capacity(),
            Meter::Slots(slots) => slots.limit(),
        }
    }

    /// Capacity, or slots as believed.
    pub(super) fn limit(&self) -> u32 {
        match self.spec.kind.believed(self.state.believed) {
            ResourceKind::Bucket { capacity, .. } => capacity,
            ResourceKind::Slots { slots } => slots,
        }
    }

    pub(super) fn available(&self, now: Time) -> i64 {
        match &self.meter {
            Meter::Bucket(bucket) => bucket.available(now),
            Meter::Slots(slots) => slots.free(self.limit()).into(),
        }
    }

    /// Until when it is closed, if it is.
    pub(super) fn closed_at(&self, now: Time) -> Option<Time> {
        self.state.closed_until.filter(|&until| until > now)
    }

    /// The first instant at which time alone lets `need` through; `None` if only others can.
    pub(super) fn opens_at(&self, need: u32, now: Time) -> Option<Time> {
        let from = self.closed_at(now).unwrap_or(now);
        match &self.meter {
            Meter::Bucket(bucket) => bucket.when(need, from),
            Meter::Slots(slots) => (slots.free(self.limit()) >= need).then_some(from),
        }
    }
}

impl Budget {
    /// Used in the window that `now` lies in.
    pub(super) fn settled_at(&self, now: Time) -> u64 {
        if self.resets_at().is_some_and(|at| at <= now) {
            0
        } else {
            self.state.settled
        }
    }

    /// When its current window ends.
    pub(super) fn resets_at(&self) -> Option<Time> {
        self.spec.window.end(self.state.window_start)
    }
}
