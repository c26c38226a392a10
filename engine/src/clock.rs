//! The database's time, without asking it each time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use scheduler::Time;

/// A reading that took no longer is believed to lie in the middle.
const QUICK: Duration = Duration::from_millis(5);

/// Database time from an offset to the local monotonic clock. Never goes backwards: a correction
/// to an earlier time makes it stand still until the database has caught up.
#[derive(Debug)]
pub struct Clock {
    base: Instant,
    offset_us: AtomicI64,
    last_us: AtomicI64,
}

impl Clock {
    /// A clock set by one reading: `read` was the database's time at some instant between `asked`
    /// and `answered`.
    #[must_use]
    pub fn new(asked: Instant, read: Time, answered: Instant) -> Self {
        let clock = Self {
            base: asked,
            offset_us: AtomicI64::new(0),
            last_us: AtomicI64::new(i64::MIN),
        };
        clock.correct(asked, read, answered);
        clock
    }

    /// Sets it by a new reading. A reading says only that the offset lies between two bounds, as far
    /// apart as it took: a slow one moves the offset no further than into them.
    pub fn correct(&self, asked: Instant, read: Time, answered: Instant) {
        let (least, most) = (
            read.0 - self.local_us(answered),
            read.0 - self.local_us(asked),
        );
        let known = self.offset_us.load(Ordering::Relaxed);
        let quick = answered.saturating_duration_since(asked) <= QUICK;
        let offset = if quick {
            i64::midpoint(least, most)
        } else {
            known.clamp(least, most)
        };
        self.offset_us.store(offset, Ordering::Relaxed);
    }

    /// The database's time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.at(Instant::now())
    }

    /// The database's time at `instant`, or the latest ever told if that is later.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Time {
        let now = self.local_us(instant) + self.offset_us.load(Ordering::Relaxed);
        Time(self.last_us.fetch_max(now, Ordering::Relaxed).max(now))
    }

    /// How long from now until the database's clock shows `time`; zero when it has.
    #[must_use]
    pub fn until(&self, time: Time) -> Duration {
        let span_us = time.0.saturating_sub(self.now().0);
        Duration::from_micros(u64::try_from(span_us).unwrap_or(0))
    }

    fn local_us(&self, instant: Instant) -> i64 {
        let us = instant.saturating_duration_since(self.base).as_micros();
        i64::try_from(us).unwrap_or(i64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn it_runs_with_the_database_not_with_the_machine() {
        let start = Instant::now();
        let clock = Clock::new(start, Time::from_millis(50_000), start + ms(2));
        assert_eq!(clock.at(start + ms(1)), Time::from_millis(50_000));
        assert_eq!(clock.at(start + ms(11)), Time::from_millis(50_010));
    }

    #[test]
    fn a_slow_reading_moves_it_no_further_than_it_proves() {
        let start = Instant::now();
        let clock = Clock::new(start, Time::from_millis(50_000), start);
        clock.correct(start, Time::from_millis(52_000), start + ms(4_000));
        assert_eq!(clock.at(start + ms(4_000)), Time::from_millis(54_000));
        clock.correct(start, Time::from_millis(50_000), start + ms(1_000));
        clock.correct(start, Time::from_millis(55_000), start + ms(1_000));
        assert_eq!(clock.at(start + ms(4_000)), Time::from_millis(58_000));
    }

    #[test]
    fn a_correction_backwards_makes_it_stand_and_not_return() {
        let start = Instant::now();
        let clock = Clock::new(start, Time::from_millis(50_000), start);
        assert_eq!(clock.at(start + ms(100)), Time::from_millis(50_100));
        clock.correct(start + ms(100), Time::from_millis(50_040), start + ms(100));
        assert_eq!(clock.at(start + ms(110)), Time::from_millis(50_100));
        assert_eq!(clock.at(start + ms(200)), Time::from_millis(50_140));
    }
}
