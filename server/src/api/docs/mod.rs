//! `/api/openapi.json`, made from the handlers' types, and `/api/docs`, a page made from that.

mod page;

use std::sync::Arc;

use app::theme::Theme;
use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, extensions::ExtensionsBuilder};

use super::{BASE, Route};

/// The description and its page, both made once.
pub fn router<S: Clone + Send + Sync + 'static>(
    description: &OpenApi,
) -> anyhow::Result<Router<S>> {
    let json = serde_json::to_value(description)?;
    let pages = Theme::ALL.map(|theme| (theme, Bytes::from(page::render(&json, theme))));
    let json = Bytes::from(serde_json::to_vec(&json)?);
    let style = STANDARD.encode(Sha256::digest(page::STYLE));
    let csp: Arc<str> = format!(
        "default-src 'none'; style-src 'sha256-{style}'; font-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    .into();
    let html = move |asked: HeaderMap| {
        let theme = Theme::of_headers(&asked);
        let page = pages.iter().find(|(of, _)| *of == theme);
        let page = page.map_or_else(Bytes::new, |(_, page)| page.clone());
        let headers = [
            (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
            (CONTENT_SECURITY_POLICY, csp.to_string()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (CACHE_CONTROL, "no-cache".to_owned()),
            (VARY, "cookie".to_owned()),
        ];
        std::future::ready((headers, page).into_response())
    };
    let json = move || {
        let headers = [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-cache"),
        ];
        std::future::ready((headers, json.clone()).into_response())
    };
    Ok(Router::new()
        .route("/api/openapi.json", get(json))
        .route("/api/docs", get(html)))
}

/// Writes into each operation who may use it, and how its errors look.
pub fn add_permissions(description: &mut OpenApi, table: &[Route]) {
    for route in table {
        let Some((method, path)) = route.name.split_once(' ') else {
            continue;
        };
        let item = description.paths.paths.get_mut(&format!("{BASE}{path}"));
        if let Some(operation) = item.and_then(|item| operation(item, method)) {
            let who = ExtensionsBuilder::new()
                .add("x-who", route.who.to_string())
                .build();
            operation.extensions = Some(who);
            operation
                .responses
                .responses
                .insert("default".to_owned(), problem().into());
        }
    }
}

fn problem() -> utoipa::openapi::Response {
    let content = utoipa::openapi::ContentBuilder::new()
        .schema(Some(utoipa::openapi::Ref::from_schema_name("Problem")))
        .build();
    utoipa::openapi::ResponseBuilder::new()
        .description("What went wrong")
        .content("application/problem+json", content)
        .build()
}

fn operation<'a>(item: &'a mut PathItem, method: &str) -> Option<&'a mut Operation> {
    match method {
        "GET" => item.get.as_mut(),
        "PUT" => item.put.as_mut(),
        "POST" => item.post.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}
