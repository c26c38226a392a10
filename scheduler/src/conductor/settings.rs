//! What people set: resources, budgets, policy; and what providers say of resources.

use super::Conductor;
use super::state::{AgentIx, BudIx, Budget, Gate, Held, LaneKey, Meter, ResIx, Resource, WsIx};
use crate::bucket::Bucket;
use crate::slots::Slots;
use crate::{
    Actor, Answer, BudgetEvent, BudgetRow, BudgetScope, BudgetSpec, BudgetState, CloseReason,
    CloseResource, Decision, Facts, LeaseId, PolicyChange, PolicyFacts, PolicyRow, PutBudget,
    PutPolicy, PutResource, Refusal, RefusalRow, Reply, ResourceKind, ResourceRow, ResourceSpec,
    ResourceState, Span, ThrottleEvent, ThrottleFacts, Throttled,
};

/// How long a resource is closed when a provider refuses without saying: doubled for each refusal in
/// a row, from the first to at most the second, in milliseconds.
const CLOSED_MS: (u32, u32) = (1_000, 60_000);
/// Additive increase, multiplicative decrease (Chiu and Jain 1989).
const DECREASE: f64 = 0.7;
const INCREASE: f64 = 0.02;

impl Conductor {
    pub(super) fn put_resource(&mut self, ws: WsIx, actor: &Actor, request: PutResource) -> Answer {
        check_kind(&request.kind)?;
        let owner = (!request.pool_wide).then_some(ws);
        let known = self.resource_owned(owner, &request.name);
        let id = known.map_or(request.id, |ix| self.resources[ix].spec.id);
        let spec = ResourceSpec {
            id,
            workspace: owner.map(|ws| self.workspaces[ws].id),
            name: request.name,
            kind: request.kind,
            adaptive: request.adaptive,
        };
        let ix = match known {
            Some(ix) => {
                self.change_resource(ix, spec);
                ix
            }
            None => self.add_resource(ResourceRow {
                spec,
                state: ResourceState {
                    believed: 1.0,
                    ..Default::default()
                },
            }),
        };
        self.agenda.resources.insert(ix);
        self.decide_throttle(ws, actor.clone(), ix, ThrottleEvent::Set, None);
        self.reopen_for(owner);
        Ok(Reply::Resource { id })
    }

    fn resource_owned(&self, owner: Option<WsIx>, name: &str) -> Option<ResIx> {
        match owner {
            Some(ws) => self.workspaces[ws].resources.get(name),
            None => self.pool_resources.get(name),
        }
        .copied()
    }

    /// The resource a name stands for in a workspace: its own, else the pool's.
    pub(super) fn resource_named(&self, ws: WsIx, name: &str) -> Option<ResIx> {
        self.resource_owned(Some(ws), name)
            .or_else(|| self.resource_owned(None, name))
    }

    pub(super) fn add_resource(&mut self, row: ResourceRow) -> ResIx {
        let ws = row
            .spec
            .workspace
            .and_then(|id| self.workspace_of.get(&id).copied());
        let (name, meter) = (row.spec.name.clone(), meter(&row.spec.kind, &row.state));
        let ix = self.resources.insert(Resource {
            spec: row.spec,
            ws,
            meter,
            state: row.state,
            reserved: None,
            holders: std::collections::BTreeSet::new(),
            timer: None,
        });
        match ws {
            Some(ws) => self.workspaces[ws].resources.insert(name, ix),
            None => self.pool_resources.insert(name, ix),
        };
        ix
    }

