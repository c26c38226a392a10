//! The binary, as people start it, in the environment of one scratch database.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sqlx::{ConnectOptions, PgPool};

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Where it finds its database, and where it is to serve.
#[derive(Clone)]
pub struct Baton {
    pub database_url: String,
    pub listen: String,
}

/// A process that does not outlive its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Baton {
    pub fn of(database: &PgPool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            database_url: database.connect_options().to_url_lossy().to_string(),
            listen: free.local_addr().unwrap().to_string(),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command
            .args(arguments)
            .env("DATABASE_URL", &self.database_url)
            .env("BATON_LISTEN", &self.listen)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What it prints, when it does well.
    pub fn prints(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.trim_end().to_owned()
    }

    /// A new key of a workspace; an agent's names it.
    pub fn key(&self, workspace: &str, role: &str, agent: Option<&str>) -> String {
        let mut key = vec!["key", "create", "--workspace", workspace, "--role", role];
        key.extend(agent.into_iter().flat_map(|name| ["--agent", name]));
        self.prints(&key)
    }

    /// A request of the interface: what is answered, once it is done.
    pub async fn ask(&self, key: &str, path: &str, body: Option<Value>) -> Option<Value> {
        let http = server::demo::http().unwrap();
        let url = format!("http://{}/api/v1{path}", self.listen);
        let asked = match body {
            Some(body) => http.post(url).json(&body),
            None => http.get(url),
        };
        let answer = asked.bearer_auth(key).send().await.ok()?;
        answer.status().is_success().then_some(())?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}
