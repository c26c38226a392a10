//! One kept connection of HTTP/1.1, as lean as can be: it shares the processors with the server.

#![allow(dead_code, reason = "each benchmark uses its part")]

use std::fmt::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::Result;

/// Room for one read.
const CHUNK: usize = 16 * 1_024;

/// A connection of one key.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    headers: String,
    received: Vec<u8>,
}

impl Connection {
    /// Connects; every request names the key.
    pub async fn open(address: &str, key: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let headers = format!(
            "host: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        );
        Ok(Self {
            stream,
            headers,
            received: Vec::new(),
        })
    }

    /// Sends a request below `/api/v1` and waits for its answer; any refusal is an error.
    pub async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<String> {
        self.send(method, path, body).await?;
        self.receive().await
    }

    /// Completes a lease.
    pub async fn complete(&mut self, lease: &str, epoch: u64) -> Result<()> {
        let path = format!("/leases/{lease}/complete");
        self.ask("POST", &path, &format!(r#"{{"epoch":{epoch}}}"#))
            .await
            .map(|_| ())
    }

    /// Sends a request.
    pub async fn send(&mut self, method: &str, path: &str, body: &str) -> Result<()> {
        let mut request = String::with_capacity(256 + self.headers.len() + body.len());
        write!(
            request,
            "{method} /api/v1{path} HTTP/1.1\r\n{}content-length: {}\r\n\r\n{body}",
            self.headers,
            body.len()
        )?;
        Ok(self.stream.write_all(request.as_bytes()).await?)
    }

    /// Waits for the body of the next answer.
    pub async fn receive(&mut self) -> Result<String> {
        let head = loop {
            if let Some(at) = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
            {
                break at;
            }
            self.read().await?;
        };
        let text = std::str::from_utf8(&self.received[..head])?;
        let is_good = text.starts_with("HTTP/1.1 2");
        let length: usize = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, value)| value.parse())
            .transpose()?
            .ok_or("an answer of unknown length")?;
        let end = head + 4 + length;
        while self.received.len() < end {
            self.read().await?;
        }
        let body = std::str::from_utf8(&self.received[head + 4..end])?.to_owned();
        self.received.drain(..end);
        if is_good { Ok(body) } else { Err(body.into()) }
    }

    async fn read(&mut self) -> Result<()> {
        self.received.reserve(CHUNK);
        if self.stream.read_buf(&mut self.received).await? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(())
    }
}

/// The first text of this name in a JSON answer whose texts need no unescaping.
pub fn text_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    after(json, name)?.strip_prefix('"')?.split('"').next()
}

/// The first whole number of this name in a JSON answer.
pub fn number_of(json: &str, name: &str) -> Option<u64> {
    let value = after(json, name)?;
    let end = value
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(value.len());
    value[..end].parse().ok()
}

fn after<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    json.split_once(&format!("\"{name}\":"))
        .map(|(_, value)| value)
}
