//! Status marks: colour, shape and word together, so that none of them has to be seen.

use leptos::prelude::*;
use scheduler::{AttemptOutcome, DecisionKind, Health, TaskState, Tier};

use crate::markup::{Markup, Written};
use crate::text;

/// Outlines on a field of 16 by 16. Waiting is a hollow note head, running a note with its stem.
const HOLLOW_NOTE: &str =
    "M1.5 8a6.5 5 0 1 0 13 0a6.5 5 0 1 0-13 0Zm2.4 0a4.1 2.5 0 1 1 8.2 0a4.1 2.5 0 1 1-8.2 0Z";
const NOTE: &str = "M1.5 11.5a4.5 3.5 0 1 0 9 0a4.5 3.5 0 1 0-9 0ZM9.3 1h1.7v10.5H9.3Z";
const REST: &str = "M2 9.5h12v1.6H2ZM4.5 5h7v4.5h-7Z";
const FERMATA: &str = "M1.5 11.5a6.5 6.5 0 0 1 13 0h-1.9a4.6 4.6 0 0 0-9.2 0ZM6.3 11a1.7 1.7 0 1 0 3.4 0a1.7 1.7 0 1 0-3.4 0Z";
const CHECK: &str = "M6.2 12.8 1.7 8.3l1.6-1.6 2.9 2.9 6.5-6.5 1.6 1.6Z";
const CROSS: &str =
    "M3 4.6 4.6 3 8 6.4 11.4 3 13 4.6 9.6 8l3.4 3.4-1.6 1.6L8 9.6 4.6 13 3 11.4 6.4 8Z";
const DASH: &str = "M2.5 7h11v2h-11Z";
const ALERT: &str = "M8 1 15.5 14.5H.5ZM7.1 6v4.2h1.8V6Zm0 5.3v1.7h1.8v-1.7Z";
const LINKS: &str = "M.8 8a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0-7.8 0Zm1.8 0a2.1 2.1 0 1 1 4.2 0a2.1 2.1 0 1 1-4.2 0ZM9.6 4.5a3.9 3.9 0 1 1 0 7v-2.2a2.1 2.1 0 1 0 0-2.6Z";
const BARS: &str = "M2 9h3v5H2ZM6.5 5.5h3V14h-3ZM11 2h3v12h-3Z";
const QUEUE: &str = "M2 2.5h12v2H2ZM2 7h9v2H2ZM2 11.5h6v2H2Z";
const CLOCK: &str = "M8 1.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6Zm0 1.8a5 5 0 1 1 0 10a5 5 0 1 1 0-10ZM7.1 4.5h1.8v3l2 1.4-1 1.5-2.8-2Z";
const DOTS: &str = "M2 6.7h2.6v2.6H2ZM6.7 6.7h2.6v2.6H6.7ZM11.4 6.7H14v2.6h-2.6Z";
const PAUSE: &str = "M3 2.5h3.5v11H3ZM9.5 2.5H13v11H9.5Z";
const COIN: &str = "M8 1.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6Zm0 1.8a5 5 0 1 1 0 10a5 5 0 1 1 0-10ZM7 5h2v6H7Z";
const ARROWS: &str = "M4.5 2 8 6H5.5v8h-2V6H1ZM11.5 14 8 10h2.5V2h2v8H15Z";
const FULL: &str = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11Z";
const HALF: &str = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11ZM8 4.2v7.6a3.8 3.8 0 1 1 0-7.6Z";
const EMPTY: &str =
    "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11Zm0 1.7a3.8 3.8 0 1 1 0 7.6a3.8 3.8 0 1 1 0-7.6Z";
const DIAMOND: &str = "M8 1 15 8 8 15 1 8Z";

/// A shape alone; what it says stands beside it.
pub fn glyph(path: &'static str) -> Markup {
    view! {
        <svg class="glyph" viewBox="0 0 16 16" width="12" height="12" aria-hidden="true">
            <path d=path fill-rule="evenodd" />
        </svg>
    }
    .written()
}

/// Where a task is in its life.
#[component]
pub fn StateMark(state: TaskState) -> Markup {
    let path = match state {
        TaskState::Backlog => REST,
        TaskState::Pending => HOLLOW_NOTE,
        TaskState::InProgress => NOTE,
        TaskState::InReview => FERMATA,
        TaskState::Done => CHECK,
        TaskState::Failed => CROSS,
        TaskState::Cancelled => DASH,
    };
    let class = format!("mark state-{}", state.as_str().replace('_', "-"));
    view! { <span class=class>{glyph(path)} <span>{text::state(state)}</span></span> }.written()
}

/// Whose move it is.
#[component]
pub fn TierMark(tier: Tier) -> Markup {
    let class = format!("mark tier-{}", text::tier_class(tier));
    view! { <span class=class>{glyph(tier_path(tier))} <span>{text::tier(tier)}</span></span> }
        .written()
}

/// A tier's shape.
pub fn tier_path(tier: Tier) -> &'static str {
    match tier {
        Tier::NeedsYou => ALERT,
        Tier::OtherWork => LINKS,
        Tier::Capacity => BARS,
        Tier::Turn => QUEUE,
        Tier::Time => CLOCK,
        Tier::None => DOTS,
    }
}

/// The sort of a decision.
#[component]
pub fn KindMark(kind: DecisionKind) -> Markup {
    let path = match kind {
        DecisionKind::Dispatch => NOTE,
        DecisionKind::NotYet => HOLLOW_NOTE,
        DecisionKind::Reprioritise => ARROWS,
        DecisionKind::Fuse => CROSS,
        DecisionKind::Budget => COIN,
        DecisionKind::Throttle => PAUSE,
        DecisionKind::Expiry => CLOCK,
        DecisionKind::Policy => QUEUE,
        DecisionKind::Guardian
        | DecisionKind::Override
        | DecisionKind::Approval
        | DecisionKind::Experiment => DIAMOND,
    };
    let class = format!("mark kind-{}", kind.as_str().replace('_', "-"));
    view! { <span class=class>{glyph(path)} <span>{text::kind(kind)}</span></span> }.written()
}

/// How recently an agent was heard of: a full, a half or an empty ring.
#[component]
pub fn HealthMark(health: Health) -> Markup {
    let (path, class) = match health {
        Health::Online => (FULL, "mark health-online"),
        Health::Late => (HALF, "mark health-late"),
        Health::Offline => (EMPTY, "mark health-offline"),
    };
    view! { <span class=class>{glyph(path)} <span>{text::health(health)}</span></span> }.written()
}

/// How an attempt ended.
#[component]
pub fn OutcomeMark(outcome: AttemptOutcome) -> Markup {
    let (path, class) = match outcome {
        AttemptOutcome::Completed => (CHECK, "mark state-done"),
        AttemptOutcome::Failed => (CROSS, "mark state-failed"),
        AttemptOutcome::Throttled => (PAUSE, "mark kind-throttle"),
        AttemptOutcome::Released => (REST, "mark"),
        AttemptOutcome::Expired | AttemptOutcome::Revoked => (CLOCK, "mark kind-expiry"),
    };
    view! { <span class=class>{glyph(path)} <span>{text::outcome(outcome)}</span></span> }.written()
}
