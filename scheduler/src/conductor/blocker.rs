//! One thing that holds a task, in the numbers a person sees.

use super::Conductor;
use super::eta::exact;
use super::holds::Hold;
use super::state::{Meter, ResIx, TaskIx, WsIx};
use crate::{Action, Blocker, Code, Holder, Time, Unblock};

/// Holders and tasks named in a blocker.
pub(super) const NAMED: usize = 10;

impl Conductor {
    /// A spent budget needs a person, or its window to turn, whichever comes first: both are said.
    pub(super) fn window_of(&self, hold: Hold, now: Time) -> Option<Blocker> {
        let Hold::Spent { budget, need } = hold else {
            return None;
        };
        let budget = &self.budgets[budget];
        let resets_at = budget.resets_at().filter(|&at| at > now)?;
        Some(Blocker {
            resource: Some(budget.spec.name.clone()),
            have: Some(budget.spec.limit.saturating_sub(budget.settled_at(now)) as f64),
            need: Some(need as f64),
            limit: Some(budget.spec.limit as f64),
            unit: Some(budget.spec.unit),
            unblocks_when: Some(Unblock::WindowReset),
            eta: Some(exact(resets_at)),
            ..plain(Code::BudgetWindow)
        })
    }

    /// One thing that holds a task, in the numbers a person sees.
    pub(super) fn blocker(&self, hold: Hold, task: Option<TaskIx>, now: Time) -> Blocker {
        let code = self.code_of(hold);
        let since = task.and_then(|task| {
            let verdict = self.lanes[self.lane_of(task)].verdict;
            verdict
                .of
                .filter(|&(of, _)| verdict.holds && of == code)
                .map(|_| verdict.since)
        });
        let base = Blocker {
            since,
            ..plain(code)
        };
        match hold {
            Hold::Undefined { at } => {
                let name = task.map(|task| {
                    self.profiles[self.tasks[task].profile].needs.requires[at]
                        .resource
                        .clone()
                });
                let actions = vec![Action::DefineResource, Action::EditTask];
                Blocker {
                    resource: name,
                    unblocks_when: Some(Unblock::ResourceDefined),
                    actions,
                    ..base
                }
            }
            Hold::NeverFits {
                resource,
                need,
                limit,
            } => Blocker {
                resource: Some(self.resources[resource].spec.name.clone()),
                have: Some(limit.into()),
                need: Some(need.into()),
                limit: Some(limit.into()),
                unblocks_when: Some(Unblock::LimitRaised),
                actions: vec![Action::RaiseLimit, Action::EditTask],
                ..base
            },
            Hold::Closed { resource, until } => Blocker {
                resource: Some(self.resources[resource].spec.name.clone()),
                closed_because: self.resources[resource].state.closed_because,
                unblocks_when: Some(Unblock::ResourceReopened),
                eta: Some(exact(until)),
                actions: vec![Action::ReopenResource],
                ..base
            },
            Hold::Short {
                resource,
                need,
                have,
                spare,
            } => Blocker {
                leaves: (spare > 0).then_some(spare.into()),
                ..self.short(base, resource, need, have, task, now)
            },
            Hold::Reserved { resource, lane } => Blocker {
                resource: Some(self.resources[resource].spec.name.clone()),
                tasks: self.lanes[lane]
                    .queue
                    .first()
                    .map(|(_, head)| self.tasks[head].id)
                    .into_iter()
                    .collect(),
                unblocks_when: Some(Unblock::TurnCame),
                ..base
            },
            Hold::BeyondBudget { budget, need }
            | Hold::Spent { budget, need }
            | Hold::Booked { budget, need } => self.budget_blocker(base, hold, budget, need, now),
            Hold::Unestimated { budget } => Blocker {
                resource: Some(self.budgets[budget].spec.name.clone()),
                unblocks_when: Some(Unblock::EstimateGiven),
                actions: vec![Action::EditTask],
                ..base
            },
        }
    }

