//! Rows to store, made as a conductor makes them.

#![allow(
    dead_code,
    clippy::wildcard_imports,
    reason = "each test binary uses its part of the rows, which are of nearly every type of the core"
)]

use scheduler::*;
use store::workspaces::Workspace;
use store::{Batch, Fence, Store};
use uuid::Uuid;

/// An hour of a Friday, the start of every test.
pub const START: Time = Time::from_millis(1_800_000_000_000);
pub const SECOND: Span = Span::from_secs(1);

/// An identifier whose time is `START` plus `n` milliseconds.
pub fn id(n: u64) -> Uuid {
    let ms = u128::from(START.as_millis() as u64 + n / 1_000);
    Uuid::from_u128(ms << 80 | 0x7 << 76 | 0b10 << 62 | u128::from(n))
}

pub fn at(n: u64) -> Time {
    START + Span(n as i64 * 1_000)
}

/// A database with one workspace in a pool that is held.
pub struct Scene {
    pub store: Store,
    pub fence: Fence,
    pub pool: PoolId,
    pub workspace: WorkspaceId,
}

impl Scene {
    pub async fn set(store: Store) -> Self {
        let pool = store.pool_named("main").await.unwrap();
        store.ensure_partitions(START).await.unwrap();
        let workspace = add_workspace(&store, pool, "acme", 1).await;
        let held = store
            .try_take(pool, id(7), "http://one", Span::from_secs(3_600))
            .await
            .unwrap()
            .unwrap();
        Self {
            store,
            fence: held.fence,
            pool,
            workspace,
        }
    }

    pub async fn flush(&self, records: Records) -> store::Flushed {
        self.store
            .flush(
                &self.fence,
                &Batch {
                    records,
                    ..Batch::default()
                },
            )
            .await
            .unwrap()
    }

    /// Everything a conductor would be loaded with, as text that compares.
    pub async fn loaded(&self) -> Vec<String> {
        let mut facts = Vec::new();
        self.store
            .load(self.pool, |fact| facts.push(format!("{fact:?}")))
            .await
            .unwrap();
        facts
    }
}

pub async fn add_workspace(store: &Store, pool: PoolId, slug: &str, n: u64) -> WorkspaceId {
    let workspace = Workspace {
        id: WorkspaceId(id(n)),
        pool,
        slug: slug.to_owned(),
        name: slug.to_owned(),
        goal: "ship".to_owned(),
        created_at: START,
    };
    store
        .create_workspace(&workspace, &Policy::default())
        .await
        .unwrap();
    workspace.id
}

pub fn needs(kind: &str) -> Needs {
    Needs {
        kind: kind.to_owned(),
        capabilities: vec!["research".to_owned()],
        requires: vec![Requirement {
            resource: "search".to_owned(),
            amount: 1,
        }],
        max_attempts: 3,
        lease_ms: 60_000,
        ..Needs::default()
    }
}

pub fn task(workspace: WorkspaceId, n: u64, needs: Needs) -> CreatedTask {
    let open = OpenTask {
        id: TaskId(id(n)),
        workspace,
        state: TaskState::Pending,
        needs: needs.clone().into(),
        priority: Priority::Medium,
        created_at: at(n),
        due_at: None,
        not_before: None,
        backing_off: false,
        ancestors: Vec::new(),
        children: 0,
        waits_for: Vec::new(),
        attempts: 0,
        epoch: 0,
        boost: None,
    };
    let task = NewTask {
        id: open.id,
        title: format!("Compare prices {n}"),
        description: "In three shops.".to_owned(),
        payload: None,
        reference: None,
        needs,
        priority: Priority::Medium,
        due_at: None,
        not_before: None,
        depends_on: Vec::new(),
        parent: None,
    };
    CreatedTask {
        task,
        open,
        score: 500,
        actor: Actor::Scheduler,
    }
}

pub fn lease(task: &OpenTask, n: u64, agent: AgentId) -> OpenLease {
    OpenLease {
        id: LeaseId(id(n)),
        task: task.id,
        workspace: task.workspace,
        agent,
        epoch: task.epoch + 1,
        granted_at: at(n),
        expires_at: at(n) + Span::from_secs(60),
        grants: vec![Grant {
            resource: ResourceId(id(50)),
            name: "search".to_owned(),
            amount: 1,
            slots: Vec::new(),
        }],
        reservations: vec![Reservation {
            budget: BudgetId(id(60)),
            left: 2_000,
            used: 0,
        }],
        decision: DecisionId(id(n + 1)),
    }
}

