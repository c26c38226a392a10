//! Refuses what another site makes a visitor's browser send (CSRF), for every unsafe method and
//! every server function.

use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Web;

/// Lets reads pass, and changes that this server's own pages ask for.
pub async fn refuse(State(web): State<Web>, request: Request, next: Next) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if reads || is_own(request.headers(), &web.origin) {
        return next.run(request).await;
    }
    let text = "Changes are taken from this server's own pages, and this did not come from one, so nothing \
                was done. Programs use /api/v1.";
    (StatusCode::FORBIDDEN, text).into_response()
}

/// What the browser says of where a request comes from: `Sec-Fetch-Site`, which pages cannot set;
/// from browsers without it, `Origin`. Who says neither is refused.
fn is_own(headers: &HeaderMap, origin: &str) -> bool {
    match headers.get("sec-fetch-site") {
        Some(site) => matches!(site.as_bytes(), b"same-origin" | b"none"),
        None => headers
            .get(ORIGIN)
            .is_some_and(|from| from.as_bytes() == origin.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (
                name.parse::<axum::http::HeaderName>().unwrap(),
                value.parse().unwrap(),
            )
        });
        is_own(&headers.collect(), "https://baton.example")
    }

    #[test]
    fn only_our_own_pages_and_the_address_bar_may_change_things() {
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "none")]));
        assert!(
            !own(&[("sec-fetch-site", "same-site")]),
            "a neighbour's subdomain"
        );
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://baton.example")
        ]));
    }

    #[test]
    fn without_the_browsers_word_the_origin_must_be_ours() {
        assert!(own(&[("origin", "https://baton.example")]));
        assert!(!own(&[("origin", "https://baton.example.evil")]));
        assert!(!own(&[("origin", "null")]));
        assert!(!own(&[]));
    }
}
