//! Permits: grants for calls an agent makes on its own, without a task.

use super::Conductor;
use super::explain::wait;
use super::state::{Gate, Held, Permit, ResIx, Timer, WaitingPermit, WsIx, grants};
use crate::{
    Actor, Answer, Code, PermitId, PermitRow, Refusal, Reply, Requirement, Span, TakePermit,
    Ticket, Wait,
};

/// How long a permit holds slots if it is not returned.
const PERMIT_LASTS: Span = Span::from_secs(60);
/// Permits that may wait at once.
const WAITING_MOST: usize = 1_000;

impl Conductor {
    pub(super) fn take_permit(
        &mut self,
        ticket: Ticket,
        ws: WsIx,
        asked: TakePermit,
    ) -> Option<Answer> {
        if self.draining {
            return Some(Err(Refusal::Draining));
        }
        if let Err(refusal) = self.check_permit(ws, &asked.requires) {
            return Some(Err(refusal));
        }
        let agent = self.agent_for(ws, asked.agent, &asked.name);
        self.heard_of(agent);
        if let Some(reply) = self.try_permit(ws, &asked) {
            return Some(Ok(reply));
        }
        if asked.wait_until <= self.now || self.waiting_permits.len() >= WAITING_MOST {
            return Some(Ok(self.no_permit(ws, &asked)));
        }
        self.timers.insert((asked.wait_until, Timer::Claim(ticket)));
        for ix in self.permit_resources(ws, &asked.requires) {
            self.agenda.watch.insert(Gate::Resource(ix));
        }
        self.waiting_permits
            .push_back(WaitingPermit { ticket, ws, asked });
        None
    }

    fn check_permit(&self, ws: WsIx, requires: &[Requirement]) -> Result<(), Refusal> {
        for (at, need) in requires.iter().enumerate() {
            let Some(ix) = self.resource_named(ws, &need.resource) else {
                let detail = format!("no resource named {:?} is defined", need.resource);
                return Err(Refusal::Invalid {
                    pointer: format!("/requires/{at}/resource"),
                    detail,
                });
            };
            let limit = self.resources[ix].stated_limit();
            // A limit of nothing closes it for now.
            if need.amount > limit && limit > 0 {
                let detail = format!("{:?} never has more than {limit}", need.resource);
                return Err(Refusal::Invalid {
                    pointer: format!("/requires/{at}/amount"),
                    detail,
                });
            }
        }
        Ok(())
    }

    fn permit_resources(&self, ws: WsIx, requires: &[Requirement]) -> Vec<ResIx> {
        requires
            .iter()
            .filter_map(|need| self.resource_named(ws, &need.resource))
            .collect()
    }

    /// All or nothing, and never what is saved up for a lane.
    fn try_permit(&mut self, ws: WsIx, asked: &TakePermit) -> Option<Reply> {
        let resources = self.permit_resources(ws, &asked.requires);
        let pairs = || resources.iter().copied().zip(&asked.requires);
        let free = |(ix, need): (ResIx, &Requirement)| {
            self.resources[ix].reserved.is_none()
                && self.resource_hold(ix, need.amount, 0, self.now).is_none()
        };
        if !pairs().all(free) {
            return None;
        }
        let id: PermitId = self.ids.next(self.now).into();
        let held: Vec<_> = pairs().map(|(ix, need)| (ix, need.amount)).collect();
        let held: Vec<_> = held
            .into_iter()
            .map(|(ix, amount)| self.take(ix, amount))
            .collect();
        let expires_at = self.now + PERMIT_LASTS;
        let grants = grants(&held, &self.resources);
        self.out.records.permits.push(PermitRow {
            id,
            workspace: self.workspaces[ws].id,
            agent: asked.agent,
            granted_at: self.now,
            expires_at,
            grants: grants.clone(),
        });
        self.timers.insert((expires_at, Timer::PermitExpiry(id)));
        self.note_holder(id, &held);
        self.permits.insert(
            id,
            Permit {
                ws,
                agent: asked.agent,
                expires_at,
                held,
            },
        );
        Some(Reply::Permit {
            permit: id,
            expires_at,
            grants,
        })
    }

