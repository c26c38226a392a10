//! What the engine measures of itself: the metrics' names, and quantiles for `/stats`.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Names of the metrics, the unit last.
pub mod names {
    /// Decisions committed, by kind.
    pub const DECISIONS: &str = "baton_decisions_total";
    /// Leases committed.
    pub const DISPATCHES: &str = "baton_dispatches_total";
    /// Commands in one flush.
    pub const FLUSH_COMMANDS: &str = "baton_flush_commands";
    /// Rows in one flush.
    pub const FLUSH_ROWS: &str = "baton_flush_rows";
    /// How long one flush took.
    pub const FLUSH_SECONDS: &str = "baton_flush_seconds";
    /// How long copying a pool for a "what if" held the conductor up.
    pub const EXCERPT_SECONDS: &str = "baton_excerpt_seconds";
    /// Flushes that failed, by reason.
    pub const FLUSH_FAILURES: &str = "baton_flush_failures_total";
    /// Commands that wait for a conductor, by pool.
    pub const INBOX_DEPTH: &str = "baton_inbox_depth";
    /// From the arrival of what made a lease possible to its commit.
    pub const DISPATCH_SECONDS: &str = "baton_dispatch_seconds";
    /// How long the conductor thought about one dispatch.
    pub const PRIORITISATION_SECONDS: &str = "baton_prioritisation_seconds";
    /// Pools held by this server.
    pub const POOLS_HELD: &str = "baton_pools_held";
    /// Open tasks in memory, by pool.
    pub const OPEN_TASKS: &str = "baton_open_tasks";
    /// Live leases in memory, by pool.
    pub const LIVE_LEASES: &str = "baton_live_leases";
    /// Claims that wait, by pool.
    pub const WAITING_CLAIMS: &str = "baton_waiting_claims";
    /// Restarts of supervised loops, by name.
    pub const LOOP_RESTARTS: &str = "baton_loop_restarts_total";
    /// Resident memory of this process.
    pub const RESIDENT_BYTES: &str = "baton_resident_bytes";
}

/// Sub-buckets of each power of two: quantiles are right within an eighth.
const SUB_BITS: u32 = 3;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = 64 * SUB;

/// Counts of durations in buckets that grow with their size; lock-free, a few hundred words.
#[derive(Debug)]
pub struct Durations {
    counts: Box<[AtomicU64]>,
}

/// Two quantiles in nanoseconds; zero before anything was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Quantiles {
    pub p50_ns: u64,
    pub p99_ns: u64,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Durations {
    /// Counts `duration` as often as `times` says.
    pub fn record(&self, duration: Duration, times: u64) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(ns)].fetch_add(times, Ordering::Relaxed);
    }

    /// Halves all counts, so that what was measured long ago fades.
    pub fn fade(&self) {
        for count in &self.counts {
            count.fetch_sub(count.load(Ordering::Relaxed).div_ceil(2), Ordering::Relaxed);
        }
    }

    /// The median and the 99th percentile.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|c| c.load(Ordering::Relaxed))
            .collect();
        let total: u64 = counts.iter().sum();
        let at = |share: u64| {
            let wanted = (total * share).div_ceil(100);
            let mut seen = 0;
            let position = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            position.map_or(0, middle_ns)
        };
        if total == 0 {
            return Quantiles::default();
        }
        Quantiles {
            p50_ns: at(50),
            p99_ns: at(99),
        }
    }
}

/// The bucket of a value: its power of two and the next bits after the highest.
fn bucket(ns: u64) -> usize {
    if ns < SUB as u64 {
        return ns as usize;
    }
    let exponent = ns.ilog2();
    let sub = (ns >> (exponent - SUB_BITS)) as usize & (SUB - 1);
    (exponent - SUB_BITS + 1) as usize * SUB + sub
}

/// The middle of what a bucket holds.
fn middle_ns(bucket: usize) -> u64 {
    if bucket < SUB {
        return bucket as u64;
    }
    let shift = (bucket / SUB - 1) as u32;
    let low = ((SUB + bucket % SUB) as u64) << shift;
    low + (1_u64 << shift) / 2
}

