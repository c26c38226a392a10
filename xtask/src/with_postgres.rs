//! A scratch Postgres for the time of one command.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::{Context, Result};
use private_postgres::PrivatePostgres;

/// How it is started: [`PrivatePostgres::start_scratch`], or [`PrivatePostgres::start`] where commits
/// are to cost what they cost.
pub type Start = fn(&Path) -> Result<PrivatePostgres, private_postgres::Error>;

/// Runs the command with `DATABASE_URL` set, and ends as it ends.
///
/// A `DATABASE_URL` that is set already is taken as it is.
pub fn run(start: Start, program: &str, arguments: &[&str]) -> Result<ExitCode> {
    let mut command = Command::new(program);
    // What is compiled meanwhile must not take the empty database for the queries' own.
    command.args(arguments).env("SQLX_OFFLINE", "true");
    if env::var_os("DATABASE_URL").is_some() {
        return end_as(&mut command);
    }
    scratch(start, |url| end_as(command.env("DATABASE_URL", url)))?
}

/// Calls with the URL of a scratch Postgres, which is gone afterwards. Call it once.
pub fn scratch<T>(start: Start, call: impl FnOnce(&str) -> T) -> Result<T> {
    // An interrupt ends the command, which gets it too; what it leaves is still cleaned up.
    ctrlc::set_handler(|| {})?;
    let folder = tempfile::Builder::new()
        .prefix("baton-scratch-")
        .tempdir()?;
    // Root's Postgres runs as another user, who must get in.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    let postgres = start(folder.path())?;
    let result = call(postgres.url());
    postgres.stop()?;
    Ok(result)
}

fn end_as(command: &mut Command) -> Result<ExitCode> {
    let status = command
        .status()
        .with_context(|| format!("running {command:?}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
