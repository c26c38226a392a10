//! Agents ask for work.

use super::Conductor;
use super::state::{AgentIx, Group, GroupIx, TaskIx, Timer, WaitingClaim, WsIx};
use crate::{Answer, Claim, Claimed, Code, Eta, EtaMethod, Granted, Refusal, Reply, Ticket, Wait};

/// Waits named in an answer.
const WAITS_TOLD: usize = 10;
/// When an agent that got nothing should ask again, at the earliest and at the latest.
const RETRY_MS: std::ops::RangeInclusive<i64> = 100..=5_000;
/// At the earliest where the time is an estimate.
const ESTIMATED_RETRY_MS: i64 = 1_000;

/// Less than all its agent can do, where a claim asks for that.
#[derive(Clone, Debug)]
pub(super) struct Only {
    pub(super) capabilities: Option<Vec<String>>,
    pub(super) models: Option<Vec<String>>,
}

impl Only {
    pub(super) fn takes(&self, group: &Group) -> bool {
        let capable = self
            .capabilities
            .as_ref()
            .is_none_or(|can| group.capabilities.iter().all(|need| can.contains(need)));
        let has = |model: &String| self.models.as_ref().is_none_or(|has| has.contains(model));
        capable && group.model.as_ref().is_none_or(has)
    }
}

impl Conductor {
    /// Answers at once with what there is; with nothing, when the first lease comes or the wait ends.
    pub(super) fn claim(&mut self, ticket: Ticket, ws: WsIx, claim: &Claim) -> Option<Answer> {
        if self.draining {
            return Some(Err(Refusal::Draining));
        }
        let agent = self.agent_for(ws, claim.agent, &claim.name);
        self.heard_of(agent);
        let entry = &mut self.agents[agent];
        let at_once = entry.running.saturating_add(claim.max.into());
        entry.asked_for = entry.asked_for.max(at_once);
        let only = Only {
            capabilities: claim.capabilities.clone(),
            models: claim.models.clone(),
        };
        let groups = self.groups_for(agent, &only);
        let leases = self.fill(agent, &groups, claim.max);
        if !leases.is_empty() || claim.wait_until <= self.now {
            return Some(Ok(Reply::Claimed(self.claimed(agent, &groups, leases))));
        }
        for &group in &groups {
            self.groups[group].waiters.insert(ticket);
            self.refresh_demand(group);
        }
        self.timers.insert((claim.wait_until, Timer::Claim(ticket)));
        self.agents[agent].waiting.insert(ticket);
        self.claims.insert(
            ticket,
            WaitingClaim {
                agent,
                max: claim.max,
                until: claim.wait_until,
                groups,
                only,
            },
        );
        None
    }

    /// The groups of lanes a claim can be given from.
    fn groups_for(&self, agent: AgentIx, only: &Only) -> Vec<GroupIx> {
        let can = self.agents[agent].groups.iter().copied();
        can.filter(|&ix| only.takes(&self.groups[ix])).collect()
    }

    /// Gives an agent that has room again what its waiting claims may have.
    pub(super) fn serve_agent(&mut self, agent: AgentIx) {
        for ticket in self.agents[agent].waiting.clone() {
            let Some(claim) = self.claims.get(&ticket) else {
                continue;
            };
            let (max, groups) = (claim.max, claim.groups.clone());
            let leases = self.fill(agent, &groups, max);
            if !leases.is_empty() {
                self.answer_claim(ticket, leases);
            }
        }
    }

    /// The caller of a waiting claim went away.
    pub(super) fn withdraw(&mut self, claim: Ticket) -> Reply {
        self.take_claim(claim);
        self.waiting_permits.retain(|permit| permit.ticket != claim);
        Reply::Withdrawn
    }

    /// Ends a wait with what it got, or with why there was nothing.
    pub(super) fn answer_claim(&mut self, ticket: Ticket, leases: Vec<Granted>) {
        if let Some(claim) = self.take_claim(ticket) {
            let answer = Reply::Claimed(self.claimed(claim.agent, &claim.groups, leases));
            self.out.replies.push((ticket, Ok(answer)));
        }
    }

