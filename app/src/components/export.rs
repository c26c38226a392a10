//! Takes a list away as a file: the same query, every row.

use leptos::prelude::*;

use crate::text;

/// The two formats of a list, by its page's address and filters.
pub fn export(list: &str, query: &[(&str, String)]) -> AnyView {
    let csv = text::address(&format!("{list}.csv"), query);
    let json = text::address(&format!("{list}.json"), query);
    view! {
        <details class="export">
            <summary class="button">"Export"</summary>
            <ul role="list">
                <li><a href=csv download="">"CSV, for spreadsheets"</a></li>
                <li><a href=json download="">"JSON"</a></li>
            </ul>
        </details>
    }
    .into_any()
}
