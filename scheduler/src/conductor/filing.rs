//! Tasks in lanes, lanes in groups, groups at gates.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::Conductor;
use super::state::{
    Gate, Group, GroupIx, Lane, LaneIx, LaneKey, Place, Profile, ProfileIx, TaskIx, WsIx,
};
use super::verdicts::LaneVerdict;
use crate::queue::RankedQueue;
use crate::{Code, Needs, Time};

impl Conductor {
    /// The profile for these needs; a new one keeps them as `shared` gives them.
    pub(super) fn profile_for(
        &mut self,
        ws: WsIx,
        needs: &Needs,
        shared: impl FnOnce() -> Arc<Needs>,
    ) -> ProfileIx {
        if let Some(&ix) = self.workspaces[ws].profiles.get(needs) {
            self.profiles[ix].tasks += 1;
            return ix;
        }
        let lane = self.lane_for(ws, needs);
        self.lanes[lane].profiles += 1;
        let needs = shared();
        let ix = self.profiles.insert(Profile {
            lane,
            needs: Arc::clone(&needs),
            tasks: 1,
        });
        self.workspaces[ws].profiles.insert(needs, ix);
        ix
    }

    /// A task less has these needs; the last one takes profile and lane along.
    pub(super) fn release_profile(&mut self, ix: ProfileIx) {
        let profile = &mut self.profiles[ix];
        profile.tasks -= 1;
        if profile.tasks > 0 {
            return;
        }
        let lane = profile.lane;
        let ws = self.lanes[lane].ws;
        if let Some(profile) = self.profiles.remove(ix) {
            self.workspaces[ws].profiles.remove(&profile.needs);
        }
        self.lanes[lane].profiles -= 1;
        self.sweep_lanes(ws);
    }

    /// Empty lanes are kept for a while, with their verdicts, and swept when there are many.
    fn sweep_lanes(&mut self, ws: WsIx) {
        const KEPT: usize = 256;
        let lanes = &self.workspaces[ws].lanes;
        if lanes.len() < KEPT || lanes.len() < 2 * self.workspaces[ws].profiles.len() {
            return;
        }
        let mut unused: Vec<LaneIx> = lanes
            .values()
            .copied()
            .filter(|&lane| self.lanes[lane].profiles == 0)
            .collect();
        // In one order everywhere: their numbers are used again.
        unused.sort_unstable();
        for lane in unused {
            self.release_reservation(lane);
            if let Some(gone) = self.lanes.remove(lane) {
                self.workspaces[ws].lanes.remove(&gone.key);
                self.agenda.verdicts.remove(&lane);
            }
        }
    }

    fn lane_for(&mut self, ws: WsIx, needs: &Needs) -> LaneIx {
        let key = lane_key(needs);
        if let Some(&ix) = self.workspaces[ws].lanes.get(&key) {
            return ix;
        }
        let group = self.group_for(ws, &key);
        let key = Arc::new(key);
        let ix = self.lanes.insert(Lane {
            ws,
            group,
            key: Arc::clone(&key),
            name: name_of(&key),
            resources: Vec::new(),
            budgets: Vec::new(),
            queue: RankedQueue::default(),
            profiles: 0,
            filed: None,
            parked_at: Time(0),
            verdict: LaneVerdict::default(),
            beside: Vec::new(),
        });
        self.workspaces[ws].lanes.insert(key, ix);
        self.resolve_lane(ix);
        ix
    }

    /// Looks up what the lane's names stand for; again whenever a resource or budget is set.
    pub(super) fn resolve_lane(&mut self, ix: LaneIx) {
        let lane = &self.lanes[ix];
        let ws = &self.workspaces[lane.ws];
        let find = |name: &String| {
            ws.resources
                .get(name)
                .or_else(|| self.pool_resources.get(name))
                .copied()
        };
        let resources = lane
            .key
            .requires
            .iter()
            .map(|(name, _)| find(name))
            .collect();
        let budgets = ws
            .budgets
            .values()
            .copied()
            .filter(|&budget| self.lies_on_lane(budget, &lane.key))
            .collect();
        let lane = &mut self.lanes[ix];
        lane.resources = resources;
        lane.budgets = budgets;
    }

