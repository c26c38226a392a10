//! A copy of a conductor to play with: everything but the depth of its backlog.
//!
//! Each lane keeps its first tasks, in their order, so what would start next is the same; the copy
//! costs as much as is kept, however much waits. It is made between two steps, when nothing is on
//! the agenda.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use super::look::Look;
use super::state::{
    Budget, Extra, Lane, LaneIx, Lease, Place, Profile, ProfileIx, Task, TaskIx, Timer, Workspace,
    WsIx,
};
use super::{Agenda, Conductor, Output};
use crate::arena::Arena;
use crate::queue::RankedQueue;
use crate::{Code, IdSource, TaskId, Time};

/// A backlog of so many is kept whole; of a longer one so many that wait in lanes, and at least one
/// a lane. To start and end a task costs as much in the play as it does outside, and a person who
/// moves a slider waits for two plays.
const KEPT: usize = 1_000;

/// A conductor with the head of its backlog.
#[derive(Debug)]
pub(super) struct Excerpt {
    pub(super) conductor: Conductor,
    /// Queued tasks that are not in it, by lane.
    pub(super) left_out: BTreeMap<LaneIx, u32>,
}

impl Excerpt {
    /// The same again.
    pub(super) fn twin(&self) -> Self {
        let all = self.conductor.tasks.ids().into_iter().collect();
        Self {
            conductor: self.conductor.copy(&all),
            left_out: self.left_out.clone(),
        }
    }
}

impl Conductor {
    /// A copy that holds these tasks, all that are leased, and the first of all that wait.
    pub(super) fn excerpt(&self, named: &[TaskId]) -> Excerpt {
        let conductor = self.copy(&self.worth_keeping(named));
        let left_out = self.lanes.iter().filter_map(|(ix, lane)| {
            let left = lane.queue.len() - conductor.lanes[ix].queue.len();
            (left > 0).then_some((ix, left as u32))
        });
        Excerpt {
            left_out: left_out.collect(),
            conductor,
        }
    }

    fn copy(&self, kept: &BTreeSet<TaskIx>) -> Self {
        let mut copy = Self {
            pool: self.pool,
            ids: IdSource::new(0),
            now: self.now,
            last_created: self.last_created,
            virtual_time: self.virtual_time,
            draining: false,
            workspaces: Arena::default(),
            workspace_of: self.workspace_of.clone(),
            tasks: Arena::default(),
            task_of: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            profiles: Arena::default(),
            lanes: self.lanes.map(|_, lane| bare_lane(lane)),
            groups: self.groups.clone(),
            resources: self.resources.clone(),
            pool_resources: self.pool_resources.clone(),
            budgets: Arena::default(),
            agents: self.agents.clone(),
            agent_of: self.agent_of.clone(),
            leases: HashMap::new(),
            lease_of: HashMap::new(),
            permits: self.permits.clone(),
            claims: self.claims.clone(),
            waiting_permits: self.waiting_permits.clone(),
            demand: self.demand.clone(),
            timers: BTreeSet::new(),
            hours: BTreeSet::new(),
            edited: self.edited.clone(),
            agenda: Agenda::default(),
            out: Output::default(),
            loose_edges: Vec::new(),
            loaded_leases: Vec::new(),
            // A copy is played by its events alone.
            look: Look::NEVER,
        };
        let new = self.copy_tasks(kept, &mut copy);
        copy.workspaces = self.workspaces.map(|_, ws| bare_workspace(ws, &new));
        copy.budgets = self.budgets.map(|_, budget| Budget {
            aside: renamed(&budget.aside, &new),
            ..budget.clone()
        });
        for (ix, profile) in copy.profiles.iter() {
            let ws = copy.lanes[profile.lane].ws;
            copy.workspaces[ws]
                .profiles
                .insert(std::sync::Arc::clone(&profile.needs), ix);
        }
        let lease = |(&id, lease): (_, &Lease)| Some((id, lease.with_task(*new.get(&lease.task)?)));
        copy.leases = self.leases.iter().filter_map(lease).collect();
        copy.lease_of = copy
            .leases
            .iter()
            .map(|(&id, lease)| (lease.task, id))
            .collect();
        copy.timers = self.timers_of(&copy);
        let hour = |(ix, task): (TaskIx, &Task)| Some((task.extra()?.timer.get()?, ix));
        copy.hours = copy.tasks.iter().filter_map(hour).collect();
        copy
    }

