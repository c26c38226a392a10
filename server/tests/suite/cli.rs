//! The command line as scripts use it, and a server that is asked to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};

use crate::baton::{Baton, PATIENCE, Running};
use serde_json::Value;
use sqlx::PgPool;
use tokio::task::spawn_blocking;

impl Baton {
    fn with_input(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    /// What it says, when it fails: one sentence, and nothing on standard output.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            !output.status.success() && output.stdout.is_empty(),
            "{arguments:?}: {output:?}"
        );
        String::from_utf8(output.stderr).unwrap()
    }

    /// One request, on a connection of its own; the whole answer as it came.
    fn send(&self, request: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.listen)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// A server that answers.
    fn serve(&self) -> Running {
        self.ready(&mut self.command(&["serve"]))
    }

    /// Starts a server and waits until it answers.
    fn ready(&self, serve: &mut Command) -> Running {
        let serving = Running(serve.spawn().unwrap());
        let began = std::time::Instant::now();
        let request = "GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        while !self
            .send(request)
            .is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
        {
            assert!(
                began.elapsed() < PATIENCE,
                "the server does not become ready"
            );
            std::thread::yield_now();
        }
        serving
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn workspaces_keys_and_people_are_made_once_and_mistakes_are_told(database: PgPool) {
    let baton = Baton::of(&database);
    let checks = move || {
        let id = baton.prints(&["workspace", "create", "sky", "--goal", "Mosaic the sky"]);
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
        assert!(
            baton
                .refuses(&["workspace", "create", "sky"])
                .contains("already")
        );
        assert!(
            baton
                .refuses(&["workspace", "create", "No Good"])
                .contains("short name")
        );

        let key = baton.key("sky", "manager", None);
        assert!(
            key.starts_with("baton_manager_") && !key.contains('\n'),
            "{key}"
        );
        let agent = || baton.key("sky", "agent", Some("scout"));
        assert_ne!(agent(), agent());
        let nameless = ["key", "create", "--workspace", "sky", "--role", "agent"];
        assert!(baton.refuses(&nameless).contains("--agent"));
        let nowhere = ["key", "create", "--workspace", "sea", "--role", "member"];
        assert!(baton.refuses(&nowhere).contains("no workspace `sea`"));

        let user = [
            "user",
            "create",
            "--email",
            "Ada@example.com",
            "--role",
            "admin",
            "--password-stdin",
        ];
        let made = baton.with_input(&user, "correct horse battery\n");
        assert!(made.status.success(), "{made:?}");
        let twice = baton.with_input(&user, "correct horse battery\n");
        assert!(!twice.status.success() && twice.stdout.is_empty());
        let short = [
            "user",
            "create",
            "--email",
            "b@example.com",
            "--password-stdin",
        ];
        assert!(!baton.with_input(&short, "short\n").status.success());
        baton
    };
    let baton = spawn_blocking(checks).await.unwrap();
    let agents: i64 = sqlx::query_scalar("SELECT count(*) FROM agent")
        .fetch_one(&database)
        .await
        .unwrap();
    assert_eq!(agents, 1, "an agent's second key is the same agent's");
    let email: String = sqlx::query_scalar("SELECT email FROM account")
        .fetch_one(&database)
        .await
        .unwrap();
    assert_eq!(email, "ada@example.com");
    let doctor = spawn_blocking(move || baton.prints(&["doctor"]))
        .await
        .unwrap();
    assert!(
        doctor.contains("ok    database") && doctor.contains("ok    schema"),
        "{doctor}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_server_asked_to_stop_answers_what_waits_and_ends_well(database: PgPool) {
    let baton = Baton::of(&database);
    let checks = move || {
        let mut serving = baton.serve();
        baton.prints(&["workspace", "create", "sky"]);
        let key = baton.key("sky", "agent", Some("scout"));
        // A stream of events says by its first bytes that it is open; the claim waits behind it.
        let stream = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        let mut events = BufReader::new(TcpStream::connect(&baton.listen).unwrap());
        events.get_mut().write_all(stream.as_bytes()).unwrap();
        let mut line = String::new();
        events.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");

        let body = r#"{"wait_ms":60000}"#;
        let claim = format!(
            "POST /api/v1/claims HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let other = baton.clone();
        let waiting = std::thread::spawn(move || other.send(&claim).unwrap());
        wait_for_claim(&baton);
        let pid = serving.0.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let answer = waiting.join().unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains("\"leases\":[]"),
            "{answer}"
        );
        let status = serving.0.wait().unwrap();
        assert!(status.success(), "{status}");
    };
    spawn_blocking(checks).await.unwrap();
}

/// Returns once the server counts a claim that waits.
fn wait_for_claim(baton: &Baton) {
    let began = std::time::Instant::now();
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let waits = |text: &str| {
        text.lines()
            .any(|line| line.starts_with("baton_waiting_claims") && line.ends_with(" 1"))
    };
    while !baton.send(request).is_ok_and(|text| waits(&text)) {
        assert!(began.elapsed() < PATIENCE, "no claim waits");
        std::thread::yield_now();
    }
}

#[test]
fn a_database_that_cannot_be_reached_is_told_in_a_sentence() {
    let baton = Baton {
        database_url: "postgres://nobody@127.0.0.1:9/none".into(),
        listen: "127.0.0.1:0".into(),
    };
    let said = baton.refuses(&["workspace", "create", "sky"]);
    assert!(said.contains("DATABASE_URL"), "{said}");
    let doctor = baton.run(&["doctor"]);
    assert!(!doctor.status.success());
    assert!(
        String::from_utf8_lossy(&doctor.stdout).contains("wrong database"),
        "{doctor:?}"
    );
}

#[test]
fn what_cannot_be_served_or_simulated_is_told_before_anything_is_begun() {
    let baton = Baton {
        database_url: "postgres://nobody@127.0.0.1:9/none".into(),
        listen: "nonsense".into(),
    };
    let said = baton.refuses(&["serve"]);
    assert!(said.contains("BATON_LISTEN=nonsense"), "{said}");
    for option in ["--agents", "--slots"] {
        let said = baton.refuses(&["simulate", "--trace", "none.csv", option, "0"]);
        assert!(
            said.contains(&format!("{option} must be at least 1")),
            "{said}"
        );
    }
}

#[test]
fn a_command_that_nobody_reads_any_more_ends_without_a_word() {
    let baton = Baton {
        database_url: "postgres://nobody@127.0.0.1:9/none".into(),
        listen: "127.0.0.1:0".into(),
    };
    let (unread, writer) = std::io::pipe().unwrap();
    drop(unread);
    let ended = baton.command(&["doctor"]).stdout(writer).output().unwrap();
    assert_eq!(ended.status.code(), Some(141), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_that_was_revoked_from_the_command_line_opens_nothing_once_that_has_ended(
    database: PgPool,
) {
    let baton = Baton::of(&database);
    let checks = move || {
        let _serving = baton.serve();
        baton.prints(&["workspace", "create", "sky"]);
        for _ in 0..3 {
            let key = baton.key("sky", "member", None);
            let request = format!(
                "GET /api/v1/tasks HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\r\n"
            );
            let before = baton.send(&request).unwrap();
            assert!(before.starts_with("HTTP/1.1 200"), "{before}");
            let listed = baton.prints(&["key", "list", "--workspace", "sky"]);
            let id = listed.split('\t').next().unwrap();
            baton.prints(&["key", "revoke", "--workspace", "sky", id]);
            let after = baton.send(&request).unwrap();
            assert!(after.starts_with("HTTP/1.1 401"), "{after}");
        }
    };
    spawn_blocking(checks).await.unwrap();
}

/// The readiness of a server is JSON that says why.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_served_readiness_names_the_pools(database: PgPool) {
    let baton = Baton::of(&database);
    let checks = move || {
        let _serving = baton.serve();
        let request = "GET /readyz HTTP/1.0\r\nhost: x\r\n\r\n";
        let answer = baton.send(request).unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["pools"][0]["place"], "here");
    };
    spawn_blocking(checks).await.unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_key_and_no_text_of_a_task_ever_stands_in_the_log(database: PgPool) {
    let baton = Baton::of(&database);
    let checks = move || {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let written = std::fs::File::create(&log).unwrap();
        let mut command = baton.command(&["serve"]);
        command.env("RUST_LOG", "trace").stderr(written);
        let serving = baton.ready(&mut command);
        baton.prints(&["workspace", "create", "sky"]);
        let key = baton.key("sky", "agent", Some("scout"));
        let ask = |path: &str, body: &str| {
            let request = format!(
                "POST /api/v1{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = baton.send(&request).unwrap();
            assert!(answer.starts_with("HTTP/1.1 20"), "{path}: {answer}");
            answer
        };
        ask(
            "/tasks",
            r#"{"title":"canary","description":"canary","payload":{"text":"canary"}}"#,
        );
        let claimed = ask("/claims", r#"{"wait_ms":20000}"#);
        let lease = claimed.split("\"lease_id\":\"").nth(1).unwrap()[..36].to_owned();
        ask(
            &format!("/leases/{lease}/complete"),
            r#"{"epoch":1,"output":{"text":"canary"}}"#,
        );
        drop(serving);
        let text = std::fs::read_to_string(&log).unwrap();
        assert!(text.contains("serving"), "the log is empty");
        for secret in ["canary", &key] {
            assert!(!text.contains(secret), "{secret} stands in the log");
        }
    };
    spawn_blocking(checks).await.unwrap();
}
