//! Whether single keys act on pages: a person's choice, kept in a cookie as the colours are.

/// The cookie's name.
pub const COOKIE: &str = "keys";

/// The choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// Letters act where nobody types.
    #[default]
    On,
    /// Only with a modifier.
    Off,
}

impl Keys {
    /// The word in the cookie and in the document's `data-keys`.
    pub fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// The choice that came with the request being answered.
    pub(crate) fn of_request() -> Self {
        match crate::theme::cookie(COOKIE).as_deref() {
            Some("off") => Self::Off,
            _ => Self::On,
        }
    }
}
