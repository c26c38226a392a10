//! What is looked at in every request for a page before anybody reads it.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The largest form, in bytes: an act with a description of the longest, every byte escaped.
const FORM_LIMIT: usize = 256 << 10;
/// The character NUL, as an address and a form carry it. The database can hold it in no text.
const NUL: &[u8] = b"%00";

/// Reads no more of a form than an act can need, and refuses what could not be kept.
pub async fn bounded(request: Request<Body>, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_LIMIT).await else {
        let text = "This is more than a form may send, so nothing was done.";
        return (StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
    };
    let has_nul = |bytes: &[u8]| bytes.windows(NUL.len()).any(|part| part == NUL);
    if has_nul(parts.uri.to_string().as_bytes()) || has_nul(&body) {
        let text = "This holds a character that no text may hold (NUL), so nothing was done.";
        return (StatusCode::BAD_REQUEST, text).into_response();
    }
    next.run(Request::from_parts(parts, body.into())).await
}
