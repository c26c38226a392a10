//! What would follow from changes: the same conductor, copied, changed and played forward.
//!
//! The first step is the very one that would be taken: what it starts is what would start. After it,
//! leases end when they are expected to and use what they have reserved, agents ask again as soon as
//! they have room, and no new work comes. No rule is written here.

use std::collections::{BTreeMap, BTreeSet};

use super::Conductor;
use super::excerpt::Excerpt;
use super::state::{AgentIx, LaneIx, Place, TaskIx, Timer, WsIx};
use crate::{
    Actor, AgentStatus, Claim, Code, Command, Complete, Course, LeaseId, Outlook, Output, Records,
    Refusal, Request, Span, TaskCourse, TaskId, Ticket, Time, Unit, Usage, WaitCount, WhatIf,
    WorkspaceId,
};

/// Steps played of each course, at most.
const STEPS: u32 = 20_000;
/// How far each is played.
const HORIZON: Span = Span::from_secs(7 * 86_400);
/// Tasks named in an answer.
const NAMED: usize = 100;
/// Leases of one claim.
const MOST_AT_ONCE: u32 = 100;

/// A question with all that is needed to answer it, away from the conductor that was asked.
#[derive(Debug)]
pub struct Supposed {
    workspace: WorkspaceId,
    actor: Actor,
    changes: Vec<Request>,
    excerpt: Option<Excerpt>,
}

impl Conductor {
    /// Takes along what is needed to answer "what if". Costs as much as an excerpt of the pool,
    /// however much waits; the answer itself is found by [`Supposed::outlook`], anywhere.
    #[must_use]
    pub fn suppose(&self, workspace: WorkspaceId, actor: Actor, changes: Vec<Request>) -> Supposed {
        let named: Vec<TaskId> = changes.iter().filter_map(task_of).collect();
        let known = self.workspace_of.contains_key(&workspace);
        Supposed {
            workspace,
            actor,
            changes,
            excerpt: known.then(|| self.excerpt(&named)),
        }
    }
}

impl Supposed {
    /// Plays both courses from `now`.
    #[must_use]
    pub fn outlook(self, now: Time) -> WhatIf {
        let Some(excerpt) = self.excerpt else {
            let refusal = Refusal::NeedWorkspace;
            return WhatIf::Refused { change: 0, refusal };
        };
        let again = excerpt.twin();
        let commands = self.changes.into_iter().map(|request| Command {
            workspace: self.workspace,
            actor: self.actor.clone(),
            request,
        });
        let changed = Play::new(excerpt, self.workspace, now).course(commands.collect());
        let as_it_is = Play::new(again, self.workspace, now).course(Vec::new());
        match (changed, as_it_is) {
            (Ok(changed), Ok(as_it_is)) => {
                WhatIf::Outlook(Box::new(outlook(now, as_it_is, changed)))
            }
            (Err((change, refusal)), _) | (_, Err((change, refusal))) => {
                WhatIf::Refused { change, refusal }
            }
        }
    }
}

fn task_of(request: &Request) -> Option<TaskId> {
    match request {
        Request::Overrule(request) => Some(request.task),
        Request::EditTask(request) => Some(request.task),
        _ => None,
    }
}

/// A course, and when each task starts in it.
struct Played {
    course: Course,
    /// In their order.
    starts: Vec<(TaskId, Time)>,
    tasks: u32,
    left_out: u32,
}

fn outlook(at: Time, as_it_is: Played, changed: Played) -> Outlook {
    let before: BTreeMap<TaskId, Time> = as_it_is.starts.iter().copied().collect();
    let after: BTreeMap<TaskId, Time> = changed.starts.iter().copied().collect();
    let only_before = as_it_is
        .starts
        .iter()
        .filter(|(task, _)| !after.contains_key(task));
    let all = changed.starts.iter().chain(only_before).take(NAMED);
    let tasks = all.map(|&(task, _)| TaskCourse {
        task,
        as_it_is: before.get(&task).copied(),
        changed: after.get(&task).copied(),
    });
    let tasks = tasks.collect();
    Outlook {
        at,
        as_it_is: as_it_is.course,
        changed: changed.course,
        tasks,
        played: changed.tasks,
        left_out: changed.left_out,
    }
}

struct Play {
    conductor: Conductor,
    left_out: BTreeMap<LaneIx, u32>,
    workspace: WorkspaceId,
    began: Time,
    now: Time,
    tickets: u64,
    /// Who is there, and how many leases each takes at once.
    places: BTreeMap<AgentIx, u32>,
    asking: BTreeMap<Ticket, AgentIx>,
    ends: BTreeSet<(Time, LeaseId)>,
    starts: Vec<(TaskId, Time)>,
    wake_at: Option<Time>,
}

