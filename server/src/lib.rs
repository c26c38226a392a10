//! The axum process: configuration, router, API, sessions and command line.