    /// Slots are held by this permit from now on.
    pub(super) fn note_holder(&mut self, id: PermitId, held: &[Held]) {
        for held in held.iter().filter(|held| !held.slots.is_empty()) {
            self.resources[held.resource].permits.insert(id);
        }
    }

    fn no_permit(&self, ws: WsIx, asked: &TakePermit) -> Reply {
        let resources = self.permit_resources(ws, &asked.requires);
        let held = |(ix, need): (ResIx, &Requirement)| {
            let hold = self.resource_hold(ix, need.amount, 0, self.now)?;
            Some(wait(self.blocker(hold, None, self.now), 0, self.now))
        };
        let mut waits: Vec<Wait> = resources
            .into_iter()
            .zip(&asked.requires)
            .filter_map(held)
            .collect();
        if waits.is_empty() {
            let code = Code::ReservedForOther;
            let headline = crate::words::code(code).to_owned();
            let (tier, resource) = (code.tier(), None);
            waits.push(Wait {
                code,
                tier,
                resource,
                waiting: 0,
                headline,
                unblocks_when: None,
                eta: None,
            });
        }
        let soonest = waits
            .iter()
            .filter_map(|wait| wait.eta.map(|eta| eta.p50.since(self.now).as_millis_ceil()))
            .min();
        Reply::NoPermit {
            waits,
            retry_after_ms: soonest.unwrap_or(1_000).clamp(100, 5_000) as u32,
        }
    }

    /// Whoever waited longest for a permit at this gate gets it first.
    pub(super) fn serve_permits(&mut self, gate: Gate) {
        let Gate::Resource(opened) = gate else { return };
        for _ in 0..self.waiting_permits.len() {
            let Some(waiting) = self.waiting_permits.pop_front() else {
                return;
            };
            let concerned = self
                .permit_resources(waiting.ws, &waiting.asked.requires)
                .contains(&opened);
            match if concerned {
                self.try_permit(waiting.ws, &waiting.asked)
            } else {
                None
            } {
                Some(reply) => {
                    self.timers
                        .remove(&(waiting.asked.wait_until, Timer::Claim(waiting.ticket)));
                    self.out.replies.push((waiting.ticket, Ok(reply)));
                }
                None => self.waiting_permits.push_back(waiting),
            }
        }
    }

    /// The least that a waiting permit needs of a resource.
    pub(super) fn permit_need(&self, ix: ResIx) -> Option<u32> {
        let needs = self.waiting_permits.iter().flat_map(|waiting| {
            let wanted = move |need: &&Requirement| {
                self.resource_named(waiting.ws, &need.resource) == Some(ix)
            };
            waiting
                .asked
                .requires
                .iter()
                .filter(wanted)
                .map(|need| need.amount)
        });
        needs.min()
    }

    pub(super) fn permit_wait_over(&mut self, ticket: Ticket) {
        let Some(at) = self
            .waiting_permits
            .iter()
            .position(|permit| permit.ticket == ticket)
        else {
            return;
        };
        if let Some(waiting) = self.waiting_permits.remove(at) {
            let reply = self.no_permit(waiting.ws, &waiting.asked);
            self.out.replies.push((ticket, Ok(reply)));
        }
    }

    pub(super) fn return_permit(&mut self, ws: WsIx, actor: &Actor, id: PermitId) -> Answer {
        let permit = self.permits.get(&id).filter(|permit| permit.ws == ws);
        let permit = permit.ok_or(Refusal::NotFound)?;
        if let Actor::Agent { id, .. } = actor
            && *id != permit.agent
        {
            let detail = "another agent holds this permit".to_owned();
            return Err(Refusal::Forbidden { detail });
        }
        self.end_permit(id);
        Ok(Reply::Returned)
    }

    pub(super) fn end_permit(&mut self, id: PermitId) {
        let Some(permit) = self.permits.remove(&id) else {
            return;
        };
        self.timers
            .remove(&(permit.expires_at, Timer::PermitExpiry(id)));
        for held in &permit.held {
            self.resources[held.resource].permits.remove(&id);
        }
        self.give_all_back(id.0, permit.held, None);
        self.out.records.permits_ended.push(id);
    }
}
