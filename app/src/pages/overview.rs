//! Is the team moving?

use leptos::prelude::*;
use leptos_meta::Title;

/// The first page.
#[component]
pub fn Overview() -> impl IntoView {
    view! {
        <Title text="Overview" />
        <h1>"Overview"</h1>
        <p>"No workspace yet."</p>
    }
}
