//! When a waiting task is expected to start.
//!
//! Exact where only the clock and a refill rate decide. Otherwise the leases that are held and the
//! tasks that go first are played forward with expected durations: each holder gives its place back
//! at its expected end, as its agent reports progress, and each task before this one takes the first
//! place that comes free. The
//! durations are means; with `k` of them in a row the ninth decile lies near `1 + 1.28/√k` of the
//! sum (a normal approximation with durations that vary as much as they last).

use std::cmp::{Ordering, Reverse};
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
    /// When a resource is expected to let a task through, after all of its workspace that goes first.
    pub(super) fn resource_eta(&self, ix: ResIx, task: TaskIx, now: Time) -> Option<Eta> {
        let (need, with_spare) = (self.need_of(task, ix)?, self.need_with_spare(task, ix)?);
        let resource = &self.resources[ix];
        let (ahead, taken) = self.ahead_at(ix, task);
        let from = resource.closed_at(now).unwrap_or(now);
        match &resource.meter {
            Meter::Bucket(bucket) => {
                let mut after = *bucket;
                after.take(taken, now);
                let at = after.when(with_spare, from)?;
                Some(match self.overtaken_until(ix, task, now) {
                    None if ahead == 0 => exact(at),
                    None => spread(now, at, ahead + 1),
                    Some(bound) => Eta {
                        p50: at.min(bound),
                        p90: bound,
                        method: EtaMethod::Simulated,
                    },
                })
            }
            Meter::Slots(slots) => {
                let spare = with_spare - need;
                let limit = resource.limit();
                let each = (taken / (ahead.max(1) as u32)).max(need).max(1);
                let places = (limit.saturating_sub(spare) / each).max(1) as usize;
                let busy = self.expected_returns(ix, now).into_iter();
                let busy: Vec<Time> = busy
                    .map(|(at, _)| at.unwrap_or(now + DEFAULT_DURATION).max(from))
                    .collect();
                let free = (slots.free(limit).saturating_sub(spare) / each) as usize;
                let eta = play(busy, free, places, ahead, self.pace(task), now);
                Some(Eta {
                    p50: eta.p50.max(from),
                    p90: eta.p90.max(from),
                    ..eta
                })
            }
        }
    }

    /// Tasks of its workspace that take of a resource before a task does, and how much they take: those
    /// that go before it and need as much, and all that need less, for they fit sooner.
    fn ahead_at(&self, ix: ResIx, task: TaskIx) -> (usize, u32) {
        let entry = (self.tasks[task].rank, task);
        let own = self.need_of(task, ix).unwrap_or(0);
        let reserved = self.resources[ix].reserved;
        let mut all = (0, 0_u32);
        for &at in self.workspaces[self.ws_of(task)].lanes.values() {
            let lane = &self.lanes[at];
            let head = lane.queue.first().map(|(_, head)| head);
            let need = head.filter(|_| lane.resources.contains(&Some(ix)));
            let Some(need) = need.and_then(|head| self.need_of(head, ix)) else {
                continue;
            };
            let before = match need.cmp(&own) {
                _ if reserved == Some(at) || at == self.lane_of(task) => lane.queue.before(entry),
                Ordering::Less if reserved == Some(self.lane_of(task)) => 0,
                Ordering::Less => lane.queue.len(),
                Ordering::Equal => lane.queue.before(entry),
                Ordering::Greater => 0,
            };
            all.0 += before;
            all.1 = all.1.saturating_add(need.saturating_mul(before as u32));
        }
        all
    }

    /// Until when others that come meanwhile may take a bucket's tokens before a task that needs more
    /// of them at once: then the bucket saves up for it. `None` where nobody can.
    fn overtaken_until(&self, ix: ResIx, task: TaskIx, now: Time) -> Option<Time> {
        let (lane, need) = (self.lane_of(task), self.need_of(task, ix)?);
        let Meter::Bucket(bucket) = &self.resources[ix].meter else {
            return None;
        };
        if need <= 1 || self.resources[ix].reserved == Some(lane) {
            return None;
        }
        let takes =
            |other: LaneIx| other != lane && self.lanes[other].resources.contains(&Some(ix));
        if !self.lanes.iter().any(|(other, _)| takes(other)) {
            return None;
        }
        let entry = &self.lanes[lane];
        let patience = Span::from_millis(self.workspaces[entry.ws].policy.reserve_after_ms.into());
        let waits_since = entry.filed.map_or(now, |_| entry.parked_at);
        let mut drained = *bucket;
        drained.take(
            bucket.available(now).max(0).try_into().unwrap_or(u32::MAX),
            now,
        );
        let whole = drained.when(need, now)?.since(now);
        Some((waits_since + patience).max(now) + whole)
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
        let places: usize = online.iter().map(|&ix| self.at_once(ix) as usize).sum();
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
    /// should have ended takes as long again as it is overdue: the longer it has lasted, the longer it
    /// may (Lindy's law).
    pub(super) fn returns_at(&self, now: Time) -> Time {
        let expected = self.said_end.unwrap_or(self.expected_end);
        expected.max(now + now.since(expected))
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
