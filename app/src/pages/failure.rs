//! The pages of what is not there and of what went wrong.

use http::StatusCode;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;

use crate::access::{House, PageError};
use crate::markup::{Markup, Written};
use crate::text;

/// The page of an address that leads nowhere.
#[component]
pub fn NotFound() -> impl IntoView {
    failure(PageError::NotFound)
}

/// Says what happened and what to do, with the status that says so too.
pub fn failure(error: PageError) -> Markup {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(status(error));
    }
    view! {
        <Title text=words(error).0 />
        {told(error)}
    }
    .written()
}

/// The whole document for a moment in which not even the reader can be recognised.
pub fn away_document(style: &str) -> String {
    let title = format!("{} · Baton", words(PageError::Away).0);
    let document = view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=style.to_owned() />
            </head>
            <body>
                <main>{told(PageError::Away)}</main>
            </body>
        </html>
    };
    format!("<!DOCTYPE html>{}", document.to_html())
}

fn status(error: PageError) -> StatusCode {
    match error {
        PageError::NotFound => StatusCode::NOT_FOUND,
        PageError::ReadsOnly => StatusCode::FORBIDDEN,
        PageError::Unfit => StatusCode::BAD_REQUEST,
        PageError::SignedOut => StatusCode::UNAUTHORIZED,
        PageError::Away => StatusCode::SERVICE_UNAVAILABLE,
        PageError::Broken => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn words(error: PageError) -> (&'static str, &'static str) {
    match error {
        PageError::NotFound => (
            "Nothing is here",
            "The address may be mistyped, what it named may be gone, or it belongs to a workspace you are not a member of.",
        ),
        PageError::ReadsOnly => (
            "You may only read here",
            "Handing in tasks and changing them is for members. Ask a manager of the workspace for a member's role.",
        ),
        PageError::Unfit => (
            "This list has no such filter",
            "What the address asks for, a filter or a place to go on from, is none that the list knows.",
        ),
        PageError::SignedOut => (
            "You are not signed in",
            "Sign in, and this page will be here.",
        ),
        PageError::Away => (
            "Back in a moment",
            "The database is away, or another server is taking this workspace over. Nothing is lost and agents keep their leases; load the page again in a few seconds.",
        ),
        PageError::Broken => (
            "Something broke here",
            "It has been logged. Loading the page again may help; if it does not, whoever runs the server finds in its log, at this minute, what happened.",
        ),
    }
}

fn told(error: PageError) -> Markup {
    let (title, detail) = words(error);
    let when = House::of_request()
        .filter(|_| error == PageError::Broken)
        .map(|house| {
            let now = house.engine.now();
            view! { " · " {text::clock(now, now)} }
        });
    let again = matches!(error, PageError::Away | PageError::Broken);
    let again = again.then(|| {
        // An empty address is that of the page itself.
        view! { <a class="button button-main" href="">"Load it again"</a> }
    });
    let next = match error {
        PageError::SignedOut => ("/login", "Sign in"),
        // The page itself, without what it was asked.
        PageError::Unfit => ("?", "Show the whole list"),
        _ => ("/", "Go to the overview"),
    };
    let is_of_address = matches!(error, PageError::NotFound | PageError::Unfit);
    let asked = use_context::<http::request::Parts>().filter(|_| is_of_address);
    let address = asked.map(|asked| view! { " · " <code>{asked.uri.to_string()}</code> });
    view! {
        <section class="failure">
            {picture(error)}
            <p class="eyebrow">{status(error).as_u16()} {address} {when}</p>
            <h1 class="lead">{title}</h1>
            <p>{detail}</p>
            <p class="acts">
                {again}
                <a class="button" href=next.0>
                    {next.1}
                </a>
            </p>
        </section>
    }
    .written()
}

/// Five lines across the page, and on them: a rest where nothing is, a fermata where it is a matter
/// of waiting, a tear where something broke.
fn picture(error: PageError) -> Markup {
    let lines = |from: i32, to: i32, drop: i32| {
        let line = |at: i32| format!("M{from} {}H{to}", 36 + at * 14 + drop);
        (0..5).map(line).collect::<String>()
    };
    let on_them = match error {
        PageError::Broken => {
            let (before, after) = (lines(-2000, 96, 0), lines(112, 3000, 9));
            view! {
                <path class="stave-lines" d=before />
                <path class="stave-lines" d=after />
                <path class="stave-tear" d="M110 22 96 46l10 8-14 26 10 8-8 24" />
            }
            .written()
        }
        PageError::Away => view! {
            <path class="stave-lines" d=lines(-2000, 3000, 0) />
            <path class="stave-hold" d="M84 24a20 20 0 0 1 40 0" />
            <circle class="stave-rest" cx="104" cy="20" r="4" />
        }
        .written(),
        PageError::NotFound | PageError::ReadsOnly | PageError::Unfit | PageError::SignedOut => {
            view! {
                <path class="stave-lines" d=lines(-2000, 3000, 0) />
                <path class="stave-rest" d="M90 50h28v8H90z" />
            }
            .written()
        }
    };
    view! {
        <svg class="failure-stave" viewBox="0 0 240 116" aria-hidden="true">
            {on_them}
        </svg>
    }
    .written()
}
