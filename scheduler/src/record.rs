//! What comes out of a conductor and is stored, in the order of its making.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AgentId, AgentStatus, AttemptOutcome, BudgetId, Decision, DecisionId, LeaseId, NewTask,
    OpenLease, OpenTask, PermitId, Policy, PutAgent, ResourceId, TaskId, TaskState, Time,
    WorkspaceId,
};

/// Everything one or many steps changed; stored in one transaction or not at all.
///
/// Rows of one table stand in one vector, so that each is one statement with arrays. Where a thing
/// changes more than once before a flush, later rows replace earlier ones (see each vector).
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// Tasks accepted: the text half goes to where texts are kept, the other to the open tasks.
    pub created: Vec<CreatedTask>,
    /// Open tasks that changed other than by a lease; the last row of a task counts. A task that
    /// ended later in the same batch also stands in `ended`, which then wins.
    pub changed: Vec<OpenTask>,
    /// Tasks that ended. Failed and cancelled ones keep their open row while others wait on them:
    /// then they stand in `changed` too, with their terminal state.
    pub ended: Vec<EndedTask>,
    /// Failed and cancelled tasks that nobody waits for any more: their open rows go.
    pub forgotten: Vec<(WorkspaceId, TaskId)>,
    /// Leases given.
    pub leased: Vec<OpenLease>,
    /// Leases prolonged, or with changed reservations.
    pub renewed: Vec<RenewedLease>,
    /// Attempts that ended: takes the lease away and remembers what came of it.
    pub attempts: Vec<Attempt>,
    /// Results that came under a lost lease: kept, unattached.
    pub late: Vec<LateResult>,
    /// Results that wait for a person's look.
    pub for_review: Vec<ResultForReview>,
    /// Decisions, append-only.
    pub decisions: Vec<Decision>,
    /// How often a lane met the same verdict again, by the decision that first recorded it.
    pub repeats: Vec<(DecisionId, u32)>,
    /// Resources set or changed: the whole row, last counts.
    pub resources: Vec<crate::ResourceRow>,
    /// Resources taken away; wins over their rows.
    pub resources_removed: Vec<(Option<WorkspaceId>, ResourceId)>,
    /// Budgets taken away; wins over their rows.
    pub budgets_removed: Vec<(WorkspaceId, BudgetId)>,
    /// Budgets set or changed: the whole row, last counts.
    pub budgets: Vec<crate::BudgetRow>,
    /// The ledger, append-only.
    pub usage: Vec<UsageRow>,
    /// Provider refusals, append-only.
    pub refusals: Vec<RefusalRow>,
    /// Agents' cards.
    pub agents: Vec<AgentRow>,
    /// Agents heard of, at most once a few seconds each.
    pub seen: Vec<AgentSeen>,
    /// Policies, one row a version.
    pub policies: Vec<PolicyRow>,
    /// Permits given.
    pub permits: Vec<PermitRow>,
    /// Permits returned or run out.
    pub permits_ended: Vec<PermitId>,
    /// Numbered slots that leases and permits which are over held.
    pub slots_freed: Vec<FreedSlot>,
    /// Texts edited.
    pub edits: Vec<TextEdit>,
    /// What leases and permits took and gave back. The world hears of it; it is no row.
    pub levels: Vec<Level>,
}

/// A task accepted.
#[derive(Clone, Debug)]
pub struct CreatedTask {
    /// As handed in; `needs`, `priority` and times also stand in `open`.
    pub task: NewTask,
    /// As the conductor keeps it.
    pub open: OpenTask,
    /// Its heuristic score, 0 to 1000 before bands.
    pub score: i32,
    /// Who made it.
    pub actor: crate::Actor,
}

/// A task that ended.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EndedTask {
    pub id: TaskId,
    pub workspace: WorkspaceId,
    pub state: TaskState,
    pub at: Time,
    pub attempts: u16,
    pub decision: Option<DecisionId>,
    /// The agent's result, or none.
    pub output: Option<serde_json::Value>,
    /// The last error, or a person's reason.
    pub error: Option<String>,
    /// Whether its open row stays, because others wait on it.
    pub kept: bool,
}

/// A numbered slot that is held no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct FreedSlot {
    pub resource: ResourceId,
    pub slot: u32,
    /// The lease or permit that held it.
    pub holder: Uuid,
}

/// What changed without a row of its own: how much of it is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A resource of slots, of one workspace or (`None`) of all in the pool.
    Slots(Option<WorkspaceId>, ResourceId),
    /// What is reserved in a budget.
    Budget(WorkspaceId, BudgetId),
}

/// A lease prolonged.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RenewedLease {
    pub workspace: WorkspaceId,
    pub task: TaskId,
    pub lease: LeaseId,
    pub expires_at: Time,
    pub progress: Option<f32>,
    pub note: Option<String>,
    pub reservations: Vec<crate::Reservation>,
}

/// An attempt that ended.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Attempt {
    pub lease: LeaseId,
    pub task: TaskId,
    pub workspace: WorkspaceId,
    pub agent: AgentId,
    pub epoch: u32,
    pub outcome: AttemptOutcome,
    /// The task's state after.
    pub state: TaskState,
    pub granted_at: Time,
    pub ended_at: Time,
    pub decision: DecisionId,
    pub error: Option<String>,
}

