//! What refuses.

use hashbrown::HashMap;

use super::Conductor;
use super::state::{Blown, WsIx};
use crate::{
    Actor, CreateTasks, Decision, Facts, Fuse, FuseFacts, NewTask, Refusal, Span, TaskFact, TaskId,
};

const MINUTE: Span = Span::from_secs(60);
/// Refusals of one loop that are counted on one decision.
const BLOWN_KEPT: usize = 64;

impl Conductor {
    /// Every fuse against a request to create, before anything is changed. A blown fuse is a
    /// decision; the same fuse blown again by the same actor within a minute is a counter on it.
    pub(super) fn check_fuses(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        request: &CreateTasks,
    ) -> Result<(), Refusal> {
        let checked = self
            .check_pending(ws, request.tasks.len() as u64)
            .and_then(|()| self.check_creates(ws, actor, request))
            .and_then(|()| check_cycles(&request.tasks))
            .and_then(|()| self.check_family(ws, request));
        self.blown(ws, actor, checked)
    }

    /// A task that was over waits again: one more that is unfinished.
    pub(super) fn check_again(&mut self, ws: WsIx, actor: &Actor) -> Result<(), Refusal> {
        let checked = self.check_pending(ws, 1);
        self.blown(ws, actor, checked)
    }

    fn blown(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        checked: Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if let Err(Refusal::Fuse {
            fuse, limit, count, ..
        }) = checked
        {
            self.blow(ws, actor, fuse, limit, count);
        }
        checked
    }

    fn check_pending(&self, ws: WsIx, more: u64) -> Result<(), Refusal> {
        let workspace = &self.workspaces[ws];
        let count = u64::from(workspace.counts.open) + more;
        limit(Fuse::Pending, workspace.policy.fuses.max_pending, count, "")
    }

    fn check_creates(
        &mut self,
        ws: WsIx,
        actor: &Actor,
        request: &CreateTasks,
    ) -> Result<(), Refusal> {
        let Actor::Agent { id, .. } = actor else {
            return Ok(());
        };
        let Some(&agent) = self.agent_of.get(id) else {
            return Ok(());
        };
        let since = self.now - MINUTE;
        let creates = &mut self.agents[agent].creates;
        while creates.front().is_some_and(|&(at, _)| at <= since) {
            creates.pop_front();
        }
        let lately: u64 = creates.iter().map(|&(_, count)| u64::from(count)).sum();
        let most = self.workspaces[ws].policy.fuses.agent_creates_per_minute;
        limit(
            Fuse::AgentCreates,
            most,
            lately + request.tasks.len() as u64,
            "",
        )
    }

    /// Depth and fan-out. The depth of a batch's own families is followed through the batch.
    fn check_family(&self, ws: WsIx, request: &CreateTasks) -> Result<(), Refusal> {
        let fuses = self.workspaces[ws].policy.fuses;
        let batch: HashMap<TaskId, &NewTask> =
            request.tasks.iter().map(|task| (task.id, task)).collect();
        let mut born: HashMap<TaskId, u64> = HashMap::new();
        for (at, task) in request.tasks.iter().enumerate() {
            let Some(parent) = task.parent else { continue };
            let mut depth = 1;
            let mut above = parent;
            while let Some(next) = batch.get(&above) {
                let Some(up) = next.parent else { break };
                depth += 1;
                above = up;
            }
            if !batch.contains_key(&above) {
                depth += self.depth_of(above, &request.facts);
            }
            limit(
                Fuse::DelegationDepth,
                fuses.max_delegation_depth.into(),
                depth,
                &format!("/{at}/parent_id"),
            )?;
            let children = born
                .entry(parent)
                .or_insert_with(|| self.children_of(parent, &request.facts));
            *children += 1;
            limit(
                Fuse::Children,
                fuses.max_children,
                *children,
                &format!("/{at}/parent_id"),
            )?;
        }
        Ok(())
    }

    fn depth_of(&self, task: TaskId, facts: &[TaskFact]) -> u64 {
        let known = self
            .find_task(task)
            .map(|ix| self.tasks[ix].ancestors().len());
        let told = || {
            facts
                .iter()
                .find(|fact| fact.id == task)
                .map(|fact| fact.ancestors.len())
        };
        known.or_else(told).unwrap_or(0) as u64
    }

