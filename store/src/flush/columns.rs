//! Rows as columns: an array for each column of a table, the form that UNNEST takes.

use scheduler::{
    Actor, Attempt, BudgetRow, CreatedTask, Decision, OpenLease, OpenTask, ResourceRow, UsageRow,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::facts;
use super::normal::LastEnd;
use crate::convert::{
    class_word, date, id_array, outcome_word, priority_word, signed, to_json, to_word,
};

/// Declares a struct of columns and how each is filled from a row.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident of $row:ident: $type:ty { $($column:ident: $kind:ty = $value:expr,)+ }) => {
        $(#[$doc])*
        pub(super) struct $name<'a> {
            $(pub(super) $column: Vec<$kind>,)+
            rows: std::marker::PhantomData<&'a ()>,
        }

        impl<'a> $name<'a> {
            pub(super) fn of(rows: impl ExactSizeIterator<Item = $type>) -> Self {
                let mut columns = Self {
                    $($column: Vec::with_capacity(rows.len()),)+
                    rows: std::marker::PhantomData,
                };
                for $row in rows {
                    $(columns.$column.push($value);)+
                }
                columns
            }
        }
    };
}

columns! {
    /// `attempt`
    Attempts of row: &'a Attempt {
        workspace: Uuid = row.workspace.0,
        task: Uuid = row.task.0,
        epoch: i64 = i64::from(row.epoch),
        lease: Uuid = row.lease.0,
        agent: Uuid = row.agent.0,
        decision: Uuid = row.decision.0,
        granted_at: OffsetDateTime = row.granted_at.to_datetime(),
        ended_at: OffsetDateTime = row.ended_at.to_datetime(),
        outcome: &'static str = outcome_word(row.outcome),
        state: &'static str = row.state.as_str(),
        error: Option<&'a str> = row.error.as_deref(),
    }
}

columns! {
    /// `task_end`, with the attempt that was the end.
    Ends of row: LastEnd<'a> {
        workspace: Uuid = row.end.workspace.0,
        task: Uuid = row.end.id.0,
        at: OffsetDateTime = row.end.at.to_datetime(),
        decision: Option<Uuid> = row.end.decision.map(|id| id.0),
        attempts: i32 = i32::from(row.end.attempts),
        state: &'static str = row.end.state.as_str(),
        output: Option<String> = row.end.output.as_ref().map(to_json),
        error: Option<&'a str> = row.end.error.as_deref(),
        lease: Option<Uuid> = row.attempt.map(|attempt| attempt.lease.0),
        agent: Option<Uuid> = row.attempt.map(|attempt| attempt.agent.0),
        granted_at: Option<OffsetDateTime> = row.attempt.map(|attempt| attempt.granted_at.to_datetime()),
        epoch: Option<i64> = row.attempt.map(|attempt| i64::from(attempt.epoch)),
    }
}

columns! {
    /// `lease`
    Leases of row: &'a OpenLease {
        workspace: Uuid = row.workspace.0,
        task: Uuid = row.task.0,
        lease: Uuid = row.id.0,
        agent: Uuid = row.agent.0,
        decision: Uuid = row.decision.0,
        granted_at: OffsetDateTime = row.granted_at.to_datetime(),
        expires_at: OffsetDateTime = row.expires_at.to_datetime(),
        epoch: i64 = i64::from(row.epoch),
        grants: String = to_json(&row.grants),
        reservations: String = to_json(&row.reservations),
    }
}

columns! {
    /// `decision`
    Decisions of row: &'a Decision {
        id: Uuid = row.id.0,
        workspace: Uuid = row.workspace.0,
        task: Option<Uuid> = row.task.map(|id| id.0),
        agent: Option<Uuid> = row.agent.map(|id| id.0),
        resource: Option<Uuid> = row.resource.map(|id| id.0),
        at: OffsetDateTime = row.at.to_datetime(),
        policy_version: i32 = row.policy_version.cast_signed(),
        kind: &'static str = row.kind().as_str(),
        actor: Option<String> = (row.actor != Actor::Scheduler).then(|| to_json(&row.actor)),
        facts: String = facts::stored(&row.facts),
    }
}

