//! Takes away what has run out: remembered answers after a day, sessions after their end, login
//! attempts after a day, servers not heard of for a day, the history of limits, sums by the hour. Any server may do it, as often as it likes.

use scheduler::{Span, Time};

use crate::idempotency::KEPT;
use crate::{Store, StoreError};

const DAY: Span = Span::from_secs(24 * 3_600);
/// A week can be looked back at, and a month's budget with the one before.
const HISTORY: (Span, Span) = (Span(8 * DAY.0), Span(62 * DAY.0));

/// What one round took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Removed {
    pub answers: u64,
    pub sessions: u64,
    pub login_attempts: u64,
    pub servers: u64,
    pub minutes: u64,
    pub points: u64,
    pub hours: u64,
}

/// One round at `now`.
pub async fn tick(store: &Store, now: Time) -> Result<Removed, StoreError> {
    let day_ago = (now - DAY).to_datetime();
    let answers = sqlx::query!(
        "DELETE FROM idempotency WHERE created_at <= $1",
        (now - KEPT).to_datetime()
    );
    let sessions = sqlx::query!(
        "DELETE FROM session WHERE idle_expires_at <= $1 OR absolute_expires_at <= $1",
        now.to_datetime(),
    );
    let attempts = sqlx::query!("DELETE FROM login_attempt WHERE at <= $1", day_ago);
    let servers = sqlx::query!("DELETE FROM server WHERE seen_at <= $1", day_ago);
    let minutes = sqlx::query!(
        "DELETE FROM resource_minute WHERE at <= $1",
        (now - HISTORY.0).to_datetime()
    );
    let points = sqlx::query!(
        "DELETE FROM budget_point WHERE at <= $1",
        (now - HISTORY.1).to_datetime()
    );
    // Whoever looks further back looks at whole days.
    let hours = sqlx::query!(
        "DELETE FROM usage_sum WHERE grain = 'hour' AND at <= $1",
        (now - HISTORY.1).to_datetime()
    );
    Ok(Removed {
        answers: answers.execute(&store.readers).await?.rows_affected(),
        sessions: sessions.execute(&store.readers).await?.rows_affected(),
        login_attempts: attempts.execute(&store.readers).await?.rows_affected(),
        servers: servers.execute(&store.readers).await?.rows_affected(),
        minutes: minutes.execute(&store.readers).await?.rows_affected(),
        points: points.execute(&store.readers).await?.rows_affected(),
        hours: hours.execute(&store.readers).await?.rows_affected(),
    })
}
