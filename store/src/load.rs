//! What a conductor is made from.
//!
//! Rows are handed over one by one as they arrive, so that a million open tasks never stand in
//! memory twice. Workspaces come first, and tasks before leases. Whoever loads a pool has taken it
//! first, so nobody else writes what is read here.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use scheduler::{
    AgentId, AgentRow, Boost, BudgetId, BudgetRow, BudgetSpec, BudgetState, DecisionId,
    KindHistory, LeaseId, Needs, OpenLease, OpenTask, PermitId, PermitRow, PoolId, PutAgent,
    ResourceId, ResourceRow, ResourceSpec, ResourceState, Stored, TaskFact, TaskId, TaskState,
    WorkspaceId,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, from_json, from_value, from_word, instant, unsigned};
use crate::{Store, StoreError};

/// Tasks held until the needs among them are read.
const CHUNK: usize = 5_000;
/// The weight of one attempt in a kind's means.
const WEIGHT: f64 = 0.2;

impl Store {
    /// Reads everything of a pool.
    pub async fn load(&self, pool: PoolId, mut take: impl FnMut(Stored)) -> Result<(), StoreError> {
        let workspaces = self.load_workspaces(pool, None, &mut take).await?;
        self.load_resources(pool, None, &mut take).await?;
        self.load_rows(&workspaces, &mut take).await
    }

    /// Reads one workspace of a pool that is loaded already; false when the pool has no such.
    pub async fn load_workspace(
        &self,
        pool: PoolId,
        workspace: WorkspaceId,
        mut take: impl FnMut(Stored),
    ) -> Result<bool, StoreError> {
        let workspaces = self
            .load_workspaces(pool, Some(workspace.0), &mut take)
            .await?;
        if workspaces.is_empty() {
            return Ok(false);
        }
        self.load_resources(pool, Some(workspace.0), &mut take)
            .await?;
        self.load_rows(&workspaces, &mut take).await?;
        Ok(true)
    }

    /// Reads what people set in a pool, and its agents, but no work: workspaces, resources, budgets,
    /// agents.
    pub async fn load_settings(
        &self,
        pool: PoolId,
        mut take: impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let workspaces = self.load_workspaces(pool, None, &mut take).await?;
        self.load_resources(pool, None, &mut take).await?;
        self.load_budgets(&workspaces, &mut take).await?;
        self.load_agents(&workspaces, &mut take).await
    }

    async fn load_rows(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        self.load_budgets(workspaces, take).await?;
        self.load_agents(workspaces, take).await?;
        self.load_kinds(workspaces, take).await?;
        let mut known = Known::default();
        for workspace in workspaces {
            self.load_tasks(*workspace, &mut known, take).await?;
        }
        self.load_leases(workspaces, take).await?;
        self.load_permits(workspaces, take).await
    }

