//! The URL map.

use app::{AssetUrls, Shell};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::http::Request;
use axum::response::Response;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};

use crate::assets;

/// What every handler can reach.
#[derive(Debug, Clone, FromRef)]
pub struct AppState {
    /// The pages' framework asks for it.
    pub leptos: LeptosOptions,
    /// The names of the files that pages load.
    pub assets: AssetUrls,
}

impl AppState {
    /// The state of a server that serves the site it was built with.
    pub fn new() -> anyhow::Result<Self> {
        let leptos = LeptosOptions::builder().output_name("baton").build();
        Ok(Self { leptos, assets: assets::urls()? })
    }
}

/// Everything the server answers.
pub fn router(state: AppState) -> Router {
    let shell = {
        let assets = state.assets.clone();
        move || view! { <Shell assets=assets.clone() /> }
    };
    let pages = generate_route_list(shell.clone());
    Router::new()
        .leptos_routes(&state, pages, shell.clone())
        .fallback(move |request| file_or_page(request, shell.clone()))
        .with_state(state)
}

/// A file of the site, else the page that says that nothing is here.
async fn file_or_page<IV>(
    request: Request<Body>,
    shell: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    match assets::serve(request.uri(), request.headers()) {
        Some(file) => file,
        None => render_app_async_with_context(|| {}, shell)(request).await,
    }
}