    fn group_for(&mut self, ws: WsIx, key: &LaneKey) -> GroupIx {
        let same = |group: &Group| {
            group.capabilities == key.capabilities
                && group.agent == key.agent
                && group.model == key.model
        };
        if let Some(&ix) = self.workspaces[ws]
            .groups
            .iter()
            .find(|&&ix| same(&self.groups[ix]))
        {
            return ix;
        }
        let ix = self.groups.insert(Group {
            ws,
            capabilities: key.capabilities.clone(),
            agent: key.agent.clone(),
            model: key.model.clone(),
            files: std::collections::BTreeMap::new(),
            agents: Vec::new(),
            waiters: BTreeSet::new(),
            demand: Vec::new(),
        });
        self.workspaces[ws].groups.push(ix);
        self.match_group(ix);
        ix
    }

    /// Puts a task where it belongs now: behind what it waits for, its hour, or in its lane.
    pub(super) fn place(&mut self, ix: TaskIx) {
        let place = self.place_for(ix);
        self.put(ix, place);
    }

    pub(super) fn place_for(&self, ix: TaskIx) -> Place {
        match self.tasks[ix].extra() {
            Some(extra) if !extra.waits_for.is_empty() => Place::Depends,
            Some(extra) if extra.not_before.get().is_some_and(|at| at > self.now) => Place::Timed,
            _ => Place::Queued,
        }
    }

    /// Puts a task somewhere it is not yet; what was there before is taken away first.
    pub(super) fn put(&mut self, ix: TaskIx, place: Place) {
        self.lift(ix);
        self.tasks[ix].place = place;
        let lane = self.lane_of(ix);
        self.count(lane, place, 1);
        if let Some(beside) = self.beside(lane, place) {
            beside.insert(ix);
        }
        self.doubt_verdict(lane, ix);
        if place == Place::Queued {
            let entry = (self.tasks[ix].rank, ix);
            self.lanes[lane].queue.insert(entry);
            self.refile(lane);
        }
        self.set_task_timer(ix);
    }

    /// Takes a task from where it is; it is nowhere until it is put somewhere. A task just made is
    /// in no count yet: [`Self::admit_task`] is what brings it in.
    pub(super) fn lift(&mut self, ix: TaskIx) {
        let task = &self.tasks[ix];
        let (place, entry, lane) = (task.place, (task.rank, ix), self.lane_of(ix));
        self.count(lane, place, -1);
        if let Some(beside) = self.beside(lane, place) {
            beside.remove(&ix);
        }
        if place == Place::Stalled(Code::BudgetExhausted) {
            for budget in self.budgets_on(ix).collect::<Vec<_>>() {
                self.budgets[budget].aside.remove(&ix);
            }
        }
        if place == Place::Queued && self.lanes[lane].queue.remove(entry) {
            self.refile(lane);
        }
    }

    /// The workspace's list of what waits in this place beside its queues, if there is one.
    fn beside(&mut self, lane: LaneIx, place: Place) -> Option<&mut BTreeSet<TaskIx>> {
        let ws = &mut self.workspaces[self.lanes[lane].ws];
        match place {
            Place::Stalled(_) => Some(&mut ws.stalled),
            Place::Depends | Place::Timed => Some(&mut ws.waits),
            _ => None,
        }
    }

    /// Brings a task that was just made into counts and lane.
    pub(super) fn admit_task(&mut self, ix: TaskIx, place: Place) {
        let lane = self.lane_of(ix);
        self.tasks[ix].place = Place::Held;
        self.count(lane, Place::Held, 1);
        self.put(ix, place);
    }

    fn count(&mut self, lane: LaneIx, place: Place, by: i32) {
        let counts = &mut self.workspaces[self.lanes[lane].ws].counts;
        let count = match place {
            Place::Queued => &mut counts.queued,
            Place::Depends => &mut counts.depends,
            Place::Timed => &mut counts.timed,
            Place::Stalled(_) => &mut counts.stalled,
            Place::Leased => &mut counts.leased,
            Place::Held => &mut counts.held,
            Place::Review => &mut counts.review,
            Place::Failed | Place::Cancelled => return,
        };
        *count = count.saturating_add_signed(by);
        counts.open = counts.open.saturating_add_signed(by);
    }

    /// Files a lane under its head's rank, at the gate where it stands.
    pub(super) fn refile(&mut self, ix: LaneIx) {
        let gate = self.lanes[ix].filed.and_then(|(gate, _)| gate);
        self.file_at(ix, gate);
    }

