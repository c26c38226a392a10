//! A Postgres of its own for a checkout: found or fetched, started, shared, adopted, stopped.
//!
//! Every process that wants the database calls [`PrivatePostgres::start`] with the same data
//! folder. The first one starts the server, later ones share it, the last one to leave stops it.
//! Leaving is known by file locks, which the kernel lets go even after a `kill -9`; a postmaster
//! that such a death left behind is adopted by the next start, or recovered when it died too.
//!
//! It listens on a Unix socket in a folder only its owner can enter, and nowhere else.

mod account;
mod binaries;
mod cluster;
mod home;
mod memory;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use account::Account;
use binaries::Binaries;
use cluster::Cluster;
use home::Home;

/// Why the private Postgres could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Where it happened.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be run, or ended badly.
    #[error("{program} failed: {detail}")]
    Program {
        /// The program's name.
        program: String,
        /// Its last words.
        detail: String,
    },
    /// No binaries were found, and none can be fetched for this machine.
    #[error(
        "no Postgres found and none is published for {platform}; install PostgreSQL or set DATABASE_URL"
    )]
    NoBinaries {
        /// Operating system and processor.
        platform: String,
    },
    /// The data folder belongs to a version of Postgres that is not installed.
    #[error("{folder} was made by Postgres {wanted}, which is not installed here")]
    WrongVersion {
        /// The data folder.
        folder: PathBuf,
        /// Its major version.
        wanted: u32,
    },
    /// Postgres refuses to run as root, and neither `postgres` nor `nobody` exists.
    #[error("Postgres will not run as root, and there is no user `postgres` or `nobody` here")]
    NoAccount,
}

/// How much the cluster promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    /// Survives a power cut: what people's data needs.
    Full,
    /// Quick and forgetful: for tests.
    Scratch,
}

/// A running private Postgres, shared with every other holder of the same data folder.
#[derive(Debug)]
pub struct PrivatePostgres {
    cluster: Cluster,
    socket_dir: PathBuf,
    url: String,
    start_lock: PathBuf,
    /// Held shared for as long as this process uses the server. `None` once it has left.
    users: Mutex<Option<File>>,
}

impl PrivatePostgres {
    /// Starts, shares or adopts the server whose files live under `data_dir`.
    ///
    /// Blocks for up to a minute at the first start (it may have to fetch Postgres) and tells on
    /// stderr what it is doing. Call it off the async threads.
    pub fn start(data_dir: &Path) -> Result<Self, Error> {
        Self::start_with(data_dir, Durability::Full)
    }

    /// Like [`PrivatePostgres::start`], for tests: room for 200 connections, nothing synced to disk.
    pub fn start_scratch(data_dir: &Path) -> Result<Self, Error> {
        Self::start_with(data_dir, Durability::Scratch)
    }

    fn start_with(data_dir: &Path, durability: Durability) -> Result<Self, Error> {
        let account = Account::for_postgres()?;
        let home = Home::prepare(data_dir, &account)?;
        let start_lock = home.lock_file("start");
        let _starting = lock(&start_lock)?;
        let binaries = Binaries::locate(&home, &account)?;
        let cluster = Cluster::new(binaries, &home, account, durability);
        let socket_dir = cluster.ensure_running()?;
        let users = open(&home.lock_file("users"))?;
        users
            .lock_shared()
            .map_err(|source| file_error(&home.lock_file("users"), source))?;
        Ok(Self {
            cluster,
            url: url(&socket_dir),
            socket_dir,
            start_lock,
            users: Mutex::new(Some(users)),
        })
    }

    /// Where to connect: a `postgres://` URL that names the socket's folder.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Starts a server again that has died, or that somebody else told to stop, where it was, and tells
    /// whether it had to. One that this process has left stays as it is. Blocks as
    /// [`PrivatePostgres::start`] does.
    pub fn revive(&self) -> Result<bool, Error> {
        let users = self.users();
        if users.is_none() || self.cluster.is_running() {
            return Ok(false);
        }
        let _starting = lock(&self.start_lock)?;
        if self.cluster.is_running() {
            return Ok(false);
        }
        self.cluster.start_at(&self.socket_dir)?;
        Ok(true)
    }

    /// Leaves the server, and stops it if nobody else uses it.
    pub fn stop(&self) -> Result<(), Error> {
        let Some(users) = self.users().take() else {
            return Ok(());
        };
        let _stopping = lock(&self.start_lock)?;
        // Turning the shared lock into an exclusive one succeeds for the last holder only.
        match users.try_lock() {
            Ok(()) => self.cluster.stop(),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(source)) => Err(file_error(&self.start_lock, source)),
        }
    }

    fn users(&self) -> MutexGuard<'_, Option<File>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            say(&format!("could not stop: {error}"));
        }
    }
}

/// The URL of the server that runs on `data_dir`, if one does. Starts nothing.
pub fn find_running(data_dir: &Path) -> Option<String> {
    let account = Account::for_postgres().ok()?;
    let home = Home::existing(data_dir, &account)?;
    cluster::running_socket_dir(&home.data()).map(|socket_dir| url(&socket_dir))
}

/// Both libpq and sqlx take the socket's folder from `host`.
fn url(socket_dir: &Path) -> String {
    let mut host = String::new();
    for byte in socket_dir.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                host.push(char::from(byte));
            }
            _ => host.push_str(&format!("%{byte:02X}")),
        }
    }
    format!(
        "postgres://{user}@localhost/postgres?host={host}",
        user = cluster::SUPERUSER
    )
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|source| file_error(path, source))
}

/// Waits for the exclusive lock on `path`; dropping the file lets it go.
fn lock(path: &Path) -> Result<File, Error> {
    let file = open(path)?;
    file.lock().map_err(|source| file_error(path, source))?;
    Ok(file)
}

fn file_error(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

/// Tells the person at the terminal what is going on.
fn say(what: &str) {
    eprintln!("postgres: {what}");
}
