//! What can be read from memory.

use std::collections::BTreeMap;

use super::Conductor;
use super::state::{LaneIx, Meter, ResIx, TaskIx, WsIx};
use crate::{
    AgentView, BudgetGauge, BudgetView, Code, Gauges, Health, Query, ResourceGauge, ResourceView,
    Score, Summary, Tier, Time, View, WorkspaceId,
};

/// Holders named of one resource.
const HOLDERS: usize = 50;

impl Conductor {
    /// Answers a question of a reader of one workspace. A workspace that is not held answers as an
    /// empty one.
    #[must_use]
    pub fn view(&self, workspace: WorkspaceId, query: &Query, now: Time) -> View {
        let now = self.now.max(now);
        let ws = self.workspace_of.get(&workspace).copied();
        match query {
            Query::Explain { task } => View::Explanation {
                explanation: ws.and_then(|ws| self.explain(ws, *task, now)).map(Box::new),
            },
            Query::Score { task } => View::Score {
                score: ws.and_then(|ws| self.score_of(ws, *task, now)),
            },
            Query::Resources => View::Resources {
                resources: ws
                    .map(|ws| self.resource_views(ws, now))
                    .unwrap_or_default(),
            },
            Query::Budgets => View::Budgets {
                budgets: ws.map(|ws| self.budget_views(ws, now)).unwrap_or_default(),
            },
            Query::Agents => View::Agents {
                agents: ws.map(|ws| self.agent_views(ws, now)).unwrap_or_default(),
            },
            Query::Needed => View::Needed {
                needed: ws.map(|ws| self.needed(ws, now)).unwrap_or_default(),
            },
            Query::Lane { lane, limit } => View::Lane {
                tasks: ws
                    .map(|ws| self.lane_tasks(ws, lane, *limit))
                    .unwrap_or_default(),
            },
            Query::Waitlist { resource, limit } => View::Waitlist {
                waiting: ws
                    .map(|ws| self.waitlist(ws, resource, *limit as usize, now))
                    .unwrap_or_default(),
            },
            Query::WhatIf { actor, changes } => View::WhatIf {
                answer: self
                    .suppose(workspace, actor.clone(), changes.clone())
                    .outlook(now),
            },
            Query::Summary => View::Summary {
                summary: Box::new(ws.map(|ws| self.summary(ws, now)).unwrap_or_default()),
            },
        }
    }

    fn score_of(&self, ws: WsIx, task: crate::TaskId, now: Time) -> Option<Score> {
        let ix = self.task_in(ws, task)?;
        Some(crate::score::score(
            &self.score_inputs(ix),
            &self.workspaces[ws].policy,
            now,
        ))
    }

    fn resource_views(&self, ws: WsIx, now: Time) -> Vec<ResourceView> {
        let own = self.workspaces[ws].resources.values();
        let shared = self.pool_resources.values();
        let waiting = self.waiting_at_resources(ws);
        let mut all: Vec<ResIx> = own.chain(shared).copied().collect();
        all.sort_by(|&a, &b| {
            self.resources[a]
                .spec
                .name
                .cmp(&self.resources[b].spec.name)
        });
        all.into_iter()
            .map(|ix| self.resource_view(ws, ix, &waiting, now))
            .collect()
    }

    fn resource_view(
        &self,
        ws: WsIx,
        ix: ResIx,
        waiting: &BTreeMap<ResIx, (u32, u32)>,
        now: Time,
    ) -> ResourceView {
        let resource = &self.resources[ix];
        let (in_use, refills_at) = match &resource.meter {
            Meter::Bucket(bucket) => (
                0,
                bucket.when(bucket.capacity(), now).filter(|&at| at > now),
            ),
            Meter::Slots(slots) => (slots.in_use(), None),
        };
        let (waiting_lanes, waiting_tasks) = waiting.get(&ix).copied().unwrap_or_default();
        let mut spec = resource.spec.clone();
        if spec
            .workspace
            .is_some_and(|id| id != self.workspaces[ws].id)
        {
            spec.workspace = None;
        }
        ResourceView {
            spec,
            limit: resource.limit().into(),
            believed: resource.state.believed,
            available: resource.available(now) as f64,
            in_use,
            holders: self.holders(ix, Some(ws), HOLDERS),
            waiting_lanes,
            waiting_tasks,
            refills_at,
            closed_until: resource.closed_at(now),
            closed_because: resource.closed_at(now).and(resource.state.closed_because),
            reserved_for: resource
                .reserved
                .map(|lane| format!("{:016x}", self.lanes[lane].name)),
        }
    }

    /// How the limits of the whole pool stand.
    #[must_use]
    pub fn gauges(&self, now: Time) -> Gauges {
        let now = self.now.max(now);
        let mut waiting: BTreeMap<ResIx, (u32, u32)> = BTreeMap::new();
        for ws in self.workspaces.ids() {
            waiting.extend(self.waiting_at_resources(ws));
        }
        let resources = self.resources.iter().map(|(ix, resource)| ResourceGauge {
            resource: resource.spec.id,
            available: resource.available(now) as f64,
            limit: resource.limit().into(),
            in_use: match &resource.meter {
                Meter::Bucket(_) => 0,
                Meter::Slots(slots) => slots.in_use(),
            },
            waiting: resource
                .ws
                .map(|_| waiting.get(&ix).map_or(0, |&(_, tasks)| tasks)),
            given: resource.given,
        });
        let budgets = self.budgets.iter().map(|(_, budget)| BudgetGauge {
            budget: budget.spec.id,
            window: budget.spec.window,
            settled: budget.settled_at(now),
            reserved: budget.reserved,
        });
        Gauges {
            resources: resources.collect(),
            budgets: budgets.collect(),
        }
    }

