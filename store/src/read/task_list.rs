//! Which tasks a list shows. Each state is found where it is kept, in the list's order, and each row's
//! text is looked at by itself (`OFFSET 0` keeps it so), so that a page costs what it shows and not what
//! there is.

use scheduler::{Class, TaskId, TaskState, WorkspaceId};
use uuid::Uuid;

use super::{Listed, Page, TaskListed};
use crate::convert::class_word;
use crate::{Store, StoreError, words};

/// What a list of tasks is narrowed by; all must hold.
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
}

/// The filter as parameters.
struct Narrow {
    class: Option<&'static str>,
    kind: Option<String>,
    agent: Option<String>,
}

impl Store {
    /// A workspace's tasks, newest first.
    pub async fn tasks(
        &self,
        workspace: WorkspaceId,
        filter: &TaskFilter,
        page: Page,
    ) -> Result<Listed<TaskListed>, StoreError> {
        let narrow = Narrow {
            class: filter.class.map(class_word),
            kind: filter.kind.clone(),
            agent: filter.agent.clone(),
        };
        let words = filter.text.as_deref().and_then(words::query);
        let ids = match filter.state {
            state if words.is_some() => {
                let words = words.unwrap_or_default();
                self.tasks_with_words(workspace, &words, state, &narrow, page)
                    .await?
            }
            None => self.any_tasks(workspace, &narrow, page).await?,
            Some(TaskState::InProgress) => self.running_tasks(workspace, &narrow, page).await?,
            Some(TaskState::Pending) => self.waiting_tasks(workspace, &narrow, page).await?,
            Some(state @ (TaskState::Backlog | TaskState::InReview)) => {
                self.resting_tasks(workspace, state, &narrow, page).await?
            }
            Some(TaskState::Done) => self.done_tasks(workspace, &narrow, page).await?,
            Some(state @ (TaskState::Failed | TaskState::Cancelled)) => {
                self.undone_tasks(workspace, state, &narrow, page).await?
            }
        };
        let (ids, next) = page.cut(ids);
        Ok(Listed {
            items: self.tasks_by_id(workspace, &ids).await?,
            next,
        })
    }

