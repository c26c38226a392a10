//! A token bucket as one instant: GCRA, the generic cell rate algorithm (ITU-T I.371), in the form
//! of a virtual schedule.
//!
//! `full_at` is when the bucket will be full if nothing more is taken; what is missing at `t` is
//! `(full_at - t) / interval`. One number says everything, exactly: when any amount will be there,
//! and a debt when more was used than there was.

use crate::Time;

/// A token bucket; amounts in tokens, instants in nanoseconds inside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bucket {
    capacity: u32,
    /// Nanoseconds a token takes to come, at least 1; rounded up so that no window gives too much.
    interval_ns: i64,
    full_at_ns: i64,
}

/// The fastest refill that can be kept exactly, in tokens a second.
pub(crate) const MAX_REFILL_PER_S: f64 = 1e9;
/// The slowest, one token in about three years.
pub(crate) const MIN_REFILL_PER_S: f64 = 1e-8;

impl Bucket {
    /// `refill_per_s` is clamped to what can be kept; the edge refuses other values.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to 1 ns and 1e17 ns"
    )]
    pub(crate) fn new(capacity: u32, refill_per_s: f64, full_at_ns: i64) -> Self {
        let rate = refill_per_s.clamp(MIN_REFILL_PER_S, MAX_REFILL_PER_S);
        Self {
            capacity,
            interval_ns: (1e9 / rate).ceil() as i64,
            full_at_ns,
        }
    }

    /// Takes another rate from now on; what is missing now stays missing, to the part of a token.
    pub(crate) fn refill(&mut self, refill_per_s: f64, now: Time) {
        let old = i128::from(self.interval_ns);
        self.interval_ns = Self::new(self.capacity, refill_per_s, 0).interval_ns;
        let missing_ns = i128::from(self.full_at_ns.saturating_sub(ns(now)).max(0));
        let missing_ns = (missing_ns * i128::from(self.interval_ns) + old - 1) / old;
        let missing_ns = i64::try_from(missing_ns).unwrap_or(i64::MAX);
        self.full_at_ns = ns(now).saturating_add(missing_ns);
    }

    pub(crate) const fn full_at_ns(&self) -> i64 {
        self.full_at_ns
    }

    pub(crate) const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Whole tokens at `now`, negative when overdrawn.
    pub(crate) fn available(&self, now: Time) -> i64 {
        let missing_ns = self.full_at_ns.saturating_sub(ns(now)).max(0);
        // Rounded up: a token that is not whole is not there.
        i64::from(self.capacity) - (missing_ns + self.interval_ns - 1) / self.interval_ns
    }

    /// The first instant at which `amount` is there if nothing else is taken; `None` for never.
    pub(crate) fn when(&self, amount: u32, now: Time) -> Option<Time> {
        if amount > self.capacity {
            return None;
        }
        let spare = i64::from(self.capacity - amount).saturating_mul(self.interval_ns);
        let at_ns = self.full_at_ns.saturating_sub(spare);
        Some(now.max(Time(at_ns.saturating_add(999).div_euclid(1_000))))
    }

    /// Takes `amount`, whether it is there or not.
    pub(crate) fn take(&mut self, amount: u32, now: Time) {
        let cost = i64::from(amount).saturating_mul(self.interval_ns);
        self.full_at_ns = self.full_at_ns.max(ns(now)).saturating_add(cost);
    }

    /// Puts back `amount` that was taken at `taken_at` and never used, less what came in since: had it
    /// not been taken, the bucket might have been full meanwhile and that would have been lost.
    pub(crate) fn give_back(&mut self, amount: u32, taken_at: Time, now: Time) {
        let cost = i64::from(amount).saturating_mul(self.interval_ns);
        let since = ns(now).saturating_sub(ns(taken_at)).max(0);
        self.full_at_ns -= cost.saturating_sub(since).max(0);
    }

    /// Lowers what is believed available to at most `amount`; never raises it.
    pub(crate) fn lower_to(&mut self, amount: u32, now: Time) {
        let surplus = self.available(now) - i64::from(amount);
        if let Ok(surplus) = u32::try_from(surplus) {
            self.take(surplus, now);
        }
    }
}

