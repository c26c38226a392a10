//! An instant: UTC from the server, relative once the page is awake.

use leptos::prelude::*;
use scheduler::Time;

use crate::markup::{Markup, Written};
use crate::text;

/// `<time>`, with the exact instant for machines and on hover.
#[component]
pub fn Moment(
    at: Time,
    /// When the page was made.
    now: Time,
) -> Markup {
    let exact = text::machine_time(at);
    view! {
        <time class="moment" datetime=exact.clone() title=exact>
            {text::clock(at, now)}
        </time>
    }
    .written()
}
