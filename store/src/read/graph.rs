//! What waits for what, among the tasks that are not finished.

use scheduler::{TaskId, WorkspaceId};

use crate::{Store, StoreError};

/// `task` starts after `on` is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Edge {
    pub task: TaskId,
    pub on: TaskId,
}

impl Store {
    /// The dependencies of the newest `tasks` open tasks, at most `limit`.
    pub async fn open_edges(
        &self,
        workspace: WorkspaceId,
        tasks: u32,
        limit: u32,
    ) -> Result<Vec<Edge>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT d.task_id, d.depends_on
               FROM (SELECT task_id FROM open_task WHERE workspace_id = $1 ORDER BY task_id DESC LIMIT $2) o
               JOIN task_dependency d ON d.workspace_id = $1 AND d.task_id = o.task_id
               ORDER BY d.task_id DESC, d.depends_on LIMIT $3"#,
            workspace.0,
            i64::from(tasks),
            i64::from(limit),
        )
        .fetch_all(&self.readers)
        .await?;
        let edge = |task, on| Edge {
            task: TaskId(task),
            on: TaskId(on),
        };
        Ok(rows
            .into_iter()
            .map(|row| edge(row.task_id, row.depends_on))
            .collect())
    }
}
