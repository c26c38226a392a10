//! Resources: what people set, and what providers say of them.

use super::Conductor;
use super::state::{AgentIx, Gate, Held, Meter, ResIx, Resource, WsIx};
use crate::bounds::TOLD_MS;
use crate::bucket::Bucket;
use crate::slots::Slots;
use crate::{
    Actor, Answer, CloseReason, CloseResource, Decision, Facts, LeaseId, PutResource, Refusal,
    RefusalRow, Reply, ResourceKind, ResourceRow, ResourceSpec, ResourceState, Span, ThrottleEvent,
    ThrottleFacts, Throttled,
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
        self.believe(ix, 1.0, 0.0);
        self.agenda.resources.insert(ix);
        // Permits wait at the resource itself, and not in a lane.
        self.agenda.opened.insert(Gate::Resource(ix));
        self.decide_throttle(ws, actor.clone(), ix, ThrottleEvent::Set, None);
        self.reopen_for(owner);
        Ok(Reply::Resource { id })
    }

    pub(super) fn resource_owned(&self, owner: Option<WsIx>, name: &str) -> Option<ResIx> {
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
            given: 0,
            reserved: None,
            holders: std::collections::BTreeSet::new(),
            permits: std::collections::BTreeSet::new(),
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
                let refill_per_s = refill_per_s * resource.state.believed;
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
        self.hold_slots_of_the_living(ix);
    }

    /// A resource that became slots counts those that live leases and permits hold of it.
    fn hold_slots_of_the_living(&mut self, ix: ResIx) {
        let Meter::Slots(slots) = &mut self.resources[ix].meter else {
            return;
        };
        let of_leases = self.leases.values().flat_map(|lease| &lease.held);
        let of_permits = self.permits.values().flat_map(|permit| &permit.held);
        for held in of_leases.chain(of_permits) {
            if held.resource == ix {
                slots.hold(&held.slots);
            }
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
        let until = now + Span::from_millis(retry_after_ms.unwrap_or(patience).min(TOLD_MS).into());
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
            if self.believe(held.resource, 1.0, INCREASE) {
                self.agenda.opened.insert(Gate::Resource(held.resource));
            }
        }
    }

    /// Changes how much of an adaptive limit is believed, within what people set; of another all is.
    /// Whether that changed anything.
    fn believe(&mut self, ix: ResIx, times: f64, plus: f64) -> bool {
        let now = self.now;
        let resource = &mut self.resources[ix];
        let before = resource.state.believed;
        let believed = resource.spec.adaptive.map_or(1.0, |adaptive| {
            let whole = match resource.spec.kind {
                ResourceKind::Bucket { refill_per_s, .. } => refill_per_s,
                ResourceKind::Slots { slots } => f64::from(slots.max(1)),
            };
            let share = |end: f64| (end / whole).clamp(0.0, 1.0);
            let (least, most) = (share(adaptive.min), share(adaptive.max));
            (before * times + plus).clamp(least.min(most), most)
        });
        if (believed - before).abs() < f64::EPSILON {
            return false;
        }
        resource.state.believed = believed;
        if let ResourceKind::Bucket { refill_per_s, .. } = resource.spec.kind.believed(believed)
            && let Meter::Bucket(bucket) = &mut resource.meter
        {
            bucket.refill(refill_per_s, now);
        }
        self.agenda.resources.insert(ix);
        true
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

    pub(super) fn decide_throttle(
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
        ResourceKind::Bucket { refill_per_s, .. } if !crate::bounds::is_refill(refill_per_s) => {
            wrong(
                "/refill_per_s",
                "must be from 1e-8 (one in three years) to 1e9",
            )
        }
        ResourceKind::Bucket { refill_per_s, .. } if !kind.fills_at(refill_per_s) => {
            wrong("/refill_per_s", "must fill the bucket within 100 years")
        }
        ResourceKind::Slots { slots } if slots > crate::bounds::SLOTS => {
            wrong("/slots", "must be at most 10,000")
        }
        _ => Ok(()),
    }
}
