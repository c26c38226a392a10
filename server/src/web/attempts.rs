//! How often somebody may be wrong: counted in Postgres by account and by address, so on every
//! server alike.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use scheduler::Span;
use store::StoreError;

use super::Web;

/// Failures are remembered this long.
const WINDOW: Span = Span::from_secs(900);
/// Of one account.
const BY_ACCOUNT: u32 = 10;
/// From one address; more people share one.
const BY_ADDRESS: u32 = 50;

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Address(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(peer.map_or_else(
            || "unknown".to_owned(),
            |peer| peer.0.ip().to_string(),
        )))
    }
}

/// Whether another attempt is one too many.
pub async fn are_too_many(web: &Web, account: &str, address: &Address) -> Result<bool, StoreError> {
    let since = web.app.now() - WINDOW;
    let failures = web
        .app
        .store
        .login_failures(account, &address.0, since)
        .await?;
    Ok(failures.by_email >= BY_ACCOUNT || failures.by_address >= BY_ADDRESS)
}

/// Remembers how one went.
pub async fn note(
    web: &Web,
    account: &str,
    address: &Address,
    succeeded: bool,
) -> Result<(), StoreError> {
    web.app
        .store
        .login_attempted(account, &address.0, succeeded, web.app.now())
        .await
}
