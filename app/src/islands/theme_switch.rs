//! The choice of colours, in every page's header.

use leptos::prelude::*;

use crate::theme::Theme;

/// Three radio buttons. Without scripting they are hidden, and the system decides.
#[island]
pub fn ThemeSwitch(
    /// What the request's cookie says.
    initial: Theme,
) -> impl IntoView {
    let option = move |theme: Theme| {
        view! {
            <label>
                <input
                    type="radio"
                    name="theme"
                    value=theme.name()
                    checked=theme == initial
                    on:change=move |_| theme.apply()
                />
                <span>{theme.label()}</span>
            </label>
        }
    };
    view! {
        <fieldset class="theme-switch">
            <legend class="visually-hidden">"Theme"</legend>
            {Theme::ALL.map(option).collect_view()}
        </fieldset>
    }
}
