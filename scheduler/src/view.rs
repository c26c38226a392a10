//! What can be read from a conductor's memory without changing it.

use serde::{Deserialize, Serialize};

use crate::{
    Actor, AgentId, AgentStatus, BudgetRow, CloseReason, Code, Eta, Explanation, Factor, Holder,
    Request, ResourceSpec, TaskId, Tier, Time, WhatIf, WorkspaceId,
};

/// A question to a conductor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "query", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names what it asks for")]
pub enum Query {
    /// Why a task is where it is; `None` for tasks the conductor does not hold.
    Explain {
        task: TaskId,
    },
    /// A task's score with its factors.
    Score {
        task: TaskId,
    },
    Resources,
    Budgets,
    Agents,
    /// What only a person can move on.
    Needed,
    /// Tasks of one lane, by its name, in order, at most so many.
    Lane {
        lane: String,
        limit: u32,
    },
    /// Tasks that wait at a resource, the next first, at most so many.
    Waitlist {
        resource: String,
        limit: u32,
    },
    /// Counts for the overview.
    Summary,
    /// What would follow from changes that are not made.
    WhatIf {
        actor: Actor,
        changes: Vec<Request>,
    },
}

/// An answer to a [`Query`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names what was asked")]
pub enum View {
    Explanation {
        explanation: Option<Box<Explanation>>,
    },
    Score {
        score: Option<Score>,
    },
    Resources {
        resources: Vec<ResourceView>,
    },
    Budgets {
        budgets: Vec<BudgetView>,
    },
    Agents {
        agents: Vec<AgentView>,
    },
    Needed {
        needed: Vec<Needed>,
    },
    Lane {
        tasks: Vec<TaskId>,
    },
    Waitlist {
        waiting: Vec<Waiting>,
    },
    Summary {
        summary: Box<Summary>,
    },
    WhatIf {
        answer: WhatIf,
    },
}

/// A score and what made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Score {
    /// 0 to 1000, before class, age and boost.
    pub score: i32,
    /// The key it is ordered by; higher goes first.
    pub rank: i64,
    /// What made both.
    pub factors: Vec<Factor>,
    /// Where the score is from.
    pub source: ScoreSource,
}

/// Where a score is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ScoreSource {
    /// The formula of `score`, from what is known of the task.
    Heuristic,
}

/// A resource now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceView {
    /// What people set.
    pub spec: ResourceSpec,
    /// Capacity or slots, as believed now.
    pub limit: f64,
    /// The share of its slots or refill that is believed now, 1 unless adaptive.
    pub believed: f64,
    /// Tokens or slots free now; negative for a bucket that was overdrawn.
    pub available: f64,
    /// Slots held, or 0 for a bucket.
    pub in_use: u32,
    /// Who holds slots, at most fifty.
    pub holders: Vec<Holder>,
    /// Lanes that wait for it.
    pub waiting_lanes: u32,
    /// Tasks that wait for it.
    pub waiting_tasks: u32,
    /// When a bucket is full again, if it is not.
    pub refills_at: Option<Time>,
    /// Closed until then.
    pub closed_until: Option<Time>,
    /// Why it is closed.
    pub closed_because: Option<CloseReason>,
    /// The lane it saves up for, by name.
    pub reserved_for: Option<String>,
}

/// A budget now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetView {
    /// Both stored halves.
    pub row: BudgetRow,
    /// Reserved by live leases.
    pub reserved: u64,
    /// When the window turns, if it does.
    pub resets_at: Option<Time>,
}

/// An agent now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct AgentView {
    pub id: AgentId,
    pub name: String,
    pub health: Health,
    pub status: AgentStatus,
    pub running: u32,
    pub seen_at: Option<Time>,
    /// Whether a claim of its waits right now.
    pub waiting: bool,
}

/// How recently an agent was heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Health {
    /// Within the last minute, or of one that holds a live lease within the last five.
    Online,
    /// Within the last five minutes, or longer ago of one that holds a live lease.
    Late,
    /// Longer ago, or never.
    Offline,
}

/// Tasks of a lane that only a person can move on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Needed {
    /// One of them, and the head where they queue.
    pub task: TaskId,
    /// Their lane, by name.
    pub lane: String,
    /// What they wait for, and how many do.
    pub wait: crate::Wait,
}

/// A task that waits at a resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// The task.
    pub task: TaskId,
    /// Its lane, by name.
    pub lane: String,
    /// What it takes of the resource.
    pub amount: u32,
    /// When the resource is expected to let it through, if what waits before it goes first.
    pub eta: Option<Eta>,
}

/// Counts for the overview, of one workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Tasks by where they are.
    pub backlog: u32,
    /// Waiting, for whatever reason.
    pub pending: u32,
    /// Leased.
    pub in_progress: u32,
    /// Waiting for a look.
    pub in_review: u32,
    /// The waiting by worst blocker; adds up to `pending`.
    pub pending_by_code: Vec<(Code, u32)>,
    /// The waiting by tier; adds up to `pending`.
    pub pending_by_tier: Vec<(Tier, u32)>,
    /// Agents online, and all.
    pub agents_online: u32,
    /// Agents known.
    pub agents: u32,
    /// The workspace's policy version.
    pub policy_version: u32,
}

/// Counts of a whole pool, for metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PoolCounts {
    pub workspaces: usize,
    pub open_tasks: usize,
    pub live_leases: usize,
    pub waiting_claims: usize,
    pub lanes: usize,
}

/// What is asked of which workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// The reader's workspace.
    pub workspace: WorkspaceId,
    /// What.
    pub query: Query,
}
