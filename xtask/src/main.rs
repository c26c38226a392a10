//! Builds the wasm and the site, and checks what cargo itself does not.
//!
//! ```text
//! cargo xtask site [--release]             the wasm, its glue, the styles and public files → target/site
//! cargo xtask with-postgres COMMAND …      runs a command with DATABASE_URL of a scratch Postgres
//! cargo xtask check                        licences, bans, sources, unused dependencies
//! ```

mod dependencies;
mod site;
mod with_postgres;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    env::set_current_dir(root()?)?;
    match words.as_slice() {
        ["site"] => site::build(site::Profile::Dev)?,
        ["site", "--release"] => site::build(site::Profile::Release)?,
        ["check"] => dependencies::check()?,
        ["with-postgres", program, rest @ ..] => return with_postgres::run(program, rest),
        _ => bail!("usage: cargo xtask site [--release] | check | with-postgres COMMAND …"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The workspace's folder.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace has a folder")
}

/// Runs a command with its output on the terminal, and fails when it does.
fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// Tells the person at the terminal what is going on.
fn say(what: &str) {
    eprintln!("xtask: {what}");
}
