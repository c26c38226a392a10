//! Onwards through a list that pages by key.

use leptos::prelude::*;

/// Links to the first and to the next page, where there are such.
#[component]
pub fn Pager(
    /// The address of the list with its filters, without a cursor.
    list: String,
    /// Whether this is not the first page.
    inside: bool,
    /// Where the next page begins.
    next: Option<String>,
    /// The words of the two links.
    #[prop(default = ("Newest", "Older"))]
    onwards: (&'static str, &'static str),
) -> impl IntoView {
    let join = if list.contains('?') { '&' } else { '?' };
    let next = next.map(|after| {
        let href = format!("{list}{join}after={after}");
        view! { <a class="button" href=href rel="next">{onwards.1}</a> }
    });
    let first = inside.then(move || view! { <a class="button" href=list>{onwards.0}</a> });
    (first.is_some() || next.is_some()).then(|| {
        view! { <nav class="pager" aria-label="Pages">{first} {next}</nav> }
    })
}