/// What a pool's conductor has done lately, as its holder measured it.
#[derive(Debug, Default)]
pub(crate) struct Measures {
    /// The conductor's thinking for one dispatch.
    pub prioritisation: Durations,
    /// From the arrival of what made a lease possible to the answer.
    pub dispatch: Durations,
    /// Leases committed since the start.
    pub dispatches: AtomicU64,
    /// Flushes that failed or were fenced since the start.
    pub failures: AtomicU64,
    samples: Mutex<VecDeque<Sample>>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Instant,
    dispatches: u64,
    failures: u64,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

impl Measures {
    /// One step took so long and gave so many leases.
    pub(crate) fn thought(&self, took: Duration, leases: usize) {
        let Ok(count @ 1..) = u32::try_from(leases) else {
            return;
        };
        self.prioritisation.record(took / count, u64::from(count));
        metrics::histogram!(names::PRIORITISATION_SECONDS).record(took / count);
    }

    /// Notes where the counts stand; what is older than an hour is forgotten.
    pub(crate) fn sample(&self, now: Instant) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        while samples
            .front()
            .is_some_and(|oldest| now.duration_since(oldest.at) > HOUR)
        {
            samples.pop_front();
        }
        samples.push_back(self.sample_at(now));
    }

    /// Figures for people.
    pub(crate) fn stats(&self, now: Instant) -> Stats {
        let latest = self.sample_at(now);
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let before = |span| {
            samples
                .iter()
                .find(|s| now.duration_since(s.at) <= span)
                .copied()
        };
        let throughput_per_s = before(MINUTE).map_or(0.0, |then| {
            let seconds = now.duration_since(then.at).as_secs_f64().max(1.0);
            (latest.dispatches - then.dispatches) as f64 / seconds
        });
        let failures_then = before(HOUR).map_or(0, |then| then.failures);
        Stats {
            prioritisation: self.prioritisation.quantiles(),
            dispatch_latency: self.dispatch.quantiles(),
            throughput_per_s,
            contention_errors_per_h: latest.failures - failures_then,
            resident_bytes: resident_bytes(),
        }
    }

    fn sample_at(&self, at: Instant) -> Sample {
        Sample {
            at,
            dispatches: self.dispatches.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

/// Figures of one pool for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// The conductor's thinking for one dispatch.
    pub prioritisation: Quantiles,
    /// From the arrival of what made a lease possible to the answer.
    pub dispatch_latency: Quantiles,
    /// Leases a second, over the last minute.
    pub throughput_per_s: f64,
    /// Flushes that failed or lost their fence within the last hour.
    pub contention_errors_per_h: u64,
    /// Resident memory of the server that holds the pool.
    pub resident_bytes: u64,
}

/// Resident memory of this process in bytes; 0 where the system does not tell.
#[must_use]
pub fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4_096;
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_whitespace().nth(1)?.parse::<u64>().ok())
        .map_or(0, |pages| pages * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_an_eighth() {
        let durations = Durations::default();
        for us in 1..=1_000 {
            durations.record(Duration::from_micros(us), 1);
        }
        let Quantiles { p50_ns, p99_ns } = durations.quantiles();
        assert!((437_500..=562_500).contains(&p50_ns), "{p50_ns}");
        assert!((866_000..=1_114_000).contains(&p99_ns), "{p99_ns}");
    }

    #[test]
    fn every_duration_has_a_bucket_and_nothing_measured_is_zero() {
        assert_eq!(Durations::default().quantiles(), Quantiles::default());
        for ns in [0, 1, 7, 8, 9, 1_000, u64::MAX] {
            assert!(bucket(ns) < BUCKETS, "{ns}");
        }
    }

    #[test]
    fn throughput_is_of_the_last_minute_and_failures_of_the_last_hour() {
        let (measures, start) = (Measures::default(), Instant::now());
        measures.sample(start);
        measures.dispatches.store(600, Ordering::Relaxed);
        measures.failures.store(2, Ordering::Relaxed);
        let after = measures.stats(start + MINUTE);
        assert!((after.throughput_per_s - 10.0).abs() < 0.01);
        assert_eq!(after.contention_errors_per_h, 2);
        measures.sample(start + MINUTE);
        measures.sample(start + MINUTE * 2 + HOUR);
        let later = measures.stats(start + MINUTE * 2 + HOUR);
        assert!(later.throughput_per_s.abs() < 0.01);
        assert_eq!(later.contention_errors_per_h, 0);
    }

    #[test]
    fn old_measurements_fade() {
        let durations = Durations::default();
        durations.record(Duration::from_secs(1), 4);
        for _ in 0..3 {
            durations.fade();
        }
        assert_eq!(durations.quantiles(), Quantiles::default());
    }
}
