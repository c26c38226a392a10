//! Builds the wasm and the site.

fn main() {}
