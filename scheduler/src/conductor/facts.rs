//! What a dispatch decision is made from, as it is recorded.

use super::Conductor;
use super::state::{AgentIx, Gate, GroupIx, LaneIx, Meter, ResIx, TaskIx};
use crate::{
    Actor, BudgetFact, Code, Considered, Decision, DispatchFacts, Facts, LaneFacts, LeaseId,
    ResourceFact, ResourceFactKind,
};

/// Heads named in a decision besides the one that went.
const CONSIDERED: usize = 4;

impl Conductor {
    pub(super) fn dispatch_decision(
        &mut self,
        lane: LaneIx,
        task: TaskIx,
        agent: AgentIx,
        lease: LeaseId,
        groups: &[GroupIx],
    ) -> Decision {
        let entry = &self.tasks[task];
        let policy = &self.workspaces[self.lanes[lane].ws].policy;
        let score = crate::score::score(&self.score_inputs(task), policy, self.now);
        let facts = DispatchFacts {
            lease,
            epoch: entry.epoch + 1,
            attempt: entry.attempts + 1,
            agent: self.agents[agent].card.name.clone(),
            lane: self.lane_facts(lane, task),
            rank: score.rank,
            factors: score.factors,
            waited_ms: self.waited(task),
            resources: self.resource_facts(task),
            budgets: self.budget_facts(task, agent),
            considered: self.considered(lane, groups),
        };
        let (id, agent) = (entry.id, self.agents[agent].card.id);
        let mut decision = self.decision(
            self.lanes[lane].ws,
            Actor::Scheduler,
            Facts::Dispatch(Box::new(facts)),
        );
        (decision.task, decision.agent) = (Some(id), Some(agent));
        decision
    }

    fn waited(&self, task: TaskIx) -> u64 {
        let entry = &self.tasks[task];
        let from = entry.not_before().unwrap_or(entry.created_at);
        (self.now.since(from.max(entry.created_at)).0 / 1_000) as u64
    }

    pub(super) fn lane_facts(&self, lane: LaneIx, head: TaskIx) -> LaneFacts {
        let lane = &self.lanes[lane];
        LaneFacts {
            id: format!("{:016x}", lane.name),
            class: lane.key.class,
            capabilities: lane.key.capabilities.clone(),
            requires: self.profiles[self.tasks[head].profile]
                .needs
                .requires
                .clone(),
            agent: lane.key.agent.clone(),
            model: lane.key.model.clone(),
            waiting: lane.queue.len() as u32,
        }
    }

    fn resource_facts(&self, task: TaskIx) -> Vec<ResourceFact> {
        let profile = &self.profiles[self.tasks[task].profile];
        let resources = self.lanes[profile.lane].resources.iter();
        let fact = |(need, ix): (&crate::Requirement, &Option<ResIx>)| {
            let resource = &self.resources[(*ix)?];
            let (kind, refill_per_s) = match resource.spec.kind {
                crate::ResourceKind::Bucket { refill_per_s, .. } => {
                    (ResourceFactKind::Bucket, Some(refill_per_s))
                }
                crate::ResourceKind::Slots { .. } => (ResourceFactKind::Slots, None),
            };
            Some(ResourceFact {
                name: need.resource.clone(),
                kind,
                limit: resource.limit().into(),
                available: resource.available(self.now) as f64,
                taken: need.amount,
                refill_per_s,
            })
        };
        profile
            .needs
            .requires
            .iter()
            .zip(resources)
            .filter_map(fact)
            .collect()
    }

    fn budget_facts(&self, task: TaskIx, agent: AgentIx) -> Vec<BudgetFact> {
        let budgets = self
            .budgets_on(task)
            .chain(self.agents[agent].budgets.iter().copied());
        let fact = |ix| {
            let budget = &self.budgets[ix];
            BudgetFact {
                id: budget.spec.id,
                name: budget.spec.name.clone(),
                unit: budget.spec.unit,
                limit: budget.spec.limit,
                settled: budget.state.settled,
                reserved: budget.reserved,
                taken: self.charge(task, &budget.spec).unwrap_or(0),
            }
        };
        budgets.map(fact).collect()
    }

    /// The best other heads this agent could have had, and why each did not go.
    fn considered(&self, winner: LaneIx, groups: &[GroupIx]) -> Vec<Considered> {
        let mut heads = Vec::with_capacity(CONSIDERED + 1);
        for &group in groups {
            for (&gate, file) in &self.groups[group].files {
                let others = file.iter().filter(|&&(_, lane)| lane != winner);
                for &(rank, lane) in others {
                    let place = heads.partition_point(|&(r, l, _)| (r, l) < (rank, lane));
                    if place == CONSIDERED {
                        break;
                    }
                    heads.insert(place, (rank, lane, gate));
                    heads.truncate(CONSIDERED);
                }
            }
        }
        let said = |(rank, lane, gate): (std::cmp::Reverse<i64>, LaneIx, Option<Gate>)| {
            let (_, head) = self.lanes[lane].queue.first()?;
            let (why_not, resource) = self.gate_words(gate);
            Some(Considered {
                task: self.tasks[head].id,
                rank: rank.0,
                why_not,
                resource,
            })
        };
        heads.into_iter().filter_map(said).collect()
    }

    /// What a gate means for a head behind it.
    pub(super) fn gate_words(&self, gate: Option<Gate>) -> (Code, Option<String>) {
        match gate {
            None => (Code::LowerPriority, None),
            Some(Gate::Undefined) => (Code::Misconfigured, None),
            Some(Gate::Budget(ix)) => {
                (Code::BudgetWindow, Some(self.budgets[ix].spec.name.clone()))
            }
            Some(Gate::Resource(ix)) => {
                let resource = &self.resources[ix];
                let code = match &resource.meter {
                    _ if resource.closed_at(self.now).is_some() => Code::ProviderBackoff,
                    Meter::Bucket(_) => Code::RateLimited,
                    Meter::Slots(_) => Code::NoFreeSlot,
                };
                (code, Some(resource.spec.name.clone()))
            }
        }
    }
}
