//! What a task is, as its author states it and as its life goes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AgentId, DecisionId, LeaseId, TaskId, Time, WorkspaceId};

/// What kind of work a task is to the scheduler; sets its band of rank.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Class {
    /// Starts only when capacity is left over after everything else.
    Exploratory,
    /// Recurring watch work.
    Routine,
    /// What most tasks are.
    #[default]
    Ordinary,
    /// An experiment with explicit success metrics.
    Strategic,
    /// An instruction to one agent.
    Directive,
}

impl Class {
    /// All classes, lowest band first.
    pub const ALL: [Self; 5] = [
        Self::Exploratory,
        Self::Routine,
        Self::Ordinary,
        Self::Strategic,
        Self::Directive,
    ];
}

/// What the author says of a task's importance; one factor of its score, never the whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the names say it")]
pub enum Priority {
    Low,
    #[default]
    Medium,
    High,
    Urgent,
}

/// An amount of a resource, by the resource's name in the task's workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Requirement {
    /// The resource's name.
    pub resource: String,
    /// Tokens of a bucket, or slots; at least 1.
    pub amount: u32,
}

/// What a task is expected to use. All parts optional: what is unknown follows the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Estimate {
    /// The model the work is expected to call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens read by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u32>,
    /// Tokens written by the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u32>,
    /// Money, in millionths of a dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_microusd: Option<u64>,
    /// Working time in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u32>,
}

/// What decides where and with what a task can run. Tasks with equal needs share everything but
/// their place in the order, so needs are kept once in memory however many tasks have them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Needs {
    /// A free word for the sort of work; durations and costs are learnt by it.
    pub kind: String,
    /// The class.
    #[serde(default)]
    pub class: Class,
    /// Capabilities an agent must have, sorted, without doubles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Resources taken all or nothing while it runs, sorted by name, one entry a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<Requirement>,
    /// The one agent that may do it, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What it is expected to use.
    #[serde(default)]
    pub estimate: Estimate,
    /// Attempts before it has failed; at least 1.
    pub max_attempts: u16,
    /// How long a lease lasts without a renewal, in milliseconds.
    pub lease_ms: u32,
    /// Whether a person or a quality gate looks at the result before it is done.
    #[serde(default)]
    pub needs_review: bool,
}

/// A task as its author hands it in. The identifier is made by whoever accepts it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewTask {
    /// `UUIDv7`, made at the edge.
    pub id: TaskId,
    /// One line, at most 200 characters.
    pub title: String,
    /// Anything more, at most 64 KiB.
    pub description: String,
    /// The author's own data, given to the agent as it is.
    pub payload: Option<serde_json::Value>,
    /// The author's own name for it, unique in its batch.
    pub reference: Option<String>,
    /// What it needs.
    pub needs: Needs,
    /// What its author says of its importance.
    pub priority: Priority,
    /// When it should be done.
    pub due_at: Option<Time>,
    /// Not to start before this.
    pub not_before: Option<Time>,
    /// Tasks that must be done first: of the same batch, or any of the workspace.
    pub depends_on: Vec<TaskId>,
    /// The task it was split from.
    pub parent: Option<TaskId>,
}

/// Where a task is in its life, without what belongs to that state.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TaskState {
    /// Held by a person or an approval.
    Backlog,
    /// Waiting; always has an explanation.
    #[default]
    Pending,
    /// Leased to an agent.
    InProgress,
    /// Its result waits for a look.
    InReview,
    /// Finished well.
    Done,
    /// Attempts used up, or fatal.
    Failed,
    /// Called off.
    Cancelled,
}

impl TaskState {
    /// All states in the order of a task's life.
    pub const ALL: [Self; 7] = [
        Self::Backlog,
        Self::Pending,
        Self::InProgress,
        Self::InReview,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word used in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::InReview => "in_review",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens unless a person retries it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AttemptOutcome {
    /// The agent finished it.
    Completed,
    /// The agent said it failed.
    Failed,
    /// The agent met a provider's limit; costs the task no attempt.
    Throttled,
    /// The agent gave it back; costs the task no attempt.
    Released,
    /// The lease ran out.
    Expired,
    /// The task was cancelled, held or handed over under it.
    Revoked,
}

/// A person's lasting push on a task's score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boost {
    /// Points added to the score, or `None` for a pin, which goes before everything unpinned.
    pub score_delta: Option<i32>,
    /// When it ends.
    pub expires_at: Time,
}

/// A task that is not finished (or failed with others waiting on it), as Postgres keeps it and a
/// conductor loads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenTask {
    /// The task.
    pub id: TaskId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Any state but `InProgress` (a lease says that) and `Done`.
    pub state: TaskState,
    /// What it needs, as all tasks that need the same.
    pub needs: Arc<Needs>,
    /// What its author says of its importance.
    pub priority: Priority,
    /// When it was accepted; strictly growing within a conductor.
    pub created_at: Time,
    /// When it should be done.
    pub due_at: Option<Time>,
    /// Not to start before this: its author's wish or a retry's back-off, the later of both.
    pub not_before: Option<Time>,
    /// Whether `not_before` is a back-off after a failure.
    pub backing_off: bool,
    /// All tasks above it, its parent first, the root last; their number is its delegation depth.
    pub ancestors: Vec<TaskId>,
    /// Tasks that have been split from it so far, finished or not. Not stored: counted at a load.
    pub children: u32,
    /// Dependencies that are not done. Not stored: found at a load from the edges and the ends.
    pub waits_for: Vec<TaskId>,
    /// Attempts spent.
    pub attempts: u16,
    /// The last lease's epoch; 0 before the first.
    pub epoch: u32,
    /// A person's push, while it lasts.
    pub boost: Option<Boost>,
}

/// What the store knows of a task that the conductor no longer holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskFact {
    /// The task.
    pub id: TaskId,
    /// Its workspace; facts of other workspaces are not facts.
    pub workspace: WorkspaceId,
    /// Its state when asked.
    pub state: TaskState,
    /// All tasks above it, its parent first.
    pub ancestors: Vec<TaskId>,
    /// Tasks split from it so far.
    pub children: u32,
    /// Everything needed to take it up again; present for failed and cancelled tasks.
    pub reopen: Option<Box<OpenTask>>,
}

/// A lease that lives, as Postgres keeps it and a conductor loads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenLease {
    /// The lease.
    pub id: LeaseId,
    /// Its task; at most one live lease each.
    pub task: TaskId,
    /// The task's workspace.
    pub workspace: WorkspaceId,
    /// Who holds it.
    pub agent: AgentId,
    /// Fences what is written under it; grows with each lease of the task.
    pub epoch: u32,
    /// When it was given.
    pub granted_at: Time,
    /// When it ends unless renewed.
    pub expires_at: Time,
    /// What it holds.
    pub grants: Vec<Grant>,
    /// What is reserved in budgets and not yet used.
    pub reservations: Vec<Reservation>,
    /// The decision that gave it.
    pub decision: DecisionId,
}

/// What one lease or permit holds of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The resource.
    pub resource: crate::ResourceId,
    /// Its name, for people and agents.
    pub name: String,
    /// Tokens taken or slots held.
    pub amount: u32,
    /// For slots, which ones, numbered from 0; empty for buckets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<u32>,
}

/// What one lease has reserved in one budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The budget.
    pub budget: crate::BudgetId,
    /// Still reserved, in the budget's unit.
    pub left: u64,
    /// Used so far, in the budget's unit.
    pub used: u64,
}
