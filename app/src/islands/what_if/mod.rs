//! A slider before a form that asks "what if": moves its first number, and brings the answer into the
//! page while it moves.

#[cfg(feature = "hydrate")]
mod browser;

use leptos::prelude::*;

/// The slider. Without scripting it is hidden, and the form asks by its button.
#[island]
pub fn WhatIfSlider(
    /// The right end.
    most: f64,
    /// Where it stands.
    value: f64,
    /// The least that makes a difference.
    step: f64,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::listen();
    view! {
        <input
            class="what-if-slider"
            type="range"
            aria-label="The same, by a slider"
            min="0"
            max=most
            step=step
            value=value
            autocomplete="off"
        />
    }
}
