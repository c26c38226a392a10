//! What changes seldom: a statement for each table that has rows. Runs behind the fence, in the
//! transaction that proved it.

use scheduler::{AgentRow, LateResult, PermitRow, Records, ResultForReview};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::IdempotencyRow;
use super::normal::Normal;
use crate::FlushError;
use crate::convert::{date, to_json, to_word};
use crate::words;

pub(super) async fn write(
    records: &Records,
    normal: &Normal<'_>,
    answers: &[IdempotencyRow],
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    forget(records, connection).await?;
    renewals(normal, connection).await?;
    for result in &records.late {
        late(result, connection).await?;
    }
    for result in &records.for_review {
        for_review(result, connection).await?;
    }
    repeats(records, connection).await?;
    refusals(records, connection).await?;
    for agent in &records.agents {
        put_agent(agent, connection).await?;
    }
    seen(records, connection).await?;
    policies_and_edits(records, connection).await?;
    for permit in records
        .permits
        .iter()
        .filter(|permit| !records.permits_ended.contains(&permit.id))
    {
        put_permit(permit, connection).await?;
    }
    end_permits(records, connection).await?;
    remember(answers, connection).await
}

/// Takes away resources and budgets. The statement that follows proves the fence.
pub(super) async fn remove(
    records: &Records,
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    if records.resources_removed.is_empty() && records.budgets_removed.is_empty() {
        return Ok(());
    }
    let resources = records.resources_removed.iter();
    let resources: Vec<Uuid> = resources.map(|(_, id)| id.0).collect();
    let budgets: Vec<Uuid> = records.budgets_removed.iter().map(|(_, id)| id.0).collect();
    sqlx::query!(
        "WITH resources AS (DELETE FROM resource WHERE id = ANY($1)) DELETE FROM budget WHERE id = ANY($2)",
        &resources,
        &budgets,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Open rows of tasks that are over, once nobody waits for them.
async fn forget(records: &Records, connection: &mut PgConnection) -> Result<(), FlushError> {
    if records.forgotten.is_empty() {
        return Ok(());
    }
    let (workspaces, tasks): (Vec<Uuid>, Vec<Uuid>) = records
        .forgotten
        .iter()
        .map(|(workspace, task)| (workspace.0, task.0))
        .unzip();
    sqlx::query!(
        "DELETE FROM open_task o USING unnest($1::uuid[], $2::uuid[]) AS g (workspace_id, task_id),
             LATERAL (SELECT f.ctid AS place FROM open_task f
                      WHERE f.workspace_id = g.workspace_id AND f.task_id = g.task_id OFFSET 0) f
         WHERE o.ctid = f.place",
        &workspaces,
        &tasks,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn renewals(normal: &Normal<'_>, connection: &mut PgConnection) -> Result<(), FlushError> {
    if normal.renewed.is_empty() {
        return Ok(());
    }
    let renewed = &normal.renewed;
    let found = sqlx::query!(
        "UPDATE lease l SET expires_at = r.expires_at, reservations = r.reservations,
             progress = coalesce(r.progress, l.progress), note = coalesce(r.note, l.note)
         FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::real[], $6::text[])
             AS r (task_id, id, expires_at, reservations, progress, note),
             LATERAL (SELECT f.ctid AS place FROM lease f WHERE f.task_id = r.task_id AND f.id = r.id OFFSET 0) f
         WHERE l.ctid = f.place",
        &renewed.iter().map(|row| row.task.0).collect::<Vec<_>>(),
        &renewed.iter().map(|row| row.lease.0).collect::<Vec<_>>(),
        &renewed
            .iter()
            .map(|row| row.expires_at.to_datetime())
            .collect::<Vec<_>>(),
        &renewed
            .iter()
            .map(|row| to_json(&row.reservations))
            .collect::<Vec<_>>(),
        &renewed.iter().map(|row| row.progress).collect::<Vec<_>>() as &[Option<f32>],
        &renewed
            .iter()
            .map(|row| row.note.as_deref())
            .collect::<Vec<_>>() as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    if found.rows_affected() != renewed.len() as u64 {
        return Err(FlushError::Disagrees {
            detail: "a renewed lease is not there".to_owned(),
        });
    }
    Ok(())
}

async fn late(result: &LateResult, connection: &mut PgConnection) -> Result<(), FlushError> {
    sqlx::query!(
        "INSERT INTO late_result (lease_id, workspace_id, agent_id, epoch, at, output) VALUES ($1, $2, $3, $4, $5, $6)",
        result.lease.0,
        result.workspace.0,
        result.agent.map(|id| id.0),
        i64::from(result.epoch),
        result.at.to_datetime(),
        result.output,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn for_review(
    result: &ResultForReview,
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    sqlx::query!(
        "INSERT INTO result_for_review (workspace_id, task_id, lease_id, at, output) VALUES ($1, $2, $3, $4, $5)",
        result.workspace.0,
        result.task.0,
        result.lease.0,
        result.at.to_datetime(),
        result.output,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn repeats(records: &Records, connection: &mut PgConnection) -> Result<(), FlushError> {
    if records.repeats.is_empty() {
        return Ok(());
    }
    let (ids, times): (Vec<Uuid>, Vec<i64>) = records
        .repeats
        .iter()
        .map(|(id, times)| (id.0, i64::from(*times)))
        .unzip();
    sqlx::query!(
        "INSERT INTO decision_repeat (decision_id, times)
         SELECT id, sum(times) FROM unnest($1::uuid[], $2::bigint[]) AS r (id, times) GROUP BY id
         ON CONFLICT (decision_id) DO UPDATE SET times = decision_repeat.times + excluded.times",
        &ids,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn refusals(records: &Records, connection: &mut PgConnection) -> Result<(), FlushError> {
    if records.refusals.is_empty() {
        return Ok(());
    }
    let rows = &records.refusals;
    sqlx::query!(
        "INSERT INTO refusal (workspace_id, resource_id, at, agent_id, lease_id, retry_after_ms)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::uuid[], $6::bigint[])",
        &rows.iter().map(|row| row.workspace.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.resource.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.at.to_datetime()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.agent.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.lease.map(|id| id.0)).collect::<Vec<_>>() as &[Option<Uuid>],
        &rows.iter().map(|row| row.retry_after_ms.map(i64::from)).collect::<Vec<_>>() as &[Option<i64>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn put_agent(agent: &AgentRow, connection: &mut PgConnection) -> Result<(), FlushError> {
    let card = &agent.card;
    sqlx::query!(
        "INSERT INTO agent (id, workspace_id, name, capabilities, models, max_concurrency, card, seen_at, status)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, capabilities = excluded.capabilities,
             models = excluded.models, max_concurrency = excluded.max_concurrency, card = excluded.card,
             seen_at = coalesce(excluded.seen_at, agent.seen_at), status = excluded.status",
        card.id.0,
        agent.workspace.0,
        card.name,
        &card.capabilities,
        &card.models,
        card.max_concurrency.map(u32::cast_signed),
        card.card,
        date(agent.seen_at),
        to_word(&agent.status),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn seen(records: &Records, connection: &mut PgConnection) -> Result<(), FlushError> {
    if records.seen.is_empty() {
        return Ok(());
    }
    let rows = &records.seen;
    sqlx::query!(
        "UPDATE agent a SET seen_at = s.at, status = s.status, detail = coalesce(s.detail, a.detail)
         FROM (SELECT DISTINCT ON (id) * FROM
                   unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS s (id, at, status, detail)
               ORDER BY id, at DESC) s
         WHERE a.id = s.id",
        &rows.iter().map(|row| row.agent.0).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.at.to_datetime()).collect::<Vec<OffsetDateTime>>(),
        &rows.iter().map(|row| to_word(&row.status)).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.detail.as_deref()).collect::<Vec<_>>() as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn policies_and_edits(
    records: &Records,
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    for row in &records.policies {
        sqlx::query!(
            "INSERT INTO policy (workspace_id, version, at, policy) VALUES ($1, $2, $3, $4::text::json)",
            row.workspace.0,
            row.version.cast_signed(),
            row.at.to_datetime(),
            to_json(&row.policy),
        )
        .execute(&mut *connection)
        .await?;
    }
    for edit in &records.edits {
        let edited = sqlx::query_as!(
            words::Text,
            "UPDATE task t SET title = coalesce($3, t.title), description = coalesce($4, t.description), version = $5,
                 priority = o.priority, due_at = o.due_at, needs_id = o.needs_id, kind = n.needs::json ->> 'kind',
                 class = n.needs::json ->> 'class', agent = n.needs::json ->> 'agent'
             FROM open_task o JOIN needs n ON n.id = o.needs_id
             WHERE t.workspace_id = $1 AND t.id = $2 AND o.workspace_id = $1 AND o.task_id = $2
             RETURNING t.id, t.title, left(t.description, 4000) AS description, t.kind, t.class, t.agent",
            edit.workspace.0,
            edit.task.0,
            edit.title,
            edit.description,
            edit.version.cast_signed(),
        )
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(text) = edited {
            words::renew(edit.workspace.0, text, connection).await?;
        }
    }
    Ok(())
}

async fn put_permit(permit: &PermitRow, connection: &mut PgConnection) -> Result<(), FlushError> {
    sqlx::query!(
        "INSERT INTO permit (id, workspace_id, agent_id, granted_at, expires_at, grants) VALUES ($1, $2, $3, $4, $5, $6)",
        permit.id.0,
        permit.workspace.0,
        permit.agent.0,
        permit.granted_at.to_datetime(),
        permit.expires_at.to_datetime(),
        to_json(&permit.grants),
    )
    .execute(&mut *connection)
    .await?;
    for grant in &permit.grants {
        let slots: Vec<i32> = grant.slots.iter().map(|slot| slot.cast_signed()).collect();
        sqlx::query!(
            "INSERT INTO lease_slot (resource_id, slot, holder_id) SELECT $1, slot, $3 FROM unnest($2::integer[]) AS slot",
            grant.resource.0,
            &slots,
            permit.id.0,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn end_permits(records: &Records, connection: &mut PgConnection) -> Result<(), FlushError> {
    if records.permits_ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = records.permits_ended.iter().map(|id| id.0).collect();
    sqlx::query!("DELETE FROM permit WHERE id = ANY($1)", &ids)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

async fn remember(
    answers: &[IdempotencyRow],
    connection: &mut PgConnection,
) -> Result<(), FlushError> {
    if answers.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO idempotency (workspace_id, key, request_hash, answer, created_at)
         SELECT i.workspace_id, i.key, i.request_hash, i.answer::json, i.created_at
         FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[])
             AS i (workspace_id, key, request_hash, answer, created_at)
         ON CONFLICT (workspace_id, key) DO UPDATE SET request_hash = excluded.request_hash,
             answer = excluded.answer, created_at = excluded.created_at",
        &answers
            .iter()
            .map(|row| row.workspace.0)
            .collect::<Vec<_>>(),
        &answers
            .iter()
            .map(|row| row.key.as_str())
            .collect::<Vec<_>>() as &[&str],
        &answers
            .iter()
            .map(|row| row.request_hash.to_vec())
            .collect::<Vec<_>>(),
        &answers
            .iter()
            .map(|row| row.answer.to_string())
            .collect::<Vec<_>>(),
        &answers
            .iter()
            .map(|row| row.at.to_datetime())
            .collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
