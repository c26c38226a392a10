//! How a resource or a budget stands: a bar, and the same in words.

use leptos::prelude::*;
use scheduler::{BudgetView, CloseReason, ResourceKind, ResourceView, Time};

use super::amount::amount;
use super::meter::{Meter, Part};
use super::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;

/// A resource's limit in words: `4 at once`, `100, 1 more a second`.
pub fn limit(kind: &ResourceKind) -> String {
    match kind {
        ResourceKind::Slots { slots } => format!("{} at once", text::grouped((*slots).into())),
        ResourceKind::Bucket {
            capacity,
            refill_per_s,
        } => format!(
            "{}, {} more a second",
            text::grouped((*capacity).into()),
            text::number(*refill_per_s)
        ),
    }
}

/// What is free of a resource, in words.
pub fn level(resource: &ResourceView) -> String {
    match resource.spec.kind {
        ResourceKind::Slots { .. } => {
            let limit = text::number(resource.limit);
            format!("{} of {limit} in use", resource.in_use)
        }
        ResourceKind::Bucket { .. } => {
            let left = text::number(resource.available.floor());
            format!("{left} of {} left", text::number(resource.limit))
        }
    }
}

/// The bar of a resource: what is used of it now.
pub fn resource_meter(resource: &ResourceView) -> Markup {
    let limit = resource.limit.max(f64::EPSILON);
    let share = ((limit - resource.available) / limit).clamp(0.0, 1.0);
    let class = if share >= 0.995 {
        "part-full"
    } else {
        "part-used"
    };
    view! { <Meter parts=vec![Part { share, class }] /> }.written()
}

/// That it is closed, by whom, and until when; nothing while it is open.
pub fn closed(resource: &ResourceView, now: Time) -> Option<Markup> {
    let until = resource.closed_until?;
    let by = match resource.closed_because {
        Some(CloseReason::Person) => "Closed by a person",
        _ => "Closed by its provider",
    };
    let mark = view! {
        <p class="mark tier-needs-you closed">
            {super::mark::glyph(super::mark::tier_path(scheduler::Tier::NeedsYou))}
            <span>{by} ", opens " <Moment at=until now /></span>
        </p>
    };
    Some(mark.written())
}

/// The bar of a budget: settled, reserved, free, and the mark that warns.
pub fn budget_meter(budget: &BudgetView) -> Markup {
    let limit = budget.row.spec.limit.max(1) as f64;
    let settled = budget.row.state.settled as f64 / limit;
    let parts = vec![
        Part {
            share: settled,
            class: if settled >= 0.995 {
                "part-full"
            } else {
                "part-used"
            },
        },
        Part {
            share: budget.reserved as f64 / limit,
            class: "part-reserved",
        },
    ];
    view! { <Meter parts line=Some(budget.row.spec.soft_at) /> }.written()
}

/// What is settled, reserved and free of a budget, and where it warns, each with its piece of the bar.
pub fn shares(budget: &BudgetView) -> Markup {
    let spec = &budget.row.spec;
    let settled = budget.row.state.settled;
    let free = spec
        .limit
        .saturating_sub(settled)
        .saturating_sub(budget.reserved);
    let share = |class: &'static str, name: &'static str, value: u64| {
        view! {
            <li>
                <svg class="chart-swatch" viewBox="0 0 18 10" width="18" height="10" aria-hidden="true">
                    <rect class=class width="18" height="10" rx="2" />
                </svg>
                <span>{name}</span>
                <span class="chart-last">{amount(value, spec.unit)}</span>
            </li>
        }
    };
    let warns = (spec.limit as f64 * spec.soft_at) as u64;
    view! {
        <ul class="chart-legend" role="list">
            {share("part-used", "settled", settled)}
            {share("part-reserved", "reserved", budget.reserved)}
            {share("meter-ground", "free", free)}
            <li>
                <svg class="chart-swatch" viewBox="0 0 18 10" width="18" height="10" aria-hidden="true">
                    <line class="meter-line" x1="9" x2="9" y1="0" y2="10" />
                </svg>
                <span>"warns at"</span>
                <span class="chart-last">{amount(warns, spec.unit)}</span>
            </li>
        </ul>
    }
    .written()
}
