//! The document around every page: head, scripts, header, and the routes.

use leptos::prelude::*;
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::frame::Frame;
use crate::components::hydration::Hydration;
use crate::components::notices::Notices;
use crate::islands::acts::Acts;
use crate::pages::decision::DecisionPage;
use crate::pages::decisions::Decisions;
use crate::pages::failure::NotFound;
use crate::pages::login::Login;
use crate::pages::overview::Overview;
use crate::pages::setup::Setup;
use crate::pages::task::TaskPage;
use crate::pages::tasks::Tasks;
use crate::theme::Theme;

/// Where the browser finds what the site's build made: paths with the content's hash in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetUrls {
    /// The module that loads the wasm.
    pub script: String,
    /// The islands.
    pub wasm: String,
    /// The style sheet.
    pub style: String,
}

/// The whole document. Rendered by the server only; the browser wakes the islands in it.
#[component]
pub fn Shell(assets: AssetUrls) -> impl IntoView {
    provide_meta_context();
    let theme = Theme::of_request();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.name()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link
                    rel="preload"
                    href="/fonts/newsreader.woff2"
                    r#as="font"
                    r#type="font/woff2"
                    crossorigin=""
                />
                <link rel="stylesheet" href=assets.style.clone() />
                <Hydration assets />
                <MetaTags />
            </head>
            <body>
                <Pages theme />
            </body>
        </html>
    }
}

/// The URL map of the pages. Async routes read the same without JavaScript.
#[component]
fn Pages(theme: Theme) -> impl IntoView {
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Baton".to_owned() } else { format!("{title} · Baton") }
        } />
        <Router>
            <a class="skip" href="#main">
                "To the content"
            </a>
            <div class="frame">
            <Frame theme />
            <main id="main">
                <Notices />
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=Overview ssr=SsrMode::Async />
                    <Route path=path!("/login") view=Login ssr=SsrMode::Async />
                    <Route path=path!("/setup") view=Setup ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks") view=Tasks ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks/:id") view=TaskPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/decisions") view=Decisions ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/decisions/:id") view=DecisionPage ssr=SsrMode::Async />
                </Routes>
            </main>
            </div>
            <Acts />
        </Router>
    }
}