    /// What is leased, what is named, the first of each lane's queue and of what steps aside or waits
    /// for its hour, and what waits for any of these. Nothing is kept without all it waits for.
    fn worth_keeping(&self, named: &[TaskId]) -> BTreeSet<TaskIx> {
        if self.tasks.len() <= KEPT {
            return self.tasks.ids().into_iter().collect();
        }
        let mut kept: BTreeSet<TaskIx> = self.leases.values().map(|lease| lease.task).collect();
        let mut above: Vec<TaskIx> = named.iter().filter_map(|&id| self.find_task(id)).collect();
        while let Some(task) = above.pop() {
            if kept.insert(task) {
                above.extend(self.tasks[task].waits_for());
            }
        }
        let each = self.share_of_a_lane();
        for (_, lane) in self.lanes.iter() {
            kept.extend(lane.queue.iter().take(each).map(|(_, task)| task));
        }
        let timed = self.hours.iter().take(KEPT).map(|&(_, task)| task);
        kept.extend(timed.filter(|&task| self.tasks[task].place == Place::Timed));
        for (_, ws) in self.workspaces.iter() {
            kept.extend(ws.stalled.iter().take(KEPT));
        }
        let mut below: VecDeque<TaskIx> = kept.iter().copied().collect();
        let most = kept.len() + KEPT;
        while let Some(task) = below.pop_front()
            && kept.len() < most
        {
            for &dependant in self.tasks[task].dependants() {
                let entry = &self.tasks[dependant];
                let whole = entry.waits_for().iter().all(|task| kept.contains(task));
                if entry.place == Place::Depends && whole && kept.insert(dependant) {
                    below.push_back(dependant);
                }
            }
        }
        kept
    }

    /// The most that every lane may keep so that all keep no more than [`KEPT`] together.
    fn share_of_a_lane(&self) -> usize {
        let mut lengths: Vec<usize> = self
            .lanes
            .iter()
            .map(|(_, lane)| lane.queue.len())
            .collect();
        lengths.sort_unstable();
        let (mut left, mut lanes) = (KEPT, lengths.len());
        for length in lengths {
            if length * lanes > left {
                return (left / lanes).max(1);
            }
            left -= length;
            lanes -= 1;
        }
        KEPT
    }

    /// Copies tasks with their profiles and files them; returns their new numbers, which keep the
    /// order of the old ones.
    fn copy_tasks(&self, kept: &BTreeSet<TaskIx>, copy: &mut Self) -> HashMap<TaskIx, TaskIx> {
        let mut profiles: HashMap<ProfileIx, ProfileIx> = HashMap::new();
        let mut new = HashMap::with_capacity(kept.len());
        for &old in kept {
            let task = &self.tasks[old];
            let profile = *profiles.entry(task.profile).or_insert_with(|| {
                let profile = &self.profiles[task.profile];
                copy.lanes[profile.lane].profiles += 1;
                copy.profiles.insert(Profile {
                    lane: profile.lane,
                    needs: std::sync::Arc::clone(&profile.needs),
                    tasks: 0,
                })
            });
            copy.profiles[profile].tasks += 1;
            let ix = copy.add_task(Task {
                profile,
                extra: task.extra.clone(),
                ..*task
            });
            if task.place == Place::Queued {
                let lane = copy.profiles[profile].lane;
                copy.lanes[lane].queue.insert((task.rank, ix));
            }
            new.insert(old, ix);
        }
        for &ix in new.values() {
            if let Some(extra) = copy.tasks[ix].extra.as_deref_mut() {
                renumber(extra, &new);
            }
        }
        new
    }

