//! A task as clients see it: in a list, alone, just made, and after a change.

use std::collections::HashMap;

use scheduler::{
    Actor, AgentId, AttemptOutcome, Class, Created, DecisionId, Estimate, Explanation, Factor,
    LeaseId, NewTask, Priority, Requirement, Score, ScoreSource, TaskId, TaskState, Time, Verdict,
};
use serde::Serialize;
use serde_json::Value;
use store::read::{AttemptListed, Ended, LeaseListed, TaskDetail, TaskListed};

/// A task in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TaskSummary {
    pub id: TaskId,
    /// Its author's own name for it.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub title: String,
    pub kind: String,
    pub class: Class,
    /// What its author says of its importance.
    pub priority: Priority,
    pub state: TaskState,
    /// 0 to 1000, before class, age and boost.
    pub score: i32,
    pub capabilities: Vec<String>,
    pub requires: Vec<Requirement>,
    pub estimate: Estimate,
    /// The one agent that may do it, by name.
    pub agent: Option<String>,
    pub parent_id: Option<TaskId>,
    /// Parents above it.
    pub depth: u16,
    /// Attempts spent, the running one too.
    pub attempts: u16,
    pub max_attempts: u16,
    pub lease_ms: u32,
    pub needs_review: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Time>,
    /// Not to start before this: its author's wish, or a back-off after a failure.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Time>,
    /// A person's push on its score, while it lasts.
    pub boost: Option<BoostView>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    pub created_by: Actor,
    /// Who works on it now.
    pub lease: Option<TaskLease>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
    /// Grows with each edit.
    pub version: u32,
}

/// A task with all that is known of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Task {
    #[serde(flatten)]
    pub summary: TaskSummary,
    pub description: String,
    /// Its author's own data.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Value>,
    pub depends_on: Vec<TaskId>,
    /// Tasks that depend on it, at most 256.
    pub dependents: Vec<TaskId>,
    /// Tasks split from it.
    pub children: u32,
    /// What the agent handed in, also while it waits for a look.
    #[schema(value_type = Option<Object>)]
    pub output: Option<Value>,
    /// The last error, or a person's reason.
    pub error: Option<String>,
    /// The decision that ended it.
    pub ended_by: Option<DecisionId>,
    /// The attempts that are over, the first first.
    pub past_attempts: Vec<PastAttempt>,
    /// The key it is ordered by; higher goes first. Null once it is over.
    pub rank: Option<i64>,
    /// What made the score; empty once it is over.
    pub factors: Vec<Factor>,
    /// Where the score is from. Null once it is over.
    pub source: Option<ScoreSource>,
}

/// A person's push on a score.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BoostView {
    /// Points added; null for a pin.
    pub score_delta: Option<i32>,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
}

/// Who works on a task.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TaskLease {
    pub id: LeaseId,
    pub agent_id: AgentId,
    /// The agent's name.
    pub agent: String,
    pub epoch: u32,
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Time,
    /// What it holds.
    pub grants: Vec<Requirement>,
    /// From 0 to 1, as the agent last said.
    pub progress: Option<f32>,
    /// What the agent last said.
    pub note: Option<String>,
    pub decision_id: DecisionId,
}

/// An attempt that is over.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PastAttempt {
    pub lease_id: LeaseId,
    pub agent_id: AgentId,
    /// The agent's name.
    pub agent: String,
    pub epoch: u32,
    pub outcome: AttemptOutcome,
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Time,
    #[schema(value_type = String, format = DateTime)]
    pub ended_at: Time,
    pub error: Option<String>,
    pub decision_id: DecisionId,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
}

/// A task after it was changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TaskAfter {
    pub id: TaskId,
    pub state: TaskState,
    /// After an edit: what the next one names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

impl Task {
    /// A task just accepted. When the request was answered before, the identifiers are those of
    /// then: `made` leads from those drawn now to them.
    pub fn created(
        task: NewTask,
        created: Created,
        by: Actor,
        made: &HashMap<TaskId, TaskId>,
    ) -> Self {
        let known = |id: TaskId| made.get(&id).copied().unwrap_or(id);
        let needs = task.needs;
        let summary = TaskSummary {
            id: created.id,
            reference: task.reference,
            title: task.title,
            kind: needs.kind,
            class: needs.class,
            priority: task.priority,
            state: created.state,
            score: created.score.score,
            capabilities: needs.capabilities,
            requires: needs.requires,
            estimate: needs.estimate,
            agent: needs.agent,
            parent_id: task.parent.map(known),
            depth: created.depth,
            attempts: 0,
            max_attempts: needs.max_attempts,
            lease_ms: needs.lease_ms,
            needs_review: needs.needs_review,
            due_at: task.due_at,
            not_before: task.not_before,
            boost: None,
            created_at: created.created_at,
            created_by: by,
            lease: None,
            ended_at: None,
            version: 1,
        };
        let depends_on = task.depends_on.into_iter().map(known).collect();
        let mut task = Self {
            description: task.description,
            payload: task.payload,
            depends_on,
            ..Self::bare(summary)
        };
        task.scored(created.score);
        task
    }

