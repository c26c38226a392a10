//! The document around every page: head, scripts, header, and the routes.

use leptos::prelude::*;
use leptos_meta::{Meta, MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::frame::Frame;
use crate::components::hydration::Hydration;
use crate::components::notices::Notices;
use crate::islands::acts::Acts;
use crate::keys::Keys;
use crate::pages::account::Account;
use crate::pages::agent::AgentPage;
use crate::pages::agents::Agents;
use crate::pages::budgets::Budgets;
use crate::pages::compare::Compare;
use crate::pages::decision::DecisionPage;
use crate::pages::decisions::Decisions;
use crate::pages::failure::NotFound;
use crate::pages::find::Find;
use crate::pages::login::Login;
use crate::pages::overview::Overview;
use crate::pages::resource::ResourcePage;
use crate::pages::resources::Resources;
use crate::pages::settings::Settings;
use crate::pages::setup::Setup;
use crate::pages::task::TaskPage;
use crate::pages::task_form::{EditTaskPage, NewTaskPage};
use crate::pages::tasks::Tasks;
use crate::pages::workspace::WorkspacePage;
use crate::pages::workspaces::Workspaces;
use crate::text::raw;
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

/// What Baton is, for those who find a link to it elsewhere.
const DESCRIPTION: &str = "Decides which task of which agent runs next, under rate limits, slots and budgets, and always says why.";

/// The whole document. Rendered by the server only; the browser wakes the islands in it.
#[component]
pub fn Shell(
    assets: AssetUrls,
    /// Where people reach this server, without a slash at the end.
    url: String,
) -> AnyView {
    provide_meta_context();
    let theme = Theme::of_request();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.name() data-keys=Keys::of_request().name()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="apple-touch-icon" href="/icon.png" />
                <meta name="description" content=DESCRIPTION />
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
                <ElsewhereTags url />
                <Pages theme />
            </body>
        </html>
    }
    // Here, so that its many types are compiled once, and not again where it is mounted.
    .into_any()
}

/// What a link to a page shows elsewhere (Open Graph).
#[component]
fn ElsewhereTags(url: String) -> impl IntoView {
    let picture = format!("{url}/open-graph.png");
    view! {
        <Meta property="og:type" content="website" />
        <Meta property="og:title" content="Baton conducts your agents" />
        <Meta property="og:description" content=DESCRIPTION />
        <Meta property="og:image" content=picture />
        <Meta property="og:image:width" content="1200" />
        <Meta property="og:image:height" content="630" />
        <Meta
            property="og:image:alt"
            content="Agents' work as bars on lines, from left to right up to now"
        />
        <Meta name="twitter:card" content="summary_large_image" />
    }
}

/// The URL map of the pages. Async routes read the same without JavaScript.
#[component]
fn Pages(theme: Theme) -> impl IntoView {
    view! {
        <Title formatter=|title: String| {
            if title.is_empty() { "Baton".to_owned() } else { format!("{} · Baton", raw(&title)) }
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
                    <Route path=path!("/account") view=Account ssr=SsrMode::Async />
                    <Route path=path!("/w") view=Workspaces ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws") view=WorkspacePage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/agents") view=Agents ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/agents/:name") view=AgentPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/find") view=Find ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/settings") view=Settings ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks") view=Tasks ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks/new") view=NewTaskPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/compare") view=Compare ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks/:id/edit") view=EditTaskPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/tasks/:id") view=TaskPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/decisions") view=Decisions ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/decisions/:id") view=DecisionPage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/resources") view=Resources ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/resources/:name") view=ResourcePage ssr=SsrMode::Async />
                    <Route path=path!("/w/:ws/budgets") view=Budgets ssr=SsrMode::Async />
                </Routes>
            </main>
            </div>
            <Acts />
        </Router>
    }
}
