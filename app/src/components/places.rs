//! The places of a workspace, in families joined by a bracket as the parts of a score are.

use leptos::prelude::*;
use store::accounts::Membership;

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
pub fn places(here: &Membership, path: &str) -> AnyView {
    let family = |&(name, places): &(&'static str, &'static [Place])| {
        let links = places.iter().map(|place| link(place, &here.slug, path));
        view! { <ul class="family" role="list" aria-label=name>{links.collect_view()}</ul> }
    };
    FAMILIES.iter().map(family).collect_view().into_any()
}

fn link(place: &Place, slug: &str, path: &str) -> impl IntoView + use<> {
    let base = format!("/w/{slug}");
    let (href, current) = match place.path {
        "" => (format!("/?w={slug}"), path == "/"),
        "/" => (base.clone(), path == base),
        below => {
            let href = format!("{base}{below}");
            let within = path
                .strip_prefix(&href)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            (href, within)
        }
    };
    view! {
        <li>
            <a class="place-link" href=href data-go=place.key aria-current=current.then_some("page")>
                {place.name}
            </a>
        </li>
    }
}
