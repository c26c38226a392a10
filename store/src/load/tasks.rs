//! Open tasks, as many as there are.

use std::sync::Arc;

use futures::TryStreamExt;
use hashbrown::{HashMap, HashSet};
use scheduler::{Needs, OpenTask, Stored, TaskId, WorkspaceId};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::open_rows::{OpenTaskRow, read_chunks};
use crate::convert::{corrupt, from_json, unsigned};
use crate::{Store, StoreError};

impl Store {
    /// Tasks are read in chunks, and while one is handed on the next is read on another thread, and what
    /// the next workspace's tasks hang on. Between them the needs not seen before are read.
    pub(super) async fn load_tasks(
        &self,
        workspaces: &[Uuid],
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        let ahead = |workspace: &Uuid| tokio::spawn(Edges::read(self.loaders.clone(), *workspace));
        let mut edges = workspaces.first().map(ahead);
        let mut needs = HashMap::new();
        for (at, &workspace) in workspaces.iter().enumerate() {
            let Some(reading) = edges.take() else { break };
            let mut known = Known {
                workspace: WorkspaceId(workspace),
                needs,
                edges: done(reading).await?,
            };
            edges = workspaces.get(at + 1).map(ahead);
            let (chunks, mut read) = mpsc::channel(2);
            let reading = tokio::spawn(read_chunks(self.loaders.clone(), workspace, chunks));
            while let Some(chunk) = read.recv().await {
                self.read_needs(&mut known.needs, &chunk).await?;
                for row in chunk {
                    take(Stored::Task(Box::new(known.open_task(row)?)));
                }
            }
            done(reading).await?;
            needs = known.needs;
        }
        Ok(())
    }

    /// Not over the connections of loads: those that there are may all be sending tasks which wait here.
    async fn read_needs(
        &self,
        known: &mut HashMap<Uuid, Arc<Needs>>,
        rows: &[OpenTaskRow],
    ) -> Result<(), StoreError> {
        let missing: Vec<Uuid> = rows
            .iter()
            .map(|row| row.needs_id)
            .filter(|id| !known.contains_key(id))
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
            known.insert(row.id, Arc::new(from_json("task's needs", &row.needs)?));
        }
        Ok(())
    }
}

/// What a task on another thread came to.
async fn done<T>(task: JoinHandle<Result<T, StoreError>>) -> Result<T, StoreError> {
    match task.await {
        Ok(ended) => ended,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// What tasks of a workspace hang on, found from other tables and read before them.
struct Edges {
    /// How many tasks have been split from each open task, finished or not.
    children: HashMap<Uuid, u32>,
    /// The dependencies of each open task that are not done.
    waits_for: HashMap<Uuid, Vec<TaskId>>,
}

impl Edges {
    async fn read(loaders: PgPool, workspace: Uuid) -> Result<Self, StoreError> {
        Ok(Self {
            children: children_of_open(&loaders, workspace).await?,
            waits_for: waits_of_open(&loaders, workspace).await?,
        })
    }
}

async fn children_of_open(
    loaders: &PgPool,
    workspace: Uuid,
) -> Result<HashMap<Uuid, u32>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT c.parent_id AS "parent_id!", count(*) AS "children!" FROM task c
           WHERE c.workspace_id = $1 AND c.parent_id IS NOT NULL AND EXISTS (
               SELECT FROM open_task o WHERE o.workspace_id = $1 AND o.task_id = c.parent_id OFFSET 0)
           GROUP BY c.parent_id"#,
        workspace,
    )
    .fetch_all(loaders)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.parent_id, unsigned("count of children", row.children)?)))
        .collect()
}

async fn waits_of_open(
    loaders: &PgPool,
    workspace: Uuid,
) -> Result<HashMap<Uuid, Vec<TaskId>>, StoreError> {
    let mut rows = sqlx::query!(
        // Each by its key: joined, Postgres would walk all of a table for each dependency where it
        // remembers it small.
        "SELECT d.task_id, d.depends_on FROM task_dependency d
         CROSS JOIN LATERAL (SELECT FROM open_task f
                             WHERE f.workspace_id = $1 AND f.task_id = d.task_id OFFSET 0) o
         LEFT JOIN LATERAL (SELECT f.state FROM task_end f
                            WHERE f.workspace_id = $1 AND f.task_id = d.depends_on OFFSET 0) e ON true
         WHERE d.workspace_id = $1 AND e.state IS DISTINCT FROM 'done'
         ORDER BY d.task_id, d.depends_on",
        workspace,
    )
    .fetch(loaders);
    let mut waits: HashMap<Uuid, Vec<TaskId>> = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        waits
            .entry(row.task_id)
            .or_default()
            .push(TaskId(row.depends_on));
    }
    Ok(waits)
}

struct Known {
    workspace: WorkspaceId,
    /// Needs by their identifier: few, whatever the number of tasks.
    needs: HashMap<Uuid, Arc<Needs>>,
    edges: Edges,
}

impl Known {
    fn open_task(&mut self, row: OpenTaskRow) -> Result<OpenTask, StoreError> {
        let needs = self.needs.get(&row.needs_id).cloned();
        let Edges {
            children,
            waits_for,
        } = &mut self.edges;
        Ok(OpenTask {
            id: TaskId(row.id),
            workspace: self.workspace,
            state: row.state,
            needs: needs.ok_or_else(|| corrupt("task's needs", &"there is no such text"))?,
            priority: row.priority,
            created_at: row.created_at,
            due_at: row.due_at,
            not_before: row.not_before,
            backing_off: row.backing_off,
            ancestors: row.ancestors,
            children: children.get(&row.id).copied().unwrap_or_default(),
            waits_for: waits_for.remove(&row.id).unwrap_or_default(),
            attempts: row.attempts,
            epoch: row.epoch,
            boost: row.boost,
        })
    }
}