    async fn load_workspaces(
        &self,
        pool: PoolId,
        only: Option<Uuid>,
        take: &mut impl FnMut(Stored),
    ) -> Result<Vec<Uuid>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT w.id, p.version, p.policy FROM workspace w
               CROSS JOIN LATERAL (SELECT version, policy FROM policy p WHERE p.workspace_id = w.id
                                   ORDER BY version DESC LIMIT 1) p
               WHERE w.pool_id = $1 AND ($2::uuid IS NULL OR w.id = $2) ORDER BY w.id"#,
            pool.0,
            only,
        )
        .fetch_all(&self.readers)
        .await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(row.id);
            take(Stored::Workspace {
                id: WorkspaceId(row.id),
                policy: from_value("policy", row.policy)?,
                policy_version: unsigned("policy's version", row.version)?,
            });
        }
        Ok(ids)
    }

    /// The pool's own resources and those of its workspaces, or those of one workspace alone.
    async fn load_resources(
        &self,
        pool: PoolId,
        only: Option<Uuid>,
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            "SELECT id, workspace_id, name, kind, adaptive, full_at_ns, closed_until, closed_because, believed, refusals
             FROM resource WHERE pool_id = $1 AND ($2::uuid IS NULL OR workspace_id = $2) ORDER BY id",
            pool.0,
            only,
        )
        .fetch_all(&self.readers)
        .await?;
        for row in rows {
            take(Stored::Resource(ResourceRow {
                spec: ResourceSpec {
                    id: ResourceId(row.id),
                    workspace: row.workspace_id.map(WorkspaceId),
                    name: row.name,
                    kind: from_value("resource's kind", row.kind)?,
                    adaptive: row
                        .adaptive
                        .map(|value| from_value("resource's range", value))
                        .transpose()?,
                },
                state: ResourceState {
                    full_at_ns: row.full_at_ns,
                    closed_until: instant(row.closed_until),
                    closed_because: row
                        .closed_because
                        .map(|word| from_word("reason a resource is closed", &word))
                        .transpose()?,
                    believed: row.believed,
                    refusals: unsigned("count of refusals", row.refusals)?,
                },
            }));
        }
        Ok(())
    }

    async fn load_budgets(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"SELECT id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned
               FROM budget WHERE workspace_id = ANY($1) ORDER BY id"#,
            workspaces,
        )
        .fetch_all(&self.readers)
        .await?;
        for row in rows {
            take(Stored::Budget(BudgetRow {
                spec: BudgetSpec {
                    id: BudgetId(row.id),
                    workspace: WorkspaceId(row.workspace_id),
                    name: row.name,
                    scope: from_value("budget's scope", row.scope)?,
                    unit: from_word("budget's unit", &row.unit)?,
                    limit: unsigned("budget's limit", row.limit)?,
                    window: from_word("budget's window", &row.window)?,
                    soft_at: row.soft_at,
                },
                state: BudgetState {
                    window_start: row.window_start.into(),
                    settled: unsigned("budget's settled sum", row.settled)?,
                    warned: row.warned,
                },
            }));
        }
        Ok(())
    }

    async fn load_agents(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            "SELECT id, workspace_id, name, capabilities, models, max_concurrency, card, seen_at, status
             FROM agent WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch_all(&self.readers)
        .await?;
        for row in rows {
            take(Stored::Agent(AgentRow {
                workspace: WorkspaceId(row.workspace_id),
                card: PutAgent {
                    id: AgentId(row.id),
                    name: row.name,
                    capabilities: row.capabilities,
                    models: row.models,
                    max_concurrency: row.max_concurrency.map(i32::cast_unsigned),
                    card: row.card,
                },
                seen_at: instant(row.seen_at),
                status: from_word("agent's status", &row.status)?,
            }));
        }
        Ok(())
    }

    /// Learns again what each kind of task takes, from the latest attempts there are. Their number is
    /// part of the text, for the plan to count on.
    async fn load_kinds(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"SELECT a.workspace_id, t.kind, a.granted_at, a.ended_at,
                      coalesce(u.tokens, 0)::double precision AS "tokens!",
                      coalesce(u.cost, 0)::double precision AS "cost!"
               FROM (SELECT * FROM attempt ORDER BY decision_id DESC LIMIT 2000) a
               JOIN task t ON t.workspace_id = a.workspace_id AND t.id = a.task_id
               LEFT JOIN LATERAL (
                   SELECT sum(input_tokens + output_tokens) AS tokens, sum(cost_microusd) AS cost FROM usage_report u
                   WHERE u.lease_id = a.lease_id AND u.workspace_id = a.workspace_id) u ON true
               WHERE a.workspace_id = ANY($1) AND a.outcome = 'completed'
               ORDER BY a.ended_at"#,
            workspaces,
        )
        .fetch_all(&self.readers)
        .await?;
        let mut kinds: HashMap<(Uuid, String), KindHistory> = HashMap::new();
        for row in rows {
            let duration_ms = (row.ended_at - row.granted_at).as_seconds_f64() * 1e3;
            kinds
                .entry((row.workspace_id, row.kind.clone()))
                .and_modify(|known| {
                    let towards = |mean: &mut f64, value: f64| *mean += WEIGHT * (value - *mean);
                    known.attempts += 1;
                    towards(&mut known.duration_ms, duration_ms);
                    towards(&mut known.tokens, row.tokens);
                    towards(&mut known.cost_microusd, row.cost);
                })
                .or_insert_with(|| KindHistory {
                    workspace: WorkspaceId(row.workspace_id),
                    kind: row.kind,
                    attempts: 1,
                    duration_ms,
                    tokens: row.tokens,
                    cost_microusd: row.cost,
                });
        }
        for kind in kinds.into_values() {
            take(Stored::Kind(kind));
        }
        Ok(())
    }

    /// Tasks arrive as a stream and are handed on in chunks, between which the needs not seen before
    /// are read over a second connection.
    async fn load_tasks(
        &self,
        workspace: Uuid,
        known: &mut Known,
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        known.children = self.children_of_open(workspace).await?;
        known.waits_for = self.waits_of_open(workspace).await?;
        let mut rows = sqlx::query_as!(
            OpenTaskRow,
            "SELECT workspace_id, task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta, attempts,
                 epoch, backing_off, state, priority, ancestors
             FROM open_task WHERE workspace_id = $1 ORDER BY task_id",
            workspace,
        )
        .fetch(&self.readers);
        let mut chunk = Vec::new();
        while let Some(row) = rows.try_next().await? {
            chunk.push(row);
            if chunk.len() == CHUNK {
                self.hand_over(&mut chunk, known, take).await?;
            }
        }
        self.hand_over(&mut chunk, known, take).await
    }

    async fn hand_over(
        &self,
        chunk: &mut Vec<OpenTaskRow>,
        known: &mut Known,
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        self.read_needs(known, chunk.iter().map(|row| row.needs_id))
            .await?;
        for row in chunk.drain(..) {
            take(Stored::Task(Box::new(known.open_task(row)?)));
        }
        Ok(())
    }

    /// How many tasks have been split from each open task, finished or not.
    async fn children_of_open(&self, workspace: Uuid) -> Result<HashMap<Uuid, u32>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT c.parent_id AS "parent_id!", count(*) AS "children!" FROM task c
               WHERE c.workspace_id = $1 AND c.parent_id IS NOT NULL AND EXISTS (
                   SELECT FROM open_task o WHERE o.workspace_id = $1 AND o.task_id = c.parent_id)
               GROUP BY c.parent_id"#,
            workspace,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| Ok((row.parent_id, unsigned("count of children", row.children)?)))
            .collect()
    }

    /// The dependencies of each open task that are not done.
    async fn waits_of_open(
        &self,
        workspace: Uuid,
    ) -> Result<HashMap<Uuid, Vec<TaskId>>, StoreError> {
        let mut rows = sqlx::query!(
            "SELECT d.task_id, d.depends_on FROM task_dependency d
             JOIN open_task o ON o.workspace_id = $1 AND o.task_id = d.task_id
             LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = d.depends_on
             WHERE d.workspace_id = $1 AND e.state IS DISTINCT FROM 'done'
             ORDER BY d.task_id, d.depends_on",
            workspace,
        )
        .fetch(&self.readers);
        let mut waits: HashMap<Uuid, Vec<TaskId>> = HashMap::new();
        while let Some(row) = rows.try_next().await? {
            waits
                .entry(row.task_id)
                .or_default()
                .push(TaskId(row.depends_on));
        }
        Ok(waits)
    }

    async fn read_needs(
        &self,
        known: &mut Known,
        ids: impl Iterator<Item = Uuid>,
    ) -> Result<(), StoreError> {
        let missing: Vec<Uuid> = ids
            .filter(|id| !known.needs.contains_key(id))
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!("SELECT id, needs FROM needs WHERE id = ANY($1)", &missing)
            .fetch_all(&self.readers)
            .await?;
        for row in rows {
            known
                .needs
                .insert(row.id, from_json("task's needs", &row.needs)?);
        }
        Ok(())
    }

    async fn load_leases(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let mut rows = sqlx::query!(
            "SELECT id, task_id, workspace_id, agent_id, epoch, granted_at, expires_at, grants, reservations, decision_id
             FROM lease WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch(&self.readers);
        while let Some(row) = rows.try_next().await? {
            take(Stored::Lease(OpenLease {
                id: LeaseId(row.id),
                task: TaskId(row.task_id),
                workspace: WorkspaceId(row.workspace_id),
                agent: AgentId(row.agent_id),
                epoch: unsigned("lease's epoch", row.epoch)?,
                granted_at: row.granted_at.into(),
                expires_at: row.expires_at.into(),
                grants: from_json("lease's grants", &row.grants)?,
                reservations: from_json("lease's reservations", &row.reservations)?,
                decision: DecisionId(row.decision_id),
            }));
        }
        Ok(())
    }

    async fn load_permits(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            "SELECT id, workspace_id, agent_id, granted_at, expires_at, grants
             FROM permit WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch_all(&self.readers)
        .await?;
        for row in rows {
            take(Stored::Permit(PermitRow {
                id: PermitId(row.id),
                workspace: WorkspaceId(row.workspace_id),
                agent: AgentId(row.agent_id),
                granted_at: row.granted_at.into(),
                expires_at: row.expires_at.into(),
                grants: from_json("permit's grants", &row.grants)?,
            }));
        }
        Ok(())
    }

    /// What is known of tasks that a conductor does not hold, in no order. Identifiers that the
    /// workspace does not have are left out.
    pub async fn task_facts(
        &self,
        workspace: WorkspaceId,
        tasks: &[TaskId],
    ) -> Result<Vec<TaskFact>, StoreError> {
        let ids: Vec<Uuid> = tasks.iter().map(|task| task.0).collect();
        let rows = sqlx::query!(
            r#"SELECT t.id, s.state AS "state!", t.created_at, t.due_at, t.priority, n.needs,
                   coalesce(e.attempts, 0) AS "attempts!",
                   (SELECT count(*) FROM task c WHERE c.workspace_id = $1 AND c.parent_id = t.id) AS "children!",
                   (SELECT coalesce(max(a.epoch), 0) FROM decision d JOIN attempt a ON a.decision_id = d.id
                    WHERE d.task_id = t.id AND d.workspace_id = $1) AS "epoch!",
                   ARRAY(SELECT d.depends_on FROM task_dependency d
                         LEFT JOIN task_end de ON de.workspace_id = $1 AND de.task_id = d.depends_on
                         WHERE d.workspace_id = $1 AND d.task_id = t.id AND de.state IS DISTINCT FROM 'done')
                       AS "waits_for!",
                   ARRAY(WITH RECURSIVE up (id, parent_id, level) AS (
                             SELECT t.id, t.parent_id, 0
                             UNION ALL
                             SELECT p.id, p.parent_id, up.level + 1 FROM up
                             JOIN task p ON p.workspace_id = $1 AND p.id = up.parent_id)
                         SELECT id FROM up WHERE level > 0 ORDER BY level) AS "ancestors!: Vec<Uuid>"
               FROM task t
               JOIN needs n ON n.id = t.needs_id
               JOIN task_state s ON s.workspace_id = $1 AND s.task_id = t.id
               LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = t.id
               WHERE t.workspace_id = $1 AND t.id = ANY($2)"#,
            workspace.0,
            &ids,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let state: TaskState = from_word("task's state", &row.state)?;
                let children = unsigned("count of children", row.children)?;
                let ancestors: Vec<TaskId> = row.ancestors.into_iter().map(TaskId).collect();
                let reopen = OpenTask {
                    id: TaskId(row.id),
                    workspace,
                    state,
                    needs: from_json("task's needs", &row.needs)?,
                    priority: from_word("task's priority", &row.priority)?,
                    created_at: row.created_at.into(),
                    due_at: instant(row.due_at),
                    not_before: None,
                    backing_off: false,
                    ancestors: ancestors.clone(),
                    children,
                    waits_for: row.waits_for.into_iter().map(TaskId).collect(),
                    attempts: unsigned("count of attempts", row.attempts)?,
                    epoch: unsigned("lease's epoch", row.epoch)?,
                    boost: None,
                };
                let over = matches!(state, TaskState::Failed | TaskState::Cancelled);
                Ok(TaskFact {
                    id: reopen.id,
                    workspace,
                    state,
                    ancestors,
                    children,
                    reopen: over.then(|| Box::new(reopen)),
                })
            })
            .collect()
    }
}

