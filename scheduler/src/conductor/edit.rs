//! A waiting task is changed: what it says, how it is ranked, what it needs.

use std::sync::Arc;

use super::Conductor;
use super::state::{Place, TaskIx, WsIx};
use crate::score::score;
use crate::{
    Act, Actor, Answer, EditTask, Facts, Needs, OverrideFacts, Refusal, Reply, ReprioritiseFacts,
    TaskState, TextEdit, ValueChange,
};

impl Conductor {
    /// Changes what a waiting task is ranked by or needs, and its text with it.
    pub(super) fn edit_task(&mut self, ws: WsIx, actor: &Actor, edit: EditTask) -> Answer {
        let Some(ix) = self.task_in(ws, edit.task) else {
            return Err(Refusal::NeedFacts {
                tasks: vec![edit.task],
            });
        };
        if let Some(&current) = self.edited.get(&edit.task)
            && current != edit.version
        {
            return Err(Refusal::VersionConflict { current });
        }
        let state = self.tasks[ix].place.state();
        let scheduling = edit.class.is_some()
            || edit.estimate.is_some()
            || edit.capabilities.is_some()
            || edit.requires.is_some()
            || edit.agent.is_some();
        if scheduling && !matches!(state, TaskState::Pending | TaskState::Backlog) {
            return Err(Refusal::WrongState {
                state,
                act: Act::Edit,
            });
        }
        let rank_before = self.tasks[ix].rank;
        let before = self.decided_by(ix);
        self.apply(ix, &edit, scheduling);
        let mut changes = ValueChange::between(&before, &self.decided_by(ix));
        let texts = [("/title", &edit.title), ("/description", &edit.description)];
        let texts = texts.iter().filter(|(_, text)| text.is_some());
        changes.extend(texts.map(|(pointer, _)| ValueChange::of_text(pointer)));
        if !changes.is_empty() {
            self.decide_edited(ix, actor.clone(), changes);
        }
        if self.tasks[ix].rank != rank_before {
            self.decide_reprioritised(ix, actor.clone(), rank_before);
        }
        self.record_change(ix);
        let version = edit.version.saturating_add(1);
        self.edited.insert(edit.task, version);
        self.out.records.edits.push(TextEdit {
            workspace: self.workspaces[ws].id,
            task: edit.task,
            title: edit.title,
            description: edit.description,
            version,
        });
        Ok(Reply::Task {
            task: edit.task,
            state,
        })
    }

    /// All but the texts, which are kept elsewhere.
    fn apply(&mut self, ix: TaskIx, edit: &EditTask, needs: bool) {
        if let Some(priority) = edit.priority {
            self.tasks[ix].priority = priority;
        }
        if let Some(due_at) = edit.due_at {
            self.tasks[ix].extra_mut().due_at = due_at.into();
        }
        if needs {
            self.change_needs(ix, |needs| {
                needs.class = edit.class.unwrap_or(needs.class);
                if let Some(estimate) = &edit.estimate {
                    needs.estimate.clone_from(estimate);
                }
                if let Some(capabilities) = &edit.capabilities {
                    needs.capabilities.clone_from(capabilities);
                }
                if let Some(requires) = &edit.requires {
                    needs.requires.clone_from(requires);
                }
                if let Some(agent) = &edit.agent {
                    needs.agent = Some(agent.clone()).filter(|name| !name.is_empty());
                }
            });
        }
        self.rescore(ix);
        self.set_task_timer(ix);
    }

    /// What an edit may change of a task, but for its texts.
    fn decided_by(&self, ix: TaskIx) -> serde_json::Value {
        let task = &self.tasks[ix];
        let needs = &self.profiles[task.profile].needs;
        serde_json::json!({
            "priority": task.priority,
            "due_at": task.due_at(),
            "class": needs.class,
            "capabilities": needs.capabilities,
            "requires": needs.requires,
            "agent": needs.agent,
            "estimate": needs.estimate,
        })
    }

    /// Somebody changed what it says or needs.
    fn decide_edited(&mut self, ix: TaskIx, actor: Actor, changes: Vec<ValueChange>) {
        let state = self.tasks[ix].place.state();
        let facts = OverrideFacts {
            act: Act::Edit,
            from: state,
            to: state,
            boost: None,
            to_agent: None,
            changes,
            ended_lease: None,
            reason: None,
        };
        let mut decision = self.decision(self.ws_of(ix), actor, Facts::Override(facts));
        decision.task = Some(self.tasks[ix].id);
        self.out.records.decisions.push(decision);
    }

    /// Gives a task other needs, and so perhaps another lane.
    pub(super) fn change_needs(&mut self, ix: TaskIx, change: impl FnOnce(&mut Needs)) {
        let (old, place) = (self.tasks[ix].profile, self.tasks[ix].place);
        let mut needs = (*self.profiles[old].needs).clone();
        change(&mut needs);
        self.lift(ix);
        let profile = self.profile_for(self.ws_of(ix), &needs, || Arc::new(needs.clone()));
        self.tasks[ix].profile = profile;
        self.release_profile(old);
        // What stalled may go on with other needs.
        let place = if matches!(place, Place::Stalled(_)) {
            Place::Queued
        } else {
            place
        };
        self.admit_task(ix, place);
    }

    /// The score changed by more than time.
    pub(super) fn decide_reprioritised(&mut self, ix: TaskIx, actor: Actor, from: i64) {
        let ws = self.ws_of(ix);
        let score = score(
            &self.score_inputs(ix),
            &self.workspaces[ws].policy,
            self.now,
        );
        let facts = ReprioritiseFacts {
            from,
            to: score.rank,
            factors: score.factors,
        };
        let mut decision = self.decision(ws, actor, Facts::Reprioritise(facts));
        decision.task = Some(self.tasks[ix].id);
        self.out.records.decisions.push(decision);
    }
}
