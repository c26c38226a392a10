//! What people see: pages, components and thin server functions.
//!
//! Pages are rendered by the server (`ssr`). What moves in the browser is an island, and only the
//! islands and what they use become wasm (`hydrate`).

#![expect(
    missing_docs,
    reason = "the island macro writes structs without documentation"
)]

pub mod components;
pub mod pages;
mod shell;
mod theme;

pub use shell::{AssetUrls, Shell};
