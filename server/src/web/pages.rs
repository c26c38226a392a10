//! Mounts the pages: what people see, and what they are rendered from.

use app::access::House;
use app::{AssetUrls, Shell};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::http::Request;
use axum::response::Response;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};

use crate::assets;
use crate::config::own_command;
use crate::state::App;

/// What the pages' framework needs of a request's surroundings.
#[derive(Debug, Clone, FromRef)]
struct PagesState {
    leptos: LeptosOptions,
}

/// The pages, and as a fallback the page that says that nothing is here. `url` is where people reach
/// this server.
pub fn router(app: &App, url: &str) -> anyhow::Result<Router> {
    let state = PagesState {
        leptos: LeptosOptions::builder().output_name("baton").build(),
    };
    let assets: AssetUrls = assets::urls()?;
    let url = url.trim_end_matches('/').to_owned();
    let address = url.as_str().into();
    let shell = move || view! { <Shell assets=assets.clone() url=url.clone() /> };
    let routes = generate_route_list(shell.clone());
    let house = House {
        store: app.store.clone(),
        engine: app.engine.clone(),
        address,
        command: own_command().into(),
    };
    let context = move || provide_context(house.clone());
    Ok(Router::new()
        // The server functions of the acts are mounted with the pages.
        .leptos_routes_with_context(&state, routes, context.clone(), shell.clone())
        .fallback(move |request| nothing_here(request, context.clone(), shell.clone()))
        .with_state(state))
}

async fn nothing_here<IV>(
    request: Request<Body>,
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    render_app_async_with_context(context, shell)(request).await
}
