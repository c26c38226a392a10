//! What only a person can move on: one line a lane, with its first task.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{LaneView, Query, Summary, TaskId, Tier, View};

use crate::access::{PageError, Seat};
use crate::components::mark::{glyph, tier_path};
use crate::markup::{Markup, Written};
use crate::text;

/// Lanes shown at most.
const LANES: usize = 5;

/// A lane that needs somebody.
#[derive(Debug)]
pub struct Attention {
    lane: LaneView,
    title: String,
}

impl Attention {
    /// The lanes that need somebody, the fullest first; the conductor is asked only if there are any.
    pub async fn load(seat: &Seat, summary: Option<&Summary>) -> Result<Vec<Self>, PageError> {
        let any = summary.is_some_and(|summary| {
            let mut tiers = summary.pending_by_tier.iter();
            tiers.any(|&(tier, count)| tier == Tier::NeedsYou && count > 0)
        });
        if !any {
            return Ok(Vec::new());
        }
        let Ok(View::Lanes { mut lanes }) = seat.ask(Query::Lanes).await else {
            return Ok(Vec::new());
        };
        lanes.retain(|lane| {
            let wait = lane.wait.as_ref();
            wait.is_some_and(|wait| wait.code.tier() == Tier::NeedsYou)
        });
        lanes.sort_by_key(|lane| std::cmp::Reverse(lane.lane.waiting));
        lanes.truncate(LANES);
        let heads: Vec<TaskId> = lanes.iter().map(|lane| lane.head).collect();
        let mut titles: HashMap<_, _> = seat.store().titles(seat.workspace, &heads).await?;
        let named = |lane: LaneView| Self {
            title: titles
                .remove(&lane.head)
                .unwrap_or_else(|| "a task".to_owned()),
            lane,
        };
        Ok(lanes.into_iter().map(named).collect())
    }
}

/// The panel; it keeps its place where nobody is needed.
pub fn attention(needed: Vec<Attention>, seat: &Seat) -> Markup {
    if needed.is_empty() {
        return view! {
            <section class="panel" aria-labelledby="attention">
                <h2 id="attention">"Needs you"</h2>
                <div class="steady" data-slots><p class="quiet">"Nothing: everything goes on without you."</p></div>
            </section>
        }
        .written();
    }
    let line = |one: Attention| {
        let wait = one.lane.wait.as_ref();
        let why = wait.map(|wait| text::code(wait.code));
        let words = wait.map(|wait| wait.headline.clone());
        let others = one.lane.lane.waiting.saturating_sub(1);
        let others = (others > 0).then(|| format!("and {others} more"));
        view! {
            <li class="needed" data-key=one.lane.lane.id.clone()>
                <span class="mark tier-needs-you">{glyph(tier_path(Tier::NeedsYou))} <span>{why}</span></span>
                <span class="needed-words">
                    <a href=seat.path(&format!("tasks/{}", one.lane.head))>{one.title}</a>
                    " "
                    <span class="quiet">{others}</span>
                    <span class="needed-about">{words}</span>
                </span>
            </li>
        }
    };
    let lines = needed.into_iter().map(line).collect_view();
    view! {
        <section class="panel panel-needs-you" aria-labelledby="attention">
            <h2 id="attention">"Needs you"</h2>
            <div class="steady" data-slots><ul role="list">{lines}</ul></div>
        </section>
    }
    .written()
}
