//! `baton`: the command line, and the site that it serves.

use std::process::ExitCode;

use clap::Parser;
use rust_embed::RustEmbed;
use server::cli::{Cli, is_unread, run};

/// What `cargo xtask site` made: on disk in a debug build, in the binary of a release.
#[derive(RustEmbed)]
#[folder = "../target/site"]
#[cfg_attr(debug_assertions, allow_missing = true)]
struct Site;

/// What a shell says of a tool that ended as nobody read what it wrote: 128 and the signal's number.
const UNREAD: u8 = 128 + 13;

/// A release is compiled again when the site was made again.
#[cfg(not(debug_assertions))]
const _: &[u8] = include_bytes!("../../target/site/manifest.json");

#[tokio::main]
async fn main() -> ExitCode {
    server::assets::carry(<Site as RustEmbed>::get);
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_unread(&error) => ExitCode::from(UNREAD),
        Err(error) => {
            eprintln!("baton: {error:#}");
            ExitCode::FAILURE
        }
    }
}
