//! Tasks come in.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::Conductor;
use super::state::{Place, Task, TaskIx, WsIx};
use crate::{
    Actor, Answer, CreateTasks, Created, CreatedTask, NewTask, OpenTask, Refusal, Reply, Span,
    Stored, TaskFact, TaskId, TaskState, Time,
};

impl Conductor {
    /// All or none.
    pub(super) fn create_tasks(&mut self, ws: WsIx, actor: &Actor, request: CreateTasks) -> Answer {
        check_classes(actor, &request.tasks)?;
        self.check_references(ws, &request)?;
        self.check_fuses(ws, actor, &request)?;
        self.take_up_facts(ws, &request);
        self.count_creates(actor, request.tasks.len());
        let CreateTasks { tasks, facts } = request;
        let made: Vec<TaskIx> = tasks.iter().map(|task| self.make_task(ws, task)).collect();
        self.relate(&tasks, &made, &facts);
        for &ix in &made {
            let place = self.place_for(ix);
            self.rescore(ix);
            self.admit_task(ix, place);
        }
        let mut created = Vec::with_capacity(made.len());
        for (task, &ix) in tasks.into_iter().zip(&made) {
            let open = self.open_task(ix);
            let policy = &self.workspaces[ws].policy;
            let score = crate::score::score(&self.score_inputs(ix), policy, self.now);
            let points = score.score;
            created.push(Created {
                id: open.id,
                state: open.state,
                score,
                created_at: open.created_at,
                depth: open.ancestors.len() as u16,
            });
            self.out.records.created.push(CreatedTask {
                task,
                open,
                score: points,
                actor: actor.clone(),
            });
        }
        Ok(Reply::Created { tasks: created })
    }

