//! The statement a busy pool flushes with.

use std::ops::DerefMut;

use hashbrown::HashMap;
use scheduler::{Records, ResourceId};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::columns::{Attempts, Budgets, Decisions, Ends, Leases, Resources, Usage};
use super::normal::Normal;
use crate::{Fence, FlushError};

/// Numbered slots whose holder changes, by what becomes of their rows.
#[derive(Default)]
struct Slots {
    /// Nobody holds them now.
    freed: SlotColumns,
    /// Another holds them now: `holder` from `before`.
    moved: SlotColumns,
    before: Vec<Uuid>,
    /// Nobody held them before.
    taken: SlotColumns,
}

/// `lease_slot`
#[derive(Default)]
struct SlotColumns {
    resource: Vec<Uuid>,
    slot: Vec<i32>,
    holder: Vec<Uuid>,
}

impl SlotColumns {
    fn push(&mut self, (resource, slot): (ResourceId, u32), holder: Uuid) {
        self.resource.push(resource.0);
        self.slot.push(slot.cast_signed());
        self.holder.push(holder);
    }
}

impl Slots {
    fn of(normal: &Normal<'_>) -> Self {
        let freed = normal.freed.iter();
        let mut before: HashMap<_, _> = freed
            .map(|freed| ((freed.resource, freed.slot), freed.holder))
            .collect();
        let mut slots = Self::default();
        for lease in &normal.leased {
            for grant in &lease.grants {
                for slot in grant.slots.iter().map(|&slot| (grant.resource, slot)) {
                    if let Some(before) = before.remove(&slot) {
                        slots.moved.push(slot, lease.id.0);
                        slots.before.push(before);
                    } else {
                        slots.taken.push(slot, lease.id.0);
                    }
                }
            }
        }
        for (slot, holder) in before {
            slots.freed.push(slot, holder);
        }
        slots
    }
}

/// The columns of the hot tables.
pub(super) struct Hot<'a> {
    over_tasks: Vec<Uuid>,
    over_leases: Vec<Uuid>,
    gone_workspaces: Vec<Uuid>,
    gone_tasks: Vec<Uuid>,
    reopened_workspaces: Vec<Uuid>,
    reopened_tasks: Vec<Uuid>,
    ends: Ends<'a>,
    attempts: Attempts<'a>,
    leases: Leases<'a>,
    slots: Slots,
    decisions: Decisions<'a>,
    usage: Usage<'a>,
    resources: Resources<'a>,
    budgets: Budgets<'a>,
}

impl<'a> Hot<'a> {
    pub(super) fn of(records: &'a Records, normal: &Normal<'a>) -> Self {
        let (over_tasks, over_leases) = normal
            .over
            .iter()
            .map(|attempt| (attempt.task.0, attempt.lease.0))
            .unzip();
        let (gone_workspaces, gone_tasks) = normal
            .ended
            .iter()
            .filter(|ended| ended.gone)
            .map(|ended| (ended.end.workspace.0, ended.end.id.0))
            .unzip();
        let (reopened_workspaces, reopened_tasks) = normal
            .reopened
            .iter()
            .map(|open| (open.workspace.0, open.id.0))
            .unzip();
        Self {
            over_tasks,
            over_leases,
            gone_workspaces,
            gone_tasks,
            reopened_workspaces,
            reopened_tasks,
            ends: Ends::of(normal.ended.iter().copied()),
            attempts: Attempts::of(normal.attempts.iter().copied()),
            leases: Leases::of(normal.leased.iter().copied()),
            slots: Slots::of(normal),
            decisions: Decisions::of(records.decisions.iter()),
            usage: Usage::of(records.usage.iter()),
            resources: Resources::of(normal.resources.iter().copied()),
            budgets: Budgets::of(normal.budgets.iter().copied()),
        }
    }
}