    fn children_of(&self, task: TaskId, facts: &[TaskFact]) -> u64 {
        let known = self
            .find_task(task)
            .map(|ix| self.tasks[ix].extra().map_or(0, |extra| extra.children));
        let told = || {
            facts
                .iter()
                .find(|fact| fact.id == task)
                .map(|fact| fact.children)
        };
        known.or_else(told).unwrap_or(0).into()
    }

    fn blow(&mut self, ws: WsIx, actor: &Actor, fuse: Fuse, limit: u64, count: u64) {
        let since = self.now - MINUTE;
        let blown = &mut self.workspaces[ws].blown;
        blown.retain(|blown| blown.since > since);
        if let Some(known) = blown
            .iter()
            .find(|blown| blown.fuse == fuse && blown.actor == *actor)
        {
            self.out.records.repeats.push((known.decision, 1));
            return;
        }
        let facts = Facts::Fuse(FuseFacts {
            fuse,
            limit,
            count,
            times: 1,
        });
        let decision = self.decide(ws, actor.clone(), facts);
        let blown = &mut self.workspaces[ws].blown;
        if blown.len() < BLOWN_KEPT {
            blown.push(Blown {
                fuse,
                actor: actor.clone(),
                since: self.now,
                decision,
            });
        }
    }

    /// Records a decision about no task, agent or resource in particular.
    pub(super) fn decide(&mut self, ws: WsIx, actor: Actor, facts: Facts) -> crate::DecisionId {
        let decision = self.decision(ws, actor, facts);
        let id = decision.id;
        self.out.records.decisions.push(decision);
        id
    }

    /// A decision of now, to be completed and recorded by the caller.
    pub(super) fn decision(&mut self, ws: WsIx, actor: Actor, facts: Facts) -> Decision {
        let workspace = &self.workspaces[ws];
        let agent = match &actor {
            Actor::Agent { id, .. } => Some(*id),
            _ => None,
        };
        Decision {
            id: self.ids.next(self.now).into(),
            workspace: workspace.id,
            at: self.now,
            task: None,
            agent,
            resource: None,
            actor,
            policy_version: workspace.policy_version,
            facts,
        }
    }
}

fn limit(fuse: Fuse, limit: u32, count: u64, pointer: &str) -> Result<(), Refusal> {
    let limit = u64::from(limit);
    if count <= limit {
        Ok(())
    } else {
        Err(Refusal::Fuse {
            fuse,
            limit,
            count,
            pointer: pointer.to_owned(),
        })
    }
}

/// New tasks can wait only for each other or for older ones, so every cycle lies within a batch.
/// Kahn's algorithm (1962), once over dependencies and once over parents.
fn check_cycles(tasks: &[NewTask]) -> Result<(), Refusal> {
    if tasks
        .iter()
        .all(|task| task.depends_on.is_empty() && task.parent.is_none())
    {
        return Ok(());
    }
    let at: HashMap<TaskId, usize> = tasks
        .iter()
        .enumerate()
        .map(|(at, task)| (task.id, at))
        .collect();
    let within = |id: &TaskId| at.get(id).copied();
    let waits: Vec<Vec<usize>> = tasks
        .iter()
        .map(|task| task.depends_on.iter().filter_map(within).collect())
        .collect();
    acyclic(&waits, "depends_on")?;
    let parents: Vec<Vec<usize>> = tasks
        .iter()
        .map(|task| task.parent.iter().filter_map(within).collect())
        .collect();
    acyclic(&parents, "parent_id")
}

/// `edges[i]` are the places that `i` waits for.
fn acyclic(edges: &[Vec<usize>], member: &str) -> Result<(), Refusal> {
    let mut left: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut behind = vec![Vec::new(); edges.len()];
    for (from, to) in edges.iter().enumerate() {
        for &to in to {
            behind[to].push(from);
        }
    }
    let mut free: Vec<usize> = (0..edges.len()).filter(|&i| left[i] == 0).collect();
    let mut seen = 0;
    while let Some(next) = free.pop() {
        seen += 1;
        for &from in &behind[next] {
            left[from] -= 1;
            if left[from] == 0 {
                free.push(from);
            }
        }
    }
    match left.iter().position(|&waits| waits > 0) {
        Some(at) => {
            let count = (edges.len() - seen) as u64;
            Err(Refusal::Fuse {
                fuse: Fuse::Cycle,
                limit: 0,
                count,
                pointer: format!("/{at}/{member}"),
            })
        }
        None => Ok(()),
    }
}
