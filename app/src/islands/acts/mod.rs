//! Sends the forms of acts without leaving the page.
//!
//! What is sent and what comes back are what a browser without scripts sends and gets: a form, and
//! the page it leads to. This island shows at once what the form says will be so, ignores a second
//! press, and brings the page that comes back into the one that is shown. When nothing comes back,
//! it puts everything as it was and says so.

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
mod submission;

use leptos::prelude::*;

/// Listens; shows nothing of its own.
#[island]
pub fn Acts() -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::listen();
}
