//! A real Postgres is started, shared, killed and recovered.

#![cfg(test)]

use std::env;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, abort};
use std::thread;
use std::time::Duration;

use private_postgres::{PrivatePostgres, find_running};

fn folder() -> tempfile::TempDir {
    let dir = tempfile::Builder::new()
        .prefix("baton-pg-")
        .tempdir()
        .unwrap();
    // When root runs the tests, Postgres runs as another user, who must get in.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    dir
}

/// The postmaster's process, as its own lock file tells.
fn postmaster(data_dir: &Path) -> u32 {
    let text = fs::read_to_string(data_dir.join("postgres/data/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// Kills it alone, and tells which process it was.
fn kill_postmaster(data_dir: &Path) -> u32 {
    let killed = postmaster(data_dir);
    let mut kill = Command::new("kill");
    kill.args(["-9", &killed.to_string()]);
    assert!(kill.status().unwrap().success());
    while find_running(data_dir).is_some() {
        thread::sleep(Duration::from_millis(10));
    }
    killed
}

#[test]
fn the_last_one_to_leave_stops_it() {
    let dir = folder();
    let first = PrivatePostgres::start_scratch(dir.path()).unwrap();
    let second = PrivatePostgres::start_scratch(dir.path()).unwrap();
    assert_eq!(first.url(), second.url());
    first.stop().unwrap();
    assert_eq!(find_running(dir.path()).as_deref(), Some(second.url()));
    second.stop().unwrap();
    assert_eq!(find_running(dir.path()), None);
}

#[test]
fn one_that_is_dropped_is_stopped() {
    let dir = folder();
    drop(PrivatePostgres::start_scratch(dir.path()).unwrap());
    assert_eq!(find_running(dir.path()), None);
}

#[test]
fn a_survivor_of_its_server_is_adopted() {
    let dir = folder();
    start_and_die(dir.path());
    let left_behind = postmaster(dir.path());
    let heir = PrivatePostgres::start_scratch(dir.path()).unwrap();
    assert_eq!(postmaster(dir.path()), left_behind);
    heir.stop().unwrap();
    assert_eq!(find_running(dir.path()), None);
}

#[test]
fn a_killed_postmaster_is_recovered() {
    let dir = folder();
    start_and_die(dir.path());
    let killed = kill_postmaster(dir.path());
    let heir = PrivatePostgres::start_scratch(dir.path()).unwrap();
    assert_ne!(postmaster(dir.path()), killed);
    heir.stop().unwrap();
}

#[test]
fn one_that_dies_beside_its_users_is_started_again_for_all_of_them() {
    let dir = folder();
    let first = PrivatePostgres::start_scratch(dir.path()).unwrap();
    let second = PrivatePostgres::start_scratch(dir.path()).unwrap();
    assert!(!first.revive().unwrap());
    let killed = kill_postmaster(dir.path());
    assert!(first.revive().unwrap());
    assert!(!second.revive().unwrap());
    assert_ne!(postmaster(dir.path()), killed);
    first.stop().unwrap();
    assert_eq!(find_running(dir.path()).as_deref(), Some(second.url()));
    second.stop().unwrap();
    assert!(!second.revive().unwrap(), "whoever has left starts nothing");
    assert_eq!(find_running(dir.path()), None);
}

#[test]
fn one_that_is_told_to_stop_and_waits_for_its_clients_is_started_again() {
    let dir = folder();
    let server = PrivatePostgres::start_scratch(dir.path()).unwrap();
    let _client = connect(dir.path());
    let told = postmaster(dir.path());
    let mut kill = Command::new("kill");
    kill.args(["-TERM", &told.to_string()]);
    assert!(kill.status().unwrap().success());
    while find_running(dir.path()).is_some() {
        thread::sleep(Duration::from_millis(10));
    }
    assert!(server.revive().unwrap());
    assert_ne!(postmaster(dir.path()), told);
    server.stop().unwrap();
}

/// A client that stays, as the protocol begins: <https://www.postgresql.org/docs/current/protocol-message-formats.html>.
fn connect(data_dir: &Path) -> UnixStream {
    let mut client = UnixStream::connect(data_dir.join("postgres/socket/.s.PGSQL.5432")).unwrap();
    let words = b"user\0baton\0database\0postgres\0\0";
    let length = u32::try_from(8 + words.len()).unwrap();
    client.write_all(&length.to_be_bytes()).unwrap();
    client.write_all(&196_608_u32.to_be_bytes()).unwrap();
    client.write_all(words).unwrap();
    // It is let in.
    let mut answer = [0];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"R");
    client
}

#[test]
fn a_deep_folder_gets_its_socket_elsewhere() {
    let dir = folder();
    let deep = dir.path().join("a-long-name".repeat(9));
    let server = PrivatePostgres::start_scratch(&deep).unwrap();
    assert!(server.url().contains("/tmp/baton-"), "{}", server.url());
    assert_eq!(find_running(&deep).as_deref(), Some(server.url()));
    kill_postmaster(&deep);
    assert!(server.revive().unwrap());
    assert_eq!(find_running(&deep).as_deref(), Some(server.url()));
    server.stop().unwrap();
}

/// Starts the server from another process that dies at once, as by `kill -9`.
fn start_and_die(data_dir: &Path) {
    let status = Command::new(env::current_exe().unwrap())
        .args(["--exact", "the_process_that_dies", "--ignored"])
        .env(DYING_DIR, data_dir)
        .status()
        .unwrap();
    assert!(!status.success());
}

const DYING_DIR: &str = "PRIVATE_POSTGRES_DYING_DIR";

#[test]
#[ignore = "run by the tests above, in a process of its own"]
fn the_process_that_dies() {
    let dir = env::var_os(DYING_DIR).unwrap();
    let _server = PrivatePostgres::start_scratch(Path::new(&dir)).unwrap();
    abort();
}
