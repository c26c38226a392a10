//! A person's browser, as far as the server can tell.

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::redirect::Policy;

use crate::fill::{EMAIL, PASSWORD};
use crate::support::Result;

/// Somebody who is signed in.
#[derive(Debug)]
pub struct Reader {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Reader {
    /// Signs in as the manager.
    pub async fn sign_in(address: &str) -> Result<Self> {
        // Any provider will do: nothing here is encrypted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()?;
        let base = format!("http://{address}");
        let answer = http
            .post(format!("{base}/login"))
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("email={EMAIL}&password={PASSWORD}"))
            .send()
            .await?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookie = cookies.collect::<Vec<_>>().join("; ");
        if cookie.is_empty() {
            return Err(format!("not signed in: {}", answer.status()).into());
        }
        Ok(Self { http, base, cookie })
    }

    /// Reads a page to its end: how many bytes it has. Anything but a page is an error.
    pub async fn get(&self, path: &str) -> Result<usize> {
        let mut answer = self
            .http
            .get(format!("{}{path}", self.base))
            .header(COOKIE, &self.cookie)
            .send()
            .await?;
        if !answer.status().is_success() {
            return Err(format!("{path}: {}", answer.status()).into());
        }
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await? {
            bytes += chunk.len();
        }
        Ok(bytes)
    }
}
