//! The mark: a baton in the middle of its beat.

use leptos::prelude::*;

/// Drawn in the colour of the text around it, the stroke in the accent.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
            <path class="logo-lines" d="M3 9.5h26M3 16h26M3 22.5h26" />
            <path class="logo-baton" d="M9.2 24.4 27.5 4.3l.9.8L11.6 26.6Z" />
            <circle class="logo-grip" cx="8.4" cy="25.9" r="4.1" />
        </svg>
    }
}