    /// Everything a batch names is in it, in memory, or told as a fact.
    fn check_references(&self, ws: WsIx, request: &CreateTasks) -> Result<(), Refusal> {
        let batch: HashSet<TaskId> = request.tasks.iter().map(|task| task.id).collect();
        let workspace = self.workspaces[ws].id;
        let held = |id: &TaskId| batch.contains(id) || self.task_in(ws, *id).is_some();
        let told = |id: &TaskId| {
            let of = |fact: &&TaskFact| fact.id == *id && fact.workspace == workspace;
            request.facts.iter().find(of)
        };
        // A task that was not over when the store was asked has ended since: the store is asked again.
        let settled = |fact: &TaskFact| fact.state == TaskState::Done || fact.reopen.is_some();
        let mut missing = Vec::new();
        for task in &request.tasks {
            let waits = task
                .depends_on
                .iter()
                .filter(|id| !held(id) && !told(id).is_some_and(settled));
            missing.extend(waits.copied());
            missing.extend(task.parent.filter(|id| !held(id) && told(id).is_none()));
        }
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Refusal::NeedFacts { tasks: missing })
        }
    }

    /// Failed and cancelled tasks that new ones wait for are held again, so that both are explained
    /// and a retry sets both free.
    fn take_up_facts(&mut self, ws: WsIx, request: &CreateTasks) {
        let workspace = self.workspaces[ws].id;
        let needed: HashSet<TaskId> = request
            .tasks
            .iter()
            .flat_map(|task| task.depends_on.iter().copied())
            .collect();
        for fact in &request.facts {
            if fact.workspace == workspace && needed.contains(&fact.id) {
                self.take_up(fact);
            }
        }
    }

    /// Holds a failed or cancelled task again as it ended.
    pub(super) fn take_up(&mut self, fact: &TaskFact) -> Option<TaskIx> {
        let open = fact.reopen.as_deref()?;
        if self.find_task(open.id).is_none() {
            self.out.records.changed.push(open.clone());
            self.restore(Stored::Task(Box::new(open.clone())));
        }
        self.find_task(open.id)
    }

    fn count_creates(&mut self, actor: &Actor, count: usize) {
        let Actor::Agent { id, .. } = actor else {
            return;
        };
        if let Some(&agent) = self.agent_of.get(id) {
            self.agents[agent]
                .creates
                .push_back((self.now, u32::try_from(count).unwrap_or(u32::MAX)));
        }
    }

    /// Makes a task that is not yet related, scored or in any count.
    fn make_task(&mut self, ws: WsIx, task: &NewTask) -> TaskIx {
        let profile = self.profile_for(ws, &task.needs, || Arc::new(task.needs.clone()));
        // Strictly growing, so that tasks of a batch keep their order and no two ranks are alike.
        self.last_created = self.now.max(self.last_created + Span(1));
        let mut made = Task {
            id: task.id,
            created_at: self.last_created,
            rank: 0,
            profile,
            epoch: 0,
            score: 0,
            attempts: 0,
            priority: task.priority,
            place: Place::Failed,
            extra: None,
        };
        if task.due_at.is_some() || task.not_before.is_some() {
            let extra = made.extra_mut();
            (extra.due_at, extra.not_before) = (task.due_at.into(), task.not_before.into());
        }
        self.add_task(made)
    }

    /// Dependencies and families of a batch.
    fn relate(&mut self, tasks: &[NewTask], made: &[TaskIx], facts: &[TaskFact]) {
        let mut changed = Vec::new();
        for (task, &ix) in tasks.iter().zip(made) {
            for &id in &task.depends_on {
                // What is not held is done.
                let Some(dependency) = self.find_task(id) else {
                    continue;
                };
                if !self.tasks[ix].waits_for().contains(&dependency) {
                    self.link(ix, dependency);
                    changed.push(dependency);
                }
            }
        }
        let parents: HashMap<TaskId, Option<TaskId>> =
            tasks.iter().map(|task| (task.id, task.parent)).collect();
        for (task, &ix) in tasks.iter().zip(made) {
            let Some(parent) = task.parent else { continue };
            let mut ancestors = Vec::new();
            let mut above = Some(parent);
            while let Some(next) = above {
                ancestors.push(next);
                above = if let Some(&up) = parents.get(&next) {
                    up
                } else {
                    ancestors.extend(self.ancestors_of(next, facts));
                    None
                };
            }
            self.tasks[ix].extra_mut().ancestors = ancestors.into();
            if let Some(parent) = self.find_task(parent) {
                self.tasks[parent].extra_mut().children += 1;
            }
        }
        self.revalue(changed);
    }

    fn ancestors_of(&self, id: TaskId, facts: &[TaskFact]) -> Vec<TaskId> {
        let told = || {
            facts
                .iter()
                .find(|fact| fact.id == id)
                .map(|fact| fact.ancestors.clone())
        };
        self.find_task(id)
            .map(|ix| self.tasks[ix].ancestors().to_vec())
            .or_else(told)
            .unwrap_or_default()
    }

    /// The task as it is stored.
    pub(super) fn open_task(&self, ix: TaskIx) -> OpenTask {
        let task = &self.tasks[ix];
        let profile = &self.profiles[task.profile];
        let extra = task.extra();
        let state = match task.place.state() {
            // The lease says that it runs; under it the task waits.
            TaskState::InProgress => TaskState::Pending,
            state => state,
        };
        OpenTask {
            id: task.id,
            workspace: self.workspaces[self.lanes[profile.lane].ws].id,
            state,
            needs: Arc::clone(&profile.needs),
            priority: task.priority,
            created_at: task.created_at,
            due_at: task.due_at(),
            not_before: task.not_before(),
            backing_off: extra.is_some_and(|extra| extra.backing_off),
            ancestors: task.ancestors().to_vec(),
            children: extra.map_or(0, |extra| extra.children),
            waits_for: task
                .waits_for()
                .iter()
                .map(|&ix| self.tasks[ix].id)
                .collect(),
            // The running one is counted where the lease is.
            attempts: task
                .attempts
                .saturating_sub((task.place == Place::Leased).into()),
            epoch: task.epoch,
            boost: task.boost(),
        }
    }

    /// Stores a change of an open task.
    pub(super) fn record_change(&mut self, ix: TaskIx) {
        let open = self.open_task(ix);
        self.out.records.changed.push(open);
    }

    /// When a task was accepted last; for a load, which must go on from there.
    pub(super) fn note_created(&mut self, at: Time) {
        self.last_created = self.last_created.max(at);
    }
}

/// A directive goes before all other work: only people and Baton itself give one.
fn check_classes(actor: &Actor, tasks: &[NewTask]) -> Result<(), Refusal> {
    let directive = |task: &NewTask| task.needs.class == crate::Class::Directive;
    match tasks.iter().position(directive) {
        Some(at) if matches!(actor, Actor::Agent { .. }) => Err(Refusal::Invalid {
            pointer: format!("/{at}/class"),
            detail: "directives are given by people; an agent creates other classes".to_owned(),
        }),
        _ => Ok(()),
    }
}
