//! Sums over what only grows, made a moment after it was committed: what was used by hour and day, and
//! how many tasks are over. Readers add what came since, so that what they see is exact. How it is
//! done, and why nothing is lost or counted twice, stands with the functions in the migrations.

use scheduler::Time;

use crate::{Store, StoreError};

/// Sums what has settled since the last time: how many reports and ends. One server does it at a time;
/// the others find nothing to do.
pub async fn tick(store: &Store, now: Time) -> Result<u64, StoreError> {
    let reports = sqlx::query_scalar!(r#"SELECT sum_usage($1) AS "reports!""#, now.to_datetime())
        .fetch_one(&store.readers)
        .await?;
    let ends = sqlx::query_scalar!(r#"SELECT sum_ends($1) AS "ends!""#, now.to_datetime())
        .fetch_one(&store.readers)
        .await?;
    Ok((reports + ends).cast_unsigned())
}
