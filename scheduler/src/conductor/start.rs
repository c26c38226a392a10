//! A lease is given: everything the task needs is taken in one step.

use uuid::Uuid;

use super::Conductor;
use super::holds::{ASIDE, Consequence, Hold};
use super::state::{
    AgentIx, Gate, GroupIx, Held, LaneIx, Lease, Meter, Place, ResIx, Reserved, TaskIx, Timer,
    grants,
};
use crate::{FreedSlot, Granted, LeaseId, Level, OpenLease, Reservation, ResourceSpec, Span, Time};

/// Lanes looked at at one gate for a head small enough to pass, and tasks of a lane for one that an
/// agent's own budgets cover.
const PASSING: usize = 16;

/// Why the best lane did not start.
#[derive(Debug)]
pub(super) enum NotStarted {
    /// The lane moved to a gate, or its head stepped aside: look again.
    Moved,
    /// Not by this agent.
    NotThisAgent,
}

impl Conductor {
    /// Gives an agent what it may have, best first, at most `max`.
    pub(super) fn fill(&mut self, agent: AgentIx, groups: &[GroupIx], max: u16) -> Vec<Granted> {
        let mut given = Vec::new();
        let mut skip = Vec::new();
        let most = self.room_of(agent).min(max.into());
        while !self.draining && (given.len() as u32) < most {
            let Some(lane) = self.best_lane(groups, &skip) else {
                break;
            };
            match self.try_start(lane, agent, groups) {
                Ok(granted) => given.push(granted),
                Err(NotStarted::Moved) => {}
                Err(NotStarted::NotThisAgent) => skip.push(lane),
            }
        }
        given
    }

    /// Leases the agent may still take.
    pub(super) fn room_of(&self, agent: AgentIx) -> u32 {
        let agent = &self.agents[agent];
        if agent.status == crate::AgentStatus::Draining {
            return 0;
        }
        agent
            .card
            .max_concurrency
            .unwrap_or(u32::MAX)
            .saturating_sub(agent.running)
    }

    /// Leases the agent takes at once: what its card says, else what it has asked for so far.
    pub(super) fn at_once(&self, agent: AgentIx) -> u32 {
        let agent = &self.agents[agent];
        let so_far = agent.asked_for.max(agent.running).max(1);
        agent.card.max_concurrency.unwrap_or(so_far)
    }

    /// Among the lanes these groups have that may go on, or whose gate has opened by time alone, the
    /// one with the best head.
    pub(super) fn best_lane(&self, groups: &[GroupIx], skip: &[LaneIx]) -> Option<LaneIx> {
        let mut best: Option<(i64, LaneIx)> = None;
        for &group in groups {
            for (gate, file) in &self.groups[group].files {
                if gate.is_some_and(|gate| self.is_shut(gate)) {
                    continue;
                }
                let passes = |lane: LaneIx| {
                    !skip.contains(&lane) && gate.is_none_or(|gate| self.passes(lane, gate))
                };
                let candidate = file
                    .iter()
                    .take(PASSING + skip.len())
                    .find(|&&(_, lane)| passes(lane));
                if let Some(&(rank, lane)) = candidate
                    && best.is_none_or(|(before, _)| rank.0 > before)
                {
                    best = Some((rank.0, lane));
                }
            }
        }
        best.map(|(_, lane)| lane)
    }

    /// Whether nothing at all gets through a gate: told at a glance, before any head is looked at.
    pub(super) fn is_shut(&self, gate: Gate) -> bool {
        match gate {
            Gate::Undefined => true,
            Gate::Resource(ix) => {
                let resource = &self.resources[ix];
                resource.closed_at(self.now).is_some() || resource.available(self.now) <= 0
            }
            Gate::Budget(ix) => {
                // While tasks may step aside, those that cost nothing are found behind them.
                let budget = &self.budgets[ix];
                budget.aside.len() >= ASIDE
                    && budget.settled_at(self.now) + budget.reserved >= budget.spec.limit
            }
        }
    }

    /// Whether a parked lane's head would now get through its gate.
    pub(super) fn passes(&self, lane: LaneIx, gate: Gate) -> bool {
        let Some((_, head)) = self.lanes[lane].queue.first() else {
            return false;
        };
        match self.first_hold(head, self.now) {
            // Held elsewhere: it moves there, or steps aside.
            Some(hold) => self.consequence(hold) != Consequence::Park(gate),
            None => true,
        }
    }

