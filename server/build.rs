//! Ties the binary to the site it carries.

use std::env;
use std::path::Path;

fn main() -> Result<(), String> {
    let manifest = Path::new("../target/site/manifest.json");
    println!("cargo::rerun-if-changed={}", manifest.display());
    if env::var("PROFILE").as_deref() == Ok("release") && !manifest.exists() {
        return Err("a release carries the site: run `cargo xtask site --release` first".into());
    }
    Ok(())
}
