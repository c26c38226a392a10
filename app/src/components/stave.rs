//! What waits, as a score: a line for each tier, a note for each task.

use leptos::prelude::*;
use scheduler::Tier;

use super::mark::{glyph, tier_path};
use crate::markup::{Markup, Written};
use crate::text;

/// Notes on one line; beyond that one note stands for several tasks.
const NOTES: u32 = 40;

/// A line of the score.
#[derive(Clone, Debug)]
pub struct Line {
    /// Whose move it is.
    pub tier: Tier,
    /// How many wait for it.
    pub count: u32,
    /// For what, in words.
    pub reasons: String,
}

/// The score. Each line is a row of words with its notes beside.
#[component]
pub fn Score(lines: Vec<Line>) -> Markup {
    let most = lines.iter().map(|line| line.count).max().unwrap_or(0);
    let worth = most.div_ceil(NOTES).max(1);
    let row = |line: Line| {
        let quiet = if line.count == 0 { " score-quiet" } else { "" };
        let class = format!("score-line tier-{}{quiet}", text::tier_class(line.tier));
        view! {
            <li class=class>
                <span class="score-name">{glyph(tier_path(line.tier))} {text::tier(line.tier)}</span>
                <span class="score-stave">{notes(line.count.div_ceil(worth))}</span>
                <span class="score-count">{text::grouped(line.count.into())}</span>
                <span class="score-reasons">{line.reasons}</span>
            </li>
        }
    };
    let legend = format!("Each mark is {}.", text::count(worth.into(), "task"));
    view! {
        <ul class="score" role="list">
            {lines.into_iter().map(row).collect_view()}
        </ul>
        <p class="quiet small">{legend}</p>
    }
    .written()
}

fn notes(count: u32) -> impl IntoView {
    let note = |at: u32| {
        let x = 9 + at * 14;
        let turned = format!("rotate(-18 {x} 11)");
        view! { <ellipse cx=x cy="11" rx="5.4" ry="4" transform=turned /> }
    };
    view! {
        <svg class="score-notes" height="22" width=NOTES * 14 aria-hidden="true">
            {(0..count).map(note).collect_view()}
        </svg>
    }
}

/// A place in a queue: those ahead hollow, this one filled, those behind faint.
#[component]
pub fn Place(rank: u32, of: u32) -> Markup {
    const SHOWN: u32 = 24;
    let ahead = (rank.saturating_sub(1)).min(SHOWN - 4);
    let behind = of.saturating_sub(rank).min(SHOWN - ahead - 1);
    let note = move |at: u32| {
        let class = match at.cmp(&ahead) {
            std::cmp::Ordering::Less => "place-ahead",
            std::cmp::Ordering::Equal => "place-here",
            std::cmp::Ordering::Greater => "place-behind",
        };
        let x = 8 + at * 14;
        let turned = format!("rotate(-18 {x} 16)");
        view! { <ellipse class=class cx=x cy="16" rx="5.2" ry="3.8" transform=turned /> }
    };
    view! {
        <svg class="place" height="32" width=SHOWN * 14 aria-hidden="true">
            <path class="stave-lines" d="M0 6h336M0 11h336M0 16h336M0 21h336M0 26h336" />
            {(0..=ahead + behind).map(note).collect_view()}
        </svg>
    }
    .written()
}
