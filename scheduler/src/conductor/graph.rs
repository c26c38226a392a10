//! Who waits for whom, and what that is worth.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use thin_vec::ThinVec;

use super::Conductor;
use super::state::{Place, TaskIx};
use crate::score::{ScoreInputs, score_and_rank};

/// Tasks behind one beyond which its score does not change: `20 · log2(1 + n)` meets its cap of 150.
const UNBLOCKS_COUNTED: usize = 181;
/// The same for the chain behind it: `15 · log2(1 + minutes)` meets its cap of 100.
const PATH_COUNTED_MS: u32 = 102 * 60_000;
/// Tasks whose value is looked at again after one change, at most. What lies beyond keeps the value
/// it had; that bounds a step, and at such a size the score is at its cap.
const REVALUED: usize = 4_096;
/// A task nobody has a duration for.
const DEFAULT_DURATION_MS: u32 = 60_000;

impl Conductor {
    /// `task` waits for `dependency`.
    pub(super) fn link(&mut self, task: TaskIx, dependency: TaskIx) {
        self.tasks[task].extra_mut().waits_for.push(dependency);
        self.tasks[dependency].extra_mut().dependants.push(task);
    }

    /// The dependency is done: whoever waited for nothing else goes on.
    pub(super) fn dependency_done(&mut self, dependency: TaskIx) {
        let Some(extra) = &mut self.tasks[dependency].extra else {
            return;
        };
        for task in std::mem::take(&mut extra.dependants) {
            let waits_for = &mut self.tasks[task].extra_mut().waits_for;
            waits_for.retain(|&other| other != dependency);
            if waits_for.is_empty() && self.tasks[task].place == Place::Depends {
                self.place(task);
            }
        }
    }

    /// A failed or cancelled task is kept only while others wait for it; so is, with it, what it
    /// waited for itself, for it may be tried again.
    pub(super) fn forget_if_unneeded(&mut self, ix: TaskIx) {
        let task = &self.tasks[ix];
        let over = matches!(task.place, Place::Failed | Place::Cancelled);
        if over && task.dependants().is_empty() {
            let forgotten = (self.workspaces[self.ws_of(ix)].id, task.id);
            self.out.records.forgotten.push(forgotten);
            self.forget(ix);
        }
    }

    /// Lets go of a task that is over and for which nobody waits.
    pub(super) fn forget(&mut self, ix: TaskIx) {
        let dependencies = match self.tasks[ix].extra.as_deref_mut() {
            Some(extra) => std::mem::take(&mut extra.waits_for),
            None => ThinVec::new(),
        };
        self.drop_task(ix);
        for &dependency in &dependencies {
            let extra = self.tasks[dependency].extra_mut();
            extra.dependants.retain(|&other| other != ix);
            self.forget_if_unneeded(dependency);
        }
        let left = dependencies
            .into_iter()
            .filter(|&ix| self.tasks.get(ix).is_some())
            .collect();
        self.revalue(left);
    }

    /// Values tasks anew whose dependants changed, and so on up, latest made first, as long as
    /// something changes.
    pub(super) fn revalue(&mut self, tasks: Vec<TaskIx>) {
        let mut open: BTreeSet<_> = tasks
            .into_iter()
            .map(|ix| (self.tasks[ix].created_at, ix))
            .collect();
        for _ in 0..REVALUED {
            let Some((_, ix)) = open.pop_last() else {
                return;
            };
            let (unblocks, path_ms) = (self.count_behind(ix), self.path_behind(ix));
            let extra = self.tasks[ix].extra_mut();
            if (extra.unblocks, extra.path_ms) == (unblocks, path_ms) {
                continue;
            }
            (extra.unblocks, extra.path_ms) = (unblocks, path_ms);
            for &dependency in &extra.waits_for.clone() {
                open.insert((self.tasks[dependency].created_at, dependency));
            }
            self.rescore(ix);
        }
    }

    /// Tasks that wait for this one, transitively, counted as far as it matters.
    fn count_behind(&self, ix: TaskIx) -> u32 {
        let mut seen = HashSet::new();
        let mut open: Vec<TaskIx> = self.tasks[ix].dependants().to_vec();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                if seen.len() >= UNBLOCKS_COUNTED {
                    break;
                }
                open.extend_from_slice(self.tasks[next].dependants());
            }
        }
        u32::try_from(seen.len()).unwrap_or(u32::MAX)
    }

    /// The upward rank: the longest chain of work behind this task.
    fn path_behind(&self, ix: TaskIx) -> u32 {
        let behind = |&next: &TaskIx| {
            let own = self
                .expected_ms(next)
                .map_or(DEFAULT_DURATION_MS, |ms| ms as u32);
            own.saturating_add(self.tasks[next].extra().map_or(0, |extra| extra.path_ms))
        };
        self.tasks[ix]
            .dependants()
            .iter()
            .map(behind)
            .max()
            .unwrap_or(0)
            .min(PATH_COUNTED_MS)
    }

    /// How long the task is expected to take: its own estimate, else what its kind has taken.
    pub(super) fn expected_ms(&self, ix: TaskIx) -> Option<u64> {
        let profile = &self.profiles[self.tasks[ix].profile];
        let learnt = || {
            let kinds = &self.workspaces[self.lanes[profile.lane].ws].kinds;
            kinds
                .get(&profile.needs.kind)
                .filter(|kind| kind.attempts > 0)
                .map(|kind| kind.duration_ms as u64)
        };
        profile
            .needs
            .estimate
            .duration_ms
            .map(u64::from)
            .or_else(learnt)
    }

    pub(super) fn score_inputs(&self, ix: TaskIx) -> ScoreInputs {
        let task = &self.tasks[ix];
        let extra = task.extra();
        ScoreInputs {
            priority: task.priority,
            class: self.profiles[task.profile].needs.class,
            created_at: task.created_at,
            due_at: task.due_at(),
            boost: task.boost(),
            unblocks: extra.map_or(0, |extra| extra.unblocks),
            path_ms: extra.map_or(0, |extra| extra.path_ms),
        }
    }

    /// Finds score and rank again, and moves the task if it is queued.
    pub(super) fn rescore(&mut self, ix: TaskIx) {
        let policy = &self.workspaces[self.ws_of(ix)].policy;
        let (score, rank) = score_and_rank(&self.score_inputs(ix), policy, self.now);
        let task = &mut self.tasks[ix];
        task.score = score as i16;
        let old = std::mem::replace(&mut task.rank, rank);
        if old != rank && task.place == Place::Queued {
            let lane = self.lane_of(ix);
            let queue = &mut self.lanes[lane].queue;
            queue.remove((old, ix));
            queue.insert((rank, ix));
            self.refile(lane);
        }
    }
}