    /// Lanes and tasks of the workspace that wait at each resource.
    fn waiting_at_resources(&self, ws: WsIx) -> BTreeMap<ResIx, (u32, u32)> {
        let mut by_lane: BTreeMap<(ResIx, LaneIx), u32> = BTreeMap::new();
        for &ix in self.workspaces[ws].lanes.values() {
            let lane = &self.lanes[ix];
            let Some((_, head)) = lane.queue.first() else {
                continue;
            };
            if let Some((_, Some(super::state::Gate::Resource(resource)))) = self.lane_code(head) {
                by_lane.insert((resource, ix), lane.queue.len() as u32);
            }
        }
        for &task in &self.workspaces[ws].stalled {
            if let Some(resource) = self.never_fits_at(task) {
                *by_lane.entry((resource, self.lane_of(task))).or_default() += 1;
            }
        }
        let mut waiting: BTreeMap<ResIx, (u32, u32)> = BTreeMap::new();
        for ((resource, _), tasks) in by_lane {
            let entry = waiting.entry(resource).or_default();
            *entry = (entry.0 + 1, entry.1 + tasks);
        }
        waiting
    }

    fn budget_views(&self, ws: WsIx, now: Time) -> Vec<BudgetView> {
        let view = |&ix: &super::state::BudIx| {
            let budget = &self.budgets[ix];
            let mut row = self.budget_row(ix);
            row.state.settled = budget.settled_at(now);
            BudgetView {
                row,
                reserved: budget.reserved,
                resets_at: budget.spec.window.end(now),
            }
        };
        self.workspaces[ws].budgets.values().map(view).collect()
    }

    fn agent_views(&self, ws: WsIx, now: Time) -> Vec<AgentView> {
        let view = |&ix: &super::state::AgentIx| {
            let agent = &self.agents[ix];
            AgentView {
                id: agent.card.id,
                name: agent.card.name.clone(),
                health: self.health(ix, now),
                status: agent.status,
                running: agent.running,
                seen_at: agent.seen_at,
                waiting: !agent.waiting.is_empty(),
            }
        };
        self.workspaces[ws].agents.values().map(view).collect()
    }

    fn lane_tasks(&self, ws: WsIx, name: &str, limit: u32) -> Vec<crate::TaskId> {
        let Ok(name) = u64::from_str_radix(name, 16) else {
            return Vec::new();
        };
        let lane = self.workspaces[ws]
            .lanes
            .values()
            .find(|&&ix| self.lanes[ix].name == name);
        let tasks = lane
            .into_iter()
            .flat_map(|&ix| self.lanes[ix].queue.iter().take(limit as usize));
        tasks.map(|(_, task)| self.tasks[task].id).collect()
    }

    fn summary(&self, ws: WsIx, now: Time) -> Summary {
        let workspace = &self.workspaces[ws];
        let counts = workspace.counts;
        let by_code = self.waiting_by_code(ws, now);
        let mut by_tier: BTreeMap<Tier, u32> = BTreeMap::new();
        for (code, count) in &by_code {
            *by_tier.entry(code.tier()).or_default() += count;
        }
        let online = workspace
            .agents
            .values()
            .filter(|&&ix| self.health(ix, now) == Health::Online)
            .count();
        Summary {
            backlog: counts.held,
            pending: counts.queued + counts.depends + counts.timed + counts.stalled,
            in_progress: counts.leased,
            in_review: counts.review,
            pending_by_code: by_code.into_iter().collect(),
            pending_by_tier: by_tier.into_iter().collect(),
            agents_online: online as u32,
            agents: workspace.agents.len() as u32,
            policy_version: workspace.policy_version,
        }
    }

    /// What a queued task waits for first of all.
    pub(super) fn queued_code(&self, task: TaskIx, now: Time) -> Code {
        let of_limits = self.worst_hold(task, now, |_| true);
        of_limits
            .into_iter()
            .chain(self.agents_code(task, now))
            .min()
            .unwrap_or(Code::LowerPriority)
    }

    /// The waiting by worst blocker: the queued count by lane, the others one by one.
    pub(super) fn waiting_by_code(&self, ws: WsIx, now: Time) -> BTreeMap<Code, u32> {
        let mut by_code: BTreeMap<Code, u32> = BTreeMap::new();
        for &ix in self.workspaces[ws].lanes.values() {
            let Some((_, head)) = self.lanes[ix].queue.first() else {
                continue;
            };
            *by_code.entry(self.queued_code(head, now)).or_default() +=
                self.lanes[ix].queue.len() as u32;
        }
        for (_, code) in self.apart(ws, now) {
            *by_code.entry(code).or_default() += 1;
        }
        by_code
    }
}