columns! {
    /// `usage_report`
    Usage of row: &'a UsageRow {
        workspace: Uuid = row.workspace.0,
        at: OffsetDateTime = row.at.to_datetime(),
        task: Uuid = row.task.0,
        lease: Uuid = row.lease.0,
        agent: Uuid = row.agent.0,
        kind: &'a str = &row.kind,
        model: Option<&'a str> = row.model.as_deref(),
        input_tokens: i64 = signed(row.input_tokens),
        output_tokens: i64 = signed(row.output_tokens),
        cost_microusd: i64 = signed(row.cost_microusd),
    }
}

columns! {
    /// `resource`
    Resources of row: &'a ResourceRow {
        id: Uuid = row.spec.id.0,
        workspace: Option<Uuid> = row.spec.workspace.map(|id| id.0),
        name: &'a str = &row.spec.name,
        kind: String = to_json(&row.spec.kind),
        adaptive: Option<String> = row.spec.adaptive.as_ref().map(to_json),
        full_at_ns: i64 = row.state.full_at_ns,
        closed_until: Option<OffsetDateTime> = date(row.state.closed_until),
        closed_because: Option<String> = row.state.closed_because.as_ref().map(to_word),
        believed: f64 = row.state.believed,
        refusals: i64 = i64::from(row.state.refusals),
    }
}

columns! {
    /// `budget`
    Budgets of row: &'a BudgetRow {
        id: Uuid = row.spec.id.0,
        workspace: Uuid = row.spec.workspace.0,
        name: &'a str = &row.spec.name,
        scope: String = to_json(&row.spec.scope),
        unit: String = to_word(&row.spec.unit),
        limit: i64 = signed(row.spec.limit),
        window: String = to_word(&row.spec.window),
        soft_at: f64 = row.spec.soft_at,
        window_start: OffsetDateTime = row.state.window_start.to_datetime(),
        settled: i64 = signed(row.state.settled),
        warned: bool = row.state.warned,
    }
}

columns! {
    /// `task`
    Tasks of row: (&'a CreatedTask, Uuid) {
        workspace: Uuid = row.0.open.workspace.0,
        id: Uuid = row.0.open.id.0,
        created_at: OffsetDateTime = row.0.open.created_at.to_datetime(),
        due_at: Option<OffsetDateTime> = date(row.0.task.due_at),
        parent: Option<Uuid> = row.0.open.ancestors.first().map(|id| id.0),
        needs: Uuid = row.1,
        score: i32 = row.0.score,
        depth: i32 = i32::try_from(row.0.open.ancestors.len()).unwrap_or(i32::MAX),
        priority: &'static str = priority_word(row.0.task.priority),
        class: &'static str = class_word(row.0.open.needs.class),
        kind: &'a str = &row.0.open.needs.kind,
        agent: Option<&'a str> = row.0.open.needs.agent.as_deref(),
        title: &'a str = &row.0.task.title,
        description: &'a str = &row.0.task.description,
        reference: Option<&'a str> = row.0.task.reference.as_deref(),
        payload: Option<String> = row.0.task.payload.as_ref().map(to_json),
        created_by: String = to_json(&row.0.actor),
    }
}

columns! {
    /// `open_task`
    Opens of row: (&'a OpenTask, Uuid) {
        workspace: Uuid = row.0.workspace.0,
        task: Uuid = row.0.id.0,
        needs: Uuid = row.1,
        created_at: OffsetDateTime = row.0.created_at.to_datetime(),
        due_at: Option<OffsetDateTime> = date(row.0.due_at),
        not_before: Option<OffsetDateTime> = date(row.0.not_before),
        boost_until: Option<OffsetDateTime> = date(row.0.boost.map(|boost| boost.expires_at)),
        boost_delta: Option<i32> = row.0.boost.and_then(|boost| boost.score_delta),
        attempts: i32 = i32::from(row.0.attempts),
        epoch: i64 = i64::from(row.0.epoch),
        backing_off: bool = row.0.backing_off,
        state: &'static str = row.0.state.as_str(),
        priority: &'static str = priority_word(row.0.priority),
        ancestors: String = id_array(row.0.ancestors.iter().map(|id| id.0)),
    }
}
