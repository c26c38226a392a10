//! Mounts the pages: what people see, and the site's files.

use app::{AssetUrls, Shell};
use axum::Router;
use axum::body::Body;
use axum::extract::FromRef;
use axum::http::Request;
use axum::response::Response;
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};

use crate::assets;

/// What the pages' framework needs of a request's surroundings.
#[derive(Debug, Clone, FromRef)]
struct PagesState {
    leptos: LeptosOptions,
}

/// The pages, and as a fallback the site's files or the page that says that nothing is here.
pub fn router() -> anyhow::Result<Router> {
    let state = PagesState {
        leptos: LeptosOptions::builder().output_name("baton").build(),
    };
    let assets: AssetUrls = assets::urls()?;
    let shell = move || view! { <Shell assets=assets.clone() /> };
    let pages = generate_route_list(shell.clone());
    Ok(Router::new()
        .leptos_routes(&state, pages, shell.clone())
        .fallback(move |request| file_or_page(request, shell.clone()))
        .with_state(state))
}

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
