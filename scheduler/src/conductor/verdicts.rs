//! The verdict of a lane: recorded when it changes, counted when it comes again.

use super::Conductor;
use super::holds::Hold;
use super::state::{Gate, LaneIx, Place, TaskIx, WaitingClaim};
use crate::{Actor, Code, DecisionId, Facts, NotYetFacts, Span, Time};

/// How often at most the count of a verdict that comes and goes is stored.
const REPEATS_STORED_EVERY: Span = Span::from_secs(10);

/// What holds a task or lane: why, and what of the workspace or pool.
pub(super) type Found = (Code, Option<Gate>);

/// The verdict last recorded for a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LaneVerdict {
    /// What held it, and where.
    pub(super) of: Option<Found>,
    /// When it began to hold, or let go last.
    pub(super) since: Time,
    pub(super) decision: Option<DecisionId>,
    /// Whether it holds now; a dispatch ends it.
    pub(super) holds: bool,
    /// How often it came again since that was last stored, and when that was.
    pub(super) repeats: u32,
    pub(super) stored_at: Time,
}

/// Why none of the agents that could take a task does, though nothing else holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unserved {
    /// A budget of each one's own holds it there.
    Budget(Hold),
    /// There is none, or none is here, or none asks.
    Agents(Code),
}

impl Conductor {
    /// A task was put somewhere: unless it goes on, or its lane is known to be held, the verdict on it
    /// is looked at before the step ends.
    pub(super) fn doubt_verdict(&mut self, lane: LaneIx, task: TaskIx) {
        if self.is_beside(task) {
            self.agenda.beside.insert(task);
        } else if self.tasks[task].place == Place::Queued && !self.lanes[lane].verdict.holds {
            self.agenda.verdicts.insert(lane);
        }
    }

    pub(super) fn record_verdicts(&mut self) {
        for task in std::mem::take(&mut self.agenda.beside) {
            if self.tasks.get(task).is_some() && self.is_beside(task) {
                self.record_verdict(task);
            }
        }
        for lane in std::mem::take(&mut self.agenda.verdicts) {
            let head = self.lanes.get(lane).and_then(|lane| lane.queue.first());
            if let Some((_, head)) = head {
                self.record_verdict(head);
            }
        }
    }

    fn record_verdict(&mut self, task: TaskIx) {
        let ix = self.lane_of(task);
        let Some(found) = self.lane_code(task) else {
            self.lanes[ix].verdict.holds = false;
            return;
        };
        if self.verdict_on(task, found).is_some() {
            return self.repeat_verdict(task, found);
        }
        let facts = NotYetFacts {
            lane: self.lane_facts(ix, task),
            blockers: self.blockers(task, self.now),
        };
        let mut decision = self.decision(
            self.lanes[ix].ws,
            Actor::Scheduler,
            Facts::NotYet(Box::new(facts)),
        );
        decision.task = Some(self.tasks[task].id);
        decision.resource = match found.1 {
            Some(Gate::Resource(resource)) => Some(self.resources[resource].spec.id),
            _ => None,
        };
        let beside = self.is_beside(task);
        let verdict = LaneVerdict {
            of: Some(found),
            since: self.now,
            decision: Some(decision.id),
            // What waits beside a queue does not hold those in it.
            holds: !beside,
            repeats: 0,
            stored_at: self.now,
        };
        let lane = &mut self.lanes[ix];
        if beside {
            lane.beside.push(verdict);
        } else {
            lane.verdict = verdict;
        }
        self.out.records.decisions.push(decision);
    }

    fn repeat_verdict(&mut self, task: TaskIx, found: Found) {
        let (now, is_beside) = (self.now, self.is_beside(task));
        let lane = self.lane_of(task);
        let lane = &mut self.lanes[lane];
        let mut beside = lane.beside.iter_mut();
        let verdict = match beside.find(|verdict| is_beside && verdict.of == Some(found)) {
            Some(verdict) => verdict,
            None if lane.verdict.holds => return,
            None => &mut lane.verdict,
        };
        (verdict.holds, verdict.since, verdict.repeats) = (!is_beside, now, verdict.repeats + 1);
        if let Some(decision) = verdict.decision
            && now.since(verdict.stored_at) >= REPEATS_STORED_EVERY
        {
            self.out.records.repeats.push((decision, verdict.repeats));
            (verdict.repeats, verdict.stored_at) = (0, now);
        }
    }

