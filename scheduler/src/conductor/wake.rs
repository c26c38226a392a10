//! What can move, moves: after each request, and when time alone has opened a gate.

use super::Conductor;
use super::state::{Gate, GroupIx, Timer};
use crate::{Ticket, Time};

/// Waiting claims tried for one head before the next event.
const TRIES: usize = 32;
/// Groups at a gate that could take nothing, before the next event: those that fit but stand further
/// back in fair order come when these have had their turn.
const REFUSED: usize = 64;
/// Groups at a gate looked at for the soonest head when its timer is set.
const SOONEST_AMONG: usize = 16;

impl Conductor {
    /// Draws the consequences of what changed until nothing moves any more.
    pub(super) fn settle(&mut self) {
        loop {
            if let Some(gate) = self.agenda.opened.pop_first() {
                self.serve_permits(gate);
                self.serve_gate(gate);
            } else if let Some(group) = self.agenda.ready.pop_first() {
                self.serve_group(group);
            } else if let Some(agent) = self.agenda.roomy.pop_first() {
                self.serve_agent(agent);
            } else {
                return;
            }
        }
    }

    /// Lets through a gate what fits, in fair order between workspaces: after each lease the order
    /// is looked at anew.
    fn serve_gate(&mut self, gate: Gate) {
        if let Gate::Budget(budget) = gate {
            self.unstall_at(budget);
        }
        self.agenda.watch.insert(gate);
        let mut refused: Vec<GroupIx> = Vec::new();
        while refused.len() < REFUSED && !self.is_shut(gate) {
            let Some(asking) = self.demand.get(&gate) else {
                return;
            };
            let Some(&(_, group)) = asking.iter().find(|(_, group)| !refused.contains(group))
            else {
                return;
            };
            // Only lanes parked here are asked about: a claim that takes a lane elsewhere is served too.
            let fits = self.groups[group]
                .files
                .get(&Some(gate))
                .is_some_and(|file| {
                    file.iter()
                        .take(SOONEST_AMONG)
                        .any(|&(_, lane)| self.passes(lane, gate))
                });
            if !fits || !self.serve_one(group) {
                refused.push(group);
            }
        }
    }

    /// Gives a group's new heads to the claims that wait for them.
    fn serve_group(&mut self, group: GroupIx) {
        while self.groups[group].files.contains_key(&None) && self.serve_one(group) {}
    }

    /// Gives one waiting claim of the group what it may have; whether any got something.
    fn serve_one(&mut self, group: GroupIx) -> bool {
        let waiters = self.groups[group].waiters.iter().copied();
        let has_room = |ticket: &Ticket| {
            let claim = self.claims.get(ticket);
            claim.is_some_and(|claim| self.room_of(claim.agent) > 0)
        };
        let waiting: Vec<Ticket> = waiters.filter(has_room).take(TRIES).collect();
        for ticket in waiting {
            let Some(claim) = self.claims.get(&ticket) else {
                continue;
            };
            if self.best_lane(&[group], &[]).is_none() {
                // Everything is parked: another agent would find the same.
                return false;
            }
            let (agent, max, groups) = (claim.agent, claim.max, claim.groups.clone());
            let leases = self.fill(agent, &groups, max);
            if !leases.is_empty() {
                self.answer_claim(ticket, leases);
                return true;
            }
        }
        false
    }

    /// One timer a gate, for the soonest that time alone can let through, and only while someone
    /// asks: no herd, and nothing at all while nobody waits.
    pub(super) fn set_gate_timers(&mut self) {
        for gate in std::mem::take(&mut self.agenda.watch) {
            let Gate::Resource(ix) = gate else { continue };
            let at = self.soonest_through(gate).filter(|&at| at > self.now);
            let old = std::mem::replace(&mut self.resources[ix].timer, at);
            if old != at {
                if let Some(old) = old {
                    self.timers.remove(&(old, Timer::Gate(gate)));
                }
                if let Some(at) = at {
                    self.timers.insert((at, Timer::Gate(gate)));
                }
            }
        }
    }

    fn soonest_through(&self, gate: Gate) -> Option<Time> {
        let Gate::Resource(ix) = gate else {
            return None;
        };
        let resource = &self.resources[ix];
        let for_permits = self
            .permit_need(ix)
            .and_then(|need| resource.opens_at(need, self.now));
        let Some(asking) = self.demand.get(&gate) else {
            return for_permits;
        };
        let heads = asking.iter().take(SOONEST_AMONG).filter_map(|&(_, group)| {
            let file = self.groups[group].files.get(&Some(gate))?;
            file.iter()
                .take(SOONEST_AMONG)
                .filter_map(|&(_, lane)| self.head_through(lane, ix))
                .min()
        });
        // A lane that this resource saves up for may stand behind many others.
        let reserved = resource
            .reserved
            .and_then(|lane| self.head_through(lane, ix));
        heads.chain(reserved).chain(for_permits).min()
    }

    /// When time alone lets the lane's head through at this resource, what it must leave included.
    fn head_through(&self, lane: super::state::LaneIx, ix: super::state::ResIx) -> Option<Time> {
        let (_, head) = self.lanes.get(lane)?.queue.first()?;
        let resource = &self.resources[ix];
        let need = self.need_with_spare(head, ix)?;
        let at = resource.opens_at(need, self.now)?;
        // Held for another reason than this resource's level: someone else's move, not time's.
        (at > self.now).then_some(at)
    }
}
