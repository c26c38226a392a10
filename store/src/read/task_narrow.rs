//! What narrows a list of tasks beyond its state: words, kind, class and agent.

use scheduler::{TaskState, Time, WorkspaceId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::task_list::{TaskFilter, TaskOrder, Walk};
use crate::convert::class_word;
use crate::words::{self, Text, Texts};

/// The most of the youngest tasks, which have no words yet, that are read for a search.
const YOUNG: i64 = 1_000;

/// Tasks of a list that are asked whether they fit, before those that fit are found by their words.
const LOOKED_AT: i64 = 500;

/// The identifiers that a statement finds among what fits: it is given what `tasks_fitting` takes, from
/// `$1`, then where the page begins, the state and the number of rows, then arguments of its own.
macro_rules! fitting {
    ($narrow:ident, $walk:ident, $connection:ident, $from:expr, [$($sql:tt)+] $(, $argument:expr)* $(,)?) => {
        sqlx::query_scalar!(
            $($sql)+,
            $narrow.workspace.0,
            $narrow.words,
            $narrow.facets,
            $narrow.agent_word,
            &$narrow.held,
            &$narrow.young,
            $from,
            $walk.state.map(TaskState::as_str),
            $walk.rows
            $(, $argument)*
        )
        .fetch_all($connection)
        .await
    };
}

/// Those on one side of where the page begins, in that direction.
macro_rules! by_age {
    ($narrow:ident, $walk:ident, $connection:ident, $from:expr, $side:literal, $direction:literal) => {
        fitting!(
            $narrow,
            $walk,
            $connection,
            $from,
            [r#"SELECT f.id AS "id!" FROM (
                   SELECT id FROM tasks_fitting($1, $2, $3, $4, $5, $6) AS id
                   WHERE id "#
                + $side
                + r#" $7 ORDER BY id "#
                + $direction
                + r#" OFFSET 0) f
               CROSS JOIN LATERAL (
                   SELECT FROM task_state s WHERE s.workspace_id = $1 AND s.task_id = f.id
                       AND ($8::text IS NULL OR s.state = $8) OFFSET 0) s
               ORDER BY f.id "#
                + $direction
                + " LIMIT $9"]
        )
    };
}

/// What every task of a list must have.
pub(super) struct Narrow {
    workspace: WorkspaceId,
    words: Option<String>,
    kind: Option<String>,
    class: Option<&'static str>,
    /// For whom it must be, unless it is one of those that agent holds.
    agent: Option<String>,
    /// Kind and class as words, and the agent.
    facets: Option<String>,
    agent_word: Option<String>,
    held: Vec<Uuid>,
    /// Tasks without words yet that fit.
    young: Vec<Uuid>,
}

impl Narrow {
    /// What the filter asks for, if anything.
    pub(super) async fn of(
        workspace: WorkspaceId,
        filter: &TaskFilter,
        connection: &mut PgConnection,
    ) -> Result<Option<Self>, sqlx::Error> {
        let (kind, class) = (filter.kind.as_deref(), filter.class.map(class_word));
        let mut narrow = Self {
            workspace,
            words: filter.text.as_deref().and_then(words::query),
            kind: filter.kind.clone(),
            class,
            agent: filter.agent.clone(),
            facets: words::facets(&[("kind", kind), ("class", class)]),
            agent_word: words::facets(&[("agent", filter.agent.as_deref())]),
            held: Vec::new(),
            young: Vec::new(),
        };
        if narrow.words.is_none() && narrow.facets.is_none() && narrow.agent_word.is_none() {
            return Ok(None);
        }
        if let Some(agent) = &filter.agent {
            narrow.held = held_by(workspace, agent, connection).await?;
        }
        narrow.young = narrow.fitting_young(connection).await?;
        Ok(Some(narrow))
    }

    /// The tasks of the walk that fit, in its order.
    pub(super) async fn ids(
        &self,
        walk: Walk,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        let far = Walk {
            rows: LOOKED_AT,
            ..walk
        };
        let first = far.ids(connection).await?;
        let fit = self.of_those(&first, walk.rows, connection).await?;
        if (first.len() as i64) < LOOKED_AT || fit.len() as i64 == walk.rows {
            return Ok(fit);
        }
        match walk.order {
            TaskOrder::Newest | TaskOrder::Oldest => self.by_age(walk, connection).await,
            TaskOrder::Due => self.due(walk, connection).await,
            TaskOrder::Ended(before) => self.ended(walk, before, connection).await,
        }
    }

    /// Those of some tasks that fit, in the same order. Kind, class and agent stand beside the task,
    /// where words are large and apart: they are asked for only when there are any to find.
    pub(super) async fn of_those(
        &self,
        tasks: &[Uuid],
        rows: i64,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        sqlx::query_scalar!(
            r#"SELECT c.id AS "id!" FROM unnest($2::uuid[]) WITH ORDINALITY AS c (id, place)
               CROSS JOIN LATERAL (
                   SELECT kind, class, agent FROM task WHERE workspace_id = $1 AND id = c.id LIMIT 1) t
               WHERE ($3::text IS NULL OR t.kind = $3) AND ($4::text IS NULL OR t.class = $4)
                   AND ($5::text IS NULL OR t.agent = $5 OR c.id = ANY($6::uuid[]))
                   AND ($7::text IS NULL OR c.id = ANY($8::uuid[]) OR EXISTS (
                       SELECT FROM task_words w WHERE w.workspace_id = $1 AND w.task_id = c.id
                           AND w.words @@ to_tsquery('simple', $7) OFFSET 0))
               ORDER BY c.place LIMIT $9"#,
            self.workspace.0,
            tasks,
            self.kind,
            self.class,
            self.agent,
            &self.held,
            self.words,
            &self.young,
            rows,
        )
        .fetch_all(connection)
        .await
    }

    async fn by_age(
        &self,
        walk: Walk,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        match walk.order {
            TaskOrder::Oldest => by_age!(self, walk, connection, walk.above(), ">", ""),
            _ => by_age!(self, walk, connection, walk.page.below(), "<", "DESC"),
        }
    }

    async fn due(
        &self,
        walk: Walk,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        fitting!(
            self,
            walk,
            connection,
            walk.above(),
            ["SELECT o.task_id FROM tasks_fitting($1, $2, $3, $4, $5, $6) AS id
             CROSS JOIN LATERAL (SELECT task_id, due_at, state FROM open_task
                 WHERE workspace_id = $1 AND task_id = id LIMIT 1) o
             LEFT JOIN LATERAL (SELECT id FROM lease WHERE task_id = o.task_id LIMIT 1) l ON true
             WHERE o.due_at IS NOT NULL AND o.state IN ('backlog', 'pending', 'in_review')
                 AND (o.due_at, o.task_id) > (CASE WHEN $7 = '00000000-0000-0000-0000-000000000000'::uuid THEN '-infinity'
                     ELSE coalesce((SELECT due_at FROM open_task WHERE workspace_id = $1 AND task_id = $7),
                         (SELECT due_at FROM task WHERE workspace_id = $1 AND id = $7), 'infinity') END, $7)
                 AND ($8::text IS NULL OR task_state_of(NULL, l.id, o.state) = $8)
             ORDER BY o.due_at, o.task_id LIMIT $9"]
        )
    }

    async fn ended(
        &self,
        walk: Walk,
        before: Time,
        connection: &mut PgConnection,
    ) -> Result<Vec<Uuid>, sqlx::Error> {
        fitting!(
            self,
            walk,
            connection,
            walk.page.below(),
            ["SELECT e.task_id FROM tasks_fitting($1, $2, $3, $4, $5, $6) AS id
             CROSS JOIN LATERAL (SELECT task_id, at, state FROM task_end
                 WHERE workspace_id = $1 AND task_id = id LIMIT 1) e
             WHERE (e.at, e.task_id) < (coalesce((SELECT at FROM task_end WHERE workspace_id = $1 AND task_id = $7), $10),
                     $7)
                 AND ($8::text IS NULL OR e.state = $8)
             ORDER BY e.at DESC, e.task_id DESC LIMIT $9"],
            before.to_datetime()
        )
    }

    /// The youngest tasks have no words for a moment; they are few, and read as they are.
    async fn fitting_young(&self, connection: &mut PgConnection) -> Result<Vec<Uuid>, sqlx::Error> {
        let texts = sqlx::query_as!(
            Text,
            "SELECT id, title, left(description, 4000) AS description, kind, class, agent FROM task t
             WHERE t.workspace_id = $1 AND t.id > coalesce(
                     (SELECT up_to FROM task_words_mark WHERE workspace_id = $1), '00000000-0000-0000-0000-000000000000')
                 AND NOT EXISTS (SELECT FROM task_words w WHERE w.workspace_id = $1 AND w.task_id = t.id OFFSET 0)
             ORDER BY t.id DESC LIMIT $2",
            self.workspace.0,
            YOUNG,
        )
        .fetch_all(&mut *connection)
        .await?;
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Texts = texts.into_iter().collect();
        sqlx::query_scalar!(
            r#"SELECT t.id AS "id!"
               FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS t (id, folded, kind, class, agent)
               CROSS JOIN LATERAL (SELECT words_of(t.folded, t.kind, t.class, t.agent) AS words OFFSET 0) w
               WHERE ($6::text IS NULL OR w.words @@ to_tsquery('simple', $6))
                   AND ($7::text IS NULL OR w.words @@ $7::text::tsquery)
                   AND ($8::text IS NULL OR w.words @@ $8::text::tsquery OR t.id = ANY($9::uuid[]))"#,
            &texts.tasks,
            &texts.folded,
            &texts.kinds,
            &texts.classes,
            &texts.agents as &[Option<String>],
            self.words,
            self.facets,
            self.agent_word,
            &self.held,
        )
        .fetch_all(connection)
        .await
    }
}

/// The tasks an agent holds.
async fn held_by(
    workspace: WorkspaceId,
    agent: &str,
    connection: &mut PgConnection,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT l.task_id FROM lease l JOIN agent a ON a.id = l.agent_id AND a.workspace_id = $1
         WHERE l.workspace_id = $1 AND a.name = $2",
        workspace.0,
        agent,
    )
    .fetch_all(connection)
    .await
}