/// Nanoseconds since the epoch; good until the year 2262.
const fn ns(at: Time) -> i64 {
    at.0.saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Span;

    const START: Time = Time(1_700_000_000_000_000);

    #[test]
    fn it_starts_full_empties_and_says_exactly_when_it_is_back() {
        let mut bucket = Bucket::new(100, 0.5, 0);
        assert_eq!(bucket.available(START), 100);
        bucket.take(100, START);
        assert_eq!(bucket.available(START), 0);
        let at = bucket.when(3, START).unwrap();
        assert_eq!(at, START + Span::from_secs(6));
        assert_eq!(bucket.available(at), 3);
        assert_eq!(bucket.available(at - Span(1)), 2);
    }

    #[test]
    fn a_debt_is_worked_off_before_anything_is_there() {
        let mut bucket = Bucket::new(10, 1.0, 0);
        bucket.take(15, START);
        assert_eq!(bucket.available(START), -5);
        assert_eq!(bucket.when(1, START), Some(START + Span::from_secs(6)));
    }

    #[test]
    fn what_can_never_be_there_has_no_instant() {
        assert_eq!(Bucket::new(10, 1.0, 0).when(11, START), None);
    }

    #[test]
    fn a_provider_can_lower_it_and_not_raise_it() {
        let mut bucket = Bucket::new(10, 1.0, 0);
        bucket.lower_to(4, START);
        assert_eq!(bucket.available(START), 4);
        bucket.lower_to(8, START);
        assert_eq!(bucket.available(START), 4);
    }

    #[test]
    fn another_rate_neither_gives_nor_takes() {
        let mut bucket = Bucket::new(20, 2.0, 0);
        bucket.take(20, START);
        for (rate, at_5) in [(1.4, 7), (0.2, 8), (2.0, 18)] {
            let before = bucket.available(START);
            bucket.refill(rate, START);
            assert_eq!(bucket.available(START), before);
            assert!(bucket.available(START + Span::from_secs(5)) <= at_5);
        }
        bucket.refill(1.0, START + Span::from_secs(3_600));
        assert_eq!(bucket.available(START + Span::from_secs(3_600)), 20);
    }

    proptest! {
        /// Invariant 5: in any window w a bucket gives at most capacity + refill · w.
        #[test]
        fn no_window_gives_more_than_capacity_and_refill(
            capacity in 1_u32..200, rate in 0.1_f64..500.0,
            asks in prop::collection::vec((1_u32..20, 0_i64..200_000), 1..200),
        ) {
            let mut bucket = Bucket::new(capacity, rate, 0);
            let mut now = START;
            let mut given: Vec<(Time, u32)> = Vec::new();
            for (amount, wait) in asks {
                now = now + Span(wait);
                if bucket.available(now) >= i64::from(amount) {
                    bucket.take(amount, now);
                    given.push((now, amount));
                }
            }
            for (i, &(from, _)) in given.iter().enumerate() {
                let mut sum = 0;
                for &(at, amount) in &given[i..] {
                    sum += amount;
                    let most = f64::from(capacity) + rate * at.since(from).as_secs_f64();
                    prop_assert!(f64::from(sum) <= most + 1e-6, "{sum} in {:?}, at most {most}", at.since(from));
                }
            }
        }

        #[test]
        fn when_is_the_first_instant(capacity in 1_u32..100, rate in 0.1_f64..1000.0, taken in 0_u32..150, amount in 1_u32..100) {
            let mut bucket = Bucket::new(capacity, rate, 0);
            bucket.take(taken, START);
            if let Some(at) = bucket.when(amount, START) {
                prop_assert!(bucket.available(at) >= i64::from(amount));
                prop_assert!(at == START || bucket.available(at - Span(1)) < i64::from(amount));
            }
        }
    }
}
