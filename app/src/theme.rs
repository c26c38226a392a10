//! Light, dark, or whatever the system says.

use serde::{Deserialize, Serialize};

/// The cookie that remembers the choice, so that the server's first byte already has the colours.
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub const COOKIE: &str = "theme";

/// Which colours a person wants.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every choice, in the order shown.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The word in the cookie and in the document's `data-theme`.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word people read.
    pub fn label(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The choice that came with the request being answered.
    #[cfg(feature = "ssr")]
    pub(crate) fn of_request() -> Self {
        let request = leptos::prelude::use_context::<http::request::Parts>();
        request.map_or_else(Self::default, |request| Self::of_headers(&request.headers))
    }

    /// The choice that came with a request.
    #[cfg(feature = "ssr")]
    pub fn of_headers(headers: &http::HeaderMap) -> Self {
        of_headers(headers, COOKIE)
            .and_then(Self::named)
            .unwrap_or_default()
    }

    /// The choice of that word.
    #[cfg(feature = "ssr")]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == word)
    }

    /// Shows the choice at once and remembers it for a year. In the browser only.
    #[cfg(feature = "hydrate")]
    pub(crate) fn apply(self) {
        use leptos::wasm_bindgen::JsCast;

        let document = leptos::prelude::document();
        if let Some(root) = document.document_element() {
            // Neither setting can fail in a page that shows this control.
            let _ = root.set_attribute("data-theme", self.name());
        }
        let document = document.unchecked_into::<web_sys::HtmlDocument>();
        let name = self.name();
        let _ = document.set_cookie(&format!(
            "{COOKIE}={name}; Path=/; Max-Age=31536000; SameSite=Lax"
        ));
    }

    #[cfg(not(feature = "hydrate"))]
    #[expect(clippy::unused_self, reason = "the server has no page to change")]
    pub(crate) fn apply(self) {}
}

/// A cookie of the request being answered.
#[cfg(feature = "ssr")]
pub(crate) fn cookie(name: &str) -> Option<String> {
    let request = leptos::prelude::use_context::<http::request::Parts>()?;
    of_headers(&request.headers, name).map(str::to_owned)
}

#[cfg(feature = "ssr")]
fn of_headers<'a>(headers: &'a http::HeaderMap, wanted: &str) -> Option<&'a str> {
    let cookies = headers.get_all(http::header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == wanted).then_some(value))
}

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests {
    use super::{Theme, of_headers};

    fn of(cookie: &str) -> Option<Theme> {
        let mut headers = http::HeaderMap::new();
        headers.insert(http::header::COOKIE, cookie.parse().unwrap());
        of_headers(&headers, "theme").and_then(Theme::named)
    }

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(of("a=b; theme=dark; c=d"), Some(Theme::Dark));
    }

    #[test]
    fn an_unknown_theme_is_none() {
        assert_eq!(of("theme=pink"), None);
        assert_eq!(of("my-theme=dark"), None);
    }
}
