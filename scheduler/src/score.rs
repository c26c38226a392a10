//! The heuristic score: what is known of a task the moment it exists, as recorded factors.
//!
//! `score` (0 to 1000) = stated priority (0–600) + unblocking (0–150) + critical path (0–100) + due
//! date (0–150). `rank = (score + band + boost) · K − created_at`, where `K` is the microseconds in
//! which a waiting task gains a point: all tasks age at one rate, so their order does not change as
//! time passes and the key is computed once.

use crate::{Boost, Class, Factor, FactorName, Policy, Priority, Score, ScoreSource, Span, Time};

/// What a task's score is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScoreInputs {
    pub(crate) priority: Priority,
    pub(crate) class: Class,
    pub(crate) created_at: Time,
    pub(crate) due_at: Option<Time>,
    pub(crate) boost: Option<Boost>,
    /// Tasks that wait for it, transitively.
    pub(crate) unblocks: u32,
    /// The longest chain of work behind it, in milliseconds (the upward rank of HEFT, Topcuoglu
    /// et al. 2002, without the task's own duration).
    pub(crate) path_ms: u32,
}

const PRIORITY_POINTS: f64 = 200.0;
const UNBLOCKS_POINTS: f64 = 20.0;
const UNBLOCKS_MOST: f64 = 150.0;
const PATH_POINTS: f64 = 15.0;
const PATH_MOST: f64 = 100.0;
const DUE_POINTS: f64 = 150.0;

/// Added to the rank of a pinned task: far above any score, far below overflow.
const PIN_RANK: i64 = i64::MAX / 4;

/// How near a due date is, in steps, so that a score changes at known instants only: the time left
/// and the share of [`DUE_POINTS`] from there on.
const DUE_STEPS: [(Span, f64); 4] = [
    (Span::from_secs(7 * 86_400), 0.25),
    (Span::from_secs(86_400), 0.6),
    (Span::from_secs(4 * 3_600), 0.85),
    (Span::ZERO, 1.0),
];

/// The score of a task, its rank and what made them, as seen at `now`.
pub(crate) fn score(inputs: &ScoreInputs, policy: &Policy, now: Time) -> Score {
    let (parts, used) = parts(inputs, now);
    let parts = &parts[..used];
    let mut factors: Vec<Factor> = parts
        .iter()
        .map(|part| factor(part.0, part.1, part.2))
        .collect();
    let total = total(parts);
    factors.push(factor(
        FactorName::Class,
        f64::from(policy.class_bands.of(inputs.class)),
        1.0,
    ));
    factors.push(factor(
        FactorName::Age,
        now.since(inputs.created_at).as_secs_f64() / 3_600.0,
        policy.ageing_per_hour,
    ));
    match inputs.boost {
        Some(Boost {
            score_delta: Some(delta),
            ..
        }) => factors.push(factor(FactorName::Boost, f64::from(delta), 1.0)),
        Some(Boost {
            score_delta: None, ..
        }) => factors.push(factor(FactorName::Pin, 1.0, 0.0)),
        None => {}
    }
    Score {
        score: total,
        rank: rank_of(total, inputs, policy),
        factors,
        source: ScoreSource::Heuristic,
    }
}

/// Score and rank alone, without a list of factors; the same numbers.
pub(crate) fn score_and_rank(inputs: &ScoreInputs, policy: &Policy, now: Time) -> (i32, i64) {
    let (parts, used) = parts(inputs, now);
    let total = total(&parts[..used]);
    (total, rank_of(total, inputs, policy))
}

/// When a due date changes the score next.
pub(crate) fn next_due_step(due_at: Time, now: Time) -> Option<Time> {
    DUE_STEPS
        .iter()
        .map(|&(left, _)| due_at - left)
        .find(|&at| at > now)
}

type Part = (FactorName, f64, f64);

/// The parts of the score that are not nothing: name, value, weight.
fn parts(inputs: &ScoreInputs, now: Time) -> ([Part; 4], usize) {
    let mut parts = [(
        FactorName::StatedPriority,
        f64::from(inputs.priority as u8),
        PRIORITY_POINTS,
    ); 4];
    let mut used = 1;
    let mut push = |name, value: f64, weight: f64, most: f64| {
        if value > 0.0 {
            parts[used] = (name, value.min(most / weight), weight);
            used += 1;
        }
    };
    push(
        FactorName::Unblocks,
        f64::from(inputs.unblocks).ln_1p() / std::f64::consts::LN_2,
        UNBLOCKS_POINTS,
        UNBLOCKS_MOST,
    );
    push(
        FactorName::CriticalPath,
        (f64::from(inputs.path_ms) / 60_000.0).ln_1p() / std::f64::consts::LN_2,
        PATH_POINTS,
        PATH_MOST,
    );
    push(
        FactorName::DueDate,
        inputs.due_at.map_or(0.0, |due| due_share(due, now)),
        DUE_POINTS,
        DUE_POINTS,
    );
    (parts, used)
}

