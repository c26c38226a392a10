//! Why not yet: the headline, every blocker as a picture, the place in the lane, what would help.

mod actions;
mod blocker;
mod picture;

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{Explanation, Position, TaskId, Tier, Verdict};
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::mark::TierMark;
use crate::components::moment::Moment;
use crate::components::stave::Place;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;
use blocker::blocker;

/// Tasks before this one that are named.
const NAMED: usize = 5;

/// What the panel needs of the page.
pub struct Near<'a> {
    /// Tasks that are named.
    pub others: &'a HashMap<TaskId, TaskListed>,
    /// Tasks before it in its lane, in their order.
    pub ahead: &'a [TaskId],
    /// Who reads.
    pub seat: &'a Seat,
}

/// The panel of a task that waits.
pub fn why(explanation: &Explanation, near: &Near<'_>) -> Markup {
    let seat = near.seat;
    let tiers = [
        Tier::NeedsYou,
        Tier::OtherWork,
        Tier::Capacity,
        Tier::Turn,
        Tier::Time,
        Tier::None,
    ];
    let groups: Vec<_> = tiers
        .into_iter()
        .filter_map(|tier| group(tier, explanation, near))
        .collect();
    let place = explanation
        .position
        .filter(|place| place.of > 1)
        .map(|place| place_in_lane(explanation.task_id, place, near));
    let decision = explanation.decision_id.map(|id| {
        view! { <a href=seat.path(&format!("decisions/{id}"))>"The decision behind it"</a> }
    });
    let title = if explanation.verdict == Verdict::NotYet {
        "Why not yet"
    } else {
        "What is next"
    };
    view! {
        <section id="now" data-key="now" data-room class="panel why" aria-labelledby="why">
            <p class="eyebrow">{title}</p>
            <h2 id="why" class="headline">{explanation.headline.clone()}</h2>
            {groups}
            {place}
            <p data-key="foot" class="why-foot quiet small">
                {decision} " Found " <Moment at=explanation.evaluated_at now=seat.now /> ". Next look, at the latest: "
                <Moment at=explanation.recheck_at now=seat.now /> "."
            </p>
        </section>
    }
    .written()
}

/// The panel while the conductor cannot be asked.
pub fn unknown() -> Markup {
    view! {
        <section id="now" data-key="now" data-room class="panel why" aria-labelledby="why">
            <p class="eyebrow">"Why not yet"</p>
            <h2 id="why" class="headline">"Another server is taking this workspace over."</h2>
            <p>"The reason is back in a moment. Nothing is lost, and its place is kept."</p>
        </section>
    }
    .written()
}

fn group(tier: Tier, explanation: &Explanation, near: &Near<'_>) -> Option<Markup> {
    let blockers: Vec<_> = explanation
        .blockers
        .iter()
        .filter(|blocker| blocker.tier == tier)
        .map(|held| blocker(held, explanation, near))
        .collect();
    (!blockers.is_empty()).then(|| {
        view! {
            <div class="blockers">
                <h3><TierMark tier /></h3>
                <ul role="list">{blockers}</ul>
            </div>
        }
        .written()
    })
}

/// Its place among those that need the same, and who goes before it.
fn place_in_lane(task: TaskId, place: Position, near: &Near<'_>) -> Markup {
    let nearest = near.ahead.iter().rev().filter_map(|id| near.others.get(id));
    let ahead: Vec<_> = nearest
        .take(NAMED)
        .map(|other| {
            let href = near.seat.path(&format!("tasks/{}", other.id));
            let why = near
                .seat
                .path(&format!("compare?this={}&that={task}", other.id));
            view! {
                <li>
                    {title_link(href, &other.title)}
                    " "
                    <a class="quiet small" href=why>"Why before this?"</a>
                </li>
            }
        })
        .collect();
    let ahead = (!ahead.is_empty()).then(|| {
        view! {
            <details class="ahead">
                <summary>"Who goes before it, the nearest first"</summary>
                <ol class="holders" role="list">{ahead}</ol>
            </details>
        }
    });
    view! {
        <div class="place-row">
            <Place rank=place.rank of=place.of />
            <p>
                <strong>
                    {format!("{} of {}", text::grouped(place.rank.into()), text::grouped(place.of.into()))}
                </strong>
                " in its lane: all that need the same, in order of rank"
            </p>
        </div>
        {ahead}
    }
    .written()
}
