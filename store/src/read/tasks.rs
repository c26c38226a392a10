//! Tasks as readers see them: the text, the state, and what belongs to that state.

use std::collections::HashMap;

use scheduler::{
    Actor, AgentId, Boost, DecisionId, Grant, LeaseId, Needs, Priority, TaskId, TaskState, Time,
    WorkspaceId,
};
use uuid::Uuid;

use crate::convert::{from_json, from_value, from_word, instant, unsigned};
use crate::{Store, StoreError};

/// A task in a list.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TaskListed {
    pub id: TaskId,
    pub title: String,
    pub reference: Option<String>,
    pub state: TaskState,
    pub needs: Needs,
    pub priority: Priority,
    /// The heuristic score it was accepted with; the conductor knows the current one of open tasks.
    pub score: i32,
    /// Grows with each edit.
    pub version: u32,
    pub created_at: Time,
    pub created_by: Actor,
    pub due_at: Option<Time>,
    pub not_before: Option<Time>,
    pub boost: Option<Boost>,
    pub parent: Option<TaskId>,
    pub depth: u16,
    /// Attempts spent.
    pub attempts: u16,
    /// Who has it, while it runs.
    pub lease: Option<LeaseListed>,
    /// When it ended.
    pub ended_at: Option<Time>,
    /// The agent whose attempt ended it.
    pub ended_by: Option<String>,
    /// The last line of its last error, which is the cause in a traceback, or of the reason of the
    /// person who ended it.
    pub ended_because: Option<String>,
}

/// A live lease.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LeaseListed {
    pub id: LeaseId,
    pub agent: AgentId,
    pub agent_name: String,
    pub epoch: u32,
    pub granted_at: Time,
    pub expires_at: Time,
    pub grants: Vec<Grant>,
    pub decision: DecisionId,
    /// From 0 to 1, as the agent said last.
    pub progress: Option<f32>,
    pub note: Option<String>,
}

/// A task with all that is known of it.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TaskDetail {
    pub task: TaskListed,
    pub description: String,
    pub payload: Option<serde_json::Value>,
    pub end: Option<Ended>,
    /// Its result while that waits for a person's look.
    pub for_review: Option<serde_json::Value>,
    /// Tasks split from it, finished or not.
    pub children: u32,
    pub depends_on: Vec<TaskId>,
    /// Tasks that depend on it, at most 256.
    pub dependents: Vec<TaskId>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Ended {
    pub state: TaskState,
    pub at: Time,
    pub decision: Option<DecisionId>,
    pub output: Option<serde_json::Value>,
    pub error: Option<String>,
}

