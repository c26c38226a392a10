//! What happens by itself when its time has come.

use super::Conductor;
use super::state::{BudIx, Gate, Place, TaskIx, Timer};
use crate::{Actor, BudgetState, ExpiryEvent, ExpiryFacts, Facts, Time};

/// Timers carried out in one step, at most; the rest come in the next, which is due at once.
const FIRED: usize = 10_000;

impl Conductor {
    pub(super) fn run_timers(&mut self) {
        for _ in 0..FIRED {
            let Some(at) = self.next_hour().filter(|&at| at <= self.now) else {
                break;
            };
            // Tasks first: a claim that waits until now may still get one whose hour has come.
            if self.hours.first().is_some_and(|&(first, _)| first == at) {
                if let Some((_, task)) = self.hours.pop_first() {
                    self.task_hour(task);
                }
            } else if let Some((_, timer)) = self.timers.pop_first() {
                self.fire(timer);
            }
            self.settle();
        }
    }

    /// When something happens by itself next.
    pub(super) fn next_hour(&self) -> Option<Time> {
        let timer = self.timers.first().map(|&(at, _)| at);
        let hour = self.hours.first().map(|&(at, _)| at);
        timer.into_iter().chain(hour).min()
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::LeaseExpiry(lease) => self.expire(lease),
            Timer::PermitExpiry(permit) => self.end_permit(permit),
            Timer::Claim(ticket) if self.claims.contains_key(&ticket) => {
                self.answer_claim(ticket, Vec::new());
            }
            Timer::Claim(ticket) => self.permit_wait_over(ticket),
            Timer::Gate(gate) => {
                if let Gate::Resource(ix) = gate
                    && self.resources.get(ix).is_some()
                {
                    self.resources[ix].timer = None;
                    self.agenda.opened.insert(gate);
                }
            }
            Timer::Window(budget) => self.turn_window(budget),
            Timer::Reserve(lane) => self.reserve(lane),
        }
    }

    /// A task's hour has come, its due date has come nearer, or its boost has run out.
    fn task_hour(&mut self, ix: TaskIx) {
        let now = self.now;
        let extra = self.tasks[ix].extra_mut();
        extra.timer = None.into();
        if extra.not_before.get().is_some_and(|at| at <= now) {
            extra.backing_off = false;
        }
        if extra
            .boost
            .as_ref()
            .is_some_and(|boost| boost.expires_at <= now)
        {
            extra.boost = None;
            self.decide_boost_over(ix);
        }
        self.rescore(ix);
        if self.tasks[ix].place == Place::Timed {
            self.place(ix);
        } else {
            self.set_task_timer(ix);
        }
    }

    fn decide_boost_over(&mut self, ix: TaskIx) {
        let entry = &self.tasks[ix];
        let facts = ExpiryFacts {
            event: ExpiryEvent::Boost,
            to: entry.place.state(),
            attempt: entry.attempts,
            max_attempts: self.profiles[entry.profile].needs.max_attempts,
            retry_at: None,
        };
        let id = entry.id;
        let mut decision = self.decision(self.ws_of(ix), Actor::Scheduler, Facts::Expiry(facts));
        decision.task = Some(id);
        self.out.records.decisions.push(decision);
        self.record_change(ix);
    }

    /// One timer a task, for whatever comes next.
    pub(super) fn set_task_timer(&mut self, ix: TaskIx) {
        let now = self.now;
        let task = &self.tasks[ix];
        let Some(extra) = task.extra() else { return };
        let hour = extra
            .not_before
            .get()
            .filter(|_| task.place == Place::Timed);
        let due = extra
            .due_at
            .get()
            .and_then(|at| crate::score::next_due_step(at, now));
        let boost = extra.boost.as_ref().map(|boost| boost.expires_at);
        let at = match task.place {
            Place::Failed | Place::Cancelled => None,
            _ => [hour, due, boost].into_iter().flatten().min(),
        };
        let old = extra.timer.get();
        if old == at {
            return;
        }
        self.tasks[ix].extra_mut().timer = at.into();
        if let Some(old) = old {
            self.hours.remove(&(old, ix));
        }
        if let Some(at) = at {
            self.hours.insert((at, ix));
        }
    }

    pub(super) fn unset_task_timer(&mut self, ix: TaskIx) {
        let timer = self.tasks[ix]
            .extra
            .as_deref_mut()
            .and_then(|extra| std::mem::take(&mut extra.timer).get());
        if let Some(at) = timer {
            self.hours.remove(&(at, ix));
        }
    }

    pub(super) fn set_window_timer(&mut self, ix: BudIx) {
        if let Some(at) = self.budgets[ix].resets_at() {
            self.timers.insert((at, Timer::Window(ix)));
        }
    }

    /// A budget begins anew; what live leases have reserved goes over into the new window.
    fn turn_window(&mut self, ix: BudIx) {
        let now = self.now;
        let Some(at) = self
            .budgets
            .get(ix)
            .and_then(super::state::Budget::resets_at)
        else {
            return;
        };
        if at <= now {
            let budget = &mut self.budgets[ix];
            budget.state = BudgetState {
                window_start: budget.spec.window.start(now),
                settled: 0,
                warned: false,
            };
            budget.ran_out = false;
            self.agenda.budgets.insert(ix);
            self.agenda.opened.insert(Gate::Budget(ix));
            self.set_window_timer(ix);
        }
    }

    /// What stepped aside for a budget comes back to be looked at again, unless it still cannot be
    /// covered.
    pub(super) fn unstall_at(&mut self, ix: BudIx) {
        let budget = &self.budgets[ix];
        let back: Vec<TaskIx> = if let crate::BudgetScope::TaskTree(root) = budget.spec.scope {
            let concerned = |&ix: &TaskIx| {
                let task = &self.tasks[ix];
                task.id == root || task.ancestors().contains(&root)
            };
            let stalled = self.workspaces[budget.ws].stalled.iter().copied();
            stalled.filter(concerned).collect()
        } else {
            let aside = budget.aside.iter().copied();
            aside.filter(|&task| !self.is_spent_for(task, ix)).collect()
        };
        for task in back {
            self.put(task, Place::Queued);
        }
    }
}