    /// What is taken stays taken under the new limit.
    fn change_resource(&mut self, ix: ResIx, spec: ResourceSpec) {
        let now = self.now;
        let resource = &mut self.resources[ix];
        resource.meter = match (&resource.meter, &spec.kind) {
            (
                Meter::Bucket(old),
                &ResourceKind::Bucket {
                    capacity,
                    refill_per_s,
                },
            ) => {
                let missing = i64::from(old.capacity()) - old.available(now);
                let mut bucket = Bucket::new(capacity, refill_per_s, 0);
                bucket.take(u32::try_from(missing.max(0)).unwrap_or(u32::MAX), now);
                Meter::Bucket(bucket)
            }
            (Meter::Slots(old), &ResourceKind::Slots { slots }) => {
                let mut kept = old.clone();
                kept.set_limit(slots);
                Meter::Slots(kept)
            }
            (_, kind) => meter(kind, &resource.state),
        };
        resource.spec = spec;
        self.hold_slots_of_live_leases(ix);
    }

    /// A resource that became slots counts those that live leases hold of it.
    fn hold_slots_of_live_leases(&mut self, ix: ResIx) {
        let Meter::Slots(slots) = &mut self.resources[ix].meter else {
            return;
        };
        for lease in self.leases.values() {
            for held in lease.held.iter().filter(|held| held.resource == ix) {
                slots.hold(&held.slots);
            }
        }
    }

    fn reopen_for(&mut self, owner: Option<WsIx>) {
        match owner {
            Some(ws) => self.reopen_workspace(ws),
            None => self
                .workspaces
                .ids()
                .into_iter()
                .for_each(|ws| self.reopen_workspace(ws)),
        }
    }

    pub(super) fn resource_row(&self, ix: ResIx) -> ResourceRow {
        let resource = &self.resources[ix];
        let mut state = resource.state.clone();
        if let Meter::Bucket(bucket) = &resource.meter {
            state.full_at_ns = bucket.full_at_ns();
        }
        ResourceRow {
            spec: resource.spec.clone(),
            state,
        }
    }

    /// An agent met a provider's limit outside any lease, or read how much is left.
    pub(super) fn throttled(&mut self, ws: WsIx, actor: &Actor, request: &Throttled) -> Answer {
        let ix = self
            .resource_named(ws, &request.resource)
            .ok_or(Refusal::NotFound)?;
        if let Some(remaining) = request.remaining {
            self.lower(ws, actor, ix, remaining);
        }
        if request.retry_after_ms.is_some() || request.remaining.is_none() {
            self.refused(ws, actor, &request.resource, request.retry_after_ms, None);
        }
        Ok(Reply::Resource {
            id: self.resources[ix].spec.id,
        })
    }

    /// A provider's word may only lower what is believed available.
    fn lower(&mut self, ws: WsIx, actor: &Actor, ix: ResIx, remaining: u32) {
        let now = self.now;
        let Meter::Bucket(bucket) = &mut self.resources[ix].meter else {
            return;
        };
        let before = bucket.full_at_ns();
        bucket.lower_to(remaining, now);
        if bucket.full_at_ns() != before {
            self.agenda.resources.insert(ix);
            self.agenda.watch.insert(Gate::Resource(ix));
            self.decide_throttle(ws, actor.clone(), ix, ThrottleEvent::Lowered, None);
        }
    }

    /// A provider refused: closed for everyone until it says, or with growing patience. Refusals that
    /// do not make it longer are remembered, but are no new decision.
    pub(super) fn refused(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        name: &str,
        retry_after_ms: Option<u32>,
        lease: Option<(LeaseId, AgentIx)>,
    ) {
        let Some(ix) = self.resource_named(ws, name) else {
            return;
        };
        let now = self.now;
        let resource = &mut self.resources[ix];
        let was_open = resource.closed_at(now).is_none();
        if was_open {
            resource.state.refusals = resource.state.refusals.saturating_add(1);
        }
        let doublings = resource.state.refusals.saturating_sub(1).min(16);
        let patience = CLOSED_MS.0.saturating_mul(1 << doublings).min(CLOSED_MS.1);
        let until = now + Span::from_millis(retry_after_ms.unwrap_or(patience).into());
        let longer = resource.state.closed_until.is_none_or(|at| until > at);
        if longer {
            resource.state.closed_until = Some(until);
            resource.state.closed_because = Some(CloseReason::Provider);
        }
        if was_open {
            self.believe(ix, DECREASE, 0.0);
        }
        let agent = match actor {
            Actor::Agent { id, .. } => Some(*id),
            _ => lease.map(|(_, agent)| self.agents[agent].card.id),
        };
        self.out.records.refusals.push(RefusalRow {
            workspace: self.workspaces[ws].id,
            resource: self.resources[ix].spec.id,
            at: now,
            agent,
            lease: lease.map(|(lease, _)| lease),
            retry_after_ms,
        });
        if longer {
            self.agenda.resources.insert(ix);
            self.agenda.watch.insert(Gate::Resource(ix));
            self.decide_throttle(ws, actor.clone(), ix, ThrottleEvent::Refused, None);
        }
    }

