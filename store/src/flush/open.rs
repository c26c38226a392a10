//! Tasks that come and open tasks that change.

use scheduler::Needs;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Batch;
use super::columns::{Opens, Tasks};
use super::normal::Normal;
use crate::{Fence, FlushError};

/// Writes nothing when the fence is lost; the statement that follows says so.
pub(super) async fn write(
    fence: &Fence,
    batch: &Batch,
    normal: &Normal<'_>,
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    let created = &batch.records.created;
    if created.is_empty() && normal.open.is_empty() {
        return Ok(());
    }
    let needs_of = |needs: &Needs| normal.needs.get(needs).copied().unwrap_or_default();
    let tasks = Tasks::of(created.iter().map(|new| (new, needs_of(&new.open.needs))));
    let opens = Opens::of(
        normal
            .open
            .iter()
            .map(|open| (*open, needs_of(&open.needs))),
    );
    let (needs_ids, needs_texts): (Vec<Uuid>, Vec<String>) =
        normal.needs_texts.iter().cloned().unzip();
    let mut edges: [Vec<Uuid>; 3] = Default::default();
    for new in created {
        for depends_on in &new.task.depends_on {
            edges[0].push(new.open.workspace.0);
            edges[1].push(new.open.id.0);
            edges[2].push(depends_on.0);
        }
    }
    sqlx::query_file!(
        "src/flush/open.sql",
        fence.pool.0,
        fence.epoch,
        fence.holder,
        &needs_ids,
        &needs_texts,
        &tasks.workspace,
        &tasks.id,
        &tasks.created_at,
        &tasks.due_at as &[Option<OffsetDateTime>],
        &tasks.parent as &[Option<Uuid>],
        &tasks.needs,
        &tasks.score,
        &tasks.depth,
        &tasks.priority as &[&str],
        &tasks.class as &[&str],
        &tasks.kind as &[&str],
        &tasks.agent as &[Option<&str>],
        &tasks.title as &[&str],
        &tasks.description as &[&str],
        &tasks.reference as &[Option<&str>],
        &tasks.payload as &[Option<String>],
        &tasks.created_by,
        &edges[0],
        &edges[1],
        &edges[2],
        &opens.workspace,
        &opens.task,
        &opens.needs,
        &opens.created_at,
        &opens.due_at as &[Option<OffsetDateTime>],
        &opens.not_before as &[Option<OffsetDateTime>],
        &opens.boost_until as &[Option<OffsetDateTime>],
        &opens.boost_delta as &[Option<i32>],
        &opens.attempts,
        &opens.epoch,
        &opens.backing_off,
        &opens.state as &[&str],
        &opens.priority as &[&str],
        &opens.ancestors,
    )
    .execute(connection)
    .await?;
    Ok(())
}
