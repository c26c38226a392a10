//! When a budget runs out, if it goes on being spent as it was lately.

use scheduler::{BudgetScope, BudgetView, Span, Time, Unit, Window, words};
use store::StoreError;
use store::history::BudgetPoint;

use super::spenders::amount_of;
use crate::access::Seat;
use crate::text;

/// Less than this tells no pace.
const LEAST: Span = Span::from_secs(300);
const HOUR: Span = Span::from_secs(3_600);

/// What was used lately, and over how long: the one measure of a pace, wherever it is told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lately {
    /// In the unit that is counted.
    pub used: u64,
    /// Since the workspace's first use of this time.
    pub over: Span,
}

/// A pace, measured over so long, in units a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    pace: Pace,
    /// When the limit is reached; absent if the window turns before.
    pub runs_out: Option<Time>,
}

/// Units a second, and over how long they were seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    per_s: f64,
    over: Span,
}

impl Lately {
    /// By the ledger. It does not know what is used below one task, or by Baton itself.
    pub async fn of_ledger(
        seat: &Seat,
        scope: &BudgetScope,
        (unit, window): (Unit, Window),
    ) -> Result<Self, StoreError> {
        let (store, workspace) = (seat.store(), seat.workspace);
        let since = seat.now - lately(window);
        let (spent, first) = futures::try_join!(
            store.spent_by(workspace, scope, since),
            store.first_use_since(workspace, since),
        )?;
        Ok(Self {
            used: spent.iter().map(|one| amount_of(one, unit)).sum(),
            over: first.map_or_else(|| lately(window), |first| seat.now.since(first)),
        })
    }

    /// By a budget's own history, for what the ledger does not know.
    fn of_history(budget: &BudgetView, points: &[BudgetPoint], now: Time) -> Self {
        let since = now - lately(budget.row.spec.window);
        let then = points.iter().find(|point| point.at >= since);
        then.map_or_else(Self::default, |then| Self {
            used: budget.row.state.settled.saturating_sub(then.settled),
            over: now.since(then.at),
        })
    }

    /// Of a budget, however that can be told.
    pub async fn of(
        seat: &Seat,
        budget: &BudgetView,
        points: &[BudgetPoint],
    ) -> Result<Self, StoreError> {
        let spec = &budget.row.spec;
        match spec.scope {
            BudgetScope::Workspace | BudgetScope::Agent(_) | BudgetScope::Model(_) => {
                Self::of_ledger(seat, &spec.scope, (spec.unit, spec.window)).await
            }
            BudgetScope::TaskTree(_) | BudgetScope::Experiment(_) | BudgetScope::Thinking => {
                Ok(Self::of_history(budget, points, seat.now))
            }
        }
    }

    /// Nothing where nothing was used lately, or not for long enough to tell.
    pub fn pace(self) -> Option<Pace> {
        (self.used > 0 && self.over >= LEAST).then(|| Pace {
            per_s: self.used as f64 / self.over.as_secs_f64(),
            over: self.over,
        })
    }
}

impl Pace {
    /// What is used in so long at this pace.
    pub fn used_in(self, span: Span) -> f64 {
        self.per_s * span.as_secs_f64()
    }
}

/// Nothing where no pace can be told.
pub fn forecast(budget: &BudgetView, lately: Lately, now: Time) -> Option<Forecast> {
    let (spec, settled) = (&budget.row.spec, budget.row.state.settled);
    let pace = lately.pace()?;
    let left_s = spec.limit.saturating_sub(settled) as f64 / pace.per_s;
    let ends = now + Span((left_s.min(1e9) * 1e6) as i64);
    let turns_first = budget.resets_at.is_some_and(|turns| turns <= ends);
    let runs_out = (!turns_first && left_s < 1e9).then_some(ends);
    Some(Forecast { pace, runs_out })
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
        settled as f64 + self.pace.used_in(then.since(now))
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
    let hourly = words::amount(forecast.pace.used_in(HOUR).round() as u64, spec.unit);
    let pace = format!(
        "At the pace of the last {} ({hourly} an hour)",
        words::duration(forecast.pace.over)
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

    fn hourly(used: u64) -> Lately {
        let over = Span::from_secs(3_600);
        Lately { used, over }
    }

    #[test]
    fn a_pace_that_ends_before_the_window_turns_says_when() {
        let budget = budget(2_000_000, 3_000_000);
        let found = forecast(&budget, hourly(1_000_000), NOON);
        assert_eq!(
            said(&budget, found, NOON),
            "At the pace of the last 60 min ($1.00 an hour) it runs out in 60 min, 13:00:00 UTC."
        );
    }

    #[test]
    fn a_pace_that_lasts_says_what_is_left() {
        let budget = budget(1_100_000, 9_000_000);
        let found = forecast(&budget, hourly(100_000), NOON);
        assert_eq!(
            said(&budget, found, NOON),
            "At the pace of the last 60 min ($0.10 an hour) it lasts: $6.70 are left when its window turns."
        );
    }

    #[test]
    fn without_spending_there_is_no_forecast() {
        let budget = budget(1_000_000, 9_000_000);
        assert_eq!(forecast(&budget, hourly(0), NOON), None);
        let brief = Lately {
            used: 5,
            over: Span::from_secs(5),
        };
        assert_eq!(forecast(&budget, brief, NOON), None);
    }
}