    /// Files a lane at a gate, or among those that may go on.
    pub(super) fn file_at(&mut self, ix: LaneIx, gate: Option<Gate>) {
        let lane = &self.lanes[ix];
        let head = lane.queue.first().map(|(rank, _)| rank);
        let (old, new) = (lane.filed, head.map(|rank| (gate, rank)));
        if old == new {
            return;
        }
        let group_ix = lane.group;
        let group = &mut self.groups[group_ix];
        if let Some((gate, rank)) = old
            && let Some(file) = group.files.get_mut(&gate)
        {
            file.remove(&(Reverse(rank), ix));
            if file.is_empty() {
                group.files.remove(&gate);
            }
        }
        if let Some((gate, rank)) = new {
            group
                .files
                .entry(gate)
                .or_default()
                .insert((Reverse(rank), ix));
        }
        let lane = &mut self.lanes[ix];
        lane.filed = new;
        if old.map(|(gate, _)| gate) != new.map(|(gate, _)| gate) {
            lane.parked_at = self.now;
        }
        match new {
            None => self.release_reservation(ix),
            Some(_) if self.groups[group_ix].waiters.is_empty() => {}
            // Tasks of a lane take different sums: another head may be covered.
            Some((Some(gate @ Gate::Budget(_)), _)) => {
                self.agenda.opened.insert(gate);
            }
            // A better head, or a first one: whoever waits for work may take it.
            Some((_, rank)) if old.is_none_or(|(_, before)| rank > before) => {
                self.agenda.ready.insert(group_ix);
            }
            Some(_) => {}
        }
        self.refresh_demand(group_ix);
    }

    /// Brings the group's entries at gates up to date: it asks where it has a lane parked, while it
    /// has a claim waiting, under its workspace's virtual time.
    pub(super) fn refresh_demand(&mut self, ix: GroupIx) {
        let group = &self.groups[ix];
        if group.waiters.is_empty() && group.demand.is_empty() {
            return;
        }
        let tag = self.workspaces[group.ws].virtual_time.to_bits();
        let asked: Vec<(Gate, u64)> = if group.waiters.is_empty() {
            Vec::new()
        } else {
            group
                .files
                .keys()
                .filter_map(|gate| gate.map(|gate| (gate, tag)))
                .collect()
        };
        if asked == group.demand {
            return;
        }
        for (gate, tag) in std::mem::take(&mut self.groups[ix].demand) {
            if let Some(asking) = self.demand.get_mut(&gate) {
                asking.remove(&(tag, ix));
                if asking.is_empty() {
                    self.demand.remove(&gate);
                }
            }
        }
        for &(gate, tag) in &asked {
            self.demand.entry(gate).or_default().insert((tag, ix));
            self.agenda.watch.insert(gate);
        }
        self.groups[ix].demand = asked;
    }

    /// Moves every parked lane of a workspace among those that may go on, and what stalled back into
    /// its lane: something was set that may free any of them.
    pub(super) fn reopen_workspace(&mut self, ws: WsIx) {
        let mut lanes: Vec<LaneIx> = self.workspaces[ws].lanes.values().copied().collect();
        lanes.sort_unstable();
        for &lane in &lanes {
            self.resolve_lane(lane);
            self.file_at(lane, None);
            self.agenda.verdicts.insert(lane);
        }
        for ix in self.workspaces[ws].stalled.clone() {
            self.put(ix, Place::Queued);
        }
        for group in self.workspaces[ws].groups.clone() {
            if !self.groups[group].waiters.is_empty() {
                self.agenda.ready.insert(group);
            }
        }
    }
}

fn lane_key(needs: &Needs) -> LaneKey {
    LaneKey {
        class: needs.class,
        capabilities: needs.capabilities.clone(),
        requires: needs
            .requires
            .iter()
            .map(|need| (need.resource.clone(), rounded(need.amount)))
            .collect(),
        agent: needs.agent.clone(),
        model: needs.estimate.model.clone(),
    }
}

/// Exact to 8, then up to the next power of two.
const fn rounded(amount: u32) -> u32 {
    match amount.checked_next_power_of_two() {
        Some(power) if amount > 8 => power,
        _ => amount,
    }
}

/// A stable hash (FNV-1a, 64 bits) of the key: the same name in every process and version.
fn name_of(key: &LaneKey) -> u64 {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for &byte in bytes {
                self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    key.hash(&mut hasher);
    hasher.finish()
}
