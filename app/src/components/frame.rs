//! The margin of every page: where one is, where one can go, who one is.
//!
//! On a desk it stands at the left; on a phone it is a bar, and the places open over the page. Both
//! are the same elements: what opens is a popover, which needs no scripts.

use leptos::prelude::*;
use store::accounts::Membership;

use super::hall::Hall;
use super::logo::Logo;
use super::places::places;
use crate::access::{House, Visitor};
use crate::islands::live::Live;
use crate::islands::palette::Palette;
use crate::islands::theme_switch::ThemeSwitch;
use crate::markup::{Markup, Written};
use crate::theme::Theme;

/// Logo, workspace, the live mark, places, account.
#[component]
pub fn Frame(theme: Theme) -> Markup {
    let visitor = Visitor::of_request();
    let (path, query) = use_context::<http::request::Parts>()
        .map(|parts| {
            (
                parts.uri.path().to_owned(),
                parts.uri.query().unwrap_or_default().to_owned(),
            )
        })
        .unwrap_or_default();
    let name = view! {
        <a class="site-name" href="/">
            <Logo />
            <span>"Baton"</span>
        </a>
    };
    let Some(visitor) = visitor else {
        return view! {
            <header class="frame-head frame-outside">
                {name} <Hall /> <ThemeSwitch initial=theme />
            </header>
        }
        .written();
    };
    let here = workspace_of(&visitor, &path, &query);
    let palette = here
        .as_ref()
        .map(|here| view! { <Palette find=format!("/w/{}/find", here.slug) /> });
    let live = here.as_ref().map(live);
    view! {
        <header class="frame-head">
            {name} {live} {switcher(&visitor, here.as_ref())}
            <button type="button" class="menu-button" popovertarget="places">
                "Menu"
            </button>
            <nav id="places" class="places" popover="auto" aria-label="Places">
                {here.map(|here| places(&here, &path))} {account(&visitor, &path, theme)}
            </nav>
        </header>
        {palette}
    }
    .written()
}

/// The live mark. Its stream goes on from the last event before anything of the page was read.
fn live(here: &Membership) -> Markup {
    let since = House::of_request().and_then(|house| house.engine.latest_event(here.pool));
    let since = since.map(|id| id.to_string());
    let stream = format!("/w/{}/events", here.slug);
    view! { <div class="frame-live"><Live stream since /></div> }.written()
}

/// The workspace that the page is about: the path's, or `?w=`, or the first.
fn workspace_of(visitor: &Visitor, path: &str, query: &str) -> Option<Membership> {
    let in_path = path
        .strip_prefix("/w/")
        .and_then(|rest| rest.split('/').next())
        .filter(|slug| !slug.is_empty());
    let in_query = query.split('&').find_map(|pair| pair.strip_prefix("w="));
    let named = |slug: &str| {
        visitor
            .memberships
            .iter()
            .find(|one| one.slug == slug)
            .cloned()
    };
    match in_path.or(in_query) {
        Some(slug) => named(slug),
        None => visitor.memberships.first().cloned(),
    }
}

/// The workspace's name, which opens the list of those the reader may enter.
fn switcher(visitor: &Visitor, here: Option<&Membership>) -> Markup {
    let one = |membership: &Membership| {
        let current = here.is_some_and(|here| here.slug == membership.slug);
        let href = format!("/?w={}", membership.slug);
        let name = membership.name.clone();
        view! { <li><a href=href aria-current=current.then_some("true")>{name}</a></li> }
    };
    let name = here.map_or_else(|| "Workspaces".to_owned(), |here| here.name.clone());
    view! {
        <button type="button" class="switcher-button" popovertarget="workspaces">
            <span class="switcher-name">{name}</span>
            <span class="chevron" aria-hidden="true"></span>
        </button>
        <div id="workspaces" class="sheet-over" popover="auto">
            <ul role="list">{visitor.memberships.iter().map(one).collect_view()}</ul>
            <a class="apart" href="/w">
                "All workspaces"
            </a>
        </div>
    }
    .written()
}

/// Who one is, the colours one wants, and the way out.
fn account(visitor: &Visitor, path: &str, theme: Theme) -> Markup {
    let current = (path == "/account").then_some("page");
    view! {
        <div class="account">
            <button type="button" class="account-button" popovertarget="account">
                <span class="account-name">{visitor.email.clone()}</span>
                <span class="chevron" aria-hidden="true"></span>
            </button>
            <div id="account" class="sheet-over" popover="auto">
                <ThemeSwitch initial=theme />
                <a class="apart" href="/account" aria-current=current>
                    "Your account"
                </a>
                <form method="post" action="/logout">
                    <button class="plain">"Sign out"</button>
                </form>
            </div>
        </div>
    }
    .written()
}
