//! Why not yet: everything that holds a task, from the same rules that dispatch it.

use std::ops::ControlFlow;

use super::Conductor;
use super::blocker::{NAMED, plain};
use super::eta::exact;
use super::holds::{Consequence, Hold};
use super::state::{Agent, AgentIx, Gate, Group, LaneIx, Place, ResIx, TaskIx, WsIx};
use super::verdicts::Unserved;
use crate::words;
use crate::{
    Action, AgentStatus, Blocker, Code, Eta, EtaMethod, Explanation, Position, PutAgent, Span,
    TaskId, TaskState, Tier, Time, Unblock, Verdict, Wait,
};

/// How long an explanation may be shown without asking again.
pub(super) const RECHECK: Span = Span::from_secs(5);

impl Conductor {
    /// Why a task is where it is; `None` for one the conductor does not hold.
    pub(super) fn explain(&self, ws: WsIx, id: TaskId, now: Time) -> Option<Explanation> {
        let task = self.task_in(ws, id)?;
        let place = self.tasks[task].place;
        let state = place.state();
        let lane = self.lane_of(task);
        let mut blockers = self.blockers(task, now);
        blockers.sort_by_key(|blocker| (blocker.tier, blocker.code));
        let verdict = match state {
            TaskState::InProgress => Verdict::Running,
            TaskState::Done | TaskState::Failed | TaskState::Cancelled => Verdict::Ended,
            _ if blockers.is_empty() => Verdict::Dispatching,
            _ => Verdict::NotYet,
        };
        let position = self.position(task);
        let recheck = blockers
            .iter()
            .filter_map(|blocker| Some(blocker.eta?.p50))
            .filter(|&at| at > now)
            .min();
        Some(Explanation {
            task_id: id,
            state,
            verdict,
            headline: words::explanation(state, verdict, &blockers, position, now),
            lane: Some(format!("{:016x}", self.lanes[lane].name)),
            position,
            decision_id: self.decision_behind(task),
            blockers,
            evaluated_at: now,
            recheck_at: recheck.map_or(now + RECHECK, |at| at.min(now + RECHECK)),
        })
    }

    /// The dispatch it runs by, or its lane's verdict where that says what holds this task too.
    fn decision_behind(&self, task: TaskIx) -> Option<crate::DecisionId> {
        let lease = self.lease_of.get(&task);
        let running = lease.and_then(|lease| self.leases.get(lease));
        // A lane's verdict is its head's, and says what those behind it wait for.
        let lane = &self.lanes[self.lane_of(task)];
        let told_by = match self.tasks[task].place {
            Place::Queued => lane.queue.first().map(|(_, head)| head),
            _ => Some(task),
        };
        let of_lane = told_by.and_then(|task| self.verdict_on(task, self.lane_code(task)?));
        let of_lane = of_lane.and_then(|verdict| verdict.decision);
        running.map(|lease| lease.decision).or(of_lane)
    }

    pub(super) fn position(&self, task: TaskIx) -> Option<Position> {
        let entry = &self.tasks[task];
        let lane = self.lane_of(task);
        let queue = &self.lanes[lane].queue;
        let ahead = queue.before((entry.rank, task)) as u32;
        let (before, beside) = match entry.place {
            Place::Queued => (0, 0),
            Place::Stalled(Code::BudgetExhausted) => self.beside_lane(lane, task),
            _ => return None,
        };
        Some(Position {
            rank: ahead + before + 1,
            of: queue.len() as u32 + beside,
        })
    }