pub fn attempt(lease: &OpenLease, outcome: AttemptOutcome, state: TaskState, n: u64) -> Attempt {
    Attempt {
        lease: lease.id,
        task: lease.task,
        workspace: lease.workspace,
        agent: lease.agent,
        epoch: lease.epoch,
        outcome,
        state,
        granted_at: lease.granted_at,
        ended_at: at(n),
        decision: lease.decision,
        error: None,
    }
}

/// The numbered slots of what is over.
pub fn freed(grants: &[Grant], holder: Uuid) -> Vec<FreedSlot> {
    let slots = |grant: &Grant| (grant.resource, grant.slots.clone());
    grants
        .iter()
        .map(slots)
        .flat_map(|(resource, slots)| {
            slots.into_iter().map(move |slot| FreedSlot {
                resource,
                slot,
                holder,
            })
        })
        .collect()
}

pub fn end(task: &OpenTask, state: TaskState, n: u64) -> EndedTask {
    EndedTask {
        id: task.id,
        workspace: task.workspace,
        state,
        at: at(n),
        attempts: 1,
        decision: None,
        output: None,
        error: None,
        kept: false,
    }
}

/// The decision that gave a lease, about 350 bytes of facts.
pub fn dispatch(lease: &OpenLease) -> Decision {
    let facts = DispatchFacts {
        lease: lease.id,
        epoch: lease.epoch,
        attempt: 1,
        agent: "scout".to_owned(),
        lane: LaneFacts {
            id: "a1b2c3d4".to_owned(),
            class: Class::Ordinary,
            capabilities: vec!["research".to_owned()],
            requires: Vec::new(),
            agent: None,
            model: None,
            waiting: 12,
        },
        rank: 2_500_000,
        factors: vec![Factor {
            name: FactorName::StatedPriority,
            value: 1.0,
            weight: 120.0,
            effect: 120.0,
        }],
        waited_ms: 1_200,
        resources: vec![ResourceFact {
            name: "search".to_owned(),
            kind: ResourceFactKind::Bucket,
            limit: 100.0,
            available: 40.0,
            taken: 1,
            refill_per_s: Some(10.0),
        }],
        budgets: Vec::new(),
        considered: Vec::new(),
    };
    Decision {
        id: lease.decision,
        workspace: lease.workspace,
        at: lease.granted_at,
        task: Some(lease.task),
        agent: Some(lease.agent),
        resource: None,
        actor: Actor::Scheduler,
        policy_version: 1,
        facts: Facts::Dispatch(Box::new(facts)),
    }
}

pub fn resource(pool_wide: bool, workspace: WorkspaceId, n: u64, name: &str) -> ResourceRow {
    ResourceRow {
        spec: ResourceSpec {
            id: ResourceId(id(n)),
            workspace: (!pool_wide).then_some(workspace),
            name: name.to_owned(),
            kind: ResourceKind::Bucket {
                capacity: 100,
                refill_per_s: 10.0,
            },
            adaptive: Some(Adaptive {
                min: 1.0,
                max: 10.0,
            }),
        },
        state: ResourceState {
            full_at_ns: 1_800_000_000_000_000_000,
            closed_until: Some(at(9)),
            closed_because: Some(CloseReason::Provider),
            believed: 0.5,
            refusals: 2,
        },
    }
}

pub fn budget(workspace: WorkspaceId, n: u64, scope: BudgetScope) -> BudgetRow {
    BudgetRow {
        spec: BudgetSpec {
            id: BudgetId(id(n)),
            workspace,
            name: format!("budget {n}"),
            scope,
            unit: Unit::Microusd,
            limit: 5_000_000,
            window: Window::FiveHours,
            soft_at: 0.8,
        },
        state: BudgetState {
            window_start: START,
            settled: 1_000,
            warned: true,
        },
    }
}

pub fn agent(workspace: WorkspaceId, n: u64, name: &str) -> AgentRow {
    AgentRow {
        workspace,
        card: PutAgent {
            id: AgentId(id(n)),
            name: name.to_owned(),
            capabilities: vec!["research".to_owned()],
            models: vec!["small".to_owned()],
            max_concurrency: Some(4),
            card: serde_json::json!({"offers": []}),
        },
        seen_at: Some(START),
        status: AgentStatus::Idle,
    }
}

pub fn usage(lease: &OpenLease, n: u64, model: &str, cost_microusd: u64) -> UsageRow {
    UsageRow {
        workspace: lease.workspace,
        at: at(n),
        task: lease.task,
        lease: lease.id,
        agent: lease.agent,
        kind: "general".to_owned(),
        model: Some(model.to_owned()),
        input_tokens: 900,
        output_tokens: 120,
        cost_microusd,
    }
}
