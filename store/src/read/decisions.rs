//! Decisions, and what came of them.

use scheduler::{
    Actor, AgentId, AttemptOutcome, Decision, DecisionId, DecisionKind, ResourceId, TaskId,
    TaskState, Time, WorkspaceId,
};
use uuid::Uuid;

use super::{Listed, Page};
use crate::convert::{from_value, from_word, instant, unsigned};
use crate::flush::facts;
use crate::{Store, StoreError};

/// What a list of decisions is narrowed by; all must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct DecisionFilter {
    pub kind: Option<DecisionKind>,
    pub task: Option<TaskId>,
    pub agent: Option<AgentId>,
    pub resource: Option<ResourceId>,
    /// Made then or later.
    pub from: Option<Time>,
    /// Made before then.
    pub to: Option<Time>,
}

/// A decision with what is known of it since.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionListed {
    /// As it was recorded.
    pub decision: Decision,
    /// How often the same verdict was met again.
    pub repeats: u64,
    /// What came of a dispatch, once its lease has ended.
    pub outcome: Option<Outcome>,
}

/// What came of a dispatch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the attempt ended.
    pub outcome: AttemptOutcome,
    /// When.
    pub at: Time,
    /// The task's state after.
    pub state: TaskState,
    /// The agent's last word, when it was an error.
    pub error: Option<String>,
}

/// The filter as parameters: a half-open range of identifiers, which begin with their time.
struct Narrow {
    from: Uuid,
    below: Uuid,
    kind: Option<&'static str>,
    task: Option<Uuid>,
    agent: Option<Uuid>,
    resource: Option<Uuid>,
}

/// Decisions looked at for one page of those that fit: an agent that decided little lately costs no
/// more than another, and its next page goes on where the look ended.
const LOOKED_AT: i64 = 10_000;

/// A decision that fits, or the last that was looked at when there are more.
struct Walked {
    id: Uuid,
    fits: bool,
}

/// What is shown, and where the next page begins.
fn cut(walked: &[Walked], page: Page) -> (Vec<Uuid>, Option<Uuid>) {
    let end = walked.iter().find(|one| !one.fits).map(|one| one.id);
    let fitting = walked.iter().filter(|one| one.fits).map(|one| one.id);
    let (ids, next) = page.cut(fitting.collect());
    (ids, next.or(end))
}

/// The smallest identifier of an instant.
pub(crate) fn first_id_at(at: Time) -> Uuid {
    Uuid::from_u128(u128::from(at.as_millis().max(0).cast_unsigned()) << 80)
}

impl Store {
    /// A workspace's decisions, newest first. A page of those that are rare may be short, and still go on.
    pub async fn decisions(
        &self,
        workspace: WorkspaceId,
        filter: &DecisionFilter,
        page: Page,
    ) -> Result<Listed<DecisionListed>, StoreError> {
        let narrow = Narrow {
            from: filter.from.map_or(Uuid::nil(), first_id_at),
            below: filter
                .to
                .map_or(page.below(), |to| first_id_at(to).min(page.below())),
            kind: filter.kind.map(DecisionKind::as_str),
            task: filter.task.map(|id| id.0),
            agent: filter.agent.map(|id| id.0),
            resource: filter.resource.map(|id| id.0),
        };
        let rare = filter
            .kind
            .is_some_and(|kind| kind != DecisionKind::Dispatch);
        let (ids, next) = if let Some(task) = narrow.task {
            let ids = self.decisions_of_task(workspace, task, &narrow, page);
            page.cut(ids.await?)
        } else {
            let walked = if let Some(resource) = narrow.resource {
                self.decisions_of_resource(workspace, resource, &narrow, page)
                    .await?
            } else if let Some(kind) = narrow.kind.filter(|_| rare) {
                self.decisions_of_kind(workspace, kind, &narrow, page)
                    .await?
            } else {
                self.any_decisions(workspace, &narrow, page).await?
            };
            cut(&walked, page)
        };
        Ok(Listed {
            items: self.decisions_by_id(workspace, &ids).await?,
            next,
        })
    }