    /// Tasks that have those words, from the words; those that have none yet are few and read as they
    /// are.
    async fn tasks_with_words(
        &self,
        workspace: WorkspaceId,
        words: &str,
        state: Option<TaskState>,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        let state = state.map(TaskState::as_str);
        let mut transaction = self.readers.begin().await?;
        // Whether to begin with the words or with the newest depends on the words.
        sqlx::query!("SET LOCAL plan_cache_mode = force_custom_plan")
            .execute(&mut *transaction)
            .await?;
        let mut ids = sqlx::query_scalar!(
            r#"SELECT w.task_id FROM task_words w CROSS JOIN LATERAL (
                   SELECT FROM task t
                   LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = w.task_id
                   LEFT JOIN lease l ON l.task_id = w.task_id AND l.workspace_id = $1
                   LEFT JOIN open_task o ON o.workspace_id = $1 AND o.task_id = w.task_id
                   WHERE t.workspace_id = $1 AND t.id = w.task_id
                       AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                       AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                           SELECT FROM agent a WHERE a.id = l.agent_id AND a.workspace_id = $1 AND a.name = $6))
                       AND ($7::text IS NULL OR task_state_of(e.state, l.id, o.state) = $7)
                   OFFSET 0) t
               WHERE w.workspace_id = $1 AND w.task_id < $2 AND w.words @@ to_tsquery('simple', $8)
               ORDER BY w.task_id DESC LIMIT $3"#,
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
            state,
            words,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let young = sqlx::query_scalar!(
            r#"SELECT y.id FROM (
                   SELECT t.id, t.title, t.description FROM task t WHERE t.workspace_id = $1 AND t.id < $2
                       AND t.id > coalesce((SELECT up_to FROM task_words_mark WHERE workspace_id = $1),
                                           '00000000-0000-0000-0000-000000000000')
                       AND NOT EXISTS (SELECT FROM task_words w
                                       WHERE w.workspace_id = $1 AND w.task_id = t.id OFFSET 0)
                   ORDER BY t.id DESC LIMIT 1000) y
               CROSS JOIN LATERAL (
                   SELECT FROM task t
                   LEFT JOIN task_end e ON e.workspace_id = $1 AND e.task_id = y.id
                   LEFT JOIN lease l ON l.task_id = y.id AND l.workspace_id = $1
                   LEFT JOIN open_task o ON o.workspace_id = $1 AND o.task_id = y.id
                   WHERE t.workspace_id = $1 AND t.id = y.id
                       AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                       AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                           SELECT FROM agent a WHERE a.id = l.agent_id AND a.workspace_id = $1 AND a.name = $6))
                       AND ($7::text IS NULL OR task_state_of(e.state, l.id, o.state) = $7)
                   OFFSET 0) t
               WHERE words_of(y.title, y.description) @@ to_tsquery('simple', $8)
               ORDER BY y.id DESC LIMIT $3"#,
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
            state,
            words,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        ids.extend(young);
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.dedup();
        ids.truncate(page.rows() as usize);
        Ok(ids)
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

    /// Tasks in any state, from the tasks.
    async fn any_tasks(
        &self,
        workspace: WorkspaceId,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT t.id FROM task t
             WHERE t.workspace_id = $1 AND t.id < $2
                 AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                 AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                     SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                     WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
             ORDER BY t.id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// Leased tasks, from the few leases there are.
    async fn running_tasks(
        &self,
        workspace: WorkspaceId,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT l.task_id FROM lease l CROSS JOIN LATERAL (
                 SELECT FROM task t WHERE t.workspace_id = $1 AND t.id = l.task_id
                     AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                     AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                         SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                         WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
                 OFFSET 0) t
             WHERE l.workspace_id = $1 AND l.task_id < $2
             ORDER BY l.task_id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// Pending tasks, from the open ones.
    async fn waiting_tasks(
        &self,
        workspace: WorkspaceId,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT o.task_id FROM open_task o CROSS JOIN LATERAL (
                 SELECT FROM task t WHERE t.workspace_id = $1 AND t.id = o.task_id
                     AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                     AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                         SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                         WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
                 OFFSET 0) t
             WHERE o.workspace_id = $1 AND o.task_id < $2 AND o.state = 'pending'
                 AND NOT EXISTS (SELECT FROM lease l WHERE l.task_id = o.task_id)
             ORDER BY o.task_id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// Held and reviewed tasks, from the open ones that are not pending.
    async fn resting_tasks(
        &self,
        workspace: WorkspaceId,
        state: TaskState,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT o.task_id FROM open_task o CROSS JOIN LATERAL (
                 SELECT FROM task t WHERE t.workspace_id = $1 AND t.id = o.task_id
                     AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                     AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                         SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                         WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
                 OFFSET 0) t
             WHERE o.workspace_id = $1 AND o.task_id < $2 AND o.state = $7 AND o.state <> 'pending'
                 AND NOT EXISTS (SELECT FROM lease l WHERE l.task_id = o.task_id)
             ORDER BY o.task_id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
            state.as_str(),
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// Done tasks, from the ends, most of which are such.
    async fn done_tasks(
        &self,
        workspace: WorkspaceId,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT e.task_id FROM task_end e CROSS JOIN LATERAL (
                 SELECT FROM task t WHERE t.workspace_id = $1 AND t.id = e.task_id
                     AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                     AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                         SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                         WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
                 OFFSET 0) t
             WHERE e.workspace_id = $1 AND e.task_id < $2 AND e.state = 'done'
             ORDER BY e.task_id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
        )
        .fetch_all(&self.readers)
        .await?)
    }

    /// Failed and cancelled tasks, from the ends that are not done.
    async fn undone_tasks(
        &self,
        workspace: WorkspaceId,
        state: TaskState,
        narrow: &Narrow,
        page: Page,
    ) -> Result<Vec<Uuid>, StoreError> {
        Ok(sqlx::query_scalar!(
            "SELECT e.task_id FROM task_end e CROSS JOIN LATERAL (
                 SELECT FROM task t WHERE t.workspace_id = $1 AND t.id = e.task_id
                     AND ($4::text IS NULL OR t.class = $4) AND ($5::text IS NULL OR t.kind = $5)
                     AND ($6::text IS NULL OR t.agent = $6 OR EXISTS (
                         SELECT FROM lease h JOIN agent a ON a.id = h.agent_id
                         WHERE h.task_id = t.id AND h.workspace_id = $1 AND a.workspace_id = $1 AND a.name = $6))
                 OFFSET 0) t
             WHERE e.workspace_id = $1 AND e.task_id < $2 AND e.state = $7 AND e.state <> 'done'
             ORDER BY e.task_id DESC LIMIT $3",
            workspace.0,
            page.below(),
            page.rows(),
            narrow.class,
            narrow.kind,
            narrow.agent,
            state.as_str(),
        )
        .fetch_all(&self.readers)
        .await?)
    }
}