    /// Work on these resources went well: what is believed of them grows again.
    pub(super) fn held_well(&mut self, held: &[Held]) {
        for held in held {
            let resource = &mut self.resources[held.resource];
            if resource.state.refusals > 0 && resource.closed_at(self.now).is_none() {
                resource.state.refusals = 0;
                self.agenda.resources.insert(held.resource);
            }
            if self.resources[held.resource].state.believed < 1.0 {
                self.believe(held.resource, 1.0, INCREASE);
                self.agenda.opened.insert(Gate::Resource(held.resource));
            }
        }
    }

    /// Changes how much of an adaptive limit is believed, within what people set.
    fn believe(&mut self, ix: ResIx, times: f64, plus: f64) {
        let resource = &mut self.resources[ix];
        let Some(adaptive) = resource.spec.adaptive else {
            return;
        };
        let whole = match resource.spec.kind {
            ResourceKind::Bucket { refill_per_s, .. } => refill_per_s,
            ResourceKind::Slots { slots } => f64::from(slots.max(1)),
        };
        let (least, most) = (
            (adaptive.min / whole).clamp(0.0, 1.0),
            (adaptive.max / whole).clamp(0.0, 1.0),
        );
        resource.state.believed =
            (resource.state.believed * times + plus).clamp(least.min(most), most);
        if let (
            ResourceKind::Bucket {
                capacity,
                refill_per_s,
            },
            Meter::Bucket(bucket),
        ) = (&resource.spec.kind, &mut resource.meter)
        {
            *bucket = Bucket::new(
                *capacity,
                refill_per_s * resource.state.believed,
                bucket.full_at_ns(),
            );
        }
        self.agenda.resources.insert(ix);
    }

    /// A person closes a resource until then, or opens it now.
    pub(super) fn close_by_hand(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        request: CloseResource,
    ) -> Answer {
        let ix = self
            .resource_named(ws, &request.resource)
            .ok_or(Refusal::NotFound)?;
        let resource = &mut self.resources[ix];
        resource.state.closed_until = request.until;
        resource.state.closed_because = request.until.map(|_| CloseReason::Person);
        let event = if request.until.is_some() {
            ThrottleEvent::Closed
        } else {
            ThrottleEvent::Reopened
        };
        if request.until.is_none() {
            resource.state.refusals = 0;
        }
        let id = resource.spec.id;
        self.agenda.resources.insert(ix);
        self.agenda.opened.insert(Gate::Resource(ix));
        self.decide_throttle(ws, actor.clone(), ix, event, request.reason);
        Ok(Reply::Resource { id })
    }

    fn decide_throttle(
        &mut self,
        ws: WsIx,
        actor: Actor,
        ix: ResIx,
        event: ThrottleEvent,
        reason: Option<String>,
    ) {
        let resource = &self.resources[ix];
        let facts = ThrottleFacts {
            name: resource.spec.name.clone(),
            event,
            until: resource.closed_at(self.now),
            refusals: resource.state.refusals,
            believed: resource.state.believed,
            limit: resource.spec.kind.clone(),
            reason,
        };
        let id = resource.spec.id;
        let mut decision: Decision = self.decision(ws, actor, Facts::Throttle(facts));
        decision.resource = Some(id);
        self.out.records.decisions.push(decision);
    }

