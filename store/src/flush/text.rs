//! What an agent sees of a task.

use hashbrown::HashMap;
use scheduler::{Actor, Needs, OpenLease, Priority, TaskId, Time, WorkspaceId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::normal::Normal;
use crate::convert::{corrupt, from_json, from_word, instant, unsigned};
use crate::{Store, StoreError};

/// What an agent sees of the task it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct TaskText {
    pub id: TaskId,
    pub workspace: WorkspaceId,
    pub title: String,
    pub description: String,
    pub payload: Option<serde_json::Value>,
    pub reference: Option<String>,
    pub version: u32,
    pub needs: Needs,
    pub priority: Priority,
    pub due_at: Option<Time>,
    pub parent: Option<TaskId>,
    pub depth: u16,
    pub created_at: Time,
    pub created_by: Actor,
}

/// A text as it is stored; all absent in the row that only says that the pool is held.
pub(super) struct TextRow {
    pub(super) workspace_id: Option<Uuid>,
    pub(super) id: Option<Uuid>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) payload: Option<serde_json::Value>,
    pub(super) reference: Option<String>,
    pub(super) version: Option<i32>,
    pub(super) priority: Option<String>,
    pub(super) due_at: Option<OffsetDateTime>,
    pub(super) parent_id: Option<Uuid>,
    pub(super) depth: Option<i32>,
    pub(super) created_at: Option<OffsetDateTime>,
    pub(super) created_by: Option<Json<Actor>>,
    pub(super) needs: Option<String>,
}

impl Store {
    /// The texts of tasks, as a claim's answer shows them; those the workspace does not have are
    /// left out.
    pub async fn texts(
        &self,
        workspace: WorkspaceId,
        tasks: &[TaskId],
    ) -> Result<HashMap<TaskId, TaskText>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        texts_of(read(workspace, tasks, &mut connection).await?)
    }
}

/// The texts of tasks of one workspace.
pub(super) async fn read(
    workspace: WorkspaceId,
    tasks: &[TaskId],
    connection: &mut PgConnection,
) -> Result<Vec<TextRow>, sqlx::Error> {
    let ids: Vec<Uuid> = tasks.iter().map(|task| task.0).collect();
    sqlx::query_as!(
        TextRow,
        r#"SELECT t.workspace_id, t.id, t.title, t.description, t.payload, t.reference, t.version, t.priority, t.due_at,
               t.parent_id, t.depth, t.created_at, t.created_by AS "created_by: Json<Actor>", n.needs
           FROM task t JOIN needs n ON n.id = t.needs_id WHERE t.workspace_id = $1 AND t.id = ANY($2)"#,
        workspace.0,
        &ids,
    )
    .fetch_all(connection)
    .await
}

/// The texts of what a flush leased.
pub(super) fn of_leased(
    rows: Vec<TextRow>,
    normal: &Normal<'_>,
) -> Result<HashMap<TaskId, TaskText>, StoreError> {
    let texts = texts_of(rows)?;
    let missing = |lease: &&&OpenLease| !texts.contains_key(&lease.task);
    match normal.leased.iter().find(missing) {
        Some(lease) => Err(corrupt(
            "leased task",
            &format_args!("{} has no text", lease.task),
        )),
        None => Ok(texts),
    }
}

/// Turns rows into texts, reading needs that are the same only once.
fn texts_of(rows: Vec<TextRow>) -> Result<HashMap<TaskId, TaskText>, StoreError> {
    let mut known = HashMap::<String, Needs>::new();
    let mut texts = HashMap::with_capacity(rows.len());
    for mut row in rows {
        let (Some(id), Some(needs)) = (row.id, row.needs.take()) else {
            continue;
        };
        let needs = if let Some(known) = known.get(&needs) {
            known.clone()
        } else {
            let read: Needs = from_json("task's needs", &needs)?;
            known.insert(needs, read.clone());
            read
        };
        texts.insert(TaskId(id), text_of(TaskId(id), row, needs)?);
    }
    Ok(texts)
}

fn text_of(id: TaskId, row: TextRow, needs: Needs) -> Result<TaskText, StoreError> {
    Ok(TaskText {
        id,
        workspace: WorkspaceId(row.workspace_id.unwrap_or_default()),
        title: row.title.unwrap_or_default(),
        description: row.description.unwrap_or_default(),
        payload: row.payload,
        reference: row.reference,
        version: unsigned("task's version", row.version.unwrap_or_default())?,
        needs,
        priority: from_word("task's priority", &row.priority.unwrap_or_default())?,
        due_at: instant(row.due_at),
        parent: row.parent_id.map(TaskId),
        depth: unsigned("task's depth", row.depth.unwrap_or_default())?,
        created_at: instant(row.created_at).unwrap_or_default(),
        created_by: row.created_by.map_or(Actor::Scheduler, |author| author.0),
    })
}
