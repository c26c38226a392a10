//! What the environment says.

use std::env;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use axum::http::Uri;
use tracing_subscriber::EnvFilter;

/// Connections to the database unless `BATON_DATABASE_CONNECTIONS` says otherwise.
const DATABASE_CONNECTIONS: u32 = 20;

/// The process's settings; each is one environment variable.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BATON_LISTEN`: the address to serve on.
    pub listen: String,
    /// `DATABASE_URL`: the Postgres to use; unset for a private one.
    pub database_url: Option<String>,
    /// `BATON_DATA_DIR`: where a private Postgres lives.
    pub data_dir: PathBuf,
    /// `BATON_PUBLIC_URL`: where people and the other servers reach this one, if that is not the
    /// address it listens on.
    pub public_url: Option<String>,
    /// `BATON_DATABASE_CONNECTIONS`: connections to the database at most.
    pub database_connections: u32,
    /// `BATON_TRUSTED_PROXIES`: how many proxies stand before this server and say in
    /// `X-Forwarded-For` whom they were asked by.
    pub trusted_proxies: u8,
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> anyhow::Result<Self> {
        let connections = text("BATON_DATABASE_CONNECTIONS")
            .map(|count| connections(&count))
            .transpose()?;
        let proxies = text("BATON_TRUSTED_PROXIES")
            .map(|count| count.parse::<u8>())
            .transpose()
            .context("BATON_TRUSTED_PROXIES must be a whole number from 0 to 255")?;
        let public_url = text("BATON_PUBLIC_URL")
            .map(|url| public_url(&url))
            .transpose()?;
        Ok(Self {
            listen: text("BATON_LISTEN").unwrap_or_else(|| "127.0.0.1:3000".to_owned()),
            database_url: text("DATABASE_URL"),
            data_dir: data_dir(),
            public_url,
            database_connections: connections.unwrap_or(DATABASE_CONNECTIONS),
            trusted_proxies: proxies.unwrap_or(0),
        })
    }

    /// Refuses a command that works on a server's data where there is none: started in another folder
    /// than the server, it would make a database that nobody serves.
    pub fn must_have_data(&self) -> anyhow::Result<()> {
        let is_known = self.database_url.is_some() || text("BATON_DATA_DIR").is_some();
        anyhow::ensure!(
            is_known || self.data_dir.exists(),
            "there is no server's data in {}: say with BATON_DATA_DIR or DATABASE_URL where it is, or \
             run `baton serve` here first",
            self.data_dir.display()
        );
        Ok(())
    }

    /// Refuses to serve at what is no address.
    pub async fn must_have_address(&self) -> anyhow::Result<()> {
        let listen = &self.listen;
        let found = tokio::net::lookup_host(listen).await.map(drop);
        found.with_context(|| format!("BATON_LISTEN={listen} is no address with a port"))
    }

    /// Where others reach this server, once it listens on `address`.
    pub fn url(&self, address: SocketAddr) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| local_url(address))
    }
}

/// How a shell on this machine calls this very program, with the data that the server has.
pub fn own_command() -> String {
    let word = |path: PathBuf| {
        let path = std::path::absolute(&path).unwrap_or(path);
        let path = path.to_string_lossy();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
        if path.chars().all(is_plain) {
            path.into_owned()
        } else {
            format!("'{}'", path.replace('\'', r"'\''"))
        }
    };
    let program = env::current_exe().map_or_else(|_| "baton".to_owned(), word);
    match text("DATABASE_URL") {
        // Whoever has it knows it, and it is not for a page.
        Some(_) => program,
        None => format!("BATON_DATA_DIR={} {program}", word(data_dir())),
    }
}

fn data_dir() -> PathBuf {
    text("BATON_DATA_DIR").map_or_else(|| "./.baton".into(), PathBuf::from)
}

/// Where this machine reaches a server that listens on `address`. An address that means "every
/// interface" is reached over the loopback.
pub fn local_url(address: SocketAddr) -> String {
    let (ip, port) = (address.ip(), address.port());
    match (ip.is_unspecified(), ip.is_ipv6()) {
        (true, false) => format!("http://127.0.0.1:{port}"),
        (true, true) => format!("http://[::1]:{port}"),
        (false, _) => format!("http://{address}"),
    }
}

/// One connection writes while another reads, so there are two at least.
fn connections(count: &str) -> anyhow::Result<u32> {
    let count = count.parse().ok().filter(|count| *count >= 2);
    count.context("BATON_DATABASE_CONNECTIONS must be a whole number of at least 2")
}

fn public_url(url: &str) -> anyhow::Result<String> {
    let usable = url.parse::<Uri>().is_ok_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
            && url.path() == "/"
            && url.query().is_none()
    });
    anyhow::ensure!(
        usable,
        "BATON_PUBLIC_URL must be an address like https://baton.example.com, not {url}"
    );
    Ok(url.trim_end_matches('/').to_owned())
}

fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Writes the log to stderr, by `RUST_LOG`, else from `level`.
pub fn start_log(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert_eq!(
            public_url("https://b.example/").unwrap(),
            "https://b.example"
        );
        for wrong in [
            "b.example",
            "ftp://b.example",
            "/b",
            "http://",
            "https://b/?q",
            "https://b.example/baton",
        ] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(connections("2").unwrap(), 2);
        for wrong in ["1", "0", "-3", "many"] {
            assert!(connections(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_for_all_interfaces_is_reached_over_the_loopback() {
        for (listens, reached) in [
            ("0.0.0.0:3000", "http://127.0.0.1:3000"),
            ("[::]:3000", "http://[::1]:3000"),
            ("10.0.0.7:80", "http://10.0.0.7:80"),
        ] {
            assert_eq!(local_url(listens.parse().unwrap()), reached);
        }
    }
}
