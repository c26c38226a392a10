//! Finds Postgres on this machine, or fetches it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::home::Home;
use crate::{Error, file_error, say};

/// The release of the npm packages that carry Postgres, used when there is no installation.
const PUBLISHED_VERSION: &str = "18.4.0-beta.17";

/// A folder with `initdb`, `pg_ctl` and `postgres`, and its major version.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// In PATH, in Debian's place (the newest), fetched earlier, or fetched now.
    ///
    /// An existing data folder decides the version: only the major version that made it can read it.
    pub(crate) fn locate(home: &Home, account: &Account) -> Result<Self, Error> {
        let wanted = major_of_data(&home.data())?;
        let fits = |found: &Self| wanted.is_none_or(|major| major == found.major);
        if let Some(found) = installed(account).find(fits) {
            return Ok(found);
        }
        let fetched = match in_folder(&fetched_folder(home)?, account) {
            Some(fetched) => fetched,
            None => fetch(home, account)?,
        };
        match wanted {
            Some(wanted) if wanted != fetched.major => Err(Error::WrongVersion {
                folder: home.data(),
                wanted,
            }),
            _ => Ok(fetched),
        }
    }

    /// The path of one of the programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The major version, such as 18.
    pub(crate) fn major(&self) -> u32 {
        self.major
    }
}

fn installed(account: &Account) -> impl Iterator<Item = Binaries> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = env::split_paths(&path).collect();
    in_path
        .into_iter()
        .chain(debian_folders())
        .filter_map(|folder| in_folder(&folder, account))
}

/// `/usr/lib/postgresql/<major>/bin`, newest first.
fn debian_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut majors: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors
        .iter()
        .map(|major| format!("/usr/lib/postgresql/{major}/bin").into())
        .collect()
}

/// The binaries in a folder, if all three are there and the account can run them.
fn in_folder(folder: &Path, account: &Account) -> Option<Binaries> {
    if !["initdb", "pg_ctl", "postgres"]
        .iter()
        .all(|name| folder.join(name).is_file())
    {
        return None;
    }
    let output = account
        .command(&folder.join("postgres"))
        .arg("--version")
        .output()
        .ok()?;
    let major = major_of_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries {
        folder: folder.to_owned(),
        major,
    })
}

/// Reads "postgres (PostgreSQL) 15.18 (Debian …)".
fn major_of_version(printed: &str) -> Option<u32> {
    let number = printed.split(") ").nth(1)?;
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn major_of_data(data: &Path) -> Result<Option<u32>, Error> {
    let path = data.join("PG_VERSION");
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(|source| file_error(&path, source))?;
    Ok(text.trim().parse().ok())
}

fn package() -> Result<String, Error> {
    let (os, cpu) = (env::consts::OS, env::consts::ARCH);
    let os = match os {
        "linux" => "linux",
        "macos" => "darwin",
        _ => {
            return Err(Error::NoBinaries {
                platform: format!("{os} on {cpu}"),
            });
        }
    };
    let cpu = match cpu {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => {
            return Err(Error::NoBinaries {
                platform: format!("{os} on {cpu}"),
            });
        }
    };
    Ok(format!("@embedded-postgres/{os}-{cpu}"))
}

fn fetched_folder(home: &Home) -> Result<PathBuf, Error> {
    Ok(package_folder(home)?.join("native/bin"))
}

fn package_folder(home: &Home) -> Result<PathBuf, Error> {
    Ok(home
        .fetched_binaries()
        .join("node_modules")
        .join(package()?))
}

fn fetch(home: &Home, account: &Account) -> Result<Binaries, Error> {
    let package = package()?;
    say(&format!(
        "no installation found, fetching {package} {PUBLISHED_VERSION} with npm"
    ));
    let prefix = home.fetched_binaries();
    fs::create_dir_all(&prefix).map_err(|source| file_error(&prefix, source))?;
    let mut npm = Command::new("npm");
    npm.arg("install").arg("--prefix").arg(&prefix);
    npm.args([
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
    ]);
    run(npm.arg(format!("{package}@{PUBLISHED_VERSION}")))?;
    // npm packages hold no symbolic links; the package makes its libraries' links itself.
    let mut links = Command::new("node");
    run(links
        .arg("scripts/hydrate-symlinks.js")
        .current_dir(package_folder(home)?))?;
    in_folder(&fetched_folder(home)?, account).ok_or_else(|| Error::Program {
        program: "postgres --version".into(),
        detail: format!(
            "the binaries fetched into {} do not run here",
            prefix.display()
        ),
    })
}

/// Runs a program to its end; its last words are the error.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |detail: String| Error::Program {
        program: program.clone(),
        detail,
    };
    let output = command
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = [output.stdout, output.stderr].concat();
    Err(failed(String::from_utf8_lossy(&words).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::major_of_version;

    #[test]
    fn the_major_version_is_read_from_releases_and_betas() {
        assert_eq!(
            major_of_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0)"),
            Some(15)
        );
        assert_eq!(major_of_version("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major_of_version("something else"), None);
    }
}
