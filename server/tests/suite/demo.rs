//! The demo, from its start to its last row.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::time::Instant;

use crate::baton::{Baton, PATIENCE, Running};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

impl Baton {
    /// A demo that has begun.
    fn demo(&self, arguments: &[&str]) -> Running {
        let mut running = Running(self.command(arguments).spawn().unwrap());
        let mut address = String::new();
        let said = running.0.stdout.as_mut().unwrap();
        BufReader::new(said).read_line(&mut address).unwrap();
        assert!(address.ends_with("/?w=demo\n"), "{address}");
        running
    }
}

/// How many rows each table has; servers come and go.
async fn rows(database: &PgPool) -> BTreeMap<String, i64> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
         AND relnamespace = 'public'::regnamespace AND relname NOT IN ('server', 'installation')",
    )
    .fetch_all(database)
    .await
    .unwrap();
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = format!("SELECT count(*) FROM \"{table}\"");
        let count = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(database)
            .await;
        rows.insert(table, count.unwrap());
    }
    rows
}

async fn count(database: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(database).await.unwrap()
}

/// Looks until it holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

fn interrupt(child: &Child) {
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_demo_flows_without_a_refusal_and_leaves_nothing_behind(database: PgPool) {
    let baton = Baton::of(&database);
    let before = rows(&database).await;
    let mut demo = baton.demo(&["demo", "--pace", "20"]);
    let key = baton.key("demo", "manager", None);

    until("a hundred tasks are done", async || {
        count(
            &database,
            "SELECT count(*) FROM task_end WHERE state = 'done'",
        )
        .await
            >= 100
    })
    .await;
    let agents = baton.ask(&key, "/agents", None).await.unwrap();
    let online = |agent: &&Value| agent["health"] == "online";
    assert_eq!(
        agents["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(online)
            .count(),
        14
    );
    let stats = baton.ask(&key, "/stats", None).await.unwrap();
    for code in ["never_fits", "misconfigured", "no_eligible_agent"] {
        assert_eq!(stats["pending_by_code"][code], 1, "{stats}");
    }
    let usage = baton
        .ask(&key, "/usage?group_by=model", None)
        .await
        .unwrap();
    let models: Vec<_> = usage["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["group"].clone())
        .collect();
    assert!(
        models.contains(&"opus".into()) && models.contains(&"small".into()),
        "{usage}"
    );
    until("searches run out", async || {
        baton.ask(&key, "/stats", None).await.unwrap()["pending_by_code"]["rate_limited"].as_u64()
            > Some(0)
    })
    .await;
    assert_eq!(
        count(&database, "SELECT count(*) FROM refusal").await,
        0,
        "a provider refused"
    );

    let second = baton.run(&["demo"]);
    assert!(!second.status.success(), "{second:?}");
    assert!(String::from_utf8_lossy(&second.stderr).contains("a demo runs already"));

    interrupt(&demo.0);
    assert!(demo.0.wait().unwrap().success());
    let mut said = String::new();
    demo.0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(
        said.contains("the demo is gone") && said.contains(" 0 calls refused"),
        "{said}"
    );
    assert!(!said.contains("ERROR") && !said.contains("WARN"), "{said}");
    assert_eq!(rows(&database).await, before);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_provoked_is_refused_reported_and_no_task_is_lost(database: PgPool) {
    let baton = Baton::of(&database);
    let demo = baton.demo(&["demo", "--pace", "50", "--provoke"]);
    until("a refusal is reported", async || {
        count(&database, "SELECT count(*) FROM refusal").await > 0
    })
    .await;
    assert_eq!(
        count(
            &database,
            "SELECT count(*) FROM attempt WHERE outcome = 'throttled' AND state <> 'pending'"
        )
        .await,
        0,
        "a provider's refusal costs no attempt"
    );
    drop(demo);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_killed_demo_leaves_is_taken_away_by_the_next_server(database: PgPool) {
    let baton = Baton::of(&database);
    let before = rows(&database).await;
    let demo = baton.demo(&["demo", "--pace", "20"]);
    until("work is done", async || {
        count(&database, "SELECT count(*) FROM task_end").await > 0
    })
    .await;
    drop(demo);
    assert_eq!(count(&database, "SELECT count(*) FROM demo").await, 1);
    let _server = Running(baton.command(&["serve"]).spawn().unwrap());
    until("the leftovers are gone", async || {
        count(&database, "SELECT count(*) FROM demo").await == 0
    })
    .await;
    assert_eq!(rows(&database).await, before);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_demo_runs_on_a_server_that_serves_already(database: PgPool) {
    let baton = Baton::of(&database);
    let _server = Running(baton.command(&["serve"]).spawn().unwrap());
    until("the server is ready", async || {
        let asked = server::demo::http()
            .unwrap()
            .get(format!("http://{}/readyz", baton.listen));
        asked
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    })
    .await;
    let before = rows(&database).await;
    let mut demo = baton.demo(&["demo", "--pace", "20", "--agents", "3"]);
    until("work is done", async || {
        count(&database, "SELECT count(*) FROM task_end").await > 0
    })
    .await;
    interrupt(&demo.0);
    assert!(demo.0.wait().unwrap().success());
    assert_eq!(rows(&database).await, before);
}
