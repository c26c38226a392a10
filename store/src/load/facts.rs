//! Facts of tasks that a conductor does not hold.

use std::sync::Arc;

use scheduler::{OpenTask, TaskFact, TaskId, TaskState, WorkspaceId};
use uuid::Uuid;

use crate::convert::{from_json, from_word, instant, unsigned};
use crate::{Store, StoreError};

impl Store {
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
                   (SELECT coalesce(max(a.epoch), 0) FROM ended_attempt a
                    WHERE a.workspace_id = $1 AND a.task_id = t.id) AS "epoch!",
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
        .fetch_all(&self.loaders)
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
                    needs: Arc::new(from_json("task's needs", &row.needs)?),
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