impl Store {
    /// The tasks of these identifiers in their order; those the workspace does not have are left out.
    pub async fn tasks_by_id(
        &self,
        workspace: WorkspaceId,
        ids: &[Uuid],
    ) -> Result<Vec<TaskListed>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT t.id, t.title, t.reference, task_state_of(e.state, l.id, o.state) AS "state!", n.needs,
                   coalesce(o.priority, t.priority) AS "priority!", t.score, t.version, t.created_at, t.created_by,
                   CASE WHEN o.task_id IS NULL THEN t.due_at ELSE o.due_at END AS due_at, o.not_before AS "not_before?",
                   o.boost_until AS "boost_until?", o.boost_delta AS "boost_delta?", t.parent_id, t.depth,
                   coalesce(e.attempts, o.attempts, 0) AS "attempts!", e.at AS "ended_at?",
                   left(split_part(rtrim(e.error, E' \t\r\n'), E'\n', -1), 200) AS "ended_because?",
                   l.id AS "lease_id?", l.agent_id AS "agent_id?", a.name AS "agent_name?",
                   l.epoch AS "epoch?", l.granted_at AS "granted_at?", l.expires_at AS "expires_at?",
                   l.grants AS "grants?", l.decision_id AS "decision_id?", l.progress AS "progress?", l.note AS "note?"
               FROM unnest($2::uuid[]) WITH ORDINALITY AS w (id, place)
               JOIN task t ON t.workspace_id = $1 AND t.id = w.id
               LEFT JOIN open_task o ON o.workspace_id = $1 AND o.task_id = t.id
               LEFT JOIN lease l ON l.task_id = t.id AND l.workspace_id = $1
               LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = t.id
               LEFT JOIN agent a ON a.id = coalesce(l.agent_id, e.agent_id) AND a.workspace_id = $1
               JOIN needs n ON n.id = coalesce(o.needs_id, t.needs_id)
               ORDER BY w.place"#,
            workspace.0,
            ids,
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let lease = match (
                    row.lease_id,
                    row.agent_id,
                    row.granted_at,
                    row.expires_at,
                    row.decision_id,
                ) {
                    (Some(id), Some(agent), Some(granted_at), Some(expires_at), Some(decision)) => {
                        Some(LeaseListed {
                            id: LeaseId(id),
                            agent: AgentId(agent),
                            agent_name: row.agent_name.clone().unwrap_or_default(),
                            epoch: unsigned("lease's epoch", row.epoch.unwrap_or_default())?,
                            granted_at: granted_at.into(),
                            expires_at: expires_at.into(),
                            grants: from_json(
                                "lease's grants",
                                row.grants.as_deref().unwrap_or("[]"),
                            )?,
                            decision: DecisionId(decision),
                            progress: row.progress,
                            note: row.note,
                        })
                    }
                    _ => None,
                };
                let spent: u16 = unsigned("count of attempts", row.attempts)?;
                Ok(TaskListed {
                    id: TaskId(row.id),
                    title: row.title,
                    reference: row.reference,
                    state: from_word("task's state", &row.state)?,
                    needs: from_json("task's needs", &row.needs)?,
                    priority: from_word("task's priority", &row.priority)?,
                    score: row.score,
                    version: unsigned("task's version", row.version)?,
                    created_at: row.created_at.into(),
                    created_by: from_value("task's author", row.created_by)?,
                    due_at: instant(row.due_at),
                    not_before: instant(row.not_before),
                    boost: instant(row.boost_until).map(|expires_at| Boost {
                        score_delta: row.boost_delta,
                        expires_at,
                    }),
                    parent: row.parent_id.map(TaskId),
                    depth: unsigned("task's depth", row.depth)?,
                    attempts: spent.saturating_add(lease.is_some().into()),
                    lease,
                    ended_at: instant(row.ended_at),
                    ended_by: row.agent_name.filter(|_| row.ended_at.is_some()),
                    ended_because: row.ended_because,
                })
            })
            .collect()
    }

    /// One task with all that is known of it.
    pub async fn task(
        &self,
        workspace: WorkspaceId,
        id: TaskId,
    ) -> Result<Option<TaskDetail>, StoreError> {
        let Some(task) = self.tasks_by_id(workspace, &[id.0]).await?.pop() else {
            return Ok(None);
        };
        let row = sqlx::query!(
            r#"SELECT t.description, t.payload, e.state AS "state?", e.at AS "at?", e.decision_id AS "decision_id?",
                   e.output AS "output?", e.error AS "error?",
                   (SELECT r.output FROM result_for_review r WHERE r.workspace_id = $1 AND r.task_id = $2
                    ORDER BY r.lease_id DESC LIMIT 1) AS "looked_at?",
                   (SELECT count(*) FROM task c WHERE c.workspace_id = $1 AND c.parent_id = $2) AS "children!",
                   ARRAY(SELECT depends_on FROM task_dependency
                         WHERE workspace_id = $1 AND task_id = $2 ORDER BY depends_on) AS "depends_on!",
                   ARRAY(SELECT task_id FROM task_dependency
                         WHERE workspace_id = $1 AND depends_on = $2 ORDER BY task_id LIMIT 256) AS "dependents!"
               FROM task t LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = $2
               WHERE t.workspace_id = $1 AND t.id = $2"#,
            workspace.0,
            id.0,
        )
        .fetch_one(&self.readers)
        .await?;
        // Nothing is a result too: it takes the place of one that was sent back.
        let looked_at = row.looked_at.filter(|output| !output.is_null());
        let for_review = looked_at
            .clone()
            .filter(|_| task.state == TaskState::InReview);
        let end = match (row.state, row.at) {
            (Some(state), Some(at)) => Some(Ended {
                // What was accepted is its result; what was sent back is not.
                output: row.output.or(looked_at.filter(|_| state == "done")),
                state: from_word("task's state", &state)?,
                at: at.into(),
                decision: row.decision_id.map(DecisionId),
                error: row.error,
            }),
            _ => None,
        };
        Ok(Some(TaskDetail {
            task,
            description: row.description,
            payload: row.payload,
            end,
            for_review,
            children: unsigned("count of children", row.children)?,
            depends_on: row.depends_on.into_iter().map(TaskId).collect(),
            dependents: row.dependents.into_iter().map(TaskId).collect(),
        }))
    }

    /// The titles of tasks, for links to them.
    pub async fn titles(
        &self,
        workspace: WorkspaceId,
        tasks: &[TaskId],
    ) -> Result<HashMap<TaskId, String>, StoreError> {
        let ids: Vec<Uuid> = tasks.iter().map(|task| task.0).collect();
        let rows = sqlx::query!(
            "SELECT id, title FROM task WHERE workspace_id = $1 AND id = ANY($2)",
            workspace.0,
            &ids
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (TaskId(row.id), row.title))
            .collect())
    }
}
