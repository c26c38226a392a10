//! The verdict of a lane: recorded when it changes, counted when it comes again.

use super::Conductor;
use super::holds::{Consequence, Hold};
use super::state::{Gate, LaneIx, LaneVerdict, Place, TaskIx, WaitingClaim};
use crate::{Actor, Code, Facts, NotYetFacts, Span, Time};

/// How often at most the count of a verdict that comes and goes is stored.
const REPEATS_STORED_EVERY: Span = Span::from_secs(10);

/// Why none of the agents that could take a task does, though nothing else holds it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unserved {
    /// A budget of each one's own holds it there.
    Budget(Hold),
    /// There is none, or none is here, or none asks.
    Agents(Code),
}

impl Conductor {
    /// A task was put somewhere: unless it goes on, or its lane is known to be held, the lane's
    /// verdict is looked at before the step ends.
    pub(super) fn doubt_verdict(&mut self, lane: LaneIx, task: TaskIx) {
        let waits = matches!(
            self.tasks[task].place,
            Place::Queued | Place::Depends | Place::Timed | Place::Stalled(_)
        );
        if waits && !self.lanes[lane].verdict.holds {
            self.agenda.verdicts.insert(lane, task);
        }
    }

    pub(super) fn record_verdicts(&mut self) {
        for (lane, task) in std::mem::take(&mut self.agenda.verdicts) {
            if self.lanes.get(lane).is_some() {
                self.record_verdict(lane, task);
            }
        }
    }

    fn record_verdict(&mut self, ix: LaneIx, task: TaskIx) {
        let waits = self
            .tasks
            .get(task)
            .is_some_and(|entry| entry.place.state() == crate::TaskState::Pending);
        let own = waits
            .then_some(task)
            .filter(|&task| self.lane_of(task) == ix);
        // What steps aside says why, for nobody who stands behind it does.
        let aside = own.filter(|&task| matches!(self.tasks[task].place, Place::Stalled(_)));
        let head = self.lanes[ix].queue.first().map(|(_, head)| head);
        let Some(task) = aside.or(head).or(own) else {
            return;
        };
        let Some(found) = self.lane_code(task) else {
            self.lanes[ix].verdict.holds = false;
            return;
        };
        // What steps aside does not hold those behind it.
        let holds = aside.is_none();
        let known = self.lanes[ix].verdict;
        if known.of == Some(found) {
            return self.repeat_verdict(ix, known, holds);
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
        self.lanes[ix].verdict = LaneVerdict {
            of: Some(found),
            since: self.now,
            decision: Some(decision.id),
            holds,
            repeats: 0,
            stored_at: self.now,
        };
        self.out.records.decisions.push(decision);
    }

    fn repeat_verdict(&mut self, ix: LaneIx, known: LaneVerdict, holds: bool) {
        let now = self.now;
        let verdict = &mut self.lanes[ix].verdict;
        if known.holds {
            return;
        }
        (verdict.holds, verdict.since, verdict.repeats) = (holds, now, known.repeats + 1);
        if let Some(decision) = known.decision
            && now.since(known.stored_at) >= REPEATS_STORED_EVERY
        {
            self.out.records.repeats.push((decision, verdict.repeats));
            (verdict.repeats, verdict.stored_at) = (0, now);
        }
    }

    /// The code a task's lane is held by, and where; `None` when it goes to the next agent that asks.
    pub(super) fn lane_code(&self, task: TaskIx) -> Option<(Code, Option<Gate>)> {
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
            Place::Stalled(code) => Some((code, None)),
            _ => match self.first_hold(task, self.now) {
                Some(hold) => Some((self.code_of(hold), self.gate_of(hold))),
                None => self.agents_code(task, self.now).map(|code| (code, None)),
            },
        }
    }

    fn gate_of(&self, hold: Hold) -> Option<Gate> {
        match self.consequence(hold) {
            Consequence::Park(gate) => Some(gate),
            Consequence::Stall(_) => None,
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
            claim.is_some_and(|claim| self.agent_hold(claim.agent, task, now).is_none())
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
