//! Who Postgres runs as: the caller, or a harmless account when the caller is root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::{Error, file_error};

/// The account that owns the cluster's files and processes.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// User and group to become; `None` to stay who we are.
    become_ids: Option<(u32, u32)>,
}

impl Account {
    /// Postgres refuses root, so root becomes `postgres`, else `nobody`.
    pub(crate) fn for_postgres() -> Result<Self, Error> {
        if !running_as_root() {
            return Ok(Self { become_ids: None });
        }
        let path = Path::new("/etc/passwd");
        let passwd = fs::read_to_string(path).map_err(|source| file_error(path, source))?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| ids_of(&passwd, name))
            .map(|ids| Self {
                become_ids: Some(ids),
            })
            .ok_or(Error::NoAccount)
    }

    /// A command that runs as this account, from a folder every account can enter.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some((uid, gid)) = self.become_ids {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a folder to this account.
    pub(crate) fn own(&self, folder: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.become_ids else {
            return Ok(());
        };
        chown(folder, Some(uid), Some(gid)).map_err(|source| file_error(folder, source))
    }

    /// Whether this account can enter the folder.
    pub(crate) fn reaches(&self, folder: &Path) -> bool {
        self.command(Path::new("/bin/sh"))
            .args(["-c", "cd -- \"$0\" 2>/dev/null"])
            .arg(folder)
            .status()
            .is_ok_and(|status| status.success())
    }
}

/// A process's own entry in `/proc` belongs to it; without `/proc` (macOS) nobody runs this as root.
fn running_as_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn ids_of(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let entry = passwd
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = entry.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::ids_of;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd = "postgresql:x:7:8::/:/bin/sh\npostgres:x:105:109::/var:/bin/bash\n";
        assert_eq!(ids_of(passwd, "postgres"), Some((105, 109)));
        assert_eq!(ids_of(passwd, "nobody"), None);
    }
}
