//! Resources and budgets that people take away.

use super::Conductor;
use super::state::{BudIx, Gate, Held, ResIx, Timer, WsIx};
use super::verdicts::LaneVerdict;
use crate::{Actor, Answer, BudgetEvent, Refusal, RemoveResource, Reply, ThrottleEvent};

impl Conductor {
    /// Takes a resource away that nothing holds. What waits for it is misconfigured from now on, or
    /// waits for the pool's resource of that name.
    pub(super) fn remove_resource(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        request: &RemoveResource,
    ) -> Answer {
        let owner = (!request.pool_wide).then_some(ws);
        let ix = self
            .resource_owned(owner, &request.name)
            .ok_or(Refusal::NotFound)?;
        if self.is_held(ix) {
            return Err(Refusal::Held);
        }
        if let Some(lane) = self.resources[ix].reserved {
            self.release_reservation(lane);
        }
        self.decide_throttle(ws, actor.clone(), ix, ThrottleEvent::Removed, None);
        match owner {
            Some(ws) => self.workspaces[ws].resources.remove(&request.name),
            None => self.pool_resources.remove(&request.name),
        };
        self.reopen_for(owner);
        self.forget_gate(Gate::Resource(ix));
        self.agenda.resources.remove(&ix);
        if let Some(gone) = self.resources.remove(ix) {
            if let Some(at) = gone.timer {
                self.timers.remove(&(at, Timer::Gate(Gate::Resource(ix))));
            }
            self.out
                .records
                .resources_removed
                .push((gone.spec.workspace, gone.spec.id));
        }
        Ok(Reply::Removed)
    }

    fn is_held(&self, ix: ResIx) -> bool {
        let of = |held: &Held| held.resource == ix;
        self.leases.values().any(|lease| lease.held.iter().any(of))
            || self
                .permits
                .values()
                .any(|permit| permit.held.iter().any(of))
    }

    /// Takes a budget away: it counts nothing any more, and what live leases reserved of it is gone.
    pub(super) fn remove_budget(&mut self, ws: WsIx, actor: &Actor, name: &str) -> Answer {
        let ix = *self.workspaces[ws]
            .budgets
            .get(name)
            .ok_or(Refusal::NotFound)?;
        self.decide_budget(ix, actor.clone(), BudgetEvent::Removed);
        let workspace = &mut self.workspaces[ws];
        workspace.budgets.remove(name);
        workspace.tree_budgets.retain(|&(_, budget)| budget != ix);
        for lease in self.leases.values_mut() {
            lease.reservations.retain(|booked| booked.budget != ix);
        }
        self.rematch_budgets(ws);
        self.reopen_workspace(ws);
        self.forget_gate(Gate::Budget(ix));
        self.agenda.budgets.remove(&ix);
        self.forget_budget(ix);
        Ok(Reply::Removed)
    }

    fn forget_budget(&mut self, ix: BudIx) {
        if let Some(at) = self.budgets[ix].resets_at() {
            self.timers.remove(&(at, Timer::Window(ix)));
        }
        if let Some(gone) = self.budgets.remove(ix) {
            let gone = (gone.spec.workspace, gone.spec.id);
            self.out.records.budgets_removed.push(gone);
        }
    }

    /// A gate that nothing stands at any more. Its number will be another's.
    fn forget_gate(&mut self, gate: Gate) {
        self.agenda.opened.remove(&gate);
        self.agenda.watch.remove(&gate);
        self.demand.remove(&gate);
        for lane in self.lanes.ids() {
            let lane = &mut self.lanes[lane];
            let there = |verdict: &LaneVerdict| verdict.of.is_some_and(|(_, at)| at == Some(gate));
            if there(&lane.verdict) {
                lane.verdict = LaneVerdict::default();
            }
            lane.beside.retain(|verdict| !there(verdict));
        }
    }
}
