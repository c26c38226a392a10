//! Agents: who can serve what, and who has been heard of.

use std::collections::{BTreeSet, VecDeque};

use super::Conductor;
use super::state::{Agent, AgentIx, BudIx, GroupIx, WsIx};
use crate::{
    Actor, AgentId, AgentRow, AgentSeen, AgentStatus, Answer, BudgetScope, Health, Heartbeat,
    PutAgent, Refusal, Reply, Span, Time,
};

/// Heard of within this: online.
const ONLINE: Span = Span::from_secs(60);
/// Heard of within this: late.
const LATE: Span = Span::from_secs(300);
/// How often at most it is stored that an agent was heard of.
const SEEN_STORED_EVERY: Span = Span::from_secs(10);
/// When an idle agent should be heard of again.
const HEARTBEAT_MS: u32 = 20_000;

impl Conductor {
    /// Registers an agent or changes its card, by name.
    pub(super) fn put_agent(&mut self, ws: WsIx, actor: &Actor, card: PutAgent) -> Answer {
        if let Actor::Agent { name, .. } = actor
            && *name != card.name
        {
            return Err(Refusal::Forbidden {
                detail: "an agent's key changes its own card only".to_owned(),
            });
        }
        let ix = self.agent_for(ws, card.id, &card.name);
        let id = self.agents[ix].card.id;
        self.agents[ix].card = PutAgent { id, ..sorted(card) };
        if matches!(actor, Actor::Agent { .. }) {
            self.heard_of(ix);
        }
        self.record_agent(ix);
        self.match_agent(ix);
        Ok(Reply::Agent { id })
    }

    /// The agent; one that is new to the conductor is registered on the spot, without capabilities.
    pub(super) fn agent_for(&mut self, ws: WsIx, id: AgentId, name: &str) -> AgentIx {
        if let Some(&ix) = self.workspaces[ws].agents.get(name) {
            return ix;
        }
        let card = PutAgent {
            id,
            name: name.to_owned(),
            capabilities: Vec::new(),
            models: Vec::new(),
            max_concurrency: None,
            card: serde_json::Value::Null,
        };
        let ix = self.add_agent(ws, card, None, AgentStatus::Idle);
        self.record_agent(ix);
        ix
    }

    pub(super) fn add_agent(
        &mut self,
        ws: WsIx,
        card: PutAgent,
        seen_at: Option<Time>,
        status: AgentStatus,
    ) -> AgentIx {
        let card = sorted(card);
        let (id, name) = (card.id, card.name.clone());
        let ix = self.agents.insert(Agent {
            ws,
            card,
            running: 0,
            seen_at,
            seen_stored: seen_at,
            status,
            groups: Vec::new(),
            budgets: Vec::new(),
            waiting: BTreeSet::new(),
            asked_for: 0,
            creates: VecDeque::new(),
        });
        self.agent_of.insert(id, ix);
        self.workspaces[ws].agents.insert(name, ix);
        self.match_agent(ix);
        ix
    }

    fn record_agent(&mut self, ix: AgentIx) {
        let agent = &self.agents[ix];
        self.out.records.agents.push(AgentRow {
            workspace: self.workspaces[agent.ws].id,
            card: agent.card.clone(),
            seen_at: agent.seen_at,
            status: agent.status,
        });
    }

    /// Finds which groups the agent can serve; its waiting claims are asked anew.
    pub(super) fn match_agent(&mut self, ix: AgentIx) {
        let ws = self.agents[ix].ws;
        let mut groups = self.workspaces[ws].groups.clone();
        for &group in &groups {
            self.groups[group].agents.retain(|&agent| agent != ix);
        }
        groups.retain(|&group| self.can_serve(ix, group));
        for &group in &groups {
            self.groups[group].agents.push(ix);
        }
        self.agents[ix].budgets = self.budgets_of_agent(ix);
        self.agents[ix].groups.clone_from(&groups);
        for ticket in self.agents[ix].waiting.clone() {
            let Some(claim) = self.claims.get_mut(&ticket) else {
                continue;
            };
            let wanted = groups.iter().copied();
            let after: Vec<GroupIx> = wanted
                .filter(|&group| claim.only.takes(&self.groups[group]))
                .collect();
            let before = std::mem::replace(&mut claim.groups, after.clone());
            for group in before {
                self.groups[group].waiters.remove(&ticket);
                self.refresh_demand(group);
            }
            for group in after {
                self.groups[group].waiters.insert(ticket);
                self.refresh_demand(group);
            }
            self.agenda.roomy.insert(ix);
        }
    }

