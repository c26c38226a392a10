//! Builds the wasm and the site, and checks what cargo itself does not.
//!
//! ```text
//! cargo xtask site [--release]             wasm, glue, styles and public files → target/site
//! cargo xtask wasm-target                  installs what compiling to wasm needs
//! cargo xtask with-postgres COMMAND …      runs a command with DATABASE_URL of a scratch Postgres;
//!                                          with --durable first, of one that syncs its commits
//! cargo xtask dependencies                 licences, bans, sources, unused dependencies
//! cargo xtask queries [--check]            the queries' metadata in .sqlx; needs `--features queries`
//! ```

mod dependencies;
#[cfg(feature = "queries")]
mod queries;
mod site;
mod with_postgres;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use private_postgres::PrivatePostgres;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    dispatch(&words).unwrap_or_else(|error| {
        say(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn dispatch(words: &[&str]) -> Result<ExitCode> {
    env::set_current_dir(root()?)?;
    match words {
        ["site"] => site::build(site::Profile::Dev)?,
        ["site", "--release"] => site::build(site::Profile::Release)?,
        ["wasm-target"] => site::ensure_target()?,
        ["dependencies"] => dependencies::check()?,
        #[cfg(feature = "queries")]
        ["queries"] => queries::prepare(false)?,
        #[cfg(feature = "queries")]
        ["queries", "--check"] => queries::prepare(true)?,
        ["with-postgres", "--durable", program, rest @ ..] => {
            return with_postgres::run(PrivatePostgres::start, program, rest);
        }
        ["with-postgres", program, rest @ ..] => {
            return with_postgres::run(PrivatePostgres::start_scratch, program, rest);
        }
        _ => bail!(
            "usage: cargo xtask site [--release] | wasm-target | dependencies | queries [--check] | with-postgres [--durable] COMMAND …"
        ),
    }
    Ok(ExitCode::SUCCESS)
}

/// The workspace's folder.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace has a folder")
}

/// Runs a command with its output on the terminal, and fails when it does.
fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("running {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// Tells the person at the terminal what is going on.
fn say(what: &str) {
    eprintln!("xtask: {what}");
}