    fn try_start(
        &mut self,
        lane: LaneIx,
        agent: AgentIx,
        groups: &[GroupIx],
    ) -> Result<Granted, NotStarted> {
        let Some((_, head)) = self.lanes[lane].queue.first() else {
            return Err(NotStarted::NotThisAgent);
        };
        if let Some(hold) = self.first_hold(head, self.now) {
            match self.consequence(hold) {
                Consequence::Park(gate) => {
                    self.file_at(lane, Some(gate));
                    self.await_reservation(lane);
                    self.agenda.verdicts.insert(lane);
                    self.agenda.watch.insert(gate);
                }
                Consequence::Stall(code) => {
                    self.put(head, Place::Stalled(code));
                    if let Hold::Spent { budget, .. } = hold {
                        self.budgets[budget].aside.insert(head);
                    }
                }
            }
            return Err(NotStarted::Moved);
        }
        let Some(task) = self.first_for(lane, agent) else {
            self.agenda.verdicts.insert(lane);
            return Err(NotStarted::NotThisAgent);
        };
        Ok(self.start_task(lane, task, agent, groups))
    }

    /// The first of a lane, of which nothing holds the head, that the agent's own budgets cover.
    fn first_for(&self, lane: LaneIx, agent: AgentIx) -> Option<TaskIx> {
        let queue = self.lanes[lane].queue.iter().take(PASSING);
        let mut tasks = queue.map(|(_, task)| task).enumerate();
        tasks
            .find(|&(at, task)| {
                self.agent_hold(agent, task, self.now).is_none()
                    && (at == 0 || self.first_hold(task, self.now).is_none())
            })
            .map(|(_, task)| task)
    }