    /// The verdict that says this of a task's lane, or of those that wait beside its queue.
    pub(super) fn verdict_on(&self, task: TaskIx, found: Found) -> Option<LaneVerdict> {
        let lane = &self.lanes[self.lane_of(task)];
        let verdicts = if self.is_beside(task) {
            &lane.beside[..]
        } else {
            std::slice::from_ref(&lane.verdict)
        };
        let mut verdicts = verdicts.iter().copied();
        verdicts.find(|verdict| verdict.of == Some(found))
    }

    /// Whether a task waits, and not in its lane's queue.
    fn is_beside(&self, task: TaskIx) -> bool {
        let place = self.tasks[task].place;
        matches!(place, Place::Stalled(_) | Place::Depends | Place::Timed)
    }

    /// The code a task's lane is held by, and where; `None` when it goes to the next agent that asks.
    pub(super) fn lane_code(&self, task: TaskIx) -> Option<Found> {
        match self.tasks[task].place {
            Place::Depends => {
                let failed = self.tasks[task]
                    .waits_for()
                    .iter()
                    .any(|&ix| self.is_over(ix));
                Some((
                    if failed {
                        Code::DependencyFailed
                    } else {
                        Code::DependencyPending
                    },
                    None,
                ))
            }
            Place::Timed => Some((self.hour_code(task), None)),
            Place::Stalled(code) => {
                let hold = self.first_hold(task, self.now);
                Some((code, hold.map(Self::gate_of)))
            }
            _ => match self.first_hold(task, self.now) {
                Some(hold) => Some((self.code_of(hold), Some(Self::gate_of(hold)))),
                None => self.agents_code(task, self.now).map(|code| (code, None)),
            },
        }
    }

    /// What of the workspace or pool holds it.
    const fn gate_of(hold: Hold) -> Gate {
        match hold {
            Hold::Undefined { .. } => Gate::Undefined,
            Hold::NeverFits { resource, .. }
            | Hold::Closed { resource, .. }
            | Hold::Short { resource, .. }
            | Hold::Reserved { resource, .. } => Gate::Resource(resource),
            Hold::BeyondBudget { budget, .. }
            | Hold::Spent { budget, .. }
            | Hold::Booked { budget, .. }
            | Hold::Unestimated { budget } => Gate::Budget(budget),
        }
    }

    /// Failed or cancelled, and kept because others wait for it.
    pub(super) fn is_over(&self, task: TaskIx) -> bool {
        matches!(self.tasks[task].place, Place::Failed | Place::Cancelled)
    }

    pub(super) fn hour_code(&self, task: TaskIx) -> Code {
        match self.tasks[task].extra() {
            Some(extra) if extra.backing_off => Code::RetryBackoff,
            _ => Code::NotBefore,
        }
    }

    /// What is to be said of the agents that could take a task that nothing else holds; `None` while
    /// one of them asks for work.
    pub(super) fn unserved(&self, task: TaskIx, now: Time) -> Option<Unserved> {
        let group = &self.groups[self.lanes[self.lane_of(task)].group];
        if group.agents.is_empty() {
            return Some(Unserved::Agents(Code::NoEligibleAgent));
        }
        let may = |ticket| {
            let claim: Option<&WaitingClaim> = self.claims.get(ticket);
            claim.is_some_and(|claim| {
                self.room_of(claim.agent) > 0 && self.agent_hold(claim.agent, task, now).is_none()
            })
        };
        if group.waiters.iter().any(may) {
            return None;
        }
        if let Some(hold) = self.own_budgets_hold(task, now) {
            return Some(Unserved::Budget(hold));
        }
        let online = group.agents.iter().any(|&agent| self.is_online(agent, now));
        Some(Unserved::Agents(if online {
            Code::AgentsBusy
        } else {
            Code::AgentsOffline
        }))
    }

    /// The same by its code alone.
    pub(super) fn agents_code(&self, task: TaskIx, now: Time) -> Option<Code> {
        Some(match self.unserved(task, now)? {
            Unserved::Budget(hold) => self.code_of(hold),
            Unserved::Agents(code) => code,
        })
    }
}
