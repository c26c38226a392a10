//! One cluster: made, configured, started, adopted and stopped.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::binaries::{Binaries, run};
use crate::home::Home;
use crate::memory;
use crate::{Durability, Error, file_error, say};

/// The only role there is. Whoever can enter the socket's folder is trusted to be it.
pub(crate) const SUPERUSER: &str = "baton";

/// What a server that died with its children still running needs to be recovered.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// The file in the data folder that says what this crate wants, read after Postgres's own.
const SETTINGS_FILE: &str = "baton.conf";

/// A data folder and what runs it.
#[derive(Debug)]
pub(crate) struct Cluster {
    binaries: Binaries,
    home: Home,
    account: Account,
    durability: Durability,
}

impl Cluster {
    pub(crate) fn new(
        binaries: Binaries,
        home: &Home,
        account: Account,
        durability: Durability,
    ) -> Self {
        Self {
            binaries,
            home: home.clone(),
            account,
            durability,
        }
    }

    /// Makes sure that a server runs, and tells the folder of its socket.
    pub(crate) fn ensure_running(&self) -> Result<PathBuf, Error> {
        let data = self.home.data();
        if let Some(socket_dir) = running_socket_dir(&data) {
            say(&format!("using the one that runs on {}", data.display()));
            return Ok(socket_dir);
        }
        if !data.join("PG_VERSION").exists() {
            self.initialise()?;
        }
        let socket_dir = self.home.socket_dir(&self.account)?;
        self.start_at(&socket_dir)?;
        Ok(socket_dir)
    }

    pub(crate) fn is_running(&self) -> bool {
        running_socket_dir(&self.home.data()).is_some()
    }

    /// Starts a server that does not run, with its socket in a folder that is there.
    pub(crate) fn start_at(&self, socket_dir: &Path) -> Result<(), Error> {
        self.finish_stopping();
        self.write_settings(socket_dir)?;
        self.start_patiently()
    }

    /// One that somebody else told to stop waits for its clients to leave, for ever, and takes no new
    /// ones: they are sent away.
    fn finish_stopping(&self) {
        if lock_file(&self.home.data()).is_some_and(|text| is_stopping(&text)) {
            // One that has died since then has nothing left to stop.
            let _ = self.pg_ctl(&["stop", "-w", "-t", "30", "-m", "fast"]);
        }
    }

    /// Stops the server, waiting for it.
    pub(crate) fn stop(&self) -> Result<(), Error> {
        say("stopping");
        let socket_dir = running_socket_dir(&self.home.data());
        self.pg_ctl(&["stop", "-w", "-t", "30", "-m", "fast"])?;
        if let Some(socket_dir) = socket_dir {
            self.home.forget_socket_dir(&socket_dir);
        }
        Ok(())
    }

    /// Into a folder beside, then renamed: an `initdb` cut short leaves nothing half made.
    fn initialise(&self) -> Result<(), Error> {
        let data = self.home.data();
        say(&format!(
            "making a cluster (version {}) in {}",
            self.binaries.major(),
            data.display()
        ));
        let unfinished = data.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|source| file_error(&unfinished, source))?;
        }
        let mut initdb = self.account.command(&self.binaries.program("initdb"));
        initdb.arg("--pgdata").arg(&unfinished);
        initdb.args(["--username", SUPERUSER, "--auth", "trust"]);
        initdb.args(["--encoding", "UTF8", "--locale", "C"]);
        if self.durability == Durability::Scratch {
            initdb.arg("--no-sync");
        }
        run(&mut initdb)?;
        let main = unfinished.join("postgresql.conf");
        let mut text = fs::read_to_string(&main).map_err(|source| file_error(&main, source))?;
        text.push_str(&format!("\ninclude '{SETTINGS_FILE}'\n"));
        fs::write(&main, text).map_err(|source| file_error(&main, source))?;
        fs::rename(&unfinished, &data).map_err(|source| file_error(&data, source))
    }

    /// For the many short commits that Baton makes. Of the buffers only what is used takes memory.
    fn write_settings(&self, socket_dir: &Path) -> Result<(), Error> {
        let path = self.home.data().join(SETTINGS_FILE);
        let socket_dir = socket_dir.to_string_lossy().replace('\'', "''");
        let mut text = format!(
            "# Written at each start.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '\"{socket_dir}\"'\n\
             unix_socket_permissions = 0700\n\
             max_wal_size = 2GB\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n"
        );
        text.push_str(&match self.durability {
            Durability::Full => format!(
                "max_connections = 100\nshared_buffers = {}MB\n",
                memory::for_buffers_mb()
            ),
            Durability::Scratch => "max_connections = 200\nshared_buffers = 512MB\nfsync = off\n\
                 synchronous_commit = off\nfull_page_writes = off\n"
                .to_owned(),
        });
        fs::write(&path, text).map_err(|source| file_error(&path, source))
    }

    /// After a crash the old server's children can hold its memory for a moment: try again.
    fn start_patiently(&self) -> Result<(), Error> {
        say(&format!("starting on {}", self.home.data().display()));
        let log = self.home.log();
        let log = log.to_string_lossy();
        let deadline = Instant::now() + START_PATIENCE;
        loop {
            match self.pg_ctl(&["start", "-w", "-t", "60", "-l", &log]) {
                Ok(()) => return Ok(()),
                Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(250)),
                Err(error) => return Err(error),
            }
        }
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Result<(), Error> {
        let mut pg_ctl = self.account.command(&self.binaries.program("pg_ctl"));
        run(pg_ctl.arg("-D").arg(self.home.data()).args(arguments))
    }
}

fn lock_file(data: &Path) -> Option<String> {
    fs::read_to_string(data.join("postmaster.pid")).ok()
}

/// Whether the lock file says so, in its eighth line.
fn is_stopping(lock_file: &str) -> bool {
    lock_file.lines().nth(7).map(str::trim) == Some("stopping")
}

/// The socket's folder of the server that runs on a data folder: its lock file names it, and it
/// takes connections. The lock file of a dead server names a socket nobody answers.
pub(crate) fn running_socket_dir(data: &Path) -> Option<PathBuf> {
    let lock_file = lock_file(data).filter(|text| !is_stopping(text))?;
    let mut lines = lock_file.lines().skip(3);
    let port = lines.next()?;
    let socket_dir = PathBuf::from(lines.next()?);
    UnixStream::connect(socket_dir.join(format!(".s.PGSQL.{port}"))).ok()?;
    Some(socket_dir)
}
