//! What an engine is started with.

use std::time::Duration;

use uuid::Uuid;

/// How one server runs its engine. Spans are wall time; tests shorten them.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// This process, new at every start: a restarted server is another holder.
    pub server_id: Uuid,
    /// Where the other servers reach this one, without a trailing slash.
    pub public_url: String,
    /// Whether only this process can be reached there: it has bound that very address. Then a pool
    /// recorded as held there by another is held by nobody, and is taken over at the start.
    pub is_only_one_there: bool,
    /// How long a pool stays taken without a renewal.
    pub pool_ttl: Duration,
    /// How often a held pool is renewed and the database's clock read.
    pub renew_every: Duration,
    /// How often the pools of others are looked at, to take over what was left.
    pub watch_every: Duration,
    /// The least span between two notifications of one pool.
    pub notify_gap: Duration,
    /// How often old rows are swept away.
    pub retention_every: Duration,
    /// How often the safety net looks, by activity.
    pub polls: PollIntervals,
    /// Bounds of queues and batches.
    pub bounds: Bounds,
}

/// How often the safety net looks at a pool that was active lately, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollIntervals {
    /// Commands within the last half minute.
    pub busy: Duration,
    /// Within the last five minutes.
    pub normal: Duration,
    /// Within the last hour.
    pub quiet: Duration,
    /// Longer ago.
    pub dormant: Duration,
}

/// The most that is held of anything that queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Commands that wait for one pool's conductor; above it callers hear `Busy`.
    pub inbox: usize,
    /// Commands whose records go into one flush.
    pub batch: usize,
    /// Claims and permits that wait at one pool; above it callers hear `Busy`.
    pub waiting: usize,
    /// Changes remembered of one pool, for readers that resume.
    pub ring: usize,
}

impl EngineConfig {
    /// The settings of a real server.
    #[must_use]
    pub fn new(server_id: Uuid, public_url: impl Into<String>) -> Self {
        Self {
            server_id,
            public_url: public_url.into(),
            is_only_one_there: false,
            pool_ttl: Duration::from_secs(10),
            renew_every: Duration::from_secs(3),
            watch_every: Duration::from_secs(1),
            notify_gap: Duration::from_millis(5),
            retention_every: Duration::from_hours(1),
            polls: PollIntervals::default(),
            bounds: Bounds::default(),
        }
    }

    /// Whether that address can only be this process's own.
    pub(crate) fn is_own(&self, url: &str) -> bool {
        self.is_only_one_there && self.public_url == url
    }
}

impl Default for PollIntervals {
    fn default() -> Self {
        Self {
            busy: Duration::from_secs(5),
            normal: Duration::from_secs(15),
            quiet: Duration::from_mins(1),
            dormant: Duration::from_mins(5),
        }
    }
}

impl PollIntervals {
    /// The interval for a pool whose last command was `idle` ago.
    #[must_use]
    pub fn after(&self, idle: Duration) -> Duration {
        match idle.as_secs() {
            0..30 => self.busy,
            30..300 => self.normal,
            300..3_600 => self.quiet,
            _ => self.dormant,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            inbox: 4_096,
            batch: 500,
            waiting: 10_000,
            ring: 16_384,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_net_looks_less_often_the_longer_a_pool_sleeps() {
        let polls = PollIntervals::default();
        let after = |secs| polls.after(Duration::from_secs(secs)).as_secs();
        assert_eq!(
            [after(0), after(29), after(30), after(300), after(3_600)],
            [5, 5, 15, 60, 300]
        );
    }
}