    fn start_task(
        &mut self,
        lane: LaneIx,
        task: TaskIx,
        agent: AgentIx,
        groups: &[GroupIx],
    ) -> Granted {
        let id: LeaseId = self.ids.next(self.now).into();
        let decision = self.dispatch_decision(lane, task, agent, id, groups);
        let held = self.take_all(task, id);
        let reservations = self.book_all(task, agent);
        let lease = self.make_lease(id, lane, task, agent, decision.id, held, reservations);
        let granted = Granted {
            lease: id,
            task: self.tasks[task].id,
            epoch: lease.epoch,
            attempt: self.tasks[task].attempts,
            expires_at: lease.expires_at,
            grants: grants(&lease.held, &self.resources),
            decision: decision.id,
        };
        self.charge_fair_share(lane, task);
        self.out.records.decisions.push(decision);
        let open = self.open_lease(&lease);
        self.out.records.leased.push(open);
        self.timers
            .insert((lease.expires_at, Timer::LeaseExpiry(id)));
        self.leases.insert(id, lease);
        self.agents[agent].running += 1;
        let verdict = &mut self.lanes[lane].verdict;
        (verdict.holds, verdict.since) = (false, self.now);
        granted
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a lease, put together in this one place"
    )]
    fn make_lease(
        &mut self,
        id: LeaseId,
        lane: LaneIx,
        task: TaskIx,
        agent: AgentIx,
        decision: crate::DecisionId,
        held: Vec<Held>,
        reservations: Vec<Reserved>,
    ) -> Lease {
        self.put(task, Place::Leased);
        self.release_reservation(lane);
        let expected = self.expected_ms(task);
        let entry = &mut self.tasks[task];
        entry.epoch += 1;
        entry.attempts += 1;
        self.lease_of.insert(task, id);
        let lease_ms = self.profiles[entry.profile].needs.lease_ms;
        Lease {
            id,
            task,
            ws: self.lanes[lane].ws,
            agent,
            epoch: entry.epoch,
            granted_at: self.now,
            expires_at: self.now + Span::from_millis(lease_ms.into()),
            held,
            reservations,
            decision,
            said_end: None,
            expected_end: self.now + Span::from_millis(expected.unwrap_or(60_000) as i64),
            duration_known: expected.is_some(),
            tokens: 0,
            cost_microusd: 0,
        }
    }

    pub(super) fn open_lease(&self, lease: &Lease) -> OpenLease {
        OpenLease {
            id: lease.id,
            task: self.tasks[lease.task].id,
            workspace: self.workspaces[lease.ws].id,
            agent: self.agents[lease.agent].card.id,
            epoch: lease.epoch,
            granted_at: lease.granted_at,
            expires_at: lease.expires_at,
            grants: grants(&lease.held, &self.resources),
            reservations: self.reservations(lease),
            decision: lease.decision,
        }
    }

    pub(super) fn reservations(&self, lease: &Lease) -> Vec<Reservation> {
        let booked = lease.reservations.iter();
        booked
            .map(|r| Reservation {
                budget: self.budgets[r.budget].spec.id,
                left: r.left,
                used: r.used,
            })
            .collect()
    }

    /// Takes everything the task needs; the caller has made sure that it is there.
    fn take_all(&mut self, task: TaskIx, lease: LeaseId) -> Vec<Held> {
        let profile = &self.profiles[self.tasks[task].profile];
        let needs = std::sync::Arc::clone(&profile.needs);
        let resources = self.lanes[profile.lane].resources.clone();
        let mut all = Vec::with_capacity(resources.len());
        for (need, ix) in needs.requires.iter().zip(resources) {
            let Some(ix) = ix else { continue };
            let held = self.take(ix, need.amount);
            if !held.slots.is_empty() {
                self.resources[ix].holders.insert(lease);
            }
            all.push(held);
        }
        all
    }

    pub(super) fn take(&mut self, ix: ResIx, amount: u32) -> Held {
        let now = self.now;
        let resource = &mut self.resources[ix];
        resource.given += u64::from(amount);
        let slots = match &mut resource.meter {
            Meter::Bucket(bucket) => {
                bucket.take(amount, now);
                self.agenda.resources.insert(ix);
                Vec::new()
            }
            Meter::Slots(slots) => {
                self.out.records.levels.push(slots_of(&resource.spec));
                slots.take(amount)
            }
        };
        Held {
            resource: ix,
            amount,
            slots,
            used: 0,
        }
    }

    fn book_all(&mut self, task: TaskIx, agent: AgentIx) -> Vec<Reserved> {
        let mut budgets: Vec<_> = self.budgets_on(task).collect();
        budgets.extend_from_slice(&self.agents[agent].budgets);
        let mut booked = Vec::with_capacity(budgets.len());
        for ix in budgets {
            let left = self.charge(task, &self.budgets[ix].spec).unwrap_or(0);
            self.budgets[ix].reserved += left;
            self.reserved_changed(ix);
            booked.push(Reserved {
                budget: ix,
                left,
                used: 0,
            });
            self.warn_if_soft(ix);
        }
        booked
    }

    /// Gives back everything a lease or permit held. A bucket keeps what was taken, for the calls have
    /// been made, unless the work did not begin (`unused_since` says when it was taken).
    pub(super) fn give_all_back(
        &mut self,
        holder: Uuid,
        held: Vec<Held>,
        unused_since: Option<Time>,
    ) {
        let now = self.now;
        for held in held {
            let resource = &mut self.resources[held.resource];
            // Whatever it has become since: a slot is stored as held until it is said to be free.
            let freed = held.slots.iter().map(|&slot| FreedSlot {
                resource: resource.spec.id,
                slot,
                holder,
            });
            self.out.records.slots_freed.extend(freed);
            if !held.slots.is_empty() {
                self.out.records.levels.push(slots_of(&resource.spec));
            }
            // A permit is none of these.
            resource.holders.remove(&LeaseId(holder));
            match (&mut resource.meter, unused_since) {
                (Meter::Slots(slots), _) => slots.give_back(&held.slots),
                (Meter::Bucket(bucket), Some(since)) if held.used == 0 => {
                    bucket.give_back(held.amount, since, now);
                    self.agenda.resources.insert(held.resource);
                }
                (Meter::Bucket(_), _) => continue,
            }
            self.agenda.opened.insert(Gate::Resource(held.resource));
        }
    }
}

const fn slots_of(spec: &ResourceSpec) -> Level {
    Level::Slots(spec.workspace, spec.id)
}
