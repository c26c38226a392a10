//! What was really used: settled in budgets and buckets, written to the ledger.

use super::Conductor;
use super::state::{BudIx, Gate, Held, Lease, Meter, ResIx, Reserved, WsIx};
use crate::{
    Actor, Answer, BudgetScope, LateUsage, LeaseId, Level, Refusal, Reply, ReportUsage, Unit,
    Usage, UsageRow,
};

impl Conductor {
    pub(super) fn report_usage(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        request: &ReportUsage,
    ) -> Answer {
        let lease = self.check_lease(ws, actor, request.lease, request.epoch)?;
        let (task, agent) = (self.tasks[lease.task].id, lease.agent);
        self.use_up(request.lease, &request.usage)?;
        self.heard_of(agent);
        self.record_renewal(request.lease, None, None);
        Ok(Reply::Task {
            task,
            state: crate::TaskState::InProgress,
        })
    }

    /// Settles a report. Adds up over reports; what goes beyond what was reserved or granted makes
    /// the balance worse rather than being refused: it has been used.
    pub(super) fn use_up(&mut self, id: LeaseId, usage: &Usage) -> Result<(), Refusal> {
        let Some(lease) = self.leases.get(&id) else {
            return Err(Refusal::LeaseLost);
        };
        let of_resources = self.resources_used(lease, usage)?;
        for (place, more) in of_resources {
            self.use_resource(id, place, more);
        }
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        let Some(lease) = self.leases.get_mut(&id) else {
            return Err(Refusal::LeaseLost);
        };
        lease.tokens = lease.tokens.saturating_add(tokens);
        lease.cost_microusd = lease.cost_microusd.saturating_add(usage.cost_microusd);
        self.cover_model(id, usage.model.as_deref());
        let Some(lease) = self.leases.get_mut(&id) else {
            return Err(Refusal::LeaseLost);
        };
        let mut settled = Vec::with_capacity(lease.reservations.len());
        for booked in &mut lease.reservations {
            let budget = &mut self.budgets[booked.budget];
            let counted = counts_model(&budget.spec.scope, usage.model.as_deref());
            let used = match budget.spec.unit {
                _ if !counted => 0,
                Unit::Tokens => tokens,
                Unit::Microusd => usage.cost_microusd,
            };
            let from_reserved = used.min(booked.left);
            booked.left -= from_reserved;
            booked.used = booked.used.saturating_add(used);
            budget.reserved -= from_reserved;
            budget.state.settled = budget.state.settled.saturating_add(used);
            if used > 0 {
                settled.push(booked.budget);
            }
        }
        for budget in settled {
            self.agenda.budgets.insert(budget);
            self.warn_if_soft(budget);
            self.look_again_at(budget);
        }
        if tokens > 0 || usage.cost_microusd > 0 {
            self.record_usage(id, usage);
        }
        Ok(())
    }

    /// Work that turns out to call another model than was expected is counted by that model's
    /// budgets too, from now on.
    fn cover_model(&mut self, id: LeaseId, model: Option<&str>) {
        let (Some(model), Some(lease)) = (model, self.leases.get(&id)) else {
            return;
        };
        let on_model = |&ix: &BudIx| match &self.budgets[ix].spec.scope {
            BudgetScope::Model(name) => name == model,
            _ => false,
        };
        let known = |ix: BudIx| lease.reservations.iter().any(|booked| booked.budget == ix);
        let budgets = self.workspaces[lease.ws].budgets.values().copied();
        let new: Vec<BudIx> = budgets.filter(on_model).filter(|&ix| !known(ix)).collect();
        if let Some(lease) = self.leases.get_mut(&id) {
            let covered = |budget| Reserved {
                budget,
                left: 0,
                used: 0,
            };
            lease.reservations.extend(new.into_iter().map(covered));
        }
    }

    /// Where in the lease's grants the reported resources stand.
    fn resources_used(&self, lease: &Lease, usage: &Usage) -> Result<Vec<(usize, u32)>, Refusal> {
        let place = |(at, used): (usize, &crate::Requirement)| {
            let of = |held: &Held| self.resources[held.resource].spec.name == used.resource;
            lease
                .held
                .iter()
                .position(of)
                .map(|place| (place, used.amount))
                .ok_or_else(|| Refusal::Invalid {
                    pointer: format!("/resources/{at}/resource"),
                    detail: format!("the lease holds nothing of {:?}", used.resource),
                })
        };
        usage.resources.iter().enumerate().map(place).collect()
    }

    /// A bucket settles: what was used beyond the grant is taken now, even below zero.
    fn use_resource(&mut self, id: LeaseId, place: usize, more: u32) {
        let Some(held) = self
            .leases
            .get_mut(&id)
            .and_then(|lease| lease.held.get_mut(place))
        else {
            return;
        };
        let before = held.used.max(held.amount);
        held.used = held.used.saturating_add(more);
        let beyond = held.used.max(held.amount) - before;
        let ix: ResIx = held.resource;
        if let Meter::Bucket(bucket) = &mut self.resources[ix].meter
            && beyond > 0
        {
            bucket.take(beyond, self.now);
            self.agenda.resources.insert(ix);
            self.agenda.watch.insert(Gate::Resource(ix));
        }
    }

