//! How often somebody may be wrong: counted in Postgres by account and by address, so on every
//! server alike.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
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

/// How many proxies stand between the world and this server, each of which adds the address it was
/// asked from to `X-Forwarded-For`. Whatever stands before those was written by the client.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustedProxies(pub u8);

/// Where a request comes from.
#[derive(Clone, Debug)]
pub struct Address(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let proxies = parts.extensions.get::<TrustedProxies>().copied();
        let forwarded = forwarded_for(&parts.headers, proxies.unwrap_or_default());
        let address = forwarded.or_else(|| peer.map(|peer| peer.0.ip()));
        Ok(Self(
            address.map_or_else(|| "unknown".to_owned(), counted_as),
        ))
    }
}

/// The address that the outermost of the trusted proxies was asked from.
fn forwarded_for(headers: &HeaderMap, TrustedProxies(proxies): TrustedProxies) -> Option<IpAddr> {
    let back = usize::from(proxies).checked_sub(1)?;
    let lists: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|list| list.to_str().ok())
        .collect();
    let mut addresses = lists.iter().rev().flat_map(|list| list.rsplit(','));
    let address = addresses.nth(back)?.trim();
    let port_too = || address.parse::<SocketAddr>().map(|address| address.ip());
    address.parse().or_else(|_| port_too()).ok()
}

/// Who has one IPv6 address has the network of 64 bits around it.
fn counted_as(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            format!("{}/64", std::net::Ipv6Addr::from_bits(network))
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn from(lists: &[&str], proxies: u8) -> Option<String> {
        let mut headers = HeaderMap::new();
        for list in lists {
            headers.append("x-forwarded-for", list.parse().unwrap());
        }
        forwarded_for(&headers, TrustedProxies(proxies)).map(counted_as)
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let lists = ["6.6.6.6, 10.0.0.1", "10.0.0.2"];
        assert_eq!(from(&lists, 0), None);
        assert_eq!(from(&lists, 1).as_deref(), Some("10.0.0.2"));
        assert_eq!(from(&lists, 2).as_deref(), Some("10.0.0.1"));
        assert_eq!(from(&["10.0.0.1"], 2), None, "a proxy was passed by");
        assert_eq!(from(&["made up"], 1), None);
        assert_eq!(from(&["10.0.0.1:4711"], 1).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        for address in ["2001:db8:0:1::7", "2001:db8:0:1:ffff::8"] {
            assert_eq!(from(&[address], 1).as_deref(), Some("2001:db8:0:1::/64"));
        }
        assert_eq!(from(&["::ffff:10.0.0.1"], 1).as_deref(), Some("10.0.0.1"));
    }
}