    /// Finds which agents can serve a new group. A waiting claim serves it too, unless it asked for
    /// less than its agent can do.
    pub(super) fn match_group(&mut self, ix: GroupIx) {
        let ws = self.groups[ix].ws;
        let all = self.workspaces[ws].agents.values().copied();
        let able: Vec<AgentIx> = all.filter(|&agent| self.can_serve(agent, ix)).collect();
        for agent in able {
            self.groups[ix].agents.push(agent);
            self.agents[agent].groups.push(ix);
            for ticket in self.agents[agent].waiting.clone() {
                if let Some(claim) = self.claims.get_mut(&ticket)
                    && claim.only.takes(&self.groups[ix])
                {
                    claim.groups.push(ix);
                    self.groups[ix].waiters.insert(ticket);
                }
            }
        }
    }

    fn can_serve(&self, agent: AgentIx, group: GroupIx) -> bool {
        let (card, group) = (&self.agents[agent].card, &self.groups[group]);
        let named = group.agent.as_ref().is_none_or(|name| *name == card.name);
        named && group.is_done_by(card) && group.has_model_of(card)
    }

    pub(super) fn budgets_of_agent(&self, ix: AgentIx) -> Vec<BudIx> {
        let agent = &self.agents[ix];
        let on_agent =
            |ix: &BudIx| self.budgets[*ix].spec.scope == BudgetScope::Agent(agent.card.id);
        self.workspaces[agent.ws]
            .budgets
            .values()
            .copied()
            .filter(on_agent)
            .collect()
    }

    pub(super) fn heartbeat(&mut self, ws: WsIx, request: Heartbeat) -> Reply {
        let ix = self.agent_for(ws, request.agent, &request.name);
        let before = std::mem::replace(&mut self.agents[ix].status, request.status);
        self.agents[ix].seen_at = Some(self.now);
        if before != request.status {
            self.agents[ix].seen_stored = None;
        }
        if before == AgentStatus::Draining && request.status != before {
            // It may take work again that it asked for while it drained.
            self.match_agent(ix);
        }
        self.store_seen(ix, request.detail);
        Reply::Heartbeat {
            retry_after_ms: HEARTBEAT_MS,
        }
    }

    /// An agent has shown that it lives.
    pub(super) fn heard_of(&mut self, ix: AgentIx) {
        self.agents[ix].seen_at = Some(self.now);
        self.store_seen(ix, None);
    }

    fn store_seen(&mut self, ix: AgentIx, detail: Option<String>) {
        let agent = &mut self.agents[ix];
        if agent
            .seen_stored
            .is_some_and(|at| self.now.since(at) < SEEN_STORED_EVERY)
            && detail.is_none()
        {
            return;
        }
        agent.seen_stored = Some(self.now);
        let seen = AgentSeen {
            workspace: self.workspaces[agent.ws].id,
            agent: agent.card.id,
            at: self.now,
            status: agent.status,
            detail,
        };
        self.out.records.seen.push(seen);
    }

    pub(super) fn health(&self, ix: AgentIx, now: Time) -> Health {
        let agent = &self.agents[ix];
        let heard = agent.seen_at.map(|at| now.since(at));
        let within = |span: Span| heard.is_some_and(|ago| ago <= span);
        let holds = agent.running > 0;
        if !agent.waiting.is_empty() || within(ONLINE) || (holds && within(LATE)) {
            Health::Online
        } else if holds || within(LATE) {
            // Who holds a long lease may be at work, or gone: its silence is shown.
            Health::Late
        } else {
            Health::Offline
        }
    }

    /// Whether it may be reckoned with: heard of lately, or at work as far as is known.
    pub(super) fn is_online(&self, ix: AgentIx, now: Time) -> bool {
        self.agents[ix].running > 0 || self.health(ix, now) == Health::Online
    }
}

fn sorted(mut card: PutAgent) -> PutAgent {
    card.capabilities.sort_unstable();
    card.capabilities.dedup();
    card
}
