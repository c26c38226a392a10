//! When a budget runs out, if it goes on being spent as it was lately.

use scheduler::{BudgetView, Span, Time, Window, words};
use store::history::BudgetPoint;

use crate::text;

/// Less than this tells no pace.
pub const LEAST: Span = Span::from_secs(60);

/// A pace, measured over so long, in units a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    per_s: f64,
    over: Span,
    /// When the limit is reached; absent if the window turns before.
    pub runs_out: Option<Time>,
}

/// Nothing where nothing was spent lately, or not for long enough to tell.
pub fn forecast(budget: &BudgetView, points: &[BudgetPoint], now: Time) -> Option<Forecast> {
    let (spec, settled) = (&budget.row.spec, budget.row.state.settled);
    let since = now - lately(spec.window);
    let then = points.iter().find(|point| point.at >= since)?;
    let over = now.since(then.at);
    let spent = settled
        .checked_sub(then.settled)
        .filter(|&spent| spent > 0)?;
    if over < LEAST {
        return None;
    }
    let per_s = spent as f64 / over.as_secs_f64();
    let left_s = spec.limit.saturating_sub(settled) as f64 / per_s;
    let ends = now + Span((left_s.min(1e9) * 1e6) as i64);
    let turns_first = budget.resets_at.is_some_and(|turns| turns <= ends);
    let runs_out = (!turns_first && left_s < 1e9).then_some(ends);
    Some(Forecast {
        per_s,
        over,
        runs_out,
    })
}

/// How far back a pace is measured.
pub const fn lately(window: Window) -> Span {
    Span::from_secs(match window {
        Window::FiveHours => 1_800,
        Window::Day => 7_200,
        Window::Week | Window::Month | Window::Total => 86_400,
    })
}

impl Forecast {
    /// What will have been used then.
    pub fn at(&self, settled: u64, now: Time, then: Time) -> f64 {
        settled as f64 + self.per_s * then.since(now).as_secs_f64()
    }
}

/// The forecast in a sentence, with how it was found.
pub fn said(budget: &BudgetView, forecast: Option<Forecast>, now: Time) -> String {
    let spec = &budget.row.spec;
    if budget.row.state.settled >= spec.limit {
        return match budget.resets_at {
            Some(turns) => format!("Spent. Its window turns {}.", text::clock(turns, now)),
            None => "Spent. Nothing that it counts starts until it is raised.".to_owned(),
        };
    }
    let Some(forecast) = forecast else {
        return "No forecast: too little was spent lately to tell a pace.".to_owned();
    };
    let hourly = words::amount((forecast.per_s * 3_600.0).round() as u64, spec.unit);
    let pace = format!(
        "At the pace of the last {} ({hourly} an hour)",
        words::duration(forecast.over)
    );
    match (forecast.runs_out, budget.resets_at) {
        (Some(at), _) => {
            let span = words::duration(at.since(now));
            format!("{pace} it runs out in {span}, {}.", text::clock(at, now))
        }
        (None, Some(turns)) => {
            let used = forecast.at(budget.row.state.settled, now, turns);
            let left = spec.limit.saturating_sub(used as u64);
            format!(
                "{pace} it lasts: {} are left when its window turns.",
                words::amount(left, spec.unit)
            )
        }
        (None, None) => format!("{pace} it lasts for years."),
    }
}

#[cfg(test)]
mod tests {
    use scheduler::{BudgetRow, BudgetScope, BudgetSpec, BudgetState, Unit};

    use super::*;

    const NOON: Time = Time(1_763_640_000_000_000);

    fn budget(settled: u64, limit: u64) -> BudgetView {
        let window = Window::Day;
        BudgetView {
            row: BudgetRow {
                spec: BudgetSpec {
                    id: uuid::Uuid::nil().into(),
                    workspace: uuid::Uuid::nil().into(),
                    name: "day".to_owned(),
                    scope: BudgetScope::Workspace,
                    unit: Unit::Microusd,
                    limit,
                    window,
                    soft_at: 0.8,
                },
                state: BudgetState {
                    window_start: window.start(NOON),
                    settled,
                    warned: false,
                },
            },
            reserved: 0,
            resets_at: window.end(NOON),
        }
    }

    fn spent(settled: u64, minutes_ago: i64) -> BudgetPoint {
        BudgetPoint {
            at: NOON - Span::from_secs(60 * minutes_ago),
            settled,
            reserved: 0,
        }
    }

    #[test]
    fn a_pace_that_ends_before_the_window_turns_says_when() {
        let budget = budget(2_000_000, 3_000_000);
        let found = forecast(&budget, &[spent(0, 300), spent(1_000_000, 60)], NOON);
        assert_eq!(
            said(&budget, found, NOON),
            "At the pace of the last 60 min ($1.00 an hour) it runs out in 60 min, 13:00:00 UTC."
        );
    }

    #[test]
    fn a_pace_that_lasts_says_what_is_left() {
        let budget = budget(1_100_000, 9_000_000);
        let found = forecast(&budget, &[spent(1_000_000, 60)], NOON);
        assert_eq!(
            said(&budget, found, NOON),
            "At the pace of the last 60 min ($0.10 an hour) it lasts: $6.70 are left when its window turns."
        );
    }

    #[test]
    fn without_spending_there_is_no_forecast() {
        let budget = budget(1_000_000, 9_000_000);
        assert_eq!(forecast(&budget, &[spent(1_000_000, 60)], NOON), None);
        assert_eq!(forecast(&budget, &[], NOON), None);
    }
}
