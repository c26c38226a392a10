//! The axum process: configuration, router, API, sessions and command line.

pub mod assets;
pub mod router;
