//! The pages of what is not there and of what went wrong.

use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;

use crate::access::PageError;

/// The page of an address that leads nowhere.
#[component]
pub fn NotFound() -> impl IntoView {
    failure(PageError::NotFound)
}

/// Says what happened and what to do, with the status that says so too.
pub fn failure(error: PageError) -> AnyView {
    let (status, title, detail) = match error {
        PageError::NotFound => (
            StatusCode::NOT_FOUND,
            "Nothing is here",
            "The address may be mistyped, what it named may be gone, or it belongs to a workspace you are not a member of.",
        ),
        PageError::SignedOut => (
            StatusCode::UNAUTHORIZED,
            "You are not signed in",
            "Sign in, and this page will be here.",
        ),
        PageError::Away => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Back in a moment",
            "The database or the conductor of this workspace is changing hands. Nothing is lost and agents keep their leases; load the page again in a few seconds.",
        ),
        PageError::Broken => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something broke here",
            "It has been logged. Loading the page again may help; if it does not, the server's log says what happened.",
        ),
    };
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status);
    }
    let next = match error {
        PageError::SignedOut => ("/login", "Sign in"),
        _ => ("/", "Go to the overview"),
    };
    view! {
        <Title text=title />
        <section class="failure">
            // Five lines and nothing on them.
            <svg class="failure-stave" viewBox="0 0 200 44" aria-hidden="true">
                <path class="stave-lines" d="M0 6h200M0 14h200M0 22h200M0 30h200M0 38h200" />
                <path class="stave-rest" d="M92 14h16v7H92z" />
            </svg>
            <p class="eyebrow">{status.as_u16()}</p>
            <h1>{title}</h1>
            <p>{detail}</p>
            <p>
                <a class="button" href=next.0>
                    {next.1}
                </a>
            </p>
        </section>
    }
    .into_any()
}
