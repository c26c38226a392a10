//! A `baton serve` of its own.
#![allow(dead_code, reason = "each benchmark uses its part")]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Result;

/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    database: String,
}

impl Server {
    /// Starts a server on a database, and waits until it is ready.
    pub async fn start(database: &str) -> Result<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let address = free.to_string();
        let child = baton(database)
            .arg("serve")
            .env("BATON_LISTEN", &address)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Self {
            child,
            address,
            database: database.to_owned(),
        };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_ready().await {
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("the server ended with {status}").into());
            }
            if Instant::now() > deadline {
                return Err("the server does not become ready".into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command of the same binary on the same database; what it prints.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        self.command_reading(words, "")
    }

    /// The same, with something to read.
    pub fn command_reading(&self, words: &[&str], input: &str) -> Result<String> {
        let mut child = baton(&self.database)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Asks it to stop, and waits for that.
    pub async fn stop(mut self) -> Result<()> {
        Command::new("kill")
            .arg(self.child.id().to_string())
            .status()?;
        while self.child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        self.ready_line()
            .await
            .is_ok_and(|line| line.starts_with("HTTP/1.1 200"))
    }

    async fn ready_line(&self) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let request = "GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone if it was stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn baton(database: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.env("DATABASE_URL", database);
    command
}
