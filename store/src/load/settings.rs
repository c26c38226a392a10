//! What people set, and what is learnt: resources, budgets, agents, kinds of task.

use hashbrown::HashMap;
use scheduler::{
    AgentId, AgentRow, BudgetId, BudgetRow, BudgetSpec, BudgetState, KindHistory, PoolId, PutAgent,
    ResourceId, ResourceRow, ResourceSpec, ResourceState, Stored, WorkspaceId,
};
use uuid::Uuid;

use crate::convert::{from_value, from_word, instant, unsigned};
use crate::{Store, StoreError};

/// The weight of one attempt in a kind's means.
const WEIGHT: f64 = 0.2;

impl Store {
    /// The pool's own resources and those of its workspaces, or those of one workspace alone.
    pub(super) async fn load_resources(
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
        .fetch_all(&self.loaders)
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

    pub(super) async fn load_budgets(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"SELECT id, workspace_id, name, scope, unit, "limit", "window", soft_at, window_start, settled, warned
               FROM budget WHERE workspace_id = ANY($1) ORDER BY id"#,
            workspaces,
        )
        .fetch_all(&self.loaders)
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

    pub(super) async fn load_agents(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            "SELECT id, workspace_id, name, capabilities, models, max_concurrency, card, seen_at, status
             FROM agent WHERE workspace_id = ANY($1) ORDER BY id",
            workspaces,
        )
        .fetch_all(&self.loaders)
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

    /// Learns again what each kind of task takes, from the latest attempts of each workspace. Their number is
    /// part of the text, for the plan to count on.
    pub(super) async fn load_kinds(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let rows = sqlx::query!(
            r#"SELECT d.workspace_id, t.kind, a.granted_at AS "granted_at!", a.ended_at AS "ended_at!",
                      coalesce(u.tokens, 0)::double precision AS "tokens!",
                      coalesce(u.cost, 0)::double precision AS "cost!"
               FROM unnest($1::uuid[]) AS w (id)
               CROSS JOIN LATERAL (
                   SELECT workspace_id, id, task_id FROM decision WHERE workspace_id = w.id AND kind = 'dispatch'
                   ORDER BY id DESC LIMIT 500) d
               CROSS JOIN LATERAL (
                   SELECT lease_id, granted_at, ended_at FROM attempt
                   WHERE decision_id = d.id AND outcome = 'completed'
                   UNION ALL
                   SELECT lease_id, granted_at, at FROM task_end e
                   WHERE e.workspace_id = d.workspace_id AND e.task_id = d.task_id AND e.decision_id = d.id
                       AND e.lease_id IS NOT NULL AND e.state = 'done') a
               CROSS JOIN LATERAL (
                   SELECT kind FROM task WHERE workspace_id = d.workspace_id AND id = d.task_id LIMIT 1) t
               LEFT JOIN LATERAL (
                   SELECT sum(input_tokens + output_tokens) AS tokens, sum(cost_microusd) AS cost FROM usage_report u
                   WHERE u.lease_id = a.lease_id AND u.workspace_id = d.workspace_id) u ON true
               ORDER BY a.ended_at"#,
            workspaces,
        )
        .fetch_all(&self.loaders)
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
}
