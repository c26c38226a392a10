//! An instant: UTC from the server, relative once the page is awake.

use leptos::prelude::*;
use scheduler::Time;

use crate::markup::{Markup, Written};
use crate::text;

/// `<time>`, with the exact instant for machines, and for people on hover.
#[component]
pub fn Moment(
    at: Time,
    /// When the page was made.
    now: Time,
) -> Markup {
    view! {
        <time class="moment" datetime=text::machine_time(at) title=text::date_and_clock(at)>
            {text::clock(at, now)}
        </time>
    }
    .written()
}