    fn bare(summary: TaskSummary) -> Self {
        Self {
            summary,
            description: String::new(),
            payload: None,
            depends_on: Vec::new(),
            dependents: Vec::new(),
            children: 0,
            output: None,
            error: None,
            ended_by: None,
            past_attempts: Vec::new(),
            rank: None,
            factors: Vec::new(),
            source: None,
        }
    }

    /// A task as it is stored, with its attempts.
    pub fn stored(detail: TaskDetail, attempts: Vec<AttemptListed>) -> Self {
        let (output, error, ended_by) = match detail.end {
            Some(Ended {
                output,
                error,
                decision,
                ..
            }) => (output, error, decision),
            None => (detail.for_review, None, None),
        };
        Self {
            description: detail.description,
            payload: detail.payload,
            depends_on: detail.depends_on,
            dependents: detail.dependents,
            children: detail.children,
            output,
            error,
            ended_by,
            past_attempts: attempts.into_iter().map(PastAttempt::from).collect(),
            ..Self::bare(detail.task.into())
        }
    }

    /// Adds what the conductor knows of its score.
    pub fn scored(&mut self, score: Score) {
        self.summary.score = score.score;
        self.rank = Some(score.rank);
        self.factors = score.factors;
        self.source = Some(score.source);
    }
}

/// The explanation of a task that no conductor holds any more.
pub fn ended(detail: &TaskDetail, now: Time) -> Explanation {
    let state = detail.task.state;
    let at = detail
        .end
        .as_ref()
        .map_or(detail.task.created_at, |end| end.at);
    let headline = match state {
        TaskState::Done => "It is done.",
        TaskState::Failed => "It has failed, and nothing more is tried unless somebody retries it.",
        TaskState::Cancelled => "It was cancelled.",
        // Ended between the two looks at it.
        _ => "It has just changed; look again.",
    };
    Explanation {
        task_id: detail.task.id,
        state,
        verdict: Verdict::Ended,
        headline: headline.to_owned(),
        lane: None,
        position: None,
        blockers: Vec::new(),
        decision_id: detail.end.as_ref().and_then(|end| end.decision),
        evaluated_at: at,
        recheck_at: now,
    }
}

impl From<TaskListed> for TaskSummary {
    fn from(task: TaskListed) -> Self {
        let needs = task.needs;
        Self {
            id: task.id,
            reference: task.reference,
            title: task.title,
            kind: needs.kind,
            class: needs.class,
            priority: task.priority,
            state: task.state,
            score: task.score,
            capabilities: needs.capabilities,
            requires: needs.requires,
            estimate: needs.estimate,
            agent: needs.agent,
            parent_id: task.parent,
            depth: task.depth,
            attempts: task.attempts,
            max_attempts: needs.max_attempts,
            lease_ms: needs.lease_ms,
            needs_review: needs.needs_review,
            due_at: task.due_at,
            not_before: task.not_before,
            boost: task.boost.map(|boost| BoostView {
                score_delta: boost.score_delta,
                expires_at: boost.expires_at,
            }),
            created_at: task.created_at,
            created_by: task.created_by,
            lease: task.lease.map(TaskLease::from),
            ended_at: task.ended_at,
            version: task.version,
        }
    }
}

impl From<LeaseListed> for TaskLease {
    fn from(lease: LeaseListed) -> Self {
        Self {
            id: lease.id,
            agent_id: lease.agent,
            agent: lease.agent_name,
            epoch: lease.epoch,
            granted_at: lease.granted_at,
            expires_at: lease.expires_at,
            grants: lease
                .grants
                .into_iter()
                .map(super::claims::requirement)
                .collect(),
            progress: lease.progress,
            note: lease.note,
            decision_id: lease.decision,
        }
    }
}

impl From<AttemptListed> for PastAttempt {
    fn from(listed: AttemptListed) -> Self {
        let attempt = listed.attempt;
        Self {
            lease_id: attempt.lease,
            agent_id: attempt.agent,
            agent: listed.agent_name,
            epoch: attempt.epoch,
            outcome: attempt.outcome,
            granted_at: attempt.granted_at,
            ended_at: attempt.ended_at,
            error: attempt.error,
            decision_id: attempt.decision,
            input_tokens: listed.input_tokens,
            output_tokens: listed.output_tokens,
            cost_microusd: listed.cost_microusd,
        }
    }
}
