//! Who waits at a resource, in the order in which it lets them through.

use super::Conductor;
use super::holds::Hold;
use super::state::{Gate, LaneIx, ResIx, TaskIx, WsIx};
use crate::{Time, Waiting};

impl Conductor {
    /// Tasks of a workspace that wait at a resource, the next first, at most so many; last those that
    /// need more than it ever has.
    pub(super) fn waitlist(&self, ws: WsIx, name: &str, limit: usize, now: Time) -> Vec<Waiting> {
        let Some(ix) = self.resource_named(ws, name) else {
            return Vec::new();
        };
        let lanes = self.workspaces[ws].lanes.values().copied();
        let here = lanes.filter(|&lane| self.waits_at(lane, ix));
        let mut tasks: Vec<(i64, TaskIx)> = here
            .flat_map(|lane| self.lanes[lane].queue.iter().take(limit))
            .collect();
        tasks.sort_unstable_by_key(|&(rank, task)| (std::cmp::Reverse(rank), task));
        tasks.truncate(limit);
        let waiting = |task: TaskIx, eta| Waiting {
            task: self.tasks[task].id,
            lane: format!("{:016x}", self.lanes[self.lane_of(task)].name),
            amount: self.need_of(task, ix).unwrap_or(0),
            eta,
        };
        let in_turn = tasks.into_iter().map(|(_, task)| {
            let eta = self.resource_eta(ix, task, now);
            waiting(task, eta)
        });
        let stalled = self.workspaces[ws].stalled.iter().copied();
        let never = stalled.filter(|&task| self.never_fits_at(task) == Some(ix));
        in_turn
            .chain(never.map(|task| waiting(task, None)))
            .take(limit)
            .collect()
    }

    /// The resource that never has what a task needs of it, where that is what holds it first.
    pub(super) fn never_fits_at(&self, task: TaskIx) -> Option<ResIx> {
        match self.first_hold(task, self.now)? {
            Hold::NeverFits { resource, .. } => Some(resource),
            _ => None,
        }
    }

    fn waits_at(&self, lane: LaneIx, ix: ResIx) -> bool {
        let head = self.lanes[lane].queue.first();
        let gate = head.and_then(|(_, head)| self.lane_code(head)?.1);
        gate == Some(Gate::Resource(ix))
    }
}
