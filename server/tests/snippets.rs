//! The programs that pages offer to copy, run as they are shown.

#![cfg(test)]

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use app::snippets::{Attach, Language};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, PgPool};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server with a workspace, as people start it.
struct House {
    database_url: String,
    listen: String,
    url: String,
}

impl House {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command
            .args(arguments)
            .env("DATABASE_URL", &self.database_url)
            .env("BATON_LISTEN", &self.listen)
            .stdin(Stdio::null());
        command
    }

    /// What a command prints.
    fn prints(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn ask(&self, key: &str, path: &str, body: Option<Value>) -> Option<Value> {
        let http = server::demo::http().unwrap();
        let url = format!("{}/api/v1{path}", self.url);
        let asked = match body {
            Some(body) => http.post(url).json(&body),
            None => http.get(url),
        };
        let answer = asked.bearer_auth(key).send().await.ok()?;
        answer.status().is_success().then_some(())?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }
}

/// Looks until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

/// What runs a language, and what its files are called. What is missing is said, not passed over.
fn interpreter(language: Language) -> (&'static str, &'static str) {
    let (program, ending) = match language {
        Language::Shell => ("sh", "sh"),
        Language::Python => ("python3", "py"),
        Language::TypeScript => ("node", "ts"),
    };
    let version = match Command::new(program).arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!(
                "{program} is missing, so the {} program cannot be run",
                language.name()
            )
        }
        Err(error) => panic!("{program}: {error}"),
    };
    let major = version.trim().trim_start_matches('v').split('.').next();
    // Node reads TypeScript since 23; the program is JavaScript too, which every Node reads.
    let too_old = program == "node" && major.and_then(|major| major.parse().ok()) < Some(23_u32);
    (program, if too_old { "mjs" } else { ending })
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_program_attaches_an_agent_that_turns_green_and_does_its_task(database: PgPool) {
    let listen = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let house = House {
        database_url: database.connect_options().to_url_lossy().to_string(),
        url: format!("http://{listen}"),
        listen,
    };
    house.prints(&["workspace", "create", "sky"]);
    let member = house.prints(&["key", "create", "--workspace", "sky", "--role", "member"]);
    let _server = Running(
        house
            .command(&["serve"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    until("the server answers", async || {
        house.ask(&member, "/agents", None).await
    })
    .await;
    let folder = tempfile::tempdir().unwrap();

    for language in Language::ALL {
        let name = language.name().to_lowercase();
        let key = house.prints(&[
            "key",
            "create",
            "--workspace",
            "sky",
            "--role",
            "agent",
            "--agent",
            &name,
        ]);
        let text = Attach {
            url: &house.url,
            key: Some(&key),
            agent: &name,
        }
        .text(language);
        let (program, ending) = interpreter(language);
        let file = folder.path().join(format!("agent.{ending}"));
        std::fs::write(&file, text).unwrap();
        let task = json!({ "title": "Summarise the week", "agent": name });
        let task = until("a task is taken in", async || {
            house.ask(&member, "/tasks", Some(task.clone())).await
        })
        .await;

        let _agent = Running(
            Command::new(program)
                .arg(&file)
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        );
        until(&format!("{name} turns green"), async || {
            let agents = house.ask(&member, "/agents", None).await?;
            let agents = agents["items"].as_array()?.clone();
            agents
                .into_iter()
                .find(|agent| agent["name"] == name && agent["health"] == "online")
        })
        .await;
        let path = format!("/tasks/{}", task["id"].as_str().unwrap());
        let done = until(&format!("{name} does its task"), async || {
            let task = house.ask(&member, &path, None).await?;
            (task["state"] == "done").then_some(task)
        })
        .await;
        assert_eq!(done["output"], json!({ "answer": 42 }), "{done}");
    }
}
