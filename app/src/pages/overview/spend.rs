//! What today costs: so far, at this pace, and against the budgets.

use leptos::prelude::*;
use scheduler::{BudgetView, Span, Time, Unit};

use crate::access::Seat;
use crate::components::amount::{amount, said};
use crate::components::gauge::budget_meter;
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;

/// The pace is that of so long.
const PACE: Span = Span::from_secs(3_600);
const DAY: Span = Span::from_secs(86_400);

/// Money, in millionths of a dollar.
#[derive(Clone, Copy, Debug)]
pub struct Spend {
    today: u64,
    last_hour: u64,
}

impl Spend {
    /// From the ledger.
    pub async fn load(seat: &Seat) -> Result<Self, store::StoreError> {
        let (store, workspace) = (seat.store(), seat.workspace);
        let (today, last_hour) = futures::try_join!(
            store.spent_since(workspace, text::midnight(seat.now)),
            store.spent_since(workspace, seat.now - PACE),
        )?;
        Ok(Self { today, last_hour })
    }

    /// What the day will have cost at the pace of the last hour.
    fn by_midnight(self, now: Time) -> u64 {
        let left = (text::midnight(now) + DAY).since(now).as_secs_f64();
        let more = self.last_hour as f64 * left / PACE.as_secs_f64();
        self.today + more.round() as u64
    }
}

/// The panel, with a bar for each budget.
pub fn spend(spend: Spend, budgets: Vec<BudgetView>, seat: &Seat) -> Markup {
    let money = |value| said(value, Unit::Microusd);
    let pace = if spend.last_hour == 0 {
        "Nothing in the last hour.".to_owned()
    } else {
        format!(
            "{} by midnight UTC, at the pace of the last hour.",
            money(spend.by_midnight(seat.now))
        )
    };
    view! {
        <section class="panel" aria-labelledby="spend">
            <div class="panel-head">
                <h2 id="spend">"Spend today"</h2>
                <a href=seat.path("budgets")>"All budgets"</a>
            </div>
            <p class="figure">{amount(spend.today, Unit::Microusd)}</p>
            <p class="quiet">{pace}</p>
            {bars(budgets, seat)}
        </section>
    }
    .written()
}

/// Settled, reserved, free, and the mark that warns.
fn bars(budgets: Vec<BudgetView>, seat: &Seat) -> Markup {
    if budgets.is_empty() {
        return view! {
            <p class="quiet">
                "No budget is set, so nothing stops the spending. " <a href=seat.path("budgets")>"Set one"</a> "."
            </p>
        }
        .written();
    }
    let bar = |budget: BudgetView| {
        let (spec, settled) = (&budget.row.spec, budget.row.state.settled);
        let amount = |value| said(value, spec.unit);
        let words = format!(
            "{} of {} {}",
            amount(settled),
            amount(spec.limit),
            text::window(spec.window)
        );
        let reserved =
            (budget.reserved > 0).then(|| format!("{} reserved", amount(budget.reserved)));
        let resets = budget.resets_at.map(|at| {
            view! { <span class="quiet">"turns " <Moment at now=seat.now /></span> }
        });
        view! {
            <li data-key=spec.name.clone()>
                <div class="gauge-head gauge-head-tall">
                    <span class="gauge-name">{spec.name.clone()}</span>
                    <span class="gauge-words">{words}</span>
                </div>
                {budget_meter(&budget)}
                <p class="gauge-foot">{reserved.map(|said| view! { <span class="quiet">{said}</span> })} {resets}</p>
            </li>
        }
    };
    view! { <ul class="gauges" role="list">{budgets.into_iter().map(bar).collect_view()}</ul> }
        .written()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_told_forward_at_the_last_hour_s_pace() {
        let spend = Spend {
            today: 10,
            last_hour: 2,
        };
        let noon = Time::from_millis(1_763_640_000_000);
        assert_eq!(text::clock(noon, noon), "12:00:00 UTC");
        assert_eq!(spend.by_midnight(noon), 10 + 2 * 12);
    }
}
