//! The site's files, which the binary carries in a release and finds on disk otherwise. This library
//! compiles without them, so that both can be built at the same time.

use std::sync::OnceLock;

use anyhow::Context;
use app::AssetUrls;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rust_embed::EmbeddedFile;
use serde::Deserialize;

/// Finds a file of the site by its path.
pub type Find = fn(&str) -> Option<EmbeddedFile>;

static SITE: OnceLock<Find> = OnceLock::new();

/// Serves the files of this site; of several, the first.
pub fn carry(site: Find) {
    SITE.get_or_init(|| site);
}

fn find(path: &str) -> Option<EmbeddedFile> {
    SITE.get()?(path)
}

/// The encodings that files are kept in besides their own, the smallest first.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// Names with a hash of the content in them never change their content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_AN_HOUR: &str = "public, max-age=3600";

#[derive(Deserialize)]
struct Manifest {
    script: String,
    wasm: String,
    style: String,
}

/// The names of the files that every page loads.
pub fn urls() -> anyhow::Result<AssetUrls> {
    let Some(file) = find("manifest.json") else {
        // cargo-leptos names its files so.
        return Ok(AssetUrls {
            script: "/pkg/baton.js".into(),
            wasm: "/pkg/baton.wasm".into(),
            style: "/pkg/baton.css".into(),
        });
    };
    let manifest: Manifest =
        serde_json::from_slice(&file.data).context("the site's manifest.json")?;
    Ok(AssetUrls {
        script: manifest.script,
        wasm: manifest.wasm,
        style: manifest.style,
    })
}

/// The file an address names, in the best encoding the client takes. `None` if there is none.
pub fn serve(uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let path = uri.path().trim_start_matches('/');
    let content_type = content_type(path)?;
    let (encoding, file) = best_encoding(path, headers)?;
    let cache = if path.starts_with("pkg/") {
        FOR_EVER
    } else {
        FOR_AN_HOUR
    };
    let mut response = (
        StatusCode::OK,
        [
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, cache),
            (VARY, ACCEPT_ENCODING.as_str()),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        Body::from(file.data.into_owned()),
    )
        .into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(
            CONTENT_ENCODING,
            axum::http::HeaderValue::from_static(encoding),
        );
    }
    Some(response)
}

fn best_encoding(path: &str, headers: &HeaderMap) -> Option<(Option<&'static str>, EmbeddedFile)> {
    let compressed = ENCODINGS.into_iter().find_map(|(encoding, suffix)| {
        if !accepts(headers, encoding) {
            return None;
        }
        Some((Some(encoding), find(&format!("{path}.{suffix}"))?))
    });
    compressed.or_else(|| Some((None, find(path)?)))
}

/// Whether `Accept-Encoding` lists the encoding, and not with a weight of zero.
pub fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        let refused = parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        named && !refused
    })
}

/// The kinds of files the site has. Anything else, such as the manifest, is not served.
fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "wasm" => Some("application/wasm"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        "ico" => Some("image/x-icon"),
        "woff2" => Some("font/woff2"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, value.parse().unwrap())])
    }

    #[test]
    fn an_encoding_is_taken_by_name_and_refused_by_weight() {
        assert!(accepts(&accepting("gzip, deflate, br"), "br"));
        assert!(accepts(&accepting("BR;q=0.5"), "br"));
        assert!(!accepts(&accepting("gzip, br;q=0"), "br"));
        assert!(!accepts(&accepting("brotli"), "br"));
        assert!(!accepts(&HeaderMap::new(), "gzip"));
    }

    #[test]
    fn files_that_are_not_the_sites_are_not_served() {
        let served = |path: &'static str| serve(&Uri::from_static(path), &HeaderMap::new());
        assert!(served("/manifest.json").is_none());
        assert!(served("/../Cargo.toml").is_none());
        assert!(served("/pkg/../../../Cargo.toml").is_none());
        assert!(served("/").is_none());
    }
}
