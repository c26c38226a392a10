//! The command line: what scripts need on stdout and nothing else there; sentences on stderr.

mod demo;
mod doctor;
mod key;
mod simulate;
mod user;
mod workspace;

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use clap::{Parser, Subcommand};

use crate::config::{Config, start_log};
use crate::database::Database;

/// Baton schedules work for AI agents: it decides which task runs next, when, and by which agent,
/// within the limits of what they share, and says why.
#[derive(Debug, Parser)]
#[command(name = "baton", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve; what `baton` alone does too.
    Serve,
    /// Workspaces.
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// API keys.
    #[command(subcommand)]
    Key(key::Command),
    /// People with accounts.
    #[command(subcommand)]
    User(user::Command),
    /// Watch it move: a demo workspace and a simulated fleet against a rate-limited provider, until
    /// stopped. Leaves nothing behind.
    Demo(demo::Command),
    /// Play a trace of requests through the core on a virtual clock and say how it went.
    Simulate(simulate::Simulate),
    /// Check configuration, database, clock and disk, and say what to do.
    Doctor,
}

/// Carries out what the command line says.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            start_log("info");
            crate::serve::run(&config).await
        }
        Command::Doctor => {
            start_log("off");
            doctor::run(&config).await
        }
        Command::Demo(command) => {
            start_log("info");
            demo::run(&command, &config).await
        }
        Command::Simulate(command) => simulate::run(&command),
        other => {
            start_log("warn");
            config.must_have_data()?;
            let database = Database::open(&config).await?;
            let done = with_database(other, &database).await;
            database.close().await?;
            done
        }
    }
}

/// Prints a line of what scripts read.
fn say(line: impl Display) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

/// Whether a command ended because nobody reads any more what it prints.
pub fn is_unread(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

async fn with_database(command: Command, database: &Database) -> anyhow::Result<()> {
    let store = &database.store;
    match command {
        Command::Workspace(command) => workspace::run(command, store).await,
        Command::Key(command) => key::run(command, store).await,
        Command::User(command) => user::run(command, store).await,
        Command::Serve | Command::Doctor | Command::Demo(_) | Command::Simulate(_) => Ok(()),
    }
}
