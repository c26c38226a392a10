//! Open tasks, as many as there are.

use std::sync::Arc;

use futures::TryStreamExt;
use hashbrown::{HashMap, HashSet};
use scheduler::{Boost, Needs, OpenTask, Priority, Stored, TaskId, TaskState, WorkspaceId};
use serde::de::DeserializeOwned;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::convert::{corrupt, from_json, from_word, instant, unsigned};
use crate::{Store, StoreError};

/// Tasks handed on together.
const CHUNK: usize = 500;

impl Store {
    /// Tasks are read in chunks, and while one is handed on the next is read on another thread. Between
    /// them the needs not seen before are read.
    pub(super) async fn load_tasks(
        &self,
        workspace: Uuid,
        known: &mut Known,
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        known.children = self.children_of_open(workspace).await?;
        known.waits_for = self.waits_of_open(workspace).await?;
        let (chunks, mut read) = mpsc::channel(2);
        let reading = tokio::spawn(read_chunks(self.loaders.clone(), workspace, chunks));
        while let Some(chunk) = read.recv().await {
            self.hand_over(workspace, chunk, known, take).await?;
        }
        match reading.await {
            Ok(ended) => Ok(ended?),
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    async fn hand_over(
        &self,
        workspace: Uuid,
        chunk: Vec<OpenTaskRow>,
        known: &mut Known,
        take: &mut impl FnMut(Stored),
    ) -> Result<(), StoreError> {
        self.read_needs(known, chunk.iter().map(|row| row.needs_id))
            .await?;
        for row in chunk {
            take(Stored::Task(Box::new(known.open_task(workspace, row)?)));
        }
        Ok(())
    }

    /// How many tasks have been split from each open task, finished or not.
    async fn children_of_open(&self, workspace: Uuid) -> Result<HashMap<Uuid, u32>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT c.parent_id AS "parent_id!", count(*) AS "children!" FROM task c
               WHERE c.workspace_id = $1 AND c.parent_id IS NOT NULL AND EXISTS (
                   SELECT FROM open_task o WHERE o.workspace_id = $1 AND o.task_id = c.parent_id OFFSET 0)
               GROUP BY c.parent_id"#,
            workspace,
        )
        .fetch_all(&self.loaders)
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
        .fetch(&self.loaders);
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
            .fetch_all(&self.loaders)
            .await?;
        for row in rows {
            known
                .needs
                .insert(row.id, Arc::new(from_json("task's needs", &row.needs)?));
        }
        Ok(())
    }
}

/// Ends early, in silence, when nobody takes the chunks any more.
async fn read_chunks(
    loaders: PgPool,
    workspace: Uuid,
    chunks: mpsc::Sender<Vec<OpenTaskRow>>,
) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query_as!(
        OpenTaskRow,
        // What most tasks have alike is not sent, and not taken apart, a million times.
        r#"SELECT task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta,
                 nullif(attempts, 0) AS attempts, nullif(epoch, 0) AS epoch, nullif(backing_off, false) AS backing_off,
                 nullif(state, 'pending') AS state, nullif(priority, 'medium') AS priority,
                 CASE WHEN cardinality(ancestors) > 0 THEN ancestors END AS ancestors
             FROM open_task WHERE workspace_id = $1 ORDER BY task_id"#,
        workspace,
    )
    .fetch(&loaders);
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Some(row) = rows.try_next().await? {
        chunk.push(row);
        if chunk.len() == CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            if chunks.send(full).await.is_err() {
                return Ok(());
            }
        }
    }
    // Nobody there to take the last is the end as well.
    let _ = chunks.send(chunk).await;
    Ok(())
}

/// What tasks share or what is found from other tables, read before them.
#[derive(Default)]
pub(super) struct Known {
    /// Needs by their identifier: few, whatever the number of tasks.
    needs: HashMap<Uuid, Arc<Needs>>,
    children: HashMap<Uuid, u32>,
    waits_for: HashMap<Uuid, Vec<TaskId>>,
}

/// An open task as it is stored, without what most have alike.
struct OpenTaskRow {
    task_id: Uuid,
    needs_id: Uuid,
    created_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    not_before: Option<OffsetDateTime>,
    boost_until: Option<OffsetDateTime>,
    boost_delta: Option<i32>,
    attempts: Option<i32>,
    epoch: Option<i64>,
    backing_off: Option<bool>,
    /// Else `pending`.
    state: Option<String>,
    /// Else `medium`.
    priority: Option<String>,
    /// The nearest first.
    ancestors: Option<Vec<Uuid>>,
}

impl Known {
    fn open_task(&mut self, workspace: Uuid, row: OpenTaskRow) -> Result<OpenTask, StoreError> {
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
            workspace: WorkspaceId(workspace),
            state: or_word("task's state", row.state, TaskState::Pending)?,
            needs,
            priority: or_word("task's priority", row.priority, Priority::Medium)?,
            created_at: row.created_at.into(),
            due_at: instant(row.due_at),
            not_before: instant(row.not_before),
            backing_off: row.backing_off.unwrap_or_default(),
            ancestors: row.ancestors.into_iter().flatten().map(TaskId).collect(),
            children: self.children.get(&row.task_id).copied().unwrap_or_default(),
            waits_for: self.waits_for.remove(&row.task_id).unwrap_or_default(),
            attempts: unsigned("count of attempts", row.attempts.unwrap_or_default())?,
            epoch: unsigned("lease's epoch", row.epoch.unwrap_or_default())?,
            boost,
        })
    }
}

/// What a word stands for; `usual` where none was sent.
fn or_word<T: DeserializeOwned>(
    what: &'static str,
    word: Option<String>,
    usual: T,
) -> Result<T, StoreError> {
    word.map_or(Ok(usual), |word| from_word(what, &word))
}
