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

/// A text as it is stored.
pub(super) struct TextRow {
    workspace_id: Uuid,
    id: Uuid,
    title: String,
    description: String,
    payload: Option<serde_json::Value>,
    reference: Option<String>,
    version: i32,
    priority: String,
    due_at: Option<OffsetDateTime>,
    parent_id: Option<Uuid>,
    depth: i32,
    created_at: OffsetDateTime,
    created_by: Json<Actor>,
    needs: String,
}

/// Tasks whose texts are asked for.
#[derive(Default)]
pub(super) struct Wanted {
    workspaces: Vec<Uuid>,
    tasks: Vec<Uuid>,
}

impl Wanted {
    /// What a batch leases, though its lease may be over already.
    pub(super) fn by(normal: &Normal<'_>) -> Self {
        let leased = normal
            .leased
            .iter()
            .map(|lease| (lease.workspace, lease.task));
        let brief = normal
            .brief
            .iter()
            .map(|attempt| (attempt.workspace, attempt.task));
        leased.chain(brief).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl FromIterator<(WorkspaceId, TaskId)> for Wanted {
    fn from_iter<I: IntoIterator<Item = (WorkspaceId, TaskId)>>(tasks: I) -> Self {
        let (workspaces, tasks) = tasks
            .into_iter()
            .map(|(workspace, task)| (workspace.0, task.0))
            .unzip();
        Self { workspaces, tasks }
    }
}

impl Store {
    /// The texts of tasks, as a claim's answer shows them; those the workspace does not have are
    /// left out.
    pub async fn texts(
        &self,
        workspace: WorkspaceId,
        tasks: &[TaskId],
    ) -> Result<HashMap<TaskId, TaskText>, StoreError> {
        let wanted = tasks.iter().map(|task| (workspace, *task)).collect();
        let mut connection = self.readers.acquire().await?;
        texts_of(read(&wanted, &mut connection).await?)
    }
}

/// Reads the texts that are there.
pub(super) async fn read(
    wanted: &Wanted,
    connection: &mut PgConnection,
) -> Result<Vec<TextRow>, sqlx::Error> {
    sqlx::query_as!(
        TextRow,
        r#"SELECT t.workspace_id, t.id, t.title, t.description, t.payload, t.reference, t.version, t.priority, t.due_at,
               t.parent_id, t.depth, t.created_at, t.created_by AS "created_by: Json<Actor>", n.needs
           FROM (SELECT unnest($1::uuid[]) AS workspace_id, unnest($2::uuid[]) AS task_id) w
           -- By its place, as what a flush takes: see `hot.sql`.
           CROSS JOIN LATERAL (SELECT f.ctid AS place FROM task f
                               WHERE f.workspace_id = w.workspace_id AND f.id = w.task_id OFFSET 0) f
           JOIN task t ON t.ctid = f.place
           JOIN needs n ON n.id = t.needs_id"#,
        &wanted.workspaces,
        &wanted.tasks,
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
        let needs = std::mem::take(&mut row.needs);
        let needs = if let Some(known) = known.get(&needs) {
            known.clone()
        } else {
            let read: Needs = from_json("task's needs", &needs)?;
            known.insert(needs, read.clone());
            read
        };
        texts.insert(TaskId(row.id), text_of(row, needs)?);
    }
    Ok(texts)
}

fn text_of(row: TextRow, needs: Needs) -> Result<TaskText, StoreError> {
    Ok(TaskText {
        id: TaskId(row.id),
        workspace: WorkspaceId(row.workspace_id),
        title: row.title,
        description: row.description,
        payload: row.payload,
        reference: row.reference,
        version: unsigned("task's version", row.version)?,
        needs,
        priority: from_word("task's priority", &row.priority)?,
        due_at: instant(row.due_at),
        parent: row.parent_id.map(TaskId),
        depth: unsigned("task's depth", row.depth)?,
        created_at: row.created_at.into(),
        created_by: row.created_by.0,
    })
}