/// Writes the hot tables. The statement is put together before there is a `connection` to send it over.
pub(super) async fn write<C: DerefMut<Target = PgConnection>>(
    fence: &Fence,
    hot: &Hot<'_>,
    connection: impl Future<Output = Result<C, sqlx::Error>>,
) -> Result<C, FlushError> {
    let Hot {
        over_tasks,
        over_leases,
        gone_workspaces,
        gone_tasks,
        reopened_workspaces,
        reopened_tasks,
        ends,
        attempts,
        leases,
        slots,
        decisions,
        usage,
        resources,
        budgets,
    } = hot;
    // Casts to `&[Option<_>]` and `&[&str]` name types the macro would not choose for an array.
    let statement = sqlx::query_file!(
        "src/flush/hot.sql",
        fence.pool.0,
        fence.epoch,
        fence.holder,
        over_tasks,
        over_leases,
        gone_workspaces,
        gone_tasks,
        reopened_workspaces,
        reopened_tasks,
        &ends.workspace,
        &ends.task,
        &ends.at,
        &ends.decision as &[Option<Uuid>],
        &ends.attempts,
        &ends.state as &[&str],
        &ends.output as &[Option<String>],
        &ends.error as &[Option<&str>],
        &ends.lease as &[Option<Uuid>],
        &ends.agent as &[Option<Uuid>],
        &ends.granted_at as &[Option<OffsetDateTime>],
        &ends.epoch as &[Option<i64>],
        &attempts.workspace,
        &attempts.task,
        &attempts.epoch,
        &attempts.lease,
        &attempts.agent,
        &attempts.decision,
        &attempts.granted_at,
        &attempts.ended_at,
        &attempts.outcome as &[&str],
        &attempts.state as &[&str],
        &attempts.error as &[Option<&str>],
        &leases.workspace,
        &leases.task,
        &leases.lease,
        &leases.agent,
        &leases.decision,
        &leases.granted_at,
        &leases.expires_at,
        &leases.epoch,
        &leases.grants,
        &leases.reservations,
        &slots.freed.resource,
        &slots.freed.slot,
        &slots.freed.holder,
        &slots.moved.resource,
        &slots.moved.slot,
        &slots.moved.holder,
        &slots.before,
        &slots.taken.resource,
        &slots.taken.slot,
        &slots.taken.holder,
        &decisions.id,
        &decisions.workspace,
        &decisions.task as &[Option<Uuid>],
        &decisions.agent as &[Option<Uuid>],
        &decisions.resource as &[Option<Uuid>],
        &decisions.at,
        &decisions.policy_version,
        &decisions.kind as &[&str],
        &decisions.actor as &[Option<String>],
        &decisions.facts,
        &usage.workspace,
        &usage.at,
        &usage.task,
        &usage.lease,
        &usage.agent,
        &usage.kind as &[&str],
        &usage.model as &[Option<&str>],
        &usage.input_tokens,
        &usage.output_tokens,
        &usage.cost_microusd,
        &resources.id,
        &resources.workspace as &[Option<Uuid>],
        &resources.name as &[&str],
        &resources.kind,
        &resources.adaptive as &[Option<String>],
        &resources.full_at_ns,
        &resources.closed_until as &[Option<OffsetDateTime>],
        &resources.closed_because as &[Option<String>],
        &resources.believed,
        &resources.refusals,
        &budgets.id,
        &budgets.workspace,
        &budgets.name as &[&str],
        &budgets.scope,
        &budgets.unit,
        &budgets.limit,
        &budgets.window,
        &budgets.soft_at,
        &budgets.window_start,
        &budgets.settled,
        &budgets.warned,
        over_leases.len() as i64,
        slots.freed.slot.len() as i64,
        slots.moved.slot.len() as i64,
    );
    let mut connection = connection.await?;
    match statement.fetch_optional(&mut *connection).await? {
        Some(_) => Ok(connection),
        None => Err(FlushError::Fenced),
    }
}