impl Play {
    fn new(excerpt: Excerpt, workspace: WorkspaceId, now: Time) -> Self {
        let conductor = excerpt.conductor;
        let asking = conductor.claims.iter();
        let asking = asking
            .map(|(&ticket, claim)| (ticket, claim.agent))
            .collect();
        Self {
            left_out: excerpt.left_out,
            workspace,
            began: now,
            now,
            // The callers' tickets count up from 0; the engine's own count down from the end.
            tickets: u64::MAX / 2,
            places: conductor.places(now),
            asking,
            ends: BTreeSet::new(),
            starts: Vec::new(),
            wake_at: None,
            conductor,
        }
    }

    fn course(mut self, changes: Vec<Command>) -> Result<Played, (usize, Refusal)> {
        let Some(&ws) = self.conductor.workspace_of.get(&self.workspace) else {
            return Err((0, Refusal::NeedWorkspace));
        };
        let played = self.conductor.waiting(ws).count();
        let counts = self.conductor.workspaces[ws].counts;
        let waiting = counts.queued + counts.depends + counts.timed + counts.stalled;
        let left_out = waiting.saturating_sub(played as u32);
        let commands: Vec<_> = changes
            .into_iter()
            .map(|command| (self.ticket(), command))
            .collect();
        let tickets: Vec<Ticket> = commands.iter().map(|&(ticket, _)| ticket).collect();
        let mut output = self.conductor.step(self.now, commands);
        for (ticket, answer) in &output.replies {
            let change = tickets.iter().position(|asked| asked == ticket);
            if let (Some(change), Err(refusal)) = (change, answer) {
                return Err((change, refusal.clone()));
            }
        }
        self.take(&mut output);
        // A change may let more wait, or fewer.
        let of = self.starts.len() + self.conductor.waiting(ws).count();
        let mut course = Course {
            starting_now: self.starts.len() as u32,
            starts_now: self
                .starts
                .iter()
                .map(|&(task, _)| task)
                .take(NAMED)
                .collect(),
            waiting: self.waiting_now(ws),
            ..Course::default()
        };
        self.enrol();
        course.starting_soon = self.starts.len() as u32 - course.starting_now;
        self.run();
        course.until = self.now;
        self.sum_up(&mut course, of);
        Ok(Played {
            course,
            starts: self.starts,
            tasks: of as u32,
            left_out,
        })
    }

    /// Leases go on to their ends, and agents that are there and have room ask.
    fn enrol(&mut self) {
        for lease in self.conductor.leases.keys().copied().collect::<Vec<_>>() {
            self.hold_on(lease);
        }
        self.ask(self.places.keys().copied().collect());
    }

    fn run(&mut self) {
        let until = self.began + HORIZON;
        for _ in 0..STEPS {
            let end = self.ends.first().copied();
            let wake = self.wake_at.filter(|&at| at < Time::NEVER);
            let Some(at) = end.map(|(at, _)| at).into_iter().chain(wake).min() else {
                return;
            };
            if at > until {
                self.now = until;
                return;
            }
            self.now = self.now.max(at);
            match end {
                Some((end, lease)) if end <= at => {
                    self.ends.pop_first();
                    self.finish(lease);
                }
                _ => self.step(Vec::new()),
            }
        }
    }

    /// A lease ends well, having used what it had reserved; its agent asks again.
    fn finish(&mut self, id: LeaseId) {
        let Some(lease) = self.conductor.leases.get(&id) else {
            return;
        };
        let (agent, workspace) = (lease.agent, self.conductor.workspaces[lease.ws].id);
        let left = |unit: Unit| {
            let budgets = &self.conductor.budgets;
            let of_unit = lease.reservations.iter();
            let of_unit = of_unit.filter(|booked| budgets[booked.budget].spec.unit == unit);
            of_unit.map(|booked| booked.left).max().unwrap_or(0)
        };
        let usage = Usage {
            input_tokens: left(Unit::Tokens),
            cost_microusd: left(Unit::Microusd),
            ..Usage::default()
        };
        let request = Request::Complete(Complete {
            lease: id,
            epoch: lease.epoch,
            output: None,
            usage: Some(usage),
        });
        let command = Command {
            workspace,
            actor: Actor::Scheduler,
            request,
        };
        let ticket = self.ticket();
        self.step(vec![(ticket, command)]);
        self.ask(vec![agent]);
    }

