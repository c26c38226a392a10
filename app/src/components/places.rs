//! The places of a workspace, in families joined by a bracket as the parts of a score are.

use leptos::prelude::*;
use store::accounts::Membership;

use crate::markup::{Markup, Written};

/// A place: its name, its address below the workspace's, and the key that goes there after `g`.
struct Place {
    name: &'static str,
    path: &'static str,
    key: &'static str,
}

const fn place(name: &'static str, path: &'static str, key: &'static str) -> Place {
    Place { name, path, key }
}

/// The work, the means, the house.
const FAMILIES: [(&str, &[Place]); 3] = [
    (
        "The work",
        &[
            place("Overview", "", "o"),
            place("Tasks", "/tasks", "t"),
            place("Decisions", "/decisions", "d"),
        ],
    ),
    (
        "The means",
        &[
            place("Agents", "/agents", "a"),
            place("Resources", "/resources", "r"),
            place("Budgets", "/budgets", "b"),
        ],
    ),
    (
        "The house",
        &[
            place("Workspace", "/", "w"),
            place("Settings", "/settings", "s"),
        ],
    ),
];

/// Links to every place of the workspace, the one that `path` is in marked.
pub fn places(here: &Membership, path: &str) -> Markup {
    let family = |&(name, places): &(&'static str, &'static [Place])| {
        let links = places.iter().map(|place| link(place, &here.slug, path));
        view! { <ul class="family" role="list" aria-label=name>{links.collect_view()}</ul> }
    };
    let find = format!("/w/{}/find", here.slug);
    view! {
        <a class="find-link" href=find data-palette>
            <span>"Find"</span>
            <kbd class="key">"Ctrl K"</kbd>
        </a>
        {FAMILIES.iter().map(family).collect_view()}
    }
    .written()
}

/// The places of a workspace by name, each with its address.
pub fn addresses(slug: &str) -> Vec<(String, String)> {
    let all = FAMILIES.iter().flat_map(|(_, places)| places.iter());
    all.map(|place| (place.name.to_owned(), address(place, slug)))
        .collect()
}

fn address(place: &Place, slug: &str) -> String {
    match place.path {
        "" => format!("/?w={slug}"),
        "/" => format!("/w/{slug}"),
        below => format!("/w/{slug}{below}"),
    }
}

fn link(place: &Place, slug: &str, path: &str) -> impl IntoView + use<> {
    let href = address(place, slug);
    let current = match place.path {
        "" => path == "/",
        "/" => path == href,
        _ => path
            .strip_prefix(&href)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
    };
    view! {
        <li>
            <a class="place-link" href=href data-go=place.key aria-current=current.then_some("page")>
                {place.name}
            </a>
        </li>
    }
}
