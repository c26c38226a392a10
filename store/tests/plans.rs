//! Hot queries find their rows by index, as Postgres plans them for tables in use.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;

use scheduler::*;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};
use store::Store;
use support::*;

const OPEN: u64 = 20_000;

/// Tables that grow; a scan of any of them in a hot query is a fault. The decisions are those of the
/// week that the test fills; the leases are few, and read whole on purpose.
const GROWING: [&str; 12] = [
    "resource_minute",
    "budget_point",
    "task",
    "task_words",
    "open_task",
    "task_end",
    "attempt",
    "decision_20270111",
    "usage_report",
    "usage_sum",
    "task_dependency",
    "needs",
];

/// What the statements have that find, for a load, what open tasks hang on.
const LOOKED_UP: [&str; 2] = [
    "SELECT FROM open_task o WHERE o.workspace_id = $1 AND o.task_id = c.parent_id OFFSET 0",
    "LATERAL (SELECT FROM open_task f",
];

/// The statements of the macros, as the committed metadata has them.
fn statements() -> BTreeMap<String, usize> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let query: serde_json::Value = serde_json::from_str(&text).unwrap();
            let parameters = query["describe"]["parameters"]["Left"]
                .as_array()
                .unwrap()
                .len();
            (query["query"].as_str().unwrap().to_owned(), parameters)
        })
        .collect()
}

/// The plan of a statement for any parameters: what a busy server's prepared statements settle on.
async fn plan(statement: &str, parameters: usize, connection: &mut PgConnection) -> Vec<String> {
    let nulls = vec!["NULL"; parameters].join(", ");
    let call = if parameters == 0 {
        String::new()
    } else {
        format!("({nulls})")
    };
    let told = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql));
    told(format!("PREPARE probe AS {statement}"))
        .execute(&mut *connection)
        .await
        .unwrap();
    let plan = told(format!("EXPLAIN (COSTS OFF) EXECUTE probe{call}"))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    told("DEALLOCATE probe".to_owned())
        .execute(connection)
        .await
        .unwrap();
    plan.iter().map(|row| row.get(0)).collect()
}

async fn fill(scene: &Scene) {
    let mut open = Vec::new();
    for batch in 0..OPEN / 1_000 {
        let mut created: Vec<_> = (0..1_000)
            .map(|n| {
                task(
                    scene.workspace,
                    (batch * 1_000 + n) * 1_000,
                    needs(&format!("kind {batch} {n}")),
                )
            })
            .collect();
        for n in 1..created.len() {
            created[n].task.depends_on = vec![created[n - 1].open.id];
        }
        open.extend(created.iter().map(|new| new.open.clone()));
        scene
            .flush(Records {
                created,
                ..Records::default()
            })
            .await;
    }
    for (batch, tasks) in open[..10_000].chunks(500).enumerate() {
        let leases: Vec<_> = (0..)
            .zip(tasks)
            .map(|(n, task)| {
                lease(
                    task,
                    100_000_000 + batch as u64 * 10_000 + 2 * n,
                    AgentId(id(30)),
                )
            })
            .collect();
        scene
            .flush(Records {
                decisions: leases.iter().map(dispatch).collect(),
                usage: leases
                    .iter()
                    .map(|lease| usage(lease, 1, "small", 5))
                    .collect(),
                leased: leases.clone(),
                ..Records::default()
            })
            .await;
        let ended = 200_000_000;
        scene
            .flush(Records {
                attempts: leases
                    .iter()
                    .map(|lease| attempt(lease, AttemptOutcome::Completed, TaskState::Done, ended))
                    .collect(),
                ended: tasks
                    .iter()
                    .map(|task| end(task, TaskState::Done, ended))
                    .collect(),
                ..Records::default()
            })
            .await;
    }
    let live: Vec<_> = (0..)
        .zip(&open[10_000..12_000])
        .map(|(n, task)| lease(task, 300_000_000 + 2 * n, AgentId(id(30))))
        .collect();
    scene
        .flush(Records {
            decisions: live.iter().map(dispatch).collect(),
            leased: live,
            ..Records::default()
        })
        .await;
}

