//! The keyboard: a palette over everything (⌘K or Ctrl-K), and single keys where nobody types.
//!
//! The palette shows what the page `/w/{ws}/find` shows, asked for as one types; without scripts that
//! page stands alone. Single keys act only while `data-keys` of the document says `on`.

#[cfg(feature = "hydrate")]
mod browser;
#[cfg(feature = "hydrate")]
mod keys;
#[cfg(feature = "hydrate")]
mod place;

use leptos::prelude::*;

/// What each key does, in the order of the help.
const HELP: [(&str, &str); 10] = [
    ("⌘ K or Ctrl K", "find anything, go anywhere"),
    ("/", "find on this page, or anywhere"),
    ("?", "this help"),
    (
        "g then o, t, d",
        "go to the overview, the tasks, the decisions",
    ),
    (
        "g then a, r, b",
        "go to the agents, the resources, the budgets",
    ),
    ("g then w, s", "go to the workspace, the settings"),
    (".", "show the new rows"),
    ("j and k", "next and previous row"),
    ("Enter", "open the row"),
    ("Esc", "close what is open, or leave the row"),
];

/// The palette and the help, both closed until a key opens them.
#[island]
pub fn Palette(
    /// The address of the page that finds.
    find: String,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    browser::listen();
    let key = |(key, does): (&'static str, &'static str)| {
        view! {
            <dt>
                <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
        }
    };
    view! {
        <dialog id="palette" class="palette" aria-label="Find">
            <form action=find role="search">
                <input
                    type="search"
                    name="q"
                    aria-label="Find tasks, agents, limits, decisions, places"
                    placeholder="Find tasks, agents, limits, decisions, places"
                    autocomplete="off"
                    spellcheck="false"
                />
            </form>
            <div id="palette-found" aria-live="polite"></div>
        </dialog>
        <dialog id="key-help" class="palette keys" aria-labelledby="key-help-title">
            <h2 id="key-help-title">"Keys"</h2>
            <dl class="facts">{HELP.map(key).collect_view()}</dl>
            <p class="hint">"Single keys can be switched off in your account."</p>
            <form method="dialog">
                <button class="button">"Close"</button>
            </form>
        </dialog>
    }
}
