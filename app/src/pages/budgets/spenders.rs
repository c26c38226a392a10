//! Who spent of a budget, from the ledger.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use leptos::prelude::*;
use scheduler::{BudgetScope, BudgetSpec, Unit};
use store::read::Spent;

use crate::components::amount::amount;
use crate::components::meter::{Meter, Part};
use crate::markup::{Markup, Written};

/// Names shown of each group; the rest are summed.
const SHOWN: usize = 5;

/// Three lists: by agent, by model, by kind of task. A budget counts from when it was set, of which
/// `settled` came; the ledger knows the whole window.
pub fn spenders(spec: &BudgetSpec, settled: u64, spent: &[Spent]) -> Markup {
    if let BudgetScope::TaskTree(_) = spec.scope {
        return view! { <p class="quiet">"Who spent it is seen on the tasks of the tree."</p> }
            .written();
    }
    let lists = [
        list("agent", spec.unit, spent, |one| one.agent.clone()),
        list("model", spec.unit, spent, |one| {
            one.model
                .clone()
                .unwrap_or_else(|| "no model named".to_owned())
        }),
        list("kind of task", spec.unit, spent, |one| one.kind.clone()),
    ];
    if lists.iter().all(Option::is_none) {
        return view! { <p class="quiet">"Nothing was reported in this window."</p> }.written();
    }
    let all: u64 = spent.iter().map(|one| amount_of(one, spec.unit)).sum();
    let before = (all > settled).then(|| {
        let before = amount(all - settled, spec.unit);
        view! { <p class="quiet small">{before} " of it before the budget counted."</p> }
    });
    view! {
        <div class="spenders">{lists.into_iter().collect_view()}</div>
        {before}
    }
    .written()
}

/// What a line of the ledger counts in that unit.
pub(super) const fn amount_of(spent: &Spent, unit: Unit) -> u64 {
    match unit {
        Unit::Tokens => spent.tokens,
        Unit::Microusd => spent.cost_microusd,
    }
}

fn list(
    by: &'static str,
    unit: Unit,
    spent: &[Spent],
    name: fn(&Spent) -> String,
) -> Option<Markup> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for one in spent {
        *sums.entry(name(one)).or_default() += amount_of(one, unit);
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().filter(|&(_, sum)| sum > 0).collect();
    sums.sort_by_key(|&(_, sum)| Reverse(sum));
    let all: u64 = sums.iter().map(|&(_, sum)| sum).sum();
    if sums.len() > SHOWN {
        let rest = sums.split_off(SHOWN - 1);
        let sum = rest.iter().map(|&(_, sum)| sum).sum();
        sums.push((format!("{} others", rest.len()), sum));
    }
    let row = |(name, sum): (String, u64)| {
        let part = Part {
            share: sum as f64 / all.max(1) as f64,
            class: "part-used",
        };
        view! {
            <li>
                <span class="spender-name">{name}</span>
                <span class="quiet">{amount(sum, unit)}</span>
                <Meter parts=vec![part] />
            </li>
        }
    };
    let rows = sums.into_iter().map(row).collect::<Vec<_>>();
    (!rows.is_empty()).then(|| {
        view! {
            <div>
                <h4>"By " {by}</h4>
                <ul role="list">{rows}</ul>
            </div>
        }
        .written()
    })
}