    fn short(
        &self,
        base: Blocker,
        ix: ResIx,
        need: u32,
        have: i64,
        task: Option<TaskIx>,
        now: Time,
    ) -> Blocker {
        let resource = &self.resources[ix];
        let is_slots = matches!(resource.meter, Meter::Slots(_));
        let eta = match task {
            Some(task) => self.resource_eta(ix, task, now),
            None => resource.opens_at(need, now).map(exact),
        };
        Blocker {
            resource: Some(resource.spec.name.clone()),
            holders: self.holders(ix, task.map(|task| self.ws_of(task)), NAMED),
            have: Some(have as f64),
            need: Some(need.into()),
            limit: Some(resource.limit().into()),
            unblocks_when: Some(if is_slots {
                Unblock::SlotFreed
            } else {
                Unblock::BucketRefilled
            }),
            eta,
            actions: vec![Action::RaiseLimit],
            ..base
        }
    }

    fn budget_blocker(
        &self,
        base: Blocker,
        hold: Hold,
        ix: super::state::BudIx,
        need: u64,
        now: Time,
    ) -> Blocker {
        let budget = &self.budgets[ix];
        // What is reserved may come back: of what does not fit even then it is no part.
        let taken = match hold {
            Hold::Booked { .. } => budget.settled_at(now).saturating_add(budget.reserved),
            _ => budget.settled_at(now),
        };
        let left = budget.spec.limit.saturating_sub(taken);
        let (unblocks_when, actions) = match hold {
            Hold::Booked { .. } => (Unblock::ReservationReturned, Vec::new()),
            _ => (
                Unblock::LimitRaised,
                vec![Action::RaiseBudget, Action::EditTask],
            ),
        };
        Blocker {
            resource: Some(budget.spec.name.clone()),
            have: Some(left as f64),
            need: Some(need as f64),
            limit: Some(budget.spec.limit as f64),
            unit: Some(budget.spec.unit),
            unblocks_when: Some(unblocks_when),
            eta: match hold {
                Hold::Booked { .. } => self.booked_eta(ix, need, now),
                _ => None,
            },
            actions,
            ..base
        }
    }

    /// Who holds slots, as a reader of a workspace may know it; nobody holds tokens of a bucket, even
    /// where it had slots before.
    pub(super) fn holders(&self, ix: ResIx, reader: Option<WsIx>, most: usize) -> Vec<Holder> {
        let resource = &self.resources[ix];
        if matches!(resource.meter, Meter::Bucket(_)) {
            return Vec::new();
        }
        let holder = |lease: &crate::LeaseId| {
            let lease = self.leases.get(lease)?;
            let amount = lease
                .held
                .iter()
                .filter(|held| held.resource == ix)
                .map(|held| held.amount)
                .sum();
            let own = reader == Some(lease.ws);
            Some(Holder {
                lease: Some(lease.id),
                permit: None,
                task: own.then(|| self.tasks[lease.task].id),
                agent: own.then(|| self.agents[lease.agent].card.id),
                amount,
            })
        };
        let by_permit = |id: &crate::PermitId| {
            let permit = self.permits.get(id)?;
            let held = permit.held.iter().filter(|held| held.resource == ix);
            Some(Holder {
                lease: None,
                permit: Some(*id),
                task: None,
                agent: (reader == Some(permit.ws)).then_some(permit.agent),
                amount: held.map(|held| held.amount).sum(),
            })
        };
        let leases = resource.holders.iter().filter_map(holder);
        let permits = resource.permits.iter().filter_map(by_permit);
        leases.chain(permits).take(most).collect()
    }
}

/// A blocker of which nothing more is known.
pub(super) fn plain(code: Code) -> Blocker {
    Blocker {
        code,
        tier: code.tier(),
        since: None,
        resource: None,
        model: None,
        holders: Vec::new(),
        agents: Vec::new(),
        draining: Vec::new(),
        closed_because: None,
        tasks: Vec::new(),
        have: None,
        need: None,
        limit: None,
        leaves: None,
        unit: None,
        unblocks_when: None,
        eta: None,
        actions: Vec::new(),
    }
}
