//! What people set besides resources: budgets and the policy.

use super::Conductor;
use super::state::{BudIx, Budget, LaneKey, Reserved, WsIx};
use crate::{
    Actor, Answer, BudgetEvent, BudgetRow, BudgetScope, BudgetSpec, BudgetState, Facts,
    PolicyFacts, PolicyRow, PutBudget, PutPolicy, Refusal, Reply, Unit, ValueChange,
};

impl Conductor {
    pub(super) fn reopen_for(&mut self, owner: Option<WsIx>) {
        match owner {
            Some(ws) => self.reopen_workspace(ws),
            None => self
                .workspaces
                .ids()
                .into_iter()
                .for_each(|ws| self.reopen_workspace(ws)),
        }
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
            self.change_budget(ix, spec, request.used)?;
            ix
        } else {
            let state = BudgetState {
                window_start: spec.window.start(self.now),
                settled: request.used,
                ..BudgetState::default()
            };
            let ix = self.add_budget(ws, BudgetRow { spec, state });
            // Nobody has been told.
            self.budgets[ix].ran_out = false;
            ix
        };
        self.agenda.budgets.insert(ix);
        self.set_window_timer(ix);
        self.rematch_budgets(ws);
        self.reopen_workspace(ws);
        if known.is_none() {
            self.cover_live_leases(ix);
        }
        self.decide_budget(ix, actor.clone(), BudgetEvent::Set);
        self.warn_if_soft(ix);
        Ok(Reply::Budget { id })
    }

    /// Work under way is counted by a new budget as well: what is left of its charge is reserved, even
    /// beyond the limit, and what it uses from now on is settled.
    fn cover_live_leases(&mut self, ix: BudIx) {
        let ws = self.budgets[ix].ws;
        let mut covered: Vec<_> = self
            .leases
            .values()
            .filter(|lease| lease.ws == ws)
            .collect();
        covered.retain(|lease| {
            let on_agent = &self.agents[lease.agent].budgets;
            on_agent.contains(&ix) || self.budgets_on(lease.task).any(|on| on == ix)
        });
        let spec = &self.budgets[ix].spec;
        let mut booked: Vec<_> = covered
            .into_iter()
            .map(|lease| {
                let used = match spec.unit {
                    Unit::Tokens => lease.tokens,
                    Unit::Microusd => lease.cost_microusd,
                };
                let charge = self.charge(lease.task, spec).unwrap_or_default();
                (lease.id, charge.saturating_sub(used))
            })
            .collect();
        // In one order everywhere.
        booked.sort_unstable();
        for (id, left) in booked {
            if let Some(lease) = self.leases.get_mut(&id) {
                lease.reservations.push(Reserved {
                    budget: ix,
                    left,
                    used: 0,
                });
                self.budgets[ix].reserved += left;
                self.record_renewal(id, None, None);
            }
        }
    }

    /// What is settled stays settled under the new limit; another window has `used` in it.
    fn change_budget(&mut self, ix: BudIx, spec: BudgetSpec, used: u64) -> Result<(), Refusal> {
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
            budget.state.settled = used;
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
            aside: std::collections::BTreeSet::new(),
        });
        self.workspaces[ws].budgets.insert(name, ix);
        self.workspaces[ws]
            .tree_budgets
            .extend(tree.map(|root| (root, ix)));
        ix
    }

    /// Which budgets lie on each agent alone.
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
        if *workspace.policy == request.policy {
            return Ok(Reply::Policy {
                version: workspace.policy_version,
            });
        }
        let version = workspace.policy_version + 1;
        let changes = ValueChange::between(&*workspace.policy, &request.policy);
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
