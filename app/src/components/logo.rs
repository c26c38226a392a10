//! The mark: a baton in the middle of its beat.

use leptos::prelude::*;

/// Drawn in the colour of the text around it, the stroke in the accent.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <path class="logo-lines" d="M3 9.500h26M3 16h26M3 22.500h26" />
            <path class="logo-baton" d="M9.200 24.400 27.500 4.300l.9.800L11.600 26.600Z" />
            <circle class="logo-grip" cx="8.400" cy="25.900" r="4.100" />
        </svg>
    }
}