    pub(super) fn put_budget(&mut self, ws: WsIx, actor: &Actor, request: PutBudget) -> Answer {
        let known = self.workspaces[ws].budgets.get(&request.name).copied();
        let id = known.map_or(request.id, |ix| self.budgets[ix].spec.id);
        let spec = BudgetSpec {
            id,
            workspace: self.workspaces[ws].id,
            name: request.name,
            scope: request.scope,
            unit: request.unit,
            limit: request.limit,
            window: request.window,
            soft_at: request.soft_at,
        };
        let ix = if let Some(ix) = known {
            self.change_budget(ix, spec)?;
            ix
        } else {
            let window_start = spec.window.start(self.now);
            let state = BudgetState {
                window_start,
                ..BudgetState::default()
            };
            self.add_budget(ws, BudgetRow { spec, state })
        };
        self.agenda.budgets.insert(ix);
        self.set_window_timer(ix);
        self.decide_budget(ix, actor.clone(), BudgetEvent::Set);
        self.warn_if_soft(ix);
        self.rematch_budgets(ws);
        self.reopen_workspace(ws);
        Ok(Reply::Budget { id })
    }

    /// What is settled stays settled under the new limit.
    fn change_budget(&mut self, ix: BudIx, spec: BudgetSpec) -> Result<(), Refusal> {
        let budget = &mut self.budgets[ix];
        if budget.spec.unit != spec.unit || budget.spec.scope != spec.scope {
            return Err(Refusal::Invalid {
                pointer: "/scope".to_owned(),
                detail: "a budget keeps its scope and unit; make another under a new name"
                    .to_owned(),
            });
        }
        (budget.state.warned, budget.ran_out) = (false, false);
        if budget.spec.window != spec.window {
            budget.state.window_start = spec.window.start(self.now);
        }
        budget.spec = spec;
        Ok(())
    }

    pub(super) fn add_budget(&mut self, ws: WsIx, row: BudgetRow) -> BudIx {
        let name = row.spec.name.clone();
        let tree = match row.spec.scope {
            BudgetScope::TaskTree(root) => Some(root),
            _ => None,
        };
        let ran_out = row.state.settled >= row.spec.limit;
        let ix = self.budgets.insert(Budget {
            spec: row.spec,
            ws,
            state: row.state,
            reserved: 0,
            ran_out,
        });
        self.workspaces[ws].budgets.insert(name, ix);
        self.workspaces[ws]
            .tree_budgets
            .extend(tree.map(|root| (root, ix)));
        ix
    }

    /// A new budget counts what starts from now on.
    pub(super) fn rematch_budgets(&mut self, ws: WsIx) {
        for agent in self.workspaces[ws]
            .agents
            .values()
            .copied()
            .collect::<Vec<_>>()
        {
            self.agents[agent].budgets = self.budgets_of_agent(agent);
        }
    }

    /// Whether a budget lies on every task of a lane.
    pub(super) fn lies_on_lane(&self, budget: BudIx, key: &LaneKey) -> bool {
        match &self.budgets[budget].spec.scope {
            BudgetScope::Workspace => true,
            BudgetScope::Model(model) => key.model.as_ref() == Some(model),
            // Nothing is scheduled for an experiment or for Baton's own thinking yet but what says so.
            BudgetScope::Agent(_)
            | BudgetScope::TaskTree(_)
            | BudgetScope::Experiment(_)
            | BudgetScope::Thinking => false,
        }
    }

    pub(super) fn budget_row(&self, ix: BudIx) -> BudgetRow {
        let budget = &self.budgets[ix];
        BudgetRow {
            spec: budget.spec.clone(),
            state: budget.state,
        }
    }