    /// Those of the agents that are there, have room and do not ask already ask for work.
    fn ask(&mut self, agents: Vec<AgentIx>) {
        for ix in agents {
            let places = self.places.get(&ix).copied().unwrap_or(0);
            let room = places.saturating_sub(self.conductor.agents[ix].running);
            if room == 0 || self.asking.values().any(|&asking| asking == ix) {
                continue;
            }
            let agent = &self.conductor.agents[ix];
            let claim = Claim {
                agent: agent.card.id,
                name: agent.card.name.clone(),
                max: room.min(MOST_AT_ONCE) as u16,
                wait_until: Time::NEVER,
                capabilities: None,
                models: None,
            };
            let command = Command {
                workspace: self.conductor.workspaces[agent.ws].id,
                actor: Actor::Scheduler,
                request: Request::Claim(claim),
            };
            let ticket = self.ticket();
            self.asking.insert(ticket, ix);
            self.step(vec![(ticket, command)]);
        }
    }

    fn step(&mut self, commands: Vec<(Ticket, Command)>) {
        let mut output = self.conductor.step(self.now, commands);
        let answered = self.take(&mut output);
        if !answered.is_empty() {
            self.ask(answered);
        }
    }

    /// Notes what started; returns the agents whose claims were answered.
    fn take(&mut self, output: &mut Output) -> Vec<AgentIx> {
        self.wake_at = output.wake_at;
        let Records { leased, .. } = std::mem::take(&mut output.records);
        for lease in leased {
            if lease.workspace == self.workspace {
                self.starts.push((lease.task, self.now));
            }
            self.hold_on(lease.id);
        }
        let replies = output.replies.iter();
        replies
            .filter_map(|(ticket, _)| self.asking.remove(ticket))
            .collect()
    }

    /// A lease lives until its expected end.
    fn hold_on(&mut self, id: LeaseId) {
        let conductor = &mut self.conductor;
        if let Some(lease) = conductor.leases.get_mut(&id) {
            conductor
                .timers
                .remove(&(lease.expires_at, Timer::LeaseExpiry(id)));
            lease.expires_at = Time::NEVER;
            self.ends.insert((lease.returns_at(self.now), id));
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// What waits, by worst blocker; what was left out waits as its like does.
    fn waiting_now(&self, ws: WsIx) -> Vec<WaitCount> {
        let conductor = &self.conductor;
        let mut by_code = conductor.waiting_by_code(ws, self.now);
        for (lane, left) in of_workspace(conductor, &self.left_out, ws) {
            let head = conductor.lanes[lane].queue.first();
            let code = head.map_or(Code::LowerPriority, |(_, head)| {
                conductor.queued_code(head, self.now)
            });
            *by_code.entry(code).or_default() += left;
        }
        for (code, left) in conductor.left_apart(ws) {
            *by_code.entry(code).or_default() += left;
        }
        let count = |(code, tasks): (Code, u32)| WaitCount {
            code,
            tier: code.tier(),
            tasks,
        };
        by_code.into_iter().map(count).collect()
    }

    fn sum_up(&self, course: &mut Course, played: usize) {
        let by = |tasks: usize| Some(self.starts.get(tasks.checked_sub(1)?)?.1);
        course.starts = self.starts.len() as u32;
        course.half_by = by(played.div_ceil(2));
        course.most_by = by((played * 9).div_ceil(10));
        course.all_by = by(played);
    }
}

fn of_workspace<'a>(
    conductor: &'a Conductor,
    left_out: &'a BTreeMap<LaneIx, u32>,
    ws: WsIx,
) -> impl Iterator<Item = (LaneIx, u32)> + 'a {
    let all = left_out.iter().map(|(&lane, &left)| (lane, left));
    all.filter(move |&(lane, _)| conductor.lanes[lane].ws == ws)
}

impl Conductor {
    /// Pending tasks of a workspace.
    pub(super) fn waiting(&self, ws: WsIx) -> impl Iterator<Item = TaskIx> + '_ {
        let waits = |place: Place| {
            matches!(
                place,
                Place::Queued | Place::Depends | Place::Timed | Place::Stalled(_)
            )
        };
        let tasks = self.tasks.iter().filter(move |(_, task)| waits(task.place));
        tasks
            .map(|(ix, _)| ix)
            .filter(move |&ix| self.ws_of(ix) == ws)
    }

    /// Agents that are there, with the leases each takes at once.
    fn places(&self, now: Time) -> BTreeMap<AgentIx, u32> {
        let there = self.agents.iter().filter(|&(ix, agent)| {
            agent.status != AgentStatus::Draining && self.is_online(ix, now)
        });
        there.map(|(ix, _)| (ix, self.at_once(ix))).collect()
    }
}