/// What tasks share or what is found from other tables, read before them.
#[derive(Default)]
struct Known {
    /// Needs by their identifier: few, whatever the number of tasks.
    needs: HashMap<Uuid, Needs>,
    children: HashMap<Uuid, u32>,
    waits_for: HashMap<Uuid, Vec<TaskId>>,
}

/// An open task as it is stored.
struct OpenTaskRow {
    workspace_id: Uuid,
    task_id: Uuid,
    needs_id: Uuid,
    created_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    not_before: Option<OffsetDateTime>,
    boost_until: Option<OffsetDateTime>,
    boost_delta: Option<i32>,
    attempts: i32,
    epoch: i64,
    backing_off: bool,
    state: String,
    priority: String,
    ancestors: Vec<Uuid>,
}

impl Known {
    fn open_task(&mut self, row: OpenTaskRow) -> Result<OpenTask, StoreError> {
        let needs = self
            .needs
            .get(&row.needs_id)
            .cloned()
            .ok_or_else(|| corrupt("task's needs", &"there is no such text"))?;
        let boost = instant(row.boost_until).map(|expires_at| Boost {
            score_delta: row.boost_delta,
            expires_at,
        });
        Ok(OpenTask {
            id: TaskId(row.task_id),
            workspace: WorkspaceId(row.workspace_id),
            state: from_word("task's state", &row.state)?,
            needs,
            priority: from_word("task's priority", &row.priority)?,
            created_at: row.created_at.into(),
            due_at: instant(row.due_at),
            not_before: instant(row.not_before),
            backing_off: row.backing_off,
            ancestors: row.ancestors.into_iter().map(TaskId).collect(),
            children: self.children.get(&row.task_id).copied().unwrap_or_default(),
            waits_for: self.waits_for.remove(&row.task_id).unwrap_or_default(),
            attempts: unsigned("count of attempts", row.attempts)?,
            epoch: unsigned("lease's epoch", row.epoch)?,
            boost,
        })
    }
}