    fn take_claim(&mut self, ticket: Ticket) -> Option<WaitingClaim> {
        let claim = self.claims.remove(&ticket)?;
        self.timers.remove(&(claim.until, Timer::Claim(ticket)));
        self.agents[claim.agent].waiting.remove(&ticket);
        for &group in &claim.groups {
            self.groups[group].waiters.remove(&ticket);
            self.refresh_demand(group);
        }
        Some(claim)
    }

    fn claimed(&self, agent: AgentIx, groups: &[GroupIx], leases: Vec<Granted>) -> Claimed {
        if !leases.is_empty() {
            return Claimed {
                leases,
                ..Claimed::default()
            };
        }
        let waits = match self.no_room(agent) {
            Some(wait) => vec![wait],
            None => self.waits(agent, groups, WAITS_TOLD),
        };
        let in_ms = |eta: Eta| match (eta.method, eta.p50.since(self.now).as_millis_ceil()) {
            (EtaMethod::Exact, ms) => ms,
            // Whoever holds it may be late already.
            (_, ms) => ms.max(ESTIMATED_RETRY_MS),
        };
        let soonest = waits.iter().filter_map(|wait| wait.eta.map(in_ms)).min();
        let retry = soonest
            .unwrap_or(1_000)
            .clamp(*RETRY_MS.start(), *RETRY_MS.end());
        Claimed {
            leases,
            waits,
            retry_after_ms: retry as u32,
        }
    }

    /// An agent that may take no more is told that, whatever waits.
    fn no_room(&self, ix: AgentIx) -> Option<Wait> {
        if self.room_of(ix) > 0 {
            return None;
        }
        let agent = &self.agents[ix];
        let headline = if agent.status == crate::AgentStatus::Draining {
            "this agent has said that it is draining".to_owned()
        } else {
            let most = agent.card.max_concurrency.unwrap_or(u32::MAX);
            format!(
                "this agent holds {} of the {most} leases it may hold",
                agent.running
            )
        };
        let code = Code::AgentsBusy;
        Some(Wait {
            code,
            tier: code.tier(),
            resource: None,
            waiting: 0,
            headline,
            unblocks_when: Some(crate::Unblock::AgentFree),
            eta: None,
        })
    }

    /// What waits in these groups, and why this agent gets none of it: best head first, one entry a
    /// code and resource.
    fn waits(&self, agent: AgentIx, groups: &[GroupIx], most: usize) -> Vec<Wait> {
        let mut heads: Vec<_> = groups
            .iter()
            .flat_map(|&group| self.groups[group].files.values().flatten())
            .copied()
            .collect();
        heads.sort_unstable();
        let lanes = heads.into_iter().take(8 * most).filter_map(|(_, lane)| {
            let own = self.own_wait(agent, lane, self.now);
            own.or_else(|| self.lane_wait(lane, self.now))
        });
        let aside = self.stalled_in(groups).take(8 * most);
        let aside = aside.filter_map(|task| self.task_wait(task, 1, self.now));
        let mut waits: Vec<Wait> = Vec::new();
        for wait in lanes.chain(aside) {
            let same = |known: &Wait| known.code == wait.code && known.resource == wait.resource;
            match waits.iter().position(same) {
                Some(at) => waits[at].waiting += wait.waiting,
                None if waits.len() < most => waits.push(wait),
                None => {}
            }
        }
        if waits.is_empty() {
            return self.waits_apart(self.agents[agent].ws, groups, self.now);
        }
        waits
    }

    /// Tasks of these groups that stepped aside.
    fn stalled_in<'a>(&'a self, groups: &'a [GroupIx]) -> impl Iterator<Item = TaskIx> + 'a {
        let ws = groups.first().map(|&group| self.groups[group].ws);
        let stalled = ws
            .into_iter()
            .flat_map(|ws| self.workspaces[ws].stalled.iter().copied());
        stalled.filter(|&task| groups.contains(&self.lanes[self.lane_of(task)].group))
    }
}
