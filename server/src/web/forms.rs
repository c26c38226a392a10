//! What is looked at in every request for a page before anybody reads it.

use app::acts::own_path;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

/// The largest form, in bytes: an act with a description of the longest, every byte escaped.
const FORM_LIMIT: usize = 256 << 10;
/// The character NUL, as an address and a form carry it. The database can hold it in no text.
const NUL: &str = "%00";

/// Reads no more of a form than an act can need, and refuses what could not be kept.
pub async fn bounded(request: Request<Body>, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_LIMIT).await else {
        let text = "This is more than a form may send, so nothing was done.";
        return (StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
    };
    let address = parts.uri.to_string();
    if parts.method == Method::GET && address.contains(NUL) {
        // Nothing is asked for that could hold it: what is left is.
        let left = address.replace(NUL, "");
        return Redirect::to(own_path(&left).unwrap_or("/")).into_response();
    }
    let has_nul = |bytes: &[u8]| bytes.windows(NUL.len()).any(|part| part == NUL.as_bytes());
    if has_nul(address.as_bytes()) || has_nul(&body) {
        let text = "This holds a character that no text may hold (NUL), so nothing was done.";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    next.run(Request::from_parts(parts, body.into())).await
}