/// A result that is not its task's until somebody has looked at it.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ResultForReview {
    pub lease: LeaseId,
    pub workspace: WorkspaceId,
    pub task: TaskId,
    pub at: Time,
    pub output: serde_json::Value,
}

/// A result that came too late.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LateResult {
    pub lease: LeaseId,
    pub workspace: WorkspaceId,
    pub agent: Option<AgentId>,
    pub epoch: u32,
    pub at: Time,
    pub output: Option<serde_json::Value>,
}

/// One usage report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct UsageRow {
    pub workspace: WorkspaceId,
    pub at: Time,
    pub task: TaskId,
    pub lease: LeaseId,
    pub agent: AgentId,
    pub kind: String,
    pub model: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_microusd: u64,
}

/// A provider's refusal.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct RefusalRow {
    pub workspace: WorkspaceId,
    pub resource: ResourceId,
    pub at: Time,
    pub agent: Option<AgentId>,
    pub lease: Option<LeaseId>,
    pub retry_after_ms: Option<u32>,
}

/// An agent as Postgres keeps it and a conductor loads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentRow {
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its card.
    pub card: PutAgent,
    /// When it was last heard of.
    pub seen_at: Option<Time>,
    /// What it last said of itself.
    pub status: AgentStatus,
}

/// An agent heard of.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AgentSeen {
    pub workspace: WorkspaceId,
    pub agent: AgentId,
    pub at: Time,
    pub status: AgentStatus,
    pub detail: Option<String>,
}

/// A version of a workspace's policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PolicyRow {
    pub workspace: WorkspaceId,
    pub version: u32,
    pub at: Time,
    pub policy: Policy,
}

/// A permit: grants without a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PermitRow {
    pub id: PermitId,
    pub workspace: WorkspaceId,
    pub agent: AgentId,
    pub granted_at: Time,
    pub expires_at: Time,
    pub grants: Vec<crate::Grant>,
}

/// A task's text changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TextEdit {
    pub workspace: WorkspaceId,
    pub task: TaskId,
    pub title: Option<String>,
    pub description: Option<String>,
    pub version: u32,
}

/// What a conductor is loaded from, in any order but tasks before leases and workspaces first.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each names its row")]
pub enum Stored {
    Workspace {
        id: WorkspaceId,
        policy: Policy,
        policy_version: u32,
    },
    Resource(crate::ResourceRow),
    Budget(crate::BudgetRow),
    Agent(AgentRow),
    Task(Box<OpenTask>),
    Lease(OpenLease),
    Permit(PermitRow),
    /// What is learnt of a kind of task: from the last attempts.
    Kind(KindHistory),
}

/// What is learnt of a kind of task in a workspace: exponentially weighted means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct KindHistory {
    pub workspace: WorkspaceId,
    pub kind: String,
    pub attempts: u32,
    pub duration_ms: f64,
    pub tokens: f64,
    pub cost_microusd: f64,
}

impl Records {
    /// Adds what a later step brought. A task that ended and was taken up again has not ended.
    pub fn append(&mut self, mut later: Self) {
        let reopened = |id: TaskId| {
            let now_open = |open: &OpenTask| open.id == id && !open.state.is_terminal();
            later.changed.iter().any(now_open)
        };
        if !later.changed.is_empty() {
            self.ended.retain(|end| !reopened(end.id));
        }
        self.created.append(&mut later.created);
        self.forgotten.append(&mut later.forgotten);
        self.changed.append(&mut later.changed);
        self.ended.append(&mut later.ended);
        self.leased.append(&mut later.leased);
        self.renewed.append(&mut later.renewed);
        self.attempts.append(&mut later.attempts);
        self.late.append(&mut later.late);
        self.for_review.append(&mut later.for_review);
        self.decisions.append(&mut later.decisions);
        self.repeats.append(&mut later.repeats);
        self.resources.append(&mut later.resources);
        self.resources_removed.append(&mut later.resources_removed);
        self.budgets.append(&mut later.budgets);
        self.budgets_removed.append(&mut later.budgets_removed);
        self.usage.append(&mut later.usage);
        self.refusals.append(&mut later.refusals);
        self.agents.append(&mut later.agents);
        self.seen.append(&mut later.seen);
        self.policies.append(&mut later.policies);
        self.permits.append(&mut later.permits);
        self.permits_ended.append(&mut later.permits_ended);
        self.slots_freed.append(&mut later.slots_freed);
        self.edits.append(&mut later.edits);
        self.levels.append(&mut later.levels);
    }

    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows in all; `levels` are none.
    #[must_use]
    pub fn len(&self) -> usize {
        self.created.len()
            + self.changed.len()
            + self.ended.len()
            + self.forgotten.len()
            + self.leased.len()
            + self.renewed.len()
            + self.attempts.len()
            + self.for_review.len()
            + self.late.len()
            + self.decisions.len()
            + self.repeats.len()
            + self.resources.len()
            + self.resources_removed.len()
            + self.budgets.len()
            + self.budgets_removed.len()
            + self.usage.len()
            + self.refusals.len()
            + self.agents.len()
            + self.seen.len()
            + self.policies.len()
            + self.permits.len()
            + self.permits_ended.len()
            + self.slots_freed.len()
            + self.edits.len()
    }
}
