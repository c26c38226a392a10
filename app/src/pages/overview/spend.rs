//! What today costs: so far, at this pace, and against the budgets.

use leptos::prelude::*;
use scheduler::{BudgetScope, BudgetView, Span, Time, Unit, Window, words};

use crate::access::Seat;
use crate::components::amount::amount;
use crate::components::gauge::budget_meter;
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::pages::budgets::forecast::Lately;
use crate::text;

/// The pace is that of a day's budget in dollars for the whole workspace.
const MONEY: (Unit, Window) = (Unit::Microusd, Window::Day);
const DAY: Span = Span::from_secs(86_400);

/// Money, in millionths of a dollar.
#[derive(Clone, Copy, Debug)]
pub struct Spend {
    today: u64,
    lately: Lately,
}

impl Spend {
    /// From the ledger.
    pub async fn load(seat: &Seat) -> Result<Self, store::StoreError> {
        let midnight = text::midnight(seat.now);
        let (today, lately) = futures::try_join!(
            seat.store().spent_since(seat.workspace, midnight),
            Lately::of_ledger(seat, &BudgetScope::Workspace, MONEY),
        )?;
        Ok(Self { today, lately })
    }

    /// What the day will have cost at that pace; nothing where too little was seen to tell.
    fn by_midnight(self, now: Time) -> Option<u64> {
        let left = (text::midnight(now) + DAY).since(now);
        let more = self.lately.pace()?.used_in(left);
        Some(self.today + more.round() as u64)
    }
}

/// The panel, with a bar for each budget.
pub fn spend(spend: Spend, budgets: Vec<BudgetView>, seat: &Seat) -> Markup {
    let money = |value| words::amount(value, Unit::Microusd);
    let Lately { used, over } = spend.lately;
    let pace = match spend.by_midnight(seat.now) {
        Some(by_midnight) => format!(
            "{} by midnight UTC, at the pace of the last {}.",
            money(by_midnight),
            words::duration(over)
        ),
        None if used == 0 => format!("Nothing in the last {}.", words::duration(over)),
        None => "No forecast yet: it has only begun.".to_owned(),
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
        let amount = |value| amount(value, spec.unit);
        let words =
            view! { {amount(settled)} " of " {amount(spec.limit)} " " {text::window(spec.window)} };
        let reserved = (budget.reserved > 0)
            .then(|| view! { <span class="quiet">{amount(budget.reserved)} " reserved"</span> });
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
                <p class="gauge-foot">{reserved} {resets}</p>
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
    fn the_day_is_told_forward_at_the_pace_there_was() {
        let after = |secs| Spend {
            today: 10,
            lately: Lately {
                used: 2,
                over: Span::from_secs(secs),
            },
        };
        let noon = Time::from_millis(1_763_640_000_000);
        assert_eq!(text::clock(noon, noon), "12:00:00 UTC");
        assert_eq!(after(3_600).by_midnight(noon), Some(10 + 2 * 12));
        assert_eq!(after(1_800).by_midnight(noon), Some(10 + 2 * 24));
        assert_eq!(after(5).by_midnight(noon), None);
    }
}