fn due_share(due_at: Time, now: Time) -> f64 {
    DUE_STEPS
        .iter()
        .rev()
        .find(|&&(left, _)| due_at - left <= now)
        .map_or(0.0, |&(_, share)| share)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the sum of the bounded effects is at most 1000"
)]
fn total(parts: &[Part]) -> i32 {
    parts
        .iter()
        .map(|&(_, value, weight)| value * weight)
        .sum::<f64>()
        .round() as i32
}

fn factor(name: FactorName, value: f64, weight: f64) -> Factor {
    let round = |x: f64| (x * 1_000.0).round() / 1_000.0;
    Factor {
        name,
        value: round(value),
        weight,
        effect: round(value * weight),
    }
}

fn rank_of(score: i32, inputs: &ScoreInputs, policy: &Policy) -> i64 {
    let band = policy.class_bands.of(inputs.class);
    let (delta, pin) = match inputs.boost {
        Some(Boost {
            score_delta: Some(delta),
            ..
        }) => (delta, 0),
        Some(Boost {
            score_delta: None, ..
        }) => (0, PIN_RANK),
        None => (0, 0),
    };
    let points = i64::from(score) + i64::from(band) + i64::from(delta);
    points
        .saturating_mul(point_us(policy))
        .saturating_sub(inputs.created_at.0)
        .saturating_add(pin)
}

/// Microseconds of waiting that are worth a point.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to what keeps every rank within an i64"
)]
fn point_us(policy: &Policy) -> i64 {
    (3.6e9 / policy.ageing_per_hour).clamp(1.0, 1e13) as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_700_000_000_000_000);

    fn inputs(priority: Priority) -> ScoreInputs {
        ScoreInputs {
            priority,
            class: Class::Ordinary,
            created_at: NOW,
            due_at: None,
            boost: None,
            unblocks: 0,
            path_ms: 0,
        }
    }

    fn rank(inputs: &ScoreInputs) -> i64 {
        score_and_rank(inputs, &Policy::default(), NOW).1
    }

    #[test]
    fn the_effects_add_up_to_the_score() {
        let inputs = ScoreInputs {
            unblocks: 3,
            path_ms: 600_000,
            due_at: Some(NOW + Span::from_secs(3_600)),
            ..inputs(Priority::High)
        };
        let score = score(&inputs, &Policy::default(), NOW);
        let sum: f64 = score
            .factors
            .iter()
            .filter(|f| !matches!(f.name, FactorName::Class | FactorName::Age))
            .map(|f| f.effect)
            .sum();
        assert!(
            (sum - f64::from(score.score)).abs() <= 1.0,
            "{sum} against {}",
            score.score
        );
        assert_eq!(score.factors.len(), 6);
    }

    #[test]
    fn ageing_carries_a_low_task_over_an_urgent_one_within_the_stated_bound() {
        let policy = Policy::default();
        let bound = policy.overtaking_bound_hours();
        let old = ScoreInputs {
            class: Class::Exploratory,
            ..inputs(Priority::Low)
        };
        #[expect(clippy::cast_possible_truncation, reason = "a number of hours")]
        let later = NOW + Span::from_secs((bound * 3_600.0) as i64 + 1);
        let new = ScoreInputs {
            class: Class::Directive,
            created_at: later,
            unblocks: u32::MAX,
            path_ms: u32::MAX,
            due_at: Some(NOW),
            ..inputs(Priority::Urgent)
        };
        assert!(rank(&old) > rank(&new));
    }

    #[test]
    fn a_pin_goes_before_everything() {
        let pin = Boost {
            score_delta: None,
            expires_at: NOW,
        };
        let pinned = ScoreInputs {
            boost: Some(pin),
            class: Class::Exploratory,
            ..inputs(Priority::Low)
        };
        let best = ScoreInputs {
            class: Class::Directive,
            created_at: Time(0),
            ..inputs(Priority::Urgent)
        };
        assert!(rank(&pinned) > rank(&best));
    }

    proptest! {
        #[test]
        fn the_score_stays_in_its_band(unblocks: u32, path_ms: u32, due in -10_i64.pow(13)..10_i64.pow(13), priority in 0_usize..4) {
            let priority = [Priority::Low, Priority::Medium, Priority::High, Priority::Urgent][priority];
            let inputs = ScoreInputs { unblocks, path_ms, due_at: Some(NOW + Span(due)), ..inputs(priority) };
            let (score, _) = score_and_rank(&inputs, &Policy::default(), NOW);
            prop_assert!((0..=1_000).contains(&score));
        }

        #[test]
        fn order_does_not_change_as_time_passes(a in 0_i64..10_i64.pow(12), b in 0_i64..10_i64.pow(12), later in 0_i64..10_i64.pow(12)) {
            let at = |created| ScoreInputs { created_at: NOW + Span(created), ..inputs(Priority::Medium) };
            let order = |now| score_and_rank(&at(a), &Policy::default(), now).1.cmp(&score_and_rank(&at(b), &Policy::default(), now).1);
            prop_assert_eq!(order(NOW), order(NOW + Span(later)));
        }
    }
}
