//! Keeps a page up to date: hears the workspace's stream and brings what changed into the page.
//!
//! The server renders everything. On a change this island asks for the page's address again and
//! takes over only what differs within elements marked `data-live`, so focus, scroll position and
//! opened details stay. What is marked `data-hold` is left alone while the pointer is over it. The
//! answer to an act of one's own is brought in the same way, at once, and wherever the pointer is;
//! then what is marked `data-act-region` is taken over too.

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
pub(super) mod morph;
#[cfg(feature = "hydrate")]
mod relative;

use leptos::prelude::*;

#[cfg(feature = "hydrate")]
pub(super) use browser::{bring, parse};

/// How well the page keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "only the browser hears the stream")
)]
enum Mark {
    /// The stream is being opened.
    Connecting,
    /// It shows what is.
    Live,
    /// Changes wait until the pointer leaves the list they are in.
    Held,
    /// The reader stopped it.
    Paused,
    /// Nothing was heard for so many seconds.
    Stale(u32),
}

impl Mark {
    fn words(self) -> String {
        match self {
            Self::Connecting => "Connecting".to_owned(),
            Self::Live => "Live".to_owned(),
            Self::Held => "Changes wait".to_owned(),
            Self::Paused => "Paused".to_owned(),
            Self::Stale(seconds) => format!("Stale {seconds} s"),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Connecting => "live live-connecting",
            Self::Live => "live live-on",
            Self::Held => "live live-held",
            Self::Paused => "live live-paused",
            Self::Stale(_) => "live live-stale",
        }
    }
}

/// The mark in the header; pressing it pauses and resumes. Without scripting it is hidden.
#[island]
pub fn Live(
    /// The address of the workspace's stream.
    stream: String,
) -> impl IntoView {
    let mark = RwSignal::new(Mark::Connecting);
    let paused = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    browser::start(stream, mark, paused);
    #[cfg(not(feature = "hydrate"))]
    drop(stream);
    view! {
        <button
            type="button"
            class=move || mark.get().class()
            aria-pressed=move || paused.get().to_string()
            title="Pause or resume updates"
            on:click=move |_| paused.update(|paused| *paused = !*paused)
        >
            <span class="live-dot" aria-hidden="true"></span>
            <span class="live-words">{move || mark.get().words()}</span>
        </button>
    }
}
