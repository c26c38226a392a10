//! Takes a list away as a file: the same query, every row.

use leptos::prelude::*;

use crate::markup::{Markup, Written};
use crate::text;

/// The two formats of a list, by its page's address and filters.
pub fn export(list: &str, query: &[(&str, String)]) -> Markup {
    export_of(&[(None, list.to_owned())], query)
}

/// The same for several lists of a page, each with its name.
pub fn export_of(lists: &[(Option<&'static str>, String)], query: &[(&str, String)]) -> Markup {
    let files = |(name, list): &(Option<&'static str>, String)| {
        let of = name.map(|name| format!("{name}: ")).unwrap_or_default();
        let csv = text::address(&format!("{list}.csv"), query);
        let json = text::address(&format!("{list}.json"), query);
        view! {
            <li><a href=csv download="">{of.clone()} "CSV, for spreadsheets"</a></li>
            <li><a href=json download="">{of} "JSON"</a></li>
        }
    };
    view! {
        <details class="export">
            <summary class="button">"Export"</summary>
            <ul role="list">{lists.iter().map(files).collect_view()}</ul>
        </details>
    }
    .written()
}