/// Two weeks of five resources and five budgets.
async fn fill_history(pool: &PgPool) {
    let minutes = r#"INSERT INTO resource_minute (resource_id, at, level, lowest, "limit", in_use, given)
        SELECT md5(n::text)::uuid, at, 1, 1, 1, 0, 0 FROM generate_series(1, 5) n,
            generate_series(now() - interval '14 days', now(), interval '1 minute') at"#;
    let points = "INSERT INTO budget_point (budget_id, at, settled, reserved)
        SELECT md5(n::text)::uuid, at, 1, 1 FROM generate_series(1, 5) n,
            generate_series(now() - interval '14 days', now(), interval '5 minutes') at";
    for statement in [minutes, points] {
        sqlx::query(statement).execute(pool).await.unwrap();
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_hot_query_scans_a_growing_table(pool: PgPool) {
    let scene = Scene::set(Store::open((*pool.connect_options()).clone(), 8)).await;
    fill(&scene).await;
    let mut words = store::words::Indexer::default();
    while words.round(&scene.store, START).await.unwrap() > 0 {}
    fill_history(&pool).await;
    sqlx::query("VACUUM ANALYZE").execute(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("SET plan_cache_mode = force_generic_plan")
        .execute(&mut *connection)
        .await
        .unwrap();
    let mut scans = Vec::new();
    let mut explained = 0;
    for (statement, parameters) in statements() {
        // A load reads all of the open tasks, and what they hang on, by design.
        // Retention goes over what it takes away once in a while, and by blocks.
        let loads = statement.starts_with("DELETE FROM resource_minute")
            || statement.starts_with("DELETE FROM usage_sum")
            || statement.starts_with("DELETE FROM budget_point")
            || LOOKED_UP.iter().any(|part| statement.contains(part));
        let first_word = statement
            .trim_start_matches(|c: char| c.is_whitespace())
            .split_whitespace()
            .next()
            .unwrap_or_default();
        if loads || !["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "--"].contains(&first_word) {
            continue;
        }
        for line in plan(&statement, parameters, &mut connection).await {
            let Some((_, table)) = line.split_once("Seq Scan on ") else {
                continue;
            };
            let table = table.split_whitespace().next().unwrap_or_default();
            if GROWING.contains(&table) {
                scans.push(format!("{table}: {statement}"));
            }
        }
        explained += 1;
    }
    assert!(explained > 60, "only {explained} statements were found");
    assert!(scans.is_empty(), "{}", scans.join("\n\n"));
}

/// Of the statements that are `meant`, how many there are, and the steps of their plans that are a walk:
/// told by a line of the plan and the one after it.
async fn walks(
    connection: &mut PgConnection,
    meant: impl Fn(&str) -> bool,
    is_walk: impl Fn(&str, &str) -> bool,
) -> (usize, Vec<String>) {
    let (mut looked, mut walks) = (0, Vec::new());
    for (statement, parameters) in statements() {
        if !meant(&statement) {
            continue;
        }
        let plan = plan(&statement, parameters, connection).await;
        for (line, next) in plan.iter().zip(&plan[1..]) {
            if is_walk(line, next) {
                walks.push(format!("{line}\n{next}\nin {statement}"));
            }
        }
        looked += 1;
    }
    (looked, walks)
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_flush_planned_beside_empty_tables_finds_its_rows_by_their_keys(pool: PgPool) {
    sqlx::query("VACUUM ANALYZE").execute(&pool).await.unwrap();
    let settings = store::flush::SETTINGS;
    let options = (*pool.connect_options()).clone().options(settings);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let meant = |statement: &str| statement.contains(" AS place FROM ");
    let is_walk = |line: &str, next: &str| {
        let scan = line.contains("Seq Scan on ") && !line.contains(" on pool");
        scan || line.contains(" using ") && !next.contains("Index Cond")
    };
    let (looked, walks) = walks(&mut connection, meant, is_walk).await;
    assert!(looked >= 4, "only {looked} statements were found");
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_load_planned_beside_empty_tables_finds_what_dependencies_name_by_its_key(pool: PgPool) {
    sqlx::query("VACUUM ANALYZE").execute(&pool).await.unwrap();
    let settings = store::LOADING.into_iter();
    let settings = settings.chain([("plan_cache_mode", "force_generic_plan")]);
    let options = (*pool.connect_options()).clone().options(settings);
    let mut connection = PgConnection::connect_with(&options).await.unwrap();
    let tasks = plan(store::load::OPEN_TASKS, 1, &mut connection).await;
    assert!(
        tasks[0].starts_with("Index Scan using open_task_pkey"),
        "{tasks:?}"
    );
    let meant = |statement: &str| LOOKED_UP.iter().any(|part| statement.contains(part));
    let is_walk = |line: &str, next: &str| {
        let looks_up = line.contains(" on open_task ") || line.contains(" on task_end ");
        looks_up && !next.contains("AND (task_id = ")
    };
    let (looked, walks) = walks(&mut connection, meant, is_walk).await;
    assert_eq!(looked, LOOKED_UP.len());
    assert!(walks.is_empty(), "{}", walks.join("\n\n"));
}
