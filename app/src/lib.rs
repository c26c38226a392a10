//! What people see: pages, components and thin server functions.
//!
//! Pages are rendered by the server (`ssr`). What moves in the browser is an island, and only the
//! islands and what they use become wasm (`hydrate`).
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`islands`] | what moves in the browser; all that becomes wasm |
//! | `access` | who reads, and which workspace they may read: every page's data comes through a seat |
//! | `acts` | what people may do: the server functions, who may, and how they answer |
//! | `lists` | what the address of a list asks for, for its page and for its file |
//! | `pages` | one file or folder per page: what it loads, and how it looks |
//! | `components` | what pages are made of, one per file |
//! | `markup` | views that are written down as they are made |
//! | `text` | words and numbers that only pages need |

#![expect(
    missing_docs,
    reason = "the island macro writes structs without documentation"
)]

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
pub mod acts;
#[cfg(feature = "ssr")]
mod components;
pub mod islands;
#[cfg(feature = "ssr")]
pub mod keys;
#[cfg(feature = "ssr")]
pub mod lists;
#[cfg(feature = "ssr")]
mod markup;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod shell;
#[cfg(feature = "ssr")]
pub mod snippets;
#[cfg(feature = "ssr")]
mod text;
pub mod theme;

#[cfg(feature = "ssr")]
pub use pages::failure::away_document;
#[cfg(feature = "ssr")]
pub use shell::{AssetUrls, Shell};
#[cfg(feature = "ssr")]
pub use text::escaped;
