//! The head of every page: where one is, where one can go, who one is.

use leptos::prelude::*;
use store::accounts::Membership;

use super::logo::Logo;
use crate::access::Visitor;
use crate::islands::live::Live;
use crate::islands::theme_switch::ThemeSwitch;
use crate::theme::Theme;

/// Logo, places, the live mark, colours, the way out.
#[component]
pub fn Header(theme: Theme) -> AnyView {
    let visitor = Visitor::of_request();
    let request = use_context::<http::request::Parts>();
    let (path, query) = request
        .map(|parts| {
            (
                parts.uri.path().to_owned(),
                parts.uri.query().unwrap_or_default().to_owned(),
            )
        })
        .unwrap_or_default();
    let here = visitor
        .as_ref()
        .and_then(|visitor| workspace_of(visitor, &path, &query));
    let places = here.clone().map(|here| places(&here, &path));
    let workspaces = visitor
        .as_ref()
        .zip(here.as_ref())
        .map(|(visitor, here)| switcher(visitor, here));
    let live = here.map(|here| view! { <Live stream=format!("/w/{}/events", here.slug) /> });
    let account = visitor.map(|visitor| account(&visitor));
    view! {
        <header class="site-header">
            <a class="site-name" href="/">
                <Logo />
                <span>"Baton"</span>
            </a>
            {workspaces}
            {places}
            <div class="site-tools">{live} <ThemeSwitch initial=theme /> {account}</div>
        </header>
    }
    .into_any()
}

/// The workspace that the page is about: the path's, or `?w=`, or the first.
fn workspace_of(visitor: &Visitor, path: &str, query: &str) -> Option<Membership> {
    let in_path = path
        .strip_prefix("/w/")
        .and_then(|rest| rest.split('/').next());
    let in_query = query.split('&').find_map(|pair| pair.strip_prefix("w="));
    let slug = in_path.or(in_query);
    let named = |slug: &str| {
        visitor
            .memberships
            .iter()
            .find(|one| one.slug == slug)
            .cloned()
    };
    match slug {
        Some(slug) => named(slug),
        None => visitor.memberships.first().cloned(),
    }
}

fn places(here: &Membership, path: &str) -> AnyView {
    let place = |href: String, name: &'static str, current: bool| {
        view! {
            <a href=href aria-current=current.then_some("page")>
                {name}
            </a>
        }
    };
    let base = format!("/w/{}", here.slug);
    let within = |part: &str| path.starts_with(&format!("{base}/{part}"));
    view! {
        <nav class="places" aria-label="Places">
            {place(format!("/?w={}", here.slug), "Overview", path == "/")}
            {place(format!("{base}/tasks"), "Tasks", within("tasks"))}
            {place(format!("{base}/decisions"), "Decisions", within("decisions"))}
        </nav>
    }
    .into_any()
}

/// The workspace's name; with several, a list of them that opens without scripts too.
fn switcher(visitor: &Visitor, here: &Membership) -> AnyView {
    if visitor.memberships.len() < 2 {
        return view! { <span class="workspace-name">{here.name.clone()}</span> }.into_any();
    }
    let other = |membership: &Membership| {
        let current = membership.slug == here.slug;
        let href = format!("/?w={}", membership.slug);
        let name = membership.name.clone();
        view! { <li><a href=href aria-current=current.then_some("true")>{name}</a></li> }
    };
    view! {
        <details class="switcher">
            <summary>{here.name.clone()}</summary>
            <ul role="list">{visitor.memberships.iter().map(other).collect_view()}</ul>
        </details>
    }
    .into_any()
}

fn account(visitor: &Visitor) -> AnyView {
    view! {
        <form class="account" method="post" action="/logout">
            <button class="plain" title=format!("Signed in as {}", visitor.email)>
                "Sign out"
            </button>
        </form>
    }
    .into_any()
}