    async fn any_decisions(
        &self,
        workspace: WorkspaceId,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Walked>, StoreError> {
        let walks = narrow.kind.is_some() || narrow.agent.is_some();
        Ok(sqlx::query_as!(
            Walked,
            r#"(SELECT id AS "id!", true AS "fits!" FROM (
                    SELECT id, kind, agent_id FROM decision WHERE workspace_id = $1 AND id >= $2 AND id < $3
                    ORDER BY id DESC LIMIT $7) walked
                WHERE ($5::text IS NULL OR kind = $5) AND ($6::uuid IS NULL OR agent_id = $6)
                ORDER BY id DESC LIMIT $4)
               UNION ALL (SELECT id, false FROM decision WHERE workspace_id = $1 AND id >= $2 AND id < $3
                          ORDER BY id DESC OFFSET $7 - 1 LIMIT 1)
               LIMIT $4"#,
            workspace.0,
            narrow.from,
            narrow.below,
            page.rows(),
            narrow.kind,
            narrow.agent,
            if walks { LOOKED_AT } else { page.rows() },
        )
        .fetch_all(&self.readers)
        .await?)
    }

    async fn decisions_of_task(
        &self,
        workspace: WorkspaceId,
        task: Uuid,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            r#"SELECT d.id AS "id!" FROM (
                 SELECT id FROM decision WHERE task_id = $5 AND kind <> 'dispatch'
                 UNION ALL SELECT decision_id FROM ended_attempt WHERE workspace_id = $1 AND task_id = $5
                 UNION ALL SELECT decision_id FROM lease WHERE task_id = $5) about
             JOIN decision d ON d.workspace_id = $1 AND d.id = about.id
             WHERE d.id >= $2 AND d.id < $3
                 AND ($6::text IS NULL OR d.kind = $6) AND ($7::uuid IS NULL OR d.agent_id = $7)
                 AND ($8::uuid IS NULL OR d.resource_id = $8)
             ORDER BY d.id DESC LIMIT $4"#,
            workspace.0,
            narrow.from,
            narrow.below,
            page.rows(),
            task,
            narrow.kind,
            narrow.agent,
            narrow.resource,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    async fn decisions_of_resource(
        &self,
        workspace: WorkspaceId,
        resource: Uuid,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Walked>, StoreError> {
        Ok(sqlx::query_as!(
            Walked,
            r#"(SELECT id AS "id!", true AS "fits!" FROM (
                    SELECT id, workspace_id, kind, agent_id FROM decision
                    WHERE resource_id = $5 AND id >= $2 AND id < $3
                    ORDER BY resource_id DESC, id DESC LIMIT $8) walked
                WHERE workspace_id = $1 AND ($6::text IS NULL OR kind = $6) AND ($7::uuid IS NULL OR agent_id = $7)
                ORDER BY id DESC LIMIT $4)
               UNION ALL (SELECT id, false FROM decision WHERE resource_id = $5 AND id >= $2 AND id < $3
                          ORDER BY resource_id DESC, id DESC OFFSET $8 - 1 LIMIT 1)
               LIMIT $4"#,
            workspace.0,
            narrow.from,
            narrow.below,
            page.rows(),
            resource,
            narrow.kind,
            narrow.agent,
            LOOKED_AT,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    async fn decisions_of_kind(
        &self,
        workspace: WorkspaceId,
        kind: &str,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Walked>, StoreError> {
        let walks = narrow.agent.is_some();
        Ok(sqlx::query_as!(
            Walked,
            r#"(SELECT id AS "id!", true AS "fits!" FROM (
                    SELECT id, agent_id FROM decision
                    WHERE workspace_id = $1 AND kind = $5 AND kind <> 'dispatch' AND id >= $2 AND id < $3
                    ORDER BY kind DESC, id DESC LIMIT $7) walked
                WHERE $6::uuid IS NULL OR agent_id = $6
                ORDER BY id DESC LIMIT $4)
               UNION ALL (SELECT id, false FROM decision
                          WHERE workspace_id = $1 AND kind = $5 AND kind <> 'dispatch' AND id >= $2 AND id < $3
                          ORDER BY kind DESC, id DESC OFFSET $7 - 1 LIMIT 1)
               LIMIT $4"#,
            workspace.0,
            narrow.from,
            narrow.below,
            page.rows(),
            kind,
            narrow.agent,
            if walks { LOOKED_AT } else { page.rows() },
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// The decisions of these identifiers in their order; those the workspace does not have are left
    /// out.
    pub async fn decisions_by_id(
        &self,
        workspace: WorkspaceId,
        ids: &[Uuid],
    ) -> Result<Vec<DecisionListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT d.id, d.at, d.task_id, d.agent_id, d.resource_id, d.actor, d.policy_version, d.facts,
                   coalesce(r.times, 0) AS "repeats!",
                   coalesce(a.outcome, attempt_outcome(e.state)) AS "outcome?", coalesce(a.ended_at, e.at) AS "ended_at?",
                   coalesce(a.state, e.state) AS "state?", coalesce(a.error, e.error) AS "error?"
               FROM unnest($2::uuid[]) WITH ORDINALITY AS w (id, place)
               JOIN decision d ON d.workspace_id = $1 AND d.id = w.id
               LEFT JOIN decision_repeat r ON r.decision_id = d.id
               LEFT JOIN attempt a ON a.decision_id = d.id AND a.workspace_id = $1
               LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = d.task_id AND e.decision_id = d.id
                   AND e.lease_id IS NOT NULL
               ORDER BY w.place"#,
            workspace.0,
            ids,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let outcome = match (row.outcome, row.state, instant(row.ended_at)) {
                    (Some(outcome), Some(state), Some(at)) => Some(Outcome {
                        outcome: from_word("attempt's outcome", &outcome)?,
                        at,
                        state: from_word("task's state", &state)?,
                        error: row.error,
                    }),
                    _ => None,
                };
                Ok(DecisionListed {
                    decision: Decision {
                        id: DecisionId(row.id),
                        workspace,
                        at: row.at.into(),
                        task: row.task_id.map(TaskId),
                        agent: row.agent_id.map(AgentId),
                        resource: row.resource_id.map(ResourceId),
                        actor: match row.actor {
                            Some(actor) => from_value("decision's actor", actor)?,
                            None => Actor::Scheduler,
                        },
                        policy_version: unsigned("policy's version", row.policy_version)?,
                        facts: facts::read(&row.facts)?,
                    },
                    repeats: unsigned("count of repeats", row.repeats)?,
                    outcome,
                })
            })
            .collect()
    }

    /// One decision.
    pub async fn decision(
        &self,
        workspace: WorkspaceId,
        id: DecisionId,
    ) -> Result<Option<DecisionListed>, StoreError> {
        Ok(self.decisions_by_id(workspace, &[id.0]).await?.pop())
    }
}
