//! Waiting tasks that stand in no queue: they wait for others, for their hour, or for a person.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::Conductor;
use super::state::{GroupIx, LaneIx, Place, TaskIx, WsIx};
use crate::{Code, Needed, Tier, Time, Wait};

/// Tasks that wait alike: the one to tell of, and how many.
type Alike = (TaskIx, u32);

impl Conductor {
    /// Those of a workspace, each with what holds it first of all.
    pub(super) fn apart(&self, ws: WsIx, now: Time) -> Vec<(TaskIx, Code)> {
        let ws = &self.workspaces[ws];
        // Tasks that share their needs share what a person would have to set for them; of budgets on
        // trees the first task tells for all.
        let mut to_set = HashMap::new();
        ws.stalled
            .iter()
            .chain(&ws.waits)
            .filter_map(|&ix| {
                let (code, _) = self.lane_code(ix)?;
                let to_set = *to_set
                    .entry(self.tasks[ix].profile)
                    .or_insert_with(|| self.code_to_set(ix, now));
                Some((ix, to_set.map_or(code, |set| set.min(code))))
            })
            .collect()
    }

    /// What a budget cannot cover stands beside its lane, in the place it comes back to: how many of
    /// such go before one of them, and how many there are.
    pub(super) fn beside_lane(&self, lane: LaneIx, task: TaskIx) -> (u32, u32) {
        let order = |ix: TaskIx| (Reverse(self.tasks[ix].rank), ix);
        let all = self.workspaces[self.lanes[lane].ws].stalled.iter().copied();
        let aside = all.filter(|&ix| {
            self.tasks[ix].place == Place::Stalled(Code::BudgetExhausted)
                && self.lane_of(ix) == lane
        });
        aside.fold((0, 0), |(before, all), ix| {
            (before + u32::from(order(ix) < order(task)), all + 1)
        })
    }

    /// What only a person can change about the limits and agents a task needs.
    fn code_to_set(&self, task: TaskIx, now: Time) -> Option<Code> {
        let of_limits = self.worst_hold(task, now, |code| code.tier() == Tier::NeedsYou);
        let group = &self.groups[self.lanes[self.lane_of(task)].group];
        let of_agents = group.agents.is_empty().then_some(Code::NoEligibleAgent);
        of_limits.into_iter().chain(of_agents).min()
    }

    /// What waits in these groups beside their queues, one entry a code.
    pub(super) fn waits_apart(&self, ws: WsIx, groups: &[GroupIx], now: Time) -> Vec<Wait> {
        let mut alike: BTreeMap<Code, Alike> = BTreeMap::new();
        for (task, code) in self.apart(ws, now) {
            if !groups.contains(&self.lanes[self.lane_of(task)].group) {
                continue;
            }
            let (told, waiting) = alike.entry(code).or_insert((task, 0));
            *waiting += 1;
            // Of tasks that wait for their hour the next.
            if self.tasks[task].not_before() < self.tasks[*told].not_before() {
                *told = task;
            }
        }
        let waits = alike.into_values();
        waits
            .filter_map(|(task, waiting)| self.task_wait(task, waiting, now))
            .collect()
    }

    /// What only a person can move on, most first: one entry a lane and code, a result that waits for a
    /// look among them.
    pub(super) fn needed(&self, ws: WsIx, now: Time) -> Vec<Needed> {
        let mut alike: BTreeMap<(LaneIx, Code), Alike> = BTreeMap::new();
        let mut add = |task: TaskIx, code: Code, tasks: u32| {
            if code.tier() == Tier::NeedsYou {
                alike
                    .entry((self.lane_of(task), code))
                    .or_insert((task, 0))
                    .1 += tasks;
            }
        };
        for &lane in self.workspaces[ws].lanes.values() {
            let queue = &self.lanes[lane].queue;
            if let Some((_, head)) = queue.first() {
                add(head, self.queued_code(head, now), queue.len() as u32);
            }
        }
        for (task, code) in self.apart(ws, now) {
            add(task, code, 1);
        }
        if self.workspaces[ws].counts.review > 0 {
            for (ix, task) in self.tasks.iter() {
                if task.place == Place::Review && self.ws_of(ix) == ws {
                    add(ix, Code::NeedsApproval, 1);
                }
            }
        }
        let mut needed: Vec<Needed> = alike
            .into_iter()
            .filter_map(|((lane, _), (task, waiting))| {
                Some(Needed {
                    task: self.tasks[task].id,
                    lane: format!("{:016x}", self.lanes[lane].name),
                    wait: self.task_wait(task, waiting, now)?,
                })
            })
            .collect();
        needed.sort_by(|a, b| (b.wait.waiting, &a.lane).cmp(&(a.wait.waiting, &b.lane)));
        needed
    }
}
