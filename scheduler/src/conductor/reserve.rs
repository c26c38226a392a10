//! Reservation with backfill, after EASY (Lifka 1995): the head of a lane that has been overtaken
//! for long enough has its resources save up for it, and others pass only where they do not make it
//! later.
//!
//! A lane gets all its resources reserved in one step or none, so two lanes cannot each hold what
//! the other waits for; a resource saves up for one lane at a time, so the wait is bounded.

use super::Conductor;
use super::holds::Hold;
use super::state::{Gate, LaneIx, Meter, ResIx, TaskIx};
use crate::{Span, Time};

impl Conductor {
    /// A lane was parked at a resource: it is looked at again when its patience ends. Only a head
    /// that takes more than one can be overtaken for ever; others get their turn by rank.
    pub(super) fn await_reservation(&mut self, lane: LaneIx) {
        let entry = &self.lanes[lane];
        let Some((_, head)) = entry.queue.first() else {
            return;
        };
        let needs = &self.profiles[self.tasks[head].profile].needs;
        if matches!(entry.filed, Some((Some(Gate::Resource(_)), _)))
            && needs.requires.iter().any(|need| need.amount > 1)
        {
            let patience = self.workspaces[entry.ws].policy.reserve_after_ms;
            let at = self.now + Span::from_millis(patience.into());
            self.timers.insert((at, super::state::Timer::Reserve(lane)));
        }
    }

    /// Its patience is over. If the lane is still parked, everything it needs saves up for it now.
    pub(super) fn reserve(&mut self, lane: LaneIx) {
        let Some(entry) = self.lanes.get(lane) else {
            return;
        };
        let Some((Some(Gate::Resource(_)), _)) = entry.filed else {
            return;
        };
        let patience = Span::from_millis(self.workspaces[entry.ws].policy.reserve_after_ms.into());
        if self.now.since(entry.parked_at) < patience {
            return self.await_reservation(lane);
        }
        let needed: Vec<ResIx> = entry.resources.iter().flatten().copied().collect();
        let taken = |&ix: &ResIx| {
            self.resources[ix]
                .reserved
                .is_some_and(|holder| holder != lane)
        };
        let served = self.groups[entry.group]
            .agents
            .iter()
            .any(|&agent| self.is_online(agent, self.now));
        if needed.iter().any(taken) || !served {
            // Asked again after another span of patience; whoever is first now is served meanwhile.
            let at = self.now + patience.max(Span::from_secs(1));
            self.timers.insert((at, super::state::Timer::Reserve(lane)));
            return;
        }
        for ix in needed {
            self.resources[ix].reserved = Some(lane);
            self.agenda.watch.insert(Gate::Resource(ix));
        }
    }

    /// The lane's head started, or the lane is empty: nothing saves up for it any more.
    pub(super) fn release_reservation(&mut self, lane: LaneIx) {
        for at in 0..self.lanes[lane].resources.len() {
            let Some(ix) = self.lanes[lane].resources[at] else {
                continue;
            };
            if self.resources[ix].reserved == Some(lane) {
                self.resources[ix].reserved = None;
                self.agenda.opened.insert(Gate::Resource(ix));
            }
        }
    }

    /// Whether taking `need` of the resource now would make a lane later that it saves up for.
    pub(super) fn reservation_hold(
        &self,
        lane: LaneIx,
        task: TaskIx,
        resource: ResIx,
        need: u32,
        now: Time,
    ) -> Option<Hold> {
        let holder = self.resources[resource]
            .reserved
            .filter(|&holder| holder != lane)?;
        let (_, head) = self.lanes.get(holder)?.queue.first()?;
        let start = self.earliest_start(head, now);
        let own = self.need_of(head, resource)?;
        let passes = match &self.resources[resource].meter {
            // What is taken of a bucket is gone: only what would overflow may pass.
            Meter::Bucket(bucket) => start.is_some_and(|start| {
                let mut after = *bucket;
                after.take(need, now);
                after.available(start) >= i64::from(own)
            }),
            Meter::Slots(_) => {
                let ends = self
                    .expected_ms(task)
                    .map(|ms| now + Span::from_millis(ms as i64));
                let before = matches!((ends, start), (Some(ends), Some(start)) if ends <= start);
                before
                    || start.is_some_and(|start| self.slots_free_at(resource, start) >= own + need)
            }
        };
        (!passes).then_some(Hold::Reserved {
            resource,
            lane: holder,
        })
    }

    pub(super) fn need_of(&self, task: TaskIx, resource: ResIx) -> Option<u32> {
        let profile = &self.profiles[self.tasks[task].profile];
        let at = self.lanes[profile.lane]
            .resources
            .iter()
            .position(|&ix| ix == Some(resource))?;
        profile.needs.requires.get(at).map(|need| need.amount)
    }

    /// When everything the task needs will be there if nothing else starts: exact for buckets, by
    /// expected durations for slots; `None` where a holder's duration is not known.
    pub(super) fn earliest_start(&self, task: TaskIx, now: Time) -> Option<Time> {
        let profile = &self.profiles[self.tasks[task].profile];
        let lane = &self.lanes[profile.lane];
        let mut start = now;
        for (need, resource) in profile.needs.requires.iter().zip(&lane.resources) {
            let ix = (*resource)?;
            let at = match self.resources[ix].opens_at(need.amount, now) {
                Some(at) => at,
                None => self.slots_back_at(ix, need.amount, now)?,
            };
            start = start.max(at);
        }
        Some(start)
    }

    /// When so many slots are expected to be free.
    pub(super) fn slots_back_at(&self, resource: ResIx, need: u32, now: Time) -> Option<Time> {
        let Meter::Slots(slots) = &self.resources[resource].meter else {
            return None;
        };
        let mut free = slots.free(self.resources[resource].limit());
        for (at, amount) in self.expected_returns(resource, now) {
            free += amount;
            if free >= need {
                return at;
            }
        }
        None
    }

    fn slots_free_at(&self, resource: ResIx, at: Time) -> u32 {
        let Meter::Slots(slots) = &self.resources[resource].meter else {
            return 0;
        };
        let back = self.expected_returns(resource, self.now);
        let returned: u32 = back
            .iter()
            .filter(|(end, _)| end.is_some_and(|end| end <= at))
            .map(|(_, n)| n)
            .sum();
        slots.free(self.resources[resource].limit()) + returned
    }

    /// When holders of slots are expected to give them back, soonest first; those of unknown
    /// duration last.
    pub(super) fn expected_returns(&self, resource: ResIx, now: Time) -> Vec<(Option<Time>, u32)> {
        let returns = self.resources[resource].holders.iter().filter_map(|lease| {
            let lease = self.leases.get(lease)?;
            let amount = lease
                .held
                .iter()
                .filter(|held| held.resource == resource)
                .map(|held| held.amount)
                .sum();
            Some((
                lease.duration_known.then_some(lease.returns_at(now)),
                amount,
            ))
        });
        let permits = self.resources[resource].permits.iter().filter_map(|id| {
            let permit = self.permits.get(id)?;
            let held = permit.held.iter().filter(|held| held.resource == resource);
            Some((Some(permit.expires_at), held.map(|held| held.amount).sum()))
        });
        let mut returns: Vec<_> = returns.chain(permits).collect();
        returns.sort_by_key(|&(at, _)| at.unwrap_or(Time::NEVER));
        returns
    }
}