    /// Everything that holds a task, in no order.
    pub(super) fn blockers(&self, task: TaskIx, now: Time) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        match self.tasks[task].place {
            Place::Leased | Place::Failed | Place::Cancelled => return blockers,
            Place::Held => {
                let actions = vec![Action::ReleaseTask, Action::CancelTask];
                blockers.push(Blocker {
                    unblocks_when: Some(Unblock::TaskReleased),
                    actions,
                    ..plain(Code::NeedsApproval)
                });
                if !self.tasks[task].waits_for().is_empty() {
                    self.push_dependencies(task, &mut blockers);
                }
            }
            Place::Review => {
                blockers.push(Blocker {
                    unblocks_when: Some(Unblock::ResultReviewed),
                    actions: vec![Action::AcceptResult, Action::SendBack, Action::CancelTask],
                    ..plain(Code::NeedsApproval)
                });
            }
            Place::Depends => self.push_dependencies(task, &mut blockers),
            Place::Timed | Place::Queued | Place::Stalled(_) => {}
        }
        self.push_hour(task, now, &mut blockers);
        self.push_limits(task, now, &mut blockers);
        if self.tasks[task].place == Place::Queued {
            self.push_turn(task, now, &mut blockers);
        } else if self.groups[self.lanes[self.lane_of(task)].group]
            .agents
            .is_empty()
        {
            blockers.push(self.agents_blocker(task, Code::NoEligibleAgent));
        }
        blockers
    }

    fn push_dependencies(&self, task: TaskIx, blockers: &mut Vec<Blocker>) {
        let (over, open): (Vec<TaskIx>, Vec<TaskIx>) = self.tasks[task]
            .waits_for()
            .iter()
            .partition(|&&ix| self.is_over(ix));
        let name = |tasks: &[TaskIx]| {
            tasks
                .iter()
                .take(NAMED)
                .map(|&ix| self.tasks[ix].id)
                .collect()
        };
        if !over.is_empty() {
            blockers.push(Blocker {
                tasks: name(&over),
                need: Some(over.len() as f64),
                unblocks_when: Some(Unblock::DependencyRetried),
                actions: vec![Action::RetryDependency, Action::CancelTask],
                ..plain(Code::DependencyFailed)
            });
        }
        if !open.is_empty() {
            let all_at = |place| open.iter().all(|&ix| self.tasks[ix].place == place);
            let unblocks_when = if all_at(Place::Review) {
                Unblock::ResultReviewed
            } else if all_at(Place::Held) {
                Unblock::TaskReleased
            } else {
                Unblock::DependencyDone
            };
            blockers.push(Blocker {
                tasks: name(&open),
                need: Some(open.len() as f64),
                unblocks_when: Some(unblocks_when),
                ..plain(Code::DependencyPending)
            });
        }
    }

    fn push_hour(&self, task: TaskIx, now: Time, blockers: &mut Vec<Blocker>) {
        let hour = self.tasks[task].not_before().filter(|&at| at > now);
        if let Some(at) = hour {
            let code = self.hour_code(task);
            blockers.push(Blocker {
                unblocks_when: Some(Unblock::TimeReached),
                eta: Some(exact(at)),
                ..plain(code)
            });
        }
    }

    /// Limits hold a task that could start now; of one that waits for something else, only those are
    /// named that a person must mend.
    fn push_limits(&self, task: TaskIx, now: Time, blockers: &mut Vec<Blocker>) {
        let queued = matches!(self.tasks[task].place, Place::Queued | Place::Stalled(_));
        let _ = self.each_hold(task, now, &mut |hold| {
            let blocker = self.blocker(hold, Some(task), now);
            if queued || blocker.tier == Tier::NeedsYou {
                blockers.extend(self.window_of(hold, now));
                blockers.push(blocker);
            }
            ControlFlow::Continue(())
        });
    }

    fn push_turn(&self, task: TaskIx, now: Time, blockers: &mut Vec<Blocker>) {
        let lane = self.lane_of(task);
        let ahead = self
            .position(task)
            .map_or(0, |position| position.rank as usize - 1);
        let first = self.budget_before(lane, ahead, now);
        match self.unserved(task, now).filter(|_| first.is_none()) {
            Some(Unserved::Budget(hold)) => {
                blockers.extend(self.window_of(hold, now));
                blockers.push(self.blocker(hold, Some(task), now));
            }
            Some(Unserved::Agents(code)) => {
                let eta = (code == Code::AgentsBusy)
                    .then(|| self.agents_eta(lane, task, ahead, now))
                    .flatten();
                blockers.push(Blocker {
                    eta,
                    ..self.agents_blocker(task, code)
                });
            }
            None => {}
        }
        let before: Vec<TaskIx> = if ahead == 0 {
            self.better_heads(lane, now)
        } else {
            let queue = self.lanes[lane].queue.iter();
            queue.take(ahead).take(NAMED).map(|(_, ix)| ix).collect()
        };
        let others = if ahead == 0 { before.len() } else { 0 };
        if ahead + others > 0 && (ahead > 0 || !blockers.is_empty()) {
            let first = first.map(|hold| self.blocker(hold, None, now));
            // Its turn comes no sooner than what else holds it lets go, and than those before it have
            // had theirs at what opens again.
            let held = blockers
                .iter()
                .chain(&first)
                .filter_map(|blocker| blocker.eta);
            let opened = match self.first_hold(task, now) {
                Some(Hold::Closed { resource, until }) => self.resource_eta(resource, task, until),
                _ => None,
            };
            let agents = self.agents_eta(lane, task, ahead + others, now);
            let eta = held.chain(agents).chain(opened).max_by_key(|eta| eta.p50);
            blockers.push(Blocker {
                resource: first.and_then(|first| first.resource),
                have: Some((ahead + others) as f64),
                tasks: before
                    .iter()
                    .take(NAMED)
                    .map(|&ix| self.tasks[ix].id)
                    .collect(),
                unblocks_when: Some(Unblock::TurnCame),
                eta: eta.map(|eta| Eta {
                    method: EtaMethod::Simulated,
                    ..eta
                }),
                actions: vec![Action::BoostTask],
                ..plain(Code::LowerPriority)
            });
        }
        if let Some(resource) = self.behind_in_fairness(lane) {
            blockers.push(Blocker {
                resource: Some(self.resources[resource].spec.name.clone()),
                unblocks_when: Some(Unblock::TurnCame),
                ..plain(Code::FairShare)
            });
        }
    }

    /// The budget for which the first of a lane waits, and with it those behind.
    fn budget_before(&self, lane: LaneIx, ahead: usize, now: Time) -> Option<Hold> {
        let (_, head) = self.lanes[lane].queue.first().filter(|_| ahead > 0)?;
        let hold = self.first_hold(head, now)?;
        matches!(self.consequence(hold), Consequence::Park(Gate::Budget(_))).then_some(hold)
    }

    fn agents_blocker(&self, task: TaskIx, code: Code) -> Blocker {
        let lane = &self.lanes[self.lane_of(task)];
        let group = &self.groups[lane.group];
        let (unblocks_when, actions) = match code {
            Code::NoEligibleAgent => (
                Unblock::AgentRegistered,
                vec![Action::RegisterAgent, Action::EditTask],
            ),
            Code::AgentsOffline => (Unblock::AgentOnline, vec![Action::RegisterAgent]),
            _ => (Unblock::AgentFree, Vec::new()),
        };
        let concerned = self.agents_concerned(task, group, code);
        let is_there = !concerned.is_empty();
        let lacking = code == Code::NoEligibleAgent;
        let (wanted, model) = match &group.agent {
            Some(name) if !(lacking && is_there) => (Some(name.clone()), None),
            _ => {
                let (capabilities, model) = self.asked_for(lane.ws, group);
                (capabilities.or_else(|| model.clone()), model)
            }
        };
        // Of those that are here it matters who they are where none of them takes more.
        let matters = code != Code::AgentsBusy || concerned.iter().all(|&ix| self.room_of(ix) == 0);
        let named = concerned.iter().filter(|_| matters).take(NAMED);
        let named = named.map(|&ix| &self.agents[ix]);
        let draining =
            |agent: &&Agent| code == Code::AgentsBusy && agent.status == AgentStatus::Draining;
        let name = |agent: &Agent| agent.card.name.clone();
        Blocker {
            resource: wanted,
            model: model.filter(|_| lacking),
            agents: match &group.agent {
                Some(unknown) if !is_there => vec![unknown.clone()],
                _ => named.clone().map(name).collect(),
            },
            draining: named.filter(draining).map(name).collect(),
            have: Some(concerned.len() as f64),
            unblocks_when: Some(unblocks_when),
            actions,
            ..plain(code)
        }
    }

    /// What a group asks of agents, capabilities and model; of the one it is for, or of all, only what
    /// none of them has where that is one of the two.
    fn asked_for(&self, ws: WsIx, group: &Group) -> (Option<String>, Option<String>) {
        let known = &self.workspaces[ws].agents;
        let pinned = group.agent.as_ref().and_then(|name| known.get(name));
        let any = |has: &dyn Fn(&PutAgent) -> bool| {
            let has = |ix: &AgentIx| has(&self.agents[*ix].card);
            pinned.map_or_else(|| known.values().any(has), has)
        };
        let done = any(&|card| group.is_done_by(card));
        let modelled = any(&|card| group.has_model_of(card));
        let capabilities = (!group.capabilities.is_empty()).then(|| group.capabilities.join(", "));
        (
            capabilities.filter(|_| modelled || !done),
            group.model.clone().filter(|_| done || !modelled),
        )
    }

    /// The agents a blocker is about: those that are online, and that no budget of their own holds
    /// back, where one of them is awaited, and that have room if any has; where nobody can do it, the
    /// one it is for.
    fn agents_concerned(&self, task: TaskIx, group: &Group, code: Code) -> Vec<AgentIx> {
        let all = group.agents.iter().copied();
        let known = &self.workspaces[self.ws_of(task)].agents;
        match code {
            Code::AgentsBusy => {
                let could: Vec<AgentIx> = all
                    .filter(|&ix| self.is_online(ix, self.now))
                    .filter(|&ix| self.agent_hold(ix, task, self.now).is_none())
                    .collect();
                let free = could.iter().copied().filter(|&ix| self.room_of(ix) > 0);
                let free: Vec<AgentIx> = free.collect();
                if free.is_empty() { could } else { free }
            }
            Code::NoEligibleAgent => {
                let named = group.agent.as_ref();
                named
                    .and_then(|name| known.get(name).copied())
                    .into_iter()
                    .collect()
            }
            _ => all.collect(),
        }
    }

    /// Heads of lanes of the same group that go before this lane's, as nothing else holds them.
    fn better_heads(&self, lane: LaneIx, now: Time) -> Vec<TaskIx> {
        let lane = &self.lanes[lane];
        let Some((_, rank)) = lane.filed else {
            return Vec::new();
        };
        let free = self.groups[lane.group].files.get(&None);
        let better = free.into_iter().flat_map(|file| {
            let better = file.iter().take(100);
            better.take_while(|&&(other, _)| other.0 > rank)
        });
        let heads = better.filter_map(|&(_, other)| self.lanes[other].queue.first());
        heads
            .map(|(_, head)| head)
            .filter(|&head| self.first_hold(head, now).is_none())
            .collect()
    }

    /// A resource of the pool at which another workspace goes first.
    fn behind_in_fairness(&self, lane: LaneIx) -> Option<ResIx> {
        let entry = &self.lanes[lane];
        let Some((Some(Gate::Resource(ix)), _)) = entry.filed else {
            return None;
        };
        let (_, first) = self.demand.get(&Gate::Resource(ix))?.first()?;
        (self.resources[ix].ws.is_none() && self.groups[*first].ws != entry.ws).then_some(ix)
    }

    /// What a lane waits for, by its head; `None` while it goes to the next agent that asks.
    pub(super) fn lane_wait(&self, lane: LaneIx, now: Time) -> Option<Wait> {
        let (_, head) = self.lanes[lane].queue.first()?;
        self.task_wait(head, self.lanes[lane].queue.len() as u32, now)
    }

    /// What a task waits for first of all, and so many with it.
    pub(super) fn task_wait(&self, task: TaskIx, waiting: u32, now: Time) -> Option<Wait> {
        let blockers = self.blockers(task, now).into_iter();
        let worst = blockers.min_by_key(|blocker| (blocker.tier, blocker.code))?;
        Some(wait(worst, waiting, now))
    }

    /// What a lane's head waits for at this one agent, when nothing else holds it.
    pub(super) fn own_wait(&self, agent: AgentIx, lane: LaneIx, now: Time) -> Option<Wait> {
        let lane = &self.lanes[lane];
        let (_, head) = lane.queue.first()?;
        if self.first_hold(head, now).is_some() {
            return None;
        }
        let hold = self.agent_hold(agent, head, now)?;
        let blocker = self.blocker(hold, Some(head), now);
        Some(wait(blocker, lane.queue.len() as u32, now))
    }
}

/// What a blocker is to who asks for work, with so many that wait for it.
pub(super) fn wait(worst: Blocker, waiting: u32, now: Time) -> Wait {
    Wait {
        code: worst.code,
        tier: worst.tier,
        waiting,
        headline: words::blocker(&worst, now),
        resource: worst.resource,
        unblocks_when: worst.unblocks_when,
        eta: worst.eta,
    }
}
