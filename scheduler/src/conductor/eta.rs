//! When a waiting task is expected to start.
//!
//! Exact where only the clock and a refill rate decide. Otherwise the leases that are held and the
//! tasks that go first are played forward with expected durations: each holder gives its place back
//! at its expected end, as its agent reports progress, and each task before this one takes the first
//! place that comes free. The
//! durations are means; with `k` of them in a row the ninth decile lies near `1 + 1.28/√k` of the
//! sum (a normal approximation with durations that vary as much as they last).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Conductor;
use super::state::{AgentIx, BudIx, LaneIx, Lease, Meter, ResIx, TaskIx};
use crate::{AgentStatus, Eta, EtaMethod, Span, Time};

/// Tasks played forward one by one; beyond, the same pace goes on.
const PLAYED: usize = 2_000;
const DEFAULT_DURATION: Span = Span::from_secs(60);

/// An instant that is known.
pub(super) const fn exact(at: Time) -> Eta {
    Eta {
        p50: at,
        p90: at,
        method: EtaMethod::Exact,
    }
}

impl Conductor {
    /// When a resource is expected to let a task through that has `ahead` tasks before it.
    pub(super) fn resource_eta(
        &self,
        ix: ResIx,
        task: TaskIx,
        ahead: usize,
        now: Time,
    ) -> Option<Eta> {
        let need = self.need_with_spare(task, ix)?;
        match &self.resources[ix].meter {
            Meter::Bucket(_) if ahead == 0 => self.resources[ix].opens_at(need, now).map(exact),
            Meter::Bucket(bucket) => {
                let mut after = *bucket;
                after.take(need.saturating_mul(ahead as u32), now);
                let from = self.resources[ix].closed_at(now).unwrap_or(now);
                after.when(need, from).map(|at| spread(now, at, ahead + 1))
            }
            Meter::Slots(slots) => {
                let places = (self.resources[ix].limit() / need.max(1)).max(1) as usize;
                let busy = self.expected_returns(ix, now).into_iter();
                let busy: Vec<Time> = busy
                    .map(|(at, _)| at.unwrap_or(now + DEFAULT_DURATION))
                    .collect();
                let free = (slots.free(self.resources[ix].limit()) / need.max(1)) as usize;
                Some(play(busy, free, places, ahead, self.pace(task), now))
            }
        }
    }

    /// When an agent is expected to be free for a task that has `ahead` tasks before it.
    pub(super) fn agents_eta(
        &self,
        lane: LaneIx,
        task: TaskIx,
        ahead: usize,
        now: Time,
    ) -> Option<Eta> {
        let group = &self.groups[self.lanes[lane].group];
        let online: Vec<AgentIx> = group
            .agents
            .iter()
            .copied()
            .filter(|&ix| self.is_online(ix, now))
            .filter(|&ix| self.agents[ix].status != AgentStatus::Draining)
            .take(256)
            .collect();
        let room = |ix: &AgentIx| self.agents[*ix].card.max_concurrency.unwrap_or(1) as usize;
        let places: usize = online.iter().map(room).sum();
        if places == 0 {
            return None;
        }
        let of_these = |lease: &&Lease| online.contains(&lease.agent);
        let leases = self.leases.values().filter(of_these).take(4 * PLAYED);
        let busy: Vec<Time> = leases.map(|lease| lease.returns_at(now)).collect();
        // An agent that is free and does not ask comes when it wants: nobody can say when.
        (busy.len() >= places).then(|| play(busy, 0, places, ahead, self.pace(task), now))
    }

    /// When reservations of a budget are expected to have come back so far that `need` is free, if
    /// their leases use nothing more; at the latest when the window turns.
    pub(super) fn booked_eta(&self, ix: BudIx, need: u64, now: Time) -> Option<Eta> {
        let budget = &self.budgets[ix];
        let spoken_for = budget.settled_at(now).saturating_add(budget.reserved);
        let mut free = budget.spec.limit.saturating_sub(spoken_for);
        let booked = |lease: &Lease| {
            let of_this = lease
                .reservations
                .iter()
                .filter(|booked| booked.budget == ix);
            of_this.map(|booked| booked.left).sum::<u64>()
        };
        let leases = self
            .leases
            .values()
            .map(|lease| (lease.returns_at(now), booked(lease)));
        let mut returns: Vec<(Time, u64)> = leases.filter(|&(_, left)| left > 0).collect();
        returns.sort_unstable();
        let back = returns.into_iter().find_map(|(at, left)| {
            free = free.saturating_add(left);
            (free >= need).then_some(at)
        });
        let turns = budget.resets_at().filter(|&at| at > now);
        let at = [back, turns].into_iter().flatten().min()?;
        Some(spread(now, at, 1))
    }

    fn pace(&self, task: TaskIx) -> Span {
        self.expected_ms(task)
            .map_or(DEFAULT_DURATION, |ms| Span::from_millis(ms as i64))
    }

    /// What a task takes of a resource, with what its class must leave, within what there ever is.
    pub(super) fn need_with_spare(&self, task: TaskIx, ix: ResIx) -> Option<u32> {
        let need = self.need_of(task, ix)?;
        let spare = self.spare(task, ix, self.now);
        Some(
            need.saturating_add(spare)
                .min(self.resources[ix].stated_limit().max(need)),
        )
    }
}

impl Lease {
    /// When it is expected to end: by what its agent said of its progress, else by its kind. One that
    /// should have ended takes as long again as it is overdue, at most as long as it was to take.
    pub(super) fn returns_at(&self, now: Time) -> Time {
        let expected = self.said_end.unwrap_or(self.expected_end);
        let usual = expected.since(self.granted_at);
        expected.max(now + now.since(expected).min(usual))
    }

    /// Its agent says how much of it is done, from 0 to 1: the rest is expected to go as fast.
    pub(super) fn heed_progress(&mut self, progress: f32, now: Time) {
        if progress > 0.0 {
            let so_far = now.since(self.granted_at).0 as f64;
            let whole = so_far / f64::from(progress.min(1.0));
            self.said_end = Some(self.granted_at + Span(whole as i64));
        }
    }
}

/// Plays `ahead` tasks of the same length through `places`, of which `free` are free and the others
/// come back at `busy`; the answer is when the next one starts.
fn play(busy: Vec<Time>, free: usize, places: usize, ahead: usize, pace: Span, now: Time) -> Eta {
    let mut ends: BinaryHeap<Reverse<Time>> = busy.into_iter().map(Reverse).collect();
    ends.extend(std::iter::repeat_n(Reverse(now), free.min(places)));
    let mut at = now;
    for _ in 0..=ahead.min(PLAYED) {
        at = ends.pop().map_or(at, |Reverse(end)| end.max(at));
        ends.push(Reverse(at + pace));
    }
    let beyond = ahead.saturating_sub(PLAYED) / places.max(1);
    let at = at + Span(pace.0.saturating_mul(beyond as i64));
    spread(now, at, ahead / places.max(1) + 1)
}

fn spread(now: Time, p50: Time, rounds: usize) -> Eta {
    let span = p50.since(now).0 as f64;
    let p90 = now + Span((span * (1.0 + 1.28 / (rounds as f64).sqrt())) as i64);
    Eta {
        p50,
        p90,
        method: EtaMethod::Simulated,
    }
}
