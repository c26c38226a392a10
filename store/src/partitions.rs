//! The decision table is one partition a week, made before the week begins.

use scheduler::{Span, Time};

use crate::{Store, StoreError};

/// How many weeks are made ahead of the current one.
const WEEKS_AHEAD: i64 = 4;
const WEEK: Span = Span::from_secs(7 * 24 * 3_600);

impl Store {
    /// Makes the partitions of the week of `now` and of the next four; how many were new. Several
    /// servers may do it at once.
    pub async fn ensure_partitions(&self, now: Time) -> Result<u32, StoreError> {
        let mut transaction = self.readers.begin().await?;
        // Two makers of one week would both find it missing.
        sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('decision weeks'))")
            .execute(&mut *transaction)
            .await?;
        let mut made = 0;
        for week in 0..=WEEKS_AHEAD {
            let at = now + Span(WEEK.0 * week);
            let new = sqlx::query_scalar!(
                r#"SELECT make_decision_week($1) AS "new!""#,
                at.to_datetime()
            )
            .fetch_one(&mut *transaction)
            .await?;
            made += u32::from(new);
        }
        transaction.commit().await?;
        Ok(made)
    }
}