    fn record_usage(&mut self, id: LeaseId, usage: &Usage) {
        let Some(lease) = self.leases.get(&id) else {
            return;
        };
        let needs = &self.profiles[self.tasks[lease.task].profile].needs;
        let row = UsageRow {
            workspace: self.workspaces[lease.ws].id,
            at: self.now,
            task: self.tasks[lease.task].id,
            lease: id,
            agent: self.agents[lease.agent].card.id,
            kind: needs.kind.clone(),
            model: usage.model.clone().or_else(|| needs.estimate.model.clone()),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_microusd: usage.cost_microusd,
        };
        self.out.records.usage.push(row);
    }

    /// What was used under a lost lease was used all the same: the budgets that count it settle, and
    /// the ledger keeps it. Nothing is held of resources any more.
    pub(super) fn charge_late(&mut self, ws: WsIx, late: LateUsage) -> Reply {
        let usage = late.usage;
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        let counts = |scope: &BudgetScope| match scope {
            BudgetScope::Workspace => true,
            BudgetScope::Agent(agent) => *agent == late.agent,
            BudgetScope::Model(model) => usage.model.as_ref() == Some(model),
            BudgetScope::TaskTree(root) => *root == late.task || late.ancestors.contains(root),
            BudgetScope::Experiment(_) | BudgetScope::Thinking => false,
        };
        let budgets: Vec<BudIx> = self.workspaces[ws].budgets.values().copied().collect();
        for ix in budgets {
            let budget = &mut self.budgets[ix];
            let used = match budget.spec.unit {
                _ if !counts(&budget.spec.scope) => 0,
                Unit::Tokens => tokens,
                Unit::Microusd => usage.cost_microusd,
            };
            if used > 0 {
                budget.state.settled = budget.state.settled.saturating_add(used);
                self.agenda.budgets.insert(ix);
                self.warn_if_soft(ix);
                self.look_again_at(ix);
            }
        }
        self.out.records.usage.push(UsageRow {
            workspace: self.workspaces[ws].id,
            at: self.now,
            task: late.task,
            lease: late.lease,
            agent: late.agent,
            kind: late.kind,
            model: usage.model,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_microusd: usage.cost_microusd,
        });
        Reply::Charged
    }

    /// What waits for a budget may have become what it cannot cover, or the other way round.
    pub(super) fn look_again_at(&mut self, ix: BudIx) {
        let gate = Gate::Budget(ix);
        if !self.budgets[ix].aside.is_empty() || self.demand.contains_key(&gate) {
            self.agenda.opened.insert(gate);
        }
    }

    /// Returns what a lease reserved and did not use.
    pub(super) fn unbook(&mut self, lease: &Lease) {
        for booked in &lease.reservations {
            self.budgets[booked.budget].reserved -= booked.left;
            if booked.left > 0 {
                self.reserved_changed(booked.budget);
                self.agenda.opened.insert(Gate::Budget(booked.budget));
            }
        }
    }

    /// What is reserved in a budget is no row, but seen.
    pub(super) fn reserved_changed(&mut self, ix: BudIx) {
        let budget = &self.budgets[ix];
        let level = Level::Budget(self.workspaces[budget.ws].id, budget.spec.id);
        self.out.records.levels.push(level);
    }

    /// The soft threshold warns once a window; the hard limit is said once a window too.
    pub(super) fn warn_if_soft(&mut self, ix: BudIx) {
        let budget = &mut self.budgets[ix];
        let spoken_for = budget.state.settled.saturating_add(budget.reserved);
        let soft = (budget.spec.limit as f64 * budget.spec.soft_at).ceil() as u64;
        let event = if budget.state.settled >= budget.spec.limit && !budget.ran_out {
            budget.ran_out = true;
            budget.state.warned = true;
            crate::BudgetEvent::Exhausted
        } else if spoken_for >= soft && !budget.state.warned {
            budget.state.warned = true;
            crate::BudgetEvent::Warned
        } else {
            return;
        };
        self.agenda.budgets.insert(ix);
        self.decide_budget(ix, Actor::Scheduler, event);
    }

    pub(super) fn decide_budget(&mut self, ix: BudIx, actor: Actor, event: crate::BudgetEvent) {
        let budget = &self.budgets[ix];
        let facts = crate::BudgetFacts {
            name: budget.spec.name.clone(),
            event,
            unit: budget.spec.unit,
            limit: budget.spec.limit,
            settled: budget.state.settled,
            reserved: budget.reserved,
            resets_at: budget.resets_at(),
        };
        let ws = budget.ws;
        self.decide(ws, actor, crate::Facts::Budget(facts));
    }
}

/// Whether a budget counts use of this model; without a word on the model it is the expected one.
fn counts_model(scope: &BudgetScope, model: Option<&str>) -> bool {
    match (scope, model) {
        (BudgetScope::Model(name), Some(model)) => name == model,
        _ => true,
    }
}
