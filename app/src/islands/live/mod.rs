//! Keeps a page up to date: hears the workspace's stream and brings what changed into the page.
//!
//! The server renders everything. On a change this island asks for the page's address again and
//! takes over only what differs within elements marked `data-live`, so focus, scroll position and
//! opened details stay. Rows of a list marked `data-hold` or `data-slots` stay where they are (see
//! `hold`): how many are new is said, and a press on that, the key `.` or a return after being away
//! shows them. The answer to an act of one's own is brought in the same way, at once and entirely;
//! then what is marked `data-act-region` is taken over too.
//!
//! A page that nobody sees closes its stream, and one that nobody has touched for long looks seldom.

#[cfg(feature = "hydrate")]
mod bring;
#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
mod hold;
#[cfg(feature = "hydrate")]
pub(super) mod morph;
#[cfg(feature = "hydrate")]
mod relative;
#[cfg(feature = "hydrate")]
mod room;
#[cfg(feature = "hydrate")]
mod stream;

use leptos::prelude::*;

/// The header of a request that brings a page up to date which is shown already: what nobody would take
/// over from the answer need not be in it. It names the rows that stay where they are.
pub const AGAIN: &str = "baton-again";

#[cfg(feature = "hydrate")]
pub(super) use bring::{Bring, bring, parse};

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
            Self::Paused => "Paused".to_owned(),
            Self::Stale(seconds) => format!("Stale {seconds} s"),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Connecting => "live live-connecting",
            Self::Live => "live live-on",
            Self::Paused => "live live-paused",
            Self::Stale(_) => "live live-stale",
        }
    }
}

/// Rows that wait until the reader wants them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct New {
    rows: u32,
    /// A page shows so many; there may be more.
    or_more: bool,
    /// Some take no place yet, because the pointer or the focus is there.
    in_use: bool,
}

impl New {
    fn words(self) -> String {
        let more = if self.or_more { "+" } else { "" };
        format!("{}{more} new", self.rows)
    }
}

/// What the mark shows and what the reader may press.
#[derive(Debug, Clone, Copy)]
struct Switches {
    mark: RwSignal<Mark>,
    paused: RwSignal<bool>,
    new: RwSignal<New>,
    /// How often what is new was asked for.
    asked: RwSignal<u32>,
}

/// The mark in the header, which pauses and resumes when it is pressed, and the link to what is new.
/// Without scripting there is neither.
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
        new: RwSignal::new(New::default()),
        asked: RwSignal::new(0),
    };
    let Switches {
        mark,
        paused,
        new,
        asked,
    } = switches;
    #[cfg(feature = "hydrate")]
    browser::start(stream, since, switches);
    #[cfg(not(feature = "hydrate"))]
    drop((stream, since, asked));
    let any = Memo::new(move |_| new.get().rows > 0);
    // Only a list's first page has new rows, so the link leads where one is.
    let link = move || {
        any.get().then(|| {
            view! {
                <a
                    class="live-new"
                    href=""
                    aria-keyshortcuts="."
                    on:click=move |press| {
                        #[cfg(feature = "hydrate")]
                        browser::ask(asked, &press);
                        #[cfg(not(feature = "hydrate"))]
                        drop(press);
                    }
                >
                    {move || new.get().words()}
                </a>
            }
        })
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
        {link}
        // Said once, and not with every row that comes.
        <span class="visually-hidden" aria-live="polite">
            {move || any.get().then_some("There are new rows.")}
        </span>
    }
}
