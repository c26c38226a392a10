//! Where the private Postgres keeps its files.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::{Error, file_error, say};

/// Where a checkout's cluster goes when its account cannot enter the checkout.
const ELSEWHERE: &str = "/var/lib/baton";

/// The longest path a Unix socket's folder may have, leaving room for `/.s.PGSQL.5432.lock`.
const SOCKET_DIR_MAX_BYTES: usize = 85;

/// The folder that holds the cluster, its sockets, its log and fetched binaries.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// Makes the folders, in the data folder if the account can reach it, else elsewhere.
    pub(crate) fn prepare(data_dir: &Path, account: &Account) -> Result<Self, Error> {
        make(data_dir, 0o755)?;
        let data_dir = data_dir
            .canonicalize()
            .map_err(|source| file_error(data_dir, source))?;
        let root = if account.reaches(&data_dir) {
            data_dir.join("postgres")
        } else {
            let root = elsewhere(&data_dir);
            say(&format!(
                "its user cannot enter {}, so its files are in {}",
                data_dir.display(),
                root.display()
            ));
            root
        };
        make(&root, 0o755)?;
        account.own(&root)?;
        Ok(Self { root })
    }

    /// The folder that an earlier start prepared, if any did.
    pub(crate) fn existing(data_dir: &Path, account: &Account) -> Option<Self> {
        let data_dir = data_dir.canonicalize().ok()?;
        let inside = account.reaches(&data_dir);
        let root = if inside {
            data_dir.join("postgres")
        } else {
            elsewhere(&data_dir)
        };
        root.is_dir().then_some(Self { root })
    }

    /// The cluster's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// What the server prints.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Where binaries go that had to be fetched.
    pub(crate) fn fetched_binaries(&self) -> PathBuf {
        self.root.join("binaries")
    }

    /// A file to lock.
    pub(crate) fn lock_file(&self, name: &str) -> PathBuf {
        self.root.join(format!("{name}.lock"))
    }

    /// A folder for the socket that only the account can enter.
    ///
    /// The system allows sockets about a hundred bytes of path: below a deep folder, a short name
    /// of this process's own is taken instead. Others learn it from the server's lock file.
    pub(crate) fn socket_dir(&self, account: &Account) -> Result<PathBuf, Error> {
        let near = self.root.join("socket");
        let folder = if near.as_os_str().len() <= SOCKET_DIR_MAX_BYTES {
            make(&near, 0o700)?;
            near
        } else {
            short_socket_dir()?
        };
        account.own(&folder)?;
        Ok(folder)
    }

    /// Removes a socket's folder that was made for one run only.
    pub(crate) fn forget_socket_dir(&self, folder: &Path) {
        if !folder.starts_with(&self.root) {
            // Only an empty folder goes, and one that stays does no harm.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// A new folder below `/tmp`: making it fails when the name is taken, so nobody can prepare it.
fn short_socket_dir() -> Result<PathBuf, Error> {
    let mut attempt = 0;
    loop {
        let folder = PathBuf::from(format!("/tmp/baton-{}-{attempt}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
            Err(source) => return Err(file_error(&folder, source)),
        }
    }
}

/// One folder per checkout, named after its place.
fn elsewhere(data_dir: &Path) -> PathBuf {
    let name = data_dir
        .to_string_lossy()
        .trim_matches('/')
        .replace('/', "-");
    Path::new(ELSEWHERE).join(name)
}

fn make(folder: &Path, mode: u32) -> Result<(), Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .map_err(|source| file_error(folder, source))
}
