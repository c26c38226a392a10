//! Which tasks a list shows. A state is walked where it is kept, in the list's order, so that a page
//! costs what it shows and not what there is. What narrows the list is asked of the few that come first;
//! if these do not fill the page, whatever is narrow is found by its words (see `words`).

use scheduler::{Class, TaskId, TaskState, Time, WorkspaceId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::task_narrow::Narrow;
use super::{Listed, Page, TaskListed};
use crate::{Store, StoreError};

/// What a list of tasks is narrowed by, all of which must hold, and its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Its state.
    pub state: Option<TaskState>,
    /// Its class.
    pub class: Option<Class>,
    /// Its kind.
    pub kind: Option<String>,
    /// The name of the agent it is for, or that holds it now.
    pub agent: Option<String>,
    /// Words of its title or of its description's beginning: all of them, each at least begun.
    pub text: Option<String>,
    /// What comes first.
    pub order: TaskOrder,
}

/// What comes first in a list of tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TaskOrder {
    /// The last handed in.
    #[default]
    Newest,
    /// The first handed in.
    Oldest,
    /// What is due soonest, of the open tasks that have a due date.
    Due,
    /// What ended last before an instant, of the tasks that are over.
    Ended(Time),
}

/// The first span that is looked back over for what ended last, and how many times longer the next is.
const FIRST_SPAN_S: f64 = 60.0;
const LONGER: f64 = 8.0;
/// Nothing ended earlier.
const LONGEST_SPAN_S: f64 = 1e10;

/// A state's walk, oldest or newest first, behind a task.
macro_rules! walk {
    ($walk:ident, $connection:ident, $sql:literal, $id:literal $(, $argument:expr)*) => {
        match $walk.order {
            TaskOrder::Oldest => sqlx::query_scalar!(
                $sql + " AND " + $id + " > $2 ORDER BY " + $id + " LIMIT $3",
                $walk.workspace.0, $walk.above(), $walk.rows $(, $argument)*
            )
            .fetch_all($connection)
            .await,
            _ => sqlx::query_scalar!(
                $sql + " AND " + $id + " < $2 ORDER BY " + $id + " DESC LIMIT $3",
                $walk.workspace.0, $walk.page.below(), $walk.rows $(, $argument)*
            )
            .fetch_all($connection)
            .await,
        }
    };
}

/// Where a list is walked, and how far.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    pub(super) workspace: WorkspaceId,
    pub(super) state: Option<TaskState>,
    pub(super) order: TaskOrder,
    pub(super) page: Page,
    pub(super) rows: i64,
}

impl Store {
    /// A workspace's tasks.
    pub async fn tasks(
        &self,
        workspace: WorkspaceId,
        filter: &TaskFilter,
        page: Page,
    ) -> Result<Listed<TaskListed>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        let walk = Walk {
            workspace,
            state: filter.state,
            order: filter.order,
            page,
            rows: page.rows(),
        };
        let ids = match Narrow::of(workspace, filter, &mut connection).await? {
            None => walk.ids(&mut connection).await?,
            Some(narrow) => narrow.ids(walk, &mut connection).await?,
        };
        drop(connection);
        let (ids, next) = page.cut(ids);
        Ok(Listed {
            items: self.tasks_by_id(workspace, &ids).await?,
            next,
        })
    }

    /// The tasks that were split from one, newest first.
    pub async fn children(
        &self,
        workspace: WorkspaceId,
        parent: TaskId,
        page: Page,
    ) -> Result<Listed<TaskListed>, StoreError> {
        let ids = sqlx::query_scalar!(
            "SELECT id FROM task WHERE workspace_id = $1 AND parent_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
            workspace.0,
            parent.0,
            page.below(),
            page.rows(),
        )
        .fetch_all(&self.readers)
        .await?;
        let (ids, next) = page.cut(ids);
        Ok(Listed {
            items: self.tasks_by_id(workspace, &ids).await?,
            next,
        })
    }
}

impl Walk {
    /// What every identifier is above, oldest first.
    pub(super) fn above(&self) -> Uuid {
        self.page.after.unwrap_or(Uuid::nil())
    }

