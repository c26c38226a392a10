//! The page of an address that leads nowhere.

use leptos::prelude::*;
use leptos_meta::Title;

/// Says so, with the status that says so too.
#[component]
pub fn NotFound() -> impl IntoView {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(http::StatusCode::NOT_FOUND);
    }
    view! {
        <Title text="Not found" />
        <h1>"Nothing is here"</h1>
        <p>
            "The address may be mistyped, or what it named is gone. " <a href="/">"Overview"</a>
        </p>
    }
}
