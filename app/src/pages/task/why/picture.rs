//! A blocker drawn: what there is against what it takes, and the wait so far against what is left.

use leptos::prelude::*;
use scheduler::{Blocker, Code, Time, words};

use crate::components::amount::amount;
use crate::components::meter::{Meter, Part};
use crate::markup::{Markup, Written};
use crate::text;

/// Beyond this many slots a bar says more than boxes.
const MOST_SLOTS: f64 = 24.0;

/// What is in use as a bar, as everywhere, what it takes behind that, and a line at the limit: it fits
/// as long as it ends before the line.
pub fn picture(blocker: &Blocker) -> Option<Markup> {
    let counted = matches!(
        blocker.code,
        Code::RateLimited
            | Code::NoFreeSlot
            | Code::NeverFits
            | Code::BudgetExhausted
            | Code::BudgetWindow
    );
    let (have, need, limit) = (
        blocker.have?,
        blocker.need?,
        blocker.limit.filter(|_| counted)?,
    );
    if blocker.code == Code::NoFreeSlot && limit <= MOST_SLOTS {
        return Some(slots(have, need, limit));
    }
    let used = (limit - have).max(0.0);
    let whole = limit.max(used + need).max(f64::EPSILON);
    let said = |value: f64| match blocker.unit {
        Some(unit) => amount(value.max(0.0) as u64, unit),
        None => text::number(value).written(),
    };
    let parts = vec![
        Part {
            share: used / whole,
            class: "part-used",
        },
        Part {
            share: need / whole,
            class: "part-taken",
        },
    ];
    Some(
        view! {
            <div class="have-need">
                <Meter parts line=Some(limit / whole) />
                <p class="quiet small">
                    <span class="key-taken">{said(used)} " in use"</span>
                    <span>{said(have.max(0.0))} " free"</span>
                    <span class="key-wanted">{said(need)} " needed"</span>
                    <span class="key-need">{said(limit)} " at most"</span>
                </p>
            </div>
        }
        .written(),
    )
}

/// Every slot as a box: taken, free, or wanted.
fn slots(have: f64, need: f64, limit: f64) -> Markup {
    let (have, need, limit) = (have.max(0.0) as u32, need as u32, limit as u32);
    let taken = limit - have.min(limit);
    let shown = limit.max(need);
    let one = |at: u32| {
        let class = if at < taken {
            "slot slot-taken"
        } else {
            "slot slot-free"
        };
        view! { <rect class=class x=2 + at * 20 y="2" width="14" height="14" rx="3" /> }
    };
    // What it takes stands below as a brace over the slots that would have to be free.
    let (from, to) = (2 + (shown - need) * 20, shown * 20 - 4);
    let wanted = format!("M{from} 21v4H{to}v-4");
    view! {
        <div class="have-need">
            <svg class="slots" height="28" width=shown * 20 + 2 aria-hidden="true">
                {(0..limit).map(one).collect_view()}
                <path class="slots-wanted" d=wanted />
            </svg>
            <p class="quiet small">
                <span class="key-taken">{taken} " taken"</span>
                <span>{have} " free"</span>
                <span class="key-need">{need} " needed"</span>
            </p>
        </div>
    }
    .written()
}

/// The wait on a line: waited so far, then until it is as likely as not, then until nine in ten.
pub fn wait(blocker: &Blocker, now: Time) -> Option<Markup> {
    let (since, eta) = (blocker.since?, blocker.eta?);
    let waited = now.since(since).as_secs_f64().max(0.0);
    let until = |at: Time| at.since(now).as_secs_f64().max(0.0);
    let (half, most) = (until(eta.p50), until(eta.p90).max(until(eta.p50)));
    let whole = (waited + most).max(1.0);
    let parts = vec![
        Part {
            share: waited / whole,
            class: "part-waited",
        },
        Part {
            share: half / whole,
            class: "part-expected",
        },
        Part {
            share: (most - half) / whole,
            class: "part-perhaps",
        },
    ];
    let span = |at: Time| words::duration(at.since(now));
    let perhaps = (most > half)
        .then(|| view! { <span class="key-perhaps">{span(eta.p90)} " if it goes slowly"</span> });
    Some(
        view! {
            <div class="wait">
                <Meter parts line=Some(waited / whole) />
                <p class="quiet small">
                    <span class="key-waited">{words::duration(now.since(since))} " waited"</span>
                    <span class="key-expected">{span(eta.p50)} " to go"</span>
                    {perhaps}
                </p>
            </div>
        }
        .written(),
    )
}