    /// The tasks of the walk, in order.
    pub(super) async fn ids(self, connection: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
        match self.order {
            TaskOrder::Newest | TaskOrder::Oldest => self.by_age(connection).await,
            TaskOrder::Due => self.by_due(connection).await,
            TaskOrder::Ended(before) => self.by_end(before, connection).await,
        }
    }

    async fn by_age(self, connection: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
        match self.state {
            None => walk!(
                self,
                connection,
                "SELECT id FROM task WHERE workspace_id = $1",
                "id"
            ),
            Some(TaskState::InProgress) => {
                walk!(
                    self,
                    connection,
                    "SELECT task_id FROM lease WHERE workspace_id = $1",
                    "task_id"
                )
            }
            Some(TaskState::Pending) => walk!(
                self,
                connection,
                "SELECT o.task_id FROM open_task o WHERE o.workspace_id = $1 AND o.state = 'pending'
                     AND NOT EXISTS (SELECT FROM lease l WHERE l.task_id = o.task_id)",
                "o.task_id"
            ),
            Some(state @ (TaskState::Backlog | TaskState::InReview)) => walk!(
                self,
                connection,
                "SELECT o.task_id FROM open_task o
                 WHERE o.workspace_id = $1 AND o.state = $4 AND o.state <> 'pending'
                     AND NOT EXISTS (SELECT FROM lease l WHERE l.task_id = o.task_id)",
                "o.task_id",
                state.as_str()
            ),
            Some(TaskState::Done) => walk!(
                self,
                connection,
                "SELECT task_id FROM task_end WHERE workspace_id = $1 AND state = 'done'",
                "task_id"
            ),
            Some(state @ (TaskState::Failed | TaskState::Cancelled)) => walk!(
                self,
                connection,
                "SELECT task_id FROM task_end WHERE workspace_id = $1 AND state = $4 AND state <> 'done'",
                "task_id",
                state.as_str()
            ),
        }
    }

    /// Behind the task the page begins at, wherever that is due by now.
    async fn by_due(self, connection: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
        sqlx::query_scalar!(
            "SELECT o.task_id FROM open_task o
             LEFT JOIN LATERAL (SELECT id FROM lease WHERE task_id = o.task_id LIMIT 1) l ON true
             WHERE o.workspace_id = $1 AND o.due_at IS NOT NULL AND o.state IN ('backlog', 'pending', 'in_review')
                 AND (o.due_at, o.task_id) > (CASE WHEN $2 = '00000000-0000-0000-0000-000000000000'::uuid THEN '-infinity'
                     ELSE coalesce((SELECT due_at FROM open_task WHERE workspace_id = $1 AND task_id = $2),
                         (SELECT due_at FROM task WHERE workspace_id = $1 AND id = $2), 'infinity') END, $2)
                 AND ($4::text IS NULL OR task_state_of(NULL, l.id, o.state) = $4)
             ORDER BY o.due_at, o.task_id LIMIT $3",
            self.workspace.0,
            self.above(),
            self.rows,
            self.state.map(TaskState::as_str),
        )
        .fetch_all(connection)
        .await
    }

    /// Ends lie in the order of time, found by blocks: looks back over longer and longer spans until
    /// there are enough, so that it costs as much whether a few end in a minute or thousands.
    async fn by_end(
        self,
        before: Time,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        let after = self.page.after;
        let mut span = FIRST_SPAN_S;
        loop {
            let ids = sqlx::query_scalar!(
                "WITH behind AS MATERIALIZED (
                     SELECT coalesce((SELECT at FROM task_end WHERE workspace_id = $1 AND task_id = $2), $6) AS at)
                 SELECT e.task_id FROM behind, task_end e
                 WHERE e.workspace_id = $1 AND e.at > behind.at - make_interval(secs => $5) AND e.at <= behind.at
                     AND (e.at, e.task_id) < (behind.at, $2) AND ($4::text IS NULL OR e.state = $4)
                 ORDER BY e.at DESC, e.task_id DESC LIMIT $3",
                self.workspace.0,
                after.unwrap_or(Uuid::max()),
                self.rows,
                self.state.map(TaskState::as_str),
                span,
                before.to_datetime(),
            )
            .fetch_all(&mut *connection)
            .await?;
            if ids.len() as i64 == self.rows || span > LONGEST_SPAN_S {
                return Ok(ids);
            }
            span *= LONGER;
        }
    }
}
