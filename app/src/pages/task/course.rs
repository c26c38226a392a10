//! The panel of a task that does not wait: who is at work on it, or how it ended.

use leptos::prelude::*;
use scheduler::{Span, TaskState};
use store::read::{Ended, LeaseListed};

use crate::access::Seat;
use crate::components::meter::{Meter, Part};
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};

/// Somebody is at work on it: since when, how far, and until when as its author expects.
pub fn at_work(lease: &LeaseListed, expected_ms: Option<u32>, seat: &Seat) -> Markup {
    let meter = lease.progress.map(
        |done| view! { <Meter parts=vec![Part { share: done.into(), class: "part-have" }] /> },
    );
    let done = lease.progress.map(|done| {
        let said = format!("{} % done, says the agent", (done * 100.0).round());
        view! { <span>{said}</span> }
    });
    let ends = expected_ms.map(|ms| {
        let at = lease.granted_at + Span::from_millis(ms.into());
        view! { <span>"expected end: " <Moment at now=seat.now /></span> }
    });
    view! {
        <section id="now" data-key="now" data-room class="panel why" aria-labelledby="why">
            <p class="eyebrow">"At work"</p>
            <h2 id="why" class="headline">{lease.agent_name.clone()} " is at work on it."</h2>
            {meter}
            <p class="marks small">
                <span>"begun " <Moment at=lease.granted_at now=seat.now /></span> {done} {ends}
            </p>
            {lease.note.clone().map(|note| view! { <p class="note" dir="auto">{note}</p> })}
            <p data-key="foot" class="why-foot quiet small">
                <a href=seat.path(&format!("decisions/{}", lease.decision))>"The decision behind it"</a>
            </p>
        </section>
    }
    .written()
}

/// What an agent handed in, for whoever accepts it or sends it back.
pub fn to_look_at(output: &serde_json::Value) -> Markup {
    view! {
        <section data-key="result" class="panel" aria-labelledby="result">
            <h2 id="result">"The result to look at"</h2>
            {handed_in(output)}
        </section>
    }
    .written()
}

fn handed_in(output: &serde_json::Value) -> impl IntoView + use<> {
    let json = serde_json::to_string_pretty(output).unwrap_or_default();
    view! { <pre tabindex="0"><code>{json}</code></pre> }
}

/// How it ended, and with what.
pub fn ended(end: &Ended, seat: &Seat) -> Markup {
    let words = match end.state {
        TaskState::Done => "It is done.",
        TaskState::Cancelled => "It was cancelled.",
        _ => "It has failed.",
    };
    let output = end.output.as_ref().map(handed_in);
    let decision = end.decision.map(|id| {
        view! { <a href=seat.path(&format!("decisions/{id}"))>"The decision behind it"</a> }
    });
    view! {
        <section id="now" data-key="now" data-room class="panel why" aria-labelledby="why">
            <p class="eyebrow">"How it ended"</p>
            <h2 id="why" class="headline">{words}</h2>
            {end.error.clone().map(|error| view! { <pre tabindex="0" dir="auto"><code>{error}</code></pre> })}
            {output}
            <p data-key="foot" class="why-foot quiet small">
                {decision} " Ended " <Moment at=end.at now=seat.now /> "."
            </p>
        </section>
    }
    .written()
}
