//! Keeps a page up to date: hears the workspace's stream and brings what changed into the page.
//!
//! The server renders everything. On a change this island asks for the page's address again and
//! takes over only what differs within elements marked `data-live`, so focus, scroll position and
//! opened details stay. In what is marked `data-hold` no row comes, goes or moves while the pointer
//! is on it: how many are new is said, and pressing that shows them. The answer to an act of one's
//! own is brought in the same way, at once, and wherever the pointer is; then what is marked
//! `data-act-region` is taken over too.
//!
//! A page that nobody sees closes its stream, and one that nobody has touched for long looks seldom.

#[cfg(feature = "hydrate")]
mod bring;
#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
pub(super) mod morph;
#[cfg(feature = "hydrate")]
mod relative;
#[cfg(feature = "hydrate")]
mod stream;

use leptos::prelude::*;

/// The header of a request that brings a page up to date which is shown already: what nobody would take
/// over from the answer need not be in it.
pub const AGAIN: &str = "baton-again";

#[cfg(feature = "hydrate")]
pub(super) use bring::{bring, parse};

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
    /// The reader stopped it, or nobody sees the page.
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

/// What the mark shows and what the reader may press.
#[derive(Debug, Clone, Copy)]
struct Switches {
    mark: RwSignal<Mark>,
    paused: RwSignal<bool>,
    /// New rows that wait, if anything does.
    held: RwSignal<Option<u32>>,
    /// How often what waits was asked for.
    shown: RwSignal<u32>,
}

/// The mark in the header; pressing it pauses and resumes. Without scripting it is hidden.
#[island]
pub fn Live(
    /// The address of the workspace's stream.
    stream: String,
    /// The last event before the page was made.
    since: Option<String>,
) -> impl IntoView {
    let switches = Switches {
        mark: RwSignal::new(Mark::Connecting),
        paused: RwSignal::new(false),
        held: RwSignal::new(None),
        shown: RwSignal::new(0),
    };
    let Switches {
        mark,
        paused,
        held,
        shown,
    } = switches;
    #[cfg(feature = "hydrate")]
    browser::start(stream, since, switches);
    #[cfg(not(feature = "hydrate"))]
    drop((stream, since));
    let waits = move || match held.get() {
        Some(0) | None => "Show the changes".to_owned(),
        Some(new) => format!("{new} new"),
    };
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
        <button
            type="button"
            class="live-new"
            hidden=move || held.get().is_none()
            on:click=move |_| shown.update(|shown| *shown += 1)
        >
            {waits}
        </button>
    }
}