    pub(super) fn put_policy(&mut self, ws: WsIx, actor: &Actor, request: PutPolicy) -> Answer {
        let workspace = &self.workspaces[ws];
        if let Some(seen) = request.version
            && seen != workspace.policy_version
        {
            return Err(Refusal::VersionConflict {
                current: workspace.policy_version,
            });
        }
        request.policy.check().map_err(|wrong| Refusal::Invalid {
            pointer: wrong.pointer.to_owned(),
            detail: wrong.detail.to_owned(),
        })?;
        let version = workspace.policy_version + 1;
        let changes = policy_changes(&workspace.policy, &request.policy);
        let workspace = &mut self.workspaces[ws];
        workspace.policy_version = version;
        workspace.policy = std::sync::Arc::new(request.policy.clone());
        let row = PolicyRow {
            workspace: workspace.id,
            version,
            at: self.now,
            policy: request.policy,
        };
        self.out.records.policies.push(row);
        self.decide(
            ws,
            actor.clone(),
            Facts::Policy(PolicyFacts { version, changes }),
        );
        self.rescore_workspace(ws);
        self.reopen_workspace(ws);
        Ok(Reply::Policy { version })
    }

    /// Bands and ageing may have changed every rank of the workspace.
    fn rescore_workspace(&mut self, ws: WsIx) {
        let tasks: Vec<_> = self
            .tasks
            .ids()
            .into_iter()
            .filter(|&ix| self.ws_of(ix) == ws)
            .collect();
        for ix in tasks {
            self.rescore(ix);
        }
    }
}

fn meter(kind: &ResourceKind, state: &ResourceState) -> Meter {
    match *kind {
        ResourceKind::Bucket {
            capacity,
            refill_per_s,
        } => Meter::Bucket(Bucket::new(
            capacity,
            refill_per_s * state.believed,
            state.full_at_ns,
        )),
        ResourceKind::Slots { slots } => Meter::Slots(Slots::new(slots)),
    }
}

fn check_kind(kind: &ResourceKind) -> Result<(), Refusal> {
    let wrong = |pointer: &str, detail: &str| {
        Err(Refusal::Invalid {
            pointer: pointer.to_owned(),
            detail: detail.to_owned(),
        })
    };
    match *kind {
        ResourceKind::Bucket { capacity: 0, .. } => wrong("/capacity", "must be at least 1"),
        ResourceKind::Bucket { refill_per_s, .. }
            if !(crate::bucket::MIN_REFILL_PER_S..=crate::bucket::MAX_REFILL_PER_S)
                .contains(&refill_per_s) =>
        {
            wrong("/refill_per_s", "must be above 0 and at most 1,000,000,000")
        }
        ResourceKind::Slots { slots } if slots > 100_000 => {
            wrong("/slots", "must be at most 100,000")
        }
        _ => Ok(()),
    }
}

/// What differs between two policies, by JSON pointer.
fn policy_changes(old: &crate::Policy, new: &crate::Policy) -> Vec<PolicyChange> {
    let mut changes = Vec::new();
    if let (Ok(old), Ok(new)) = (serde_json::to_value(old), serde_json::to_value(new)) {
        differences("", &old, &new, &mut changes);
    }
    changes
}

fn differences(
    pointer: &str,
    old: &serde_json::Value,
    new: &serde_json::Value,
    changes: &mut Vec<PolicyChange>,
) {
    match (old, new) {
        (serde_json::Value::Object(old), serde_json::Value::Object(new)) => {
            for (name, new) in new {
                let old = old.get(name).unwrap_or(&serde_json::Value::Null);
                differences(&format!("{pointer}/{name}"), old, new, changes);
            }
        }
        _ if old != new => {
            changes.push(PolicyChange {
                pointer: pointer.to_owned(),
                from: old.clone(),
                to: new.clone(),
            });
        }
        _ => {}
    }
}
