//! The programs that pages offer to copy, run as they are shown.

use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::baton::{Baton, PATIENCE, Running};
use app::snippets::{Attach, Language};
use serde_json::json;
use sqlx::PgPool;

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
    let baton = Baton::of(&database);
    baton.prints(&["workspace", "create", "sky"]);
    let member = baton.key("sky", "member", None);
    let mut serve = baton.command(&["serve"]);
    serve.stdout(Stdio::null()).stderr(Stdio::null());
    let _server = Running(serve.spawn().unwrap());
    until("the server answers", async || {
        baton.ask(&member, "/agents", None).await
    })
    .await;
    let folder = tempfile::tempdir().unwrap();

    for language in Language::ALL {
        let name = language.name().to_lowercase();
        let key = baton.key("sky", "agent", Some(&name));
        let text = Attach {
            url: &format!("http://{}", baton.listen),
            key: Some(&key),
            agent: &name,
        }
        .text(language);
        let (program, ending) = interpreter(language);
        let file = folder.path().join(format!("agent.{ending}"));
        std::fs::write(&file, text).unwrap();
        let task = json!({ "title": "Summarise the week", "agent": name });
        let task = until("a task is taken in", async || {
            baton.ask(&member, "/tasks", Some(task.clone())).await
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
            let agents = baton.ask(&member, "/agents", None).await?;
            let agents = agents["items"].as_array()?.clone();
            agents
                .into_iter()
                .find(|agent| agent["name"] == name && agent["health"] == "online")
        })
        .await;
        let path = format!("/tasks/{}", task["id"].as_str().unwrap());
        let done = until(&format!("{name} does its task"), async || {
            let task = baton.ask(&member, &path, None).await?;
            (task["state"] == "done").then_some(task)
        })
        .await;
        assert_eq!(done["output"], json!({ "answer": 42 }), "{done}");
    }
}
