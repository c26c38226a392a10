//! Pages leave compressed. What stands in them and would be worth guessing, the text of a new key, is
//! made anew for each answer, so lengths tell nothing of it.

use std::io::Write as _;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::assets::accepts;

/// A packet holds this much anyway.
const WORTH_IT: usize = 1_024;
/// Most of what can be saved, for a fraction of the best level's time.
const LEVEL: Compression = Compression::new(4);

/// Compresses what is HTML, for those who take it.
pub async fn pages(request: Request, next: Next) -> Response {
    let takes_it = *request.method() != Method::HEAD && accepts(request.headers(), "gzip");
    let mut response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE);
    let html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !html || response.headers().contains_key(CONTENT_ENCODING) {
        return response;
    }
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    if !takes_it {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // A page is rendered whole before it leaves, so nothing is waited for here.
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    match gzip(&whole) {
        Some(small) => {
            parts.headers.remove(CONTENT_LENGTH);
            parts
                .headers
                .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Response::from_parts(parts, small.into())
        }
        None => Response::from_parts(parts, whole.into()),
    }
}

fn gzip(whole: &[u8]) -> Option<Vec<u8>> {
    if whole.len() < WORTH_IT {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(whole.len() / 4), LEVEL);
    encoder.write_all(whole).ok()?;
    encoder.finish().ok()
}
