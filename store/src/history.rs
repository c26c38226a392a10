//! How limits stood over time: folded in by the engine, read by charts.

use scheduler::{BudgetId, Gauges, ResourceId, Span, Time};

use crate::convert::unsigned;
use crate::{Store, StoreError};

/// A resource's history is kept minute by minute.
pub const MINUTE: Span = Span::from_secs(60);

/// A resource over a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResourcePoint {
    /// When the span began.
    pub at: Time,
    /// Tokens or slots free at the last look of each minute, on average.
    pub level: f64,
    /// The least that was seen free.
    pub lowest: f64,
    /// Capacity or slots, as believed.
    pub limit: f64,
    /// The most slots seen held.
    pub in_use: u32,
    /// The most tasks seen waiting; unknown for a pool's resource.
    pub waiting: Option<u32>,
    /// Tokens or slots given.
    pub given: u64,
}

/// A budget at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetPoint {
    /// When.
    pub at: Time,
    /// Used since its window began.
    pub settled: u64,
    /// Reserved by leases live then.
    pub reserved: u64,
}

impl Store {
    /// Folds a look at a pool's limits into the current minute of each resource and the current point
    /// of each budget. `given` is what was given since the last look. What has been removed meanwhile is
    /// left out; what is there stays until this is written.
    pub async fn keep_gauges(&self, gauges: &Gauges, now: Time) -> Result<(), StoreError> {
        let resources = &gauges.resources;
        let ids: Vec<_> = resources.iter().map(|one| one.resource.0).collect();
        let levels: Vec<_> = resources.iter().map(|one| one.available).collect();
        let limits: Vec<_> = resources.iter().map(|one| one.limit).collect();
        let in_use: Vec<_> = resources
            .iter()
            .map(|one| one.in_use.cast_signed())
            .collect();
        let waiting: Vec<_> = resources
            .iter()
            .map(|one| one.waiting.map(u32::cast_signed))
            .collect();
        let given: Vec<_> = resources
            .iter()
            .map(|one| one.given.cast_signed())
            .collect();
        sqlx::query!(
            r#"INSERT INTO resource_minute AS m (resource_id, at, level, lowest, "limit", in_use, waiting, given)
               SELECT r.id, $1, level, level, "limit", in_use, waiting, given
               FROM unnest($2::uuid[], $3::float8[], $4::float8[], $5::int[], $6::int[], $7::bigint[])
                   AS seen (id, level, "limit", in_use, waiting, given)
               JOIN resource r ON r.id = seen.id FOR KEY SHARE OF r
               ON CONFLICT (resource_id, at) DO UPDATE SET level = excluded.level, "limit" = excluded.limit,
                   lowest = least(m.lowest, excluded.lowest), in_use = greatest(m.in_use, excluded.in_use),
                   waiting = greatest(m.waiting, excluded.waiting), given = m.given + excluded.given"#,
            MINUTE.floor(now).to_datetime(),
            &ids,
            &levels,
            &limits,
            &in_use,
            &waiting as &[Option<i32>],
            &given,
        )
        .execute(&self.readers)
        .await?;
        let budgets = &gauges.budgets;
        let ids: Vec<_> = budgets.iter().map(|one| one.budget.0).collect();
        let at: Vec<_> = budgets
            .iter()
            .map(|one| one.window.grain().floor(now).to_datetime())
            .collect();
        let settled: Vec<_> = budgets
            .iter()
            .map(|one| one.settled.cast_signed())
            .collect();
        let reserved: Vec<_> = budgets
            .iter()
            .map(|one| one.reserved.cast_signed())
            .collect();
        sqlx::query!(
            r#"INSERT INTO budget_point (budget_id, at, settled, reserved)
               SELECT b.id, seen.at, seen.settled, seen.reserved
               FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[]) AS seen (id, at, settled, reserved)
               JOIN budget b ON b.id = seen.id FOR KEY SHARE OF b
               ON CONFLICT (budget_id, at) DO UPDATE SET settled = excluded.settled, reserved = excluded.reserved"#,
            &ids,
            &at,
            &settled,
            &reserved,
        )
        .execute(&self.readers)
        .await?;
        Ok(())
    }

    /// A resource's history from `from` on, one point a `step`, oldest first; spans in which nobody
    /// looked are left out.
    pub async fn resource_history(
        &self,
        resource: ResourceId,
        from: Time,
        step: Span,
    ) -> Result<Vec<ResourcePoint>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT date_bin(make_interval(secs => $3), at, to_timestamp(0)) AS "slot!", avg(level) AS "level!",
                   min(lowest) AS "lowest!", max("limit") AS "limit!", max(in_use) AS "in_use!",
                   max(waiting) AS waiting, sum(given)::bigint AS "given!"
               FROM resource_minute WHERE resource_id = $1 AND at >= $2 GROUP BY 1 ORDER BY 1"#,
            resource.0,
            from.to_datetime(),
            step.as_secs_f64(),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                let waiting = row.waiting.map(|waiting| unsigned("waiting", waiting));
                Ok(ResourcePoint {
                    at: row.slot.into(),
                    level: row.level,
                    lowest: row.lowest,
                    limit: row.limit,
                    in_use: unsigned("in use", row.in_use)?,
                    waiting: waiting.transpose()?,
                    given: unsigned("given", row.given)?,
                })
            })
            .collect()
    }

    /// Providers' refusals of a resource from `from` on, counted a `step`, oldest first; steps without
    /// any are left out.
    pub async fn refusal_history(
        &self,
        resource: ResourceId,
        from: Time,
        step: Span,
    ) -> Result<Vec<(Time, u64)>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT date_bin(make_interval(secs => $3), at, to_timestamp(0)) AS "slot!", count(*) AS "refusals!"
               FROM refusal WHERE resource_id = $1 AND at >= $2 GROUP BY 1 ORDER BY 1"#,
            resource.0,
            from.to_datetime(),
            step.as_secs_f64(),
        )
        .fetch_all(&self.readers)
        .await?;
        let count = |refusals| unsigned("count of refusals", refusals);
        rows.into_iter()
            .map(|row| Ok((row.slot.into(), count(row.refusals)?)))
            .collect()
    }

    /// A budget's history from `from` on, oldest first.
    pub async fn budget_history(
        &self,
        budget: BudgetId,
        from: Time,
    ) -> Result<Vec<BudgetPoint>, StoreError> {
        let rows = sqlx::query!(
            "SELECT at, settled, reserved FROM budget_point WHERE budget_id = $1 AND at >= $2 ORDER BY at",
            budget.0,
            from.to_datetime(),
        )
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(BudgetPoint {
                    at: row.at.into(),
                    settled: unsigned("settled", row.settled)?,
                    reserved: unsigned("reserved", row.reserved)?,
                })
            })
            .collect()
    }
}