    /// The timers of what the copy holds, but for its tasks' hours.
    fn timers_of(&self, copy: &Self) -> BTreeSet<(Time, Timer)> {
        let leases = copy.leases.values();
        let leases = leases.map(|lease| (lease.expires_at, Timer::LeaseExpiry(lease.id)));
        let permits = copy.permits.iter();
        let permits = permits.map(|(&id, permit)| (permit.expires_at, Timer::PermitExpiry(id)));
        let claims = copy.claims.iter();
        let claims = claims.map(|(&ticket, claim)| (claim.until, Timer::Claim(ticket)));
        let waiting = copy.waiting_permits.iter();
        let waiting = waiting.map(|permit| (permit.asked.wait_until, Timer::Claim(permit.ticket)));
        let gates = copy.resources.iter().filter_map(|(ix, resource)| {
            Some((
                resource.timer?,
                Timer::Gate(super::state::Gate::Resource(ix)),
            ))
        });
        let windows = copy.budgets.iter();
        let windows =
            windows.filter_map(|(ix, budget)| Some((budget.resets_at()?, Timer::Window(ix))));
        let patience = self.timers.iter().take(KEPT).copied();
        let patience = patience.filter(|(_, timer)| matches!(timer, Timer::Reserve(_)));
        leases
            .chain(permits)
            .chain(claims)
            .chain(waiting)
            .chain(gates)
            .chain(windows)
            .chain(patience)
            .collect()
    }

    /// Tasks of a workspace that wait outside of the lanes and are known to a copy by their number
    /// alone: that is of the whole, and what is there is taken off it. Those that step aside are told
    /// under the code of the last that is there, and all that wait for an hour as not before it.
    pub(super) fn left_apart(&self, ws: WsIx) -> impl Iterator<Item = (Code, u32)> {
        let counts = self.workspaces[ws].counts;
        let mut left = [
            (Code::DependencyPending, counts.depends),
            (Code::NotBefore, counts.timed),
            (Code::BudgetExhausted, counts.stalled),
        ];
        for task in self.waiting(ws) {
            let kind = match self.tasks[task].place {
                Place::Depends => &mut left[0],
                Place::Timed => &mut left[1],
                Place::Stalled(code) => {
                    left[2].0 = code;
                    &mut left[2]
                }
                _ => continue,
            };
            kind.1 = kind.1.saturating_sub(1);
        }
        left.into_iter().filter(|&(_, left)| left > 0)
    }
}

fn bare_lane(lane: &Lane) -> Lane {
    Lane {
        ws: lane.ws,
        group: lane.group,
        key: std::sync::Arc::clone(&lane.key),
        name: lane.name,
        resources: lane.resources.clone(),
        budgets: lane.budgets.clone(),
        queue: RankedQueue::default(),
        profiles: 0,
        filed: lane.filed,
        parked_at: lane.parked_at,
        verdict: lane.verdict,
        beside: lane.beside.clone(),
    }
}

/// Its profiles are filled in from the tasks kept.
fn bare_workspace(ws: &Workspace, new: &HashMap<TaskIx, TaskIx>) -> Workspace {
    Workspace {
        id: ws.id,
        policy: std::sync::Arc::clone(&ws.policy),
        policy_version: ws.policy_version,
        profiles: HashMap::new(),
        lanes: ws.lanes.clone(),
        groups: ws.groups.clone(),
        agents: ws.agents.clone(),
        budgets: ws.budgets.clone(),
        resources: ws.resources.clone(),
        tree_budgets: ws.tree_budgets.clone(),
        kinds: ws.kinds.clone(),
        virtual_time: ws.virtual_time,
        counts: ws.counts,
        stalled: renamed(&ws.stalled, new),
        waits: renamed(&ws.waits, new),
        blown: ws.blown.clone(),
    }
}

/// Those of some tasks that the copy has, by their numbers there.
fn renamed(tasks: &BTreeSet<TaskIx>, new: &HashMap<TaskIx, TaskIx>) -> BTreeSet<TaskIx> {
    let there = tasks.iter().filter_map(|task| new.get(task));
    there.copied().collect()
}

fn renumber(extra: &mut Extra, new: &HashMap<TaskIx, TaskIx>) {
    for tasks in [&mut extra.waits_for, &mut extra.dependants] {
        *tasks = tasks
            .iter()
            .filter_map(|task| new.get(task))
            .copied()
            .collect();
    }
}

impl Lease {
    fn with_task(&self, task: TaskIx) -> Self {
        Self {
            task,
            ..self.clone()
        }
    }
}
