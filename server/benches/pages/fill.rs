//! A team with a history: what waits is handed in and some of it done over the interface, as agents
//! do; then the days before are made in the database, from those very rows.

use std::fmt::Write;

use sqlx::PgConnection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::connection::{Connection, number_of, text_of};
use crate::server::Server;
use crate::support::{Result, is_quick, say};

/// Who reads.
pub const EMAIL: &str = "reader@example.org";
pub const PASSWORD: &str = "a-stave-has-five-lines";

/// Tasks that wait: with those that `fill.sql` ends they are 100,000.
const WAITING: usize = 40_000;
/// Tasks of one request.
const BATCH: usize = 500;
const AGENTS: usize = 14;
/// Tasks done over the interface, whose rows the history repeats.
const DONE: usize = 300;

/// Limits, agents, tasks that wait, some that are done and some that run.
pub async fn team(server: &Server) -> Result<()> {
    say("a team is made");
    server.command(&["workspace", "create", "big", "--goal", "Know the market"])?;
    server.command_reading(
        &[
            "user",
            "create",
            "--email",
            EMAIL,
            "--workspace",
            "big",
            "--workspace-role",
            "manager",
            "--password-stdin",
        ],
        PASSWORD,
    )?;
    let key = |role: &str, agent: Option<&str>| {
        let mut words = vec!["key", "create", "--workspace", "big", "--role", role];
        words.extend(agent.iter().flat_map(|name| ["--agent", name]));
        server.command(&words)
    };
    let mut manager = Connection::open(server.address(), &key("manager", None)?).await?;
    for (method, path, body) in SETTINGS {
        manager.ask(method, path, body).await?;
    }
    let mut agents = Vec::new();
    for n in 0..AGENTS {
        let name = format!("agent-{n}");
        let mut agent = Connection::open(server.address(), &key("agent", Some(&name))?).await?;
        let card = format!(
            r#"{{"name":"{name}","capabilities":["code","research"],"models":["small","large"],"max_concurrency":4}}"#
        );
        agent.ask("POST", "/agents", &card).await?;
        agents.push(agent);
    }
    let waiting = if is_quick() { WAITING / 10 } else { WAITING };
    say(&format!("{waiting} tasks are handed in"));
    for batch in 0..waiting / BATCH {
        manager.ask("POST", "/tasks", &tasks(batch)?).await?;
    }
    for n in 0..DONE {
        let agent = &mut agents[n % AGENTS];
        let answer = agent.ask("POST", "/claims", "{}").await?;
        let lease = text_of(&answer, "lease_id").ok_or("no lease")?.to_owned();
        let epoch = number_of(&answer, "epoch").ok_or("no epoch")?;
        let usage = format!(
            r#"{{"epoch":{epoch},"model":"{}","input_tokens":{},"output_tokens":{},"cost_microusd":{}}}"#,
            ["small", "large"][n % 2],
            700 + n,
            90 + n % 70,
            300 + n
        );
        agent
            .ask("POST", &format!("/leases/{lease}/usage"), &usage)
            .await?;
        let (act, body) = if n % 10 == 9 {
            (
                "fail",
                format!(
                    r#"{{"epoch":{epoch},"error":"The provider answered 500.","retryable":false}}"#
                ),
            )
        } else {
            (
                "complete",
                format!(r#"{{"epoch":{epoch},"output":{{"answer":{n}}}}}"#),
            )
        };
        agent
            .ask("POST", &format!("/leases/{lease}/{act}"), &body)
            .await?;
    }
    overrule(&mut manager).await?;
    for agent in &mut agents {
        agent.ask("POST", "/claims", r#"{"max":2}"#).await?;
    }
    Ok(())
}

/// What a manager did by hand.
async fn overrule(manager: &mut Connection) -> Result<()> {
    let listed = manager
        .ask("GET", "/tasks?state=pending&limit=60", "")
        .await?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let items = listed["items"].as_array().ok_or("no list")?.iter();
    let ids: Vec<_> = items.filter_map(|task| task["id"].as_str()).collect();
    let tomorrow = (OffsetDateTime::now_utc() + time::Duration::DAY).format(&Rfc3339)?;
    let boost = format!(r#"{{"score_delta":50,"expires_at":"{tomorrow}","reason":"Asked for."}}"#);
    for (n, id) in ids.iter().enumerate() {
        let (act, body) = match n % 3 {
            0 => ("hold", r#"{"reason":"Not before the audit."}"#),
            1 => ("cancel", r#"{"reason":"Somebody did it."}"#),
            _ => ("boost", boost.as_str()),
        };
        manager
            .ask("POST", &format!("/tasks/{id}/{act}"), body)
            .await?;
    }
    Ok(())
}

const SETTINGS: [(&str, &str, &str); 8] = [
    ("PUT", "/policy", r#"{"fuses":{"max_pending":4000000}}"#),
    (
        "PUT",
        "/resources/calls",
        r#"{"kind":"bucket","capacity":100000,"refill_per_s":10000}"#,
    ),
    (
        "PUT",
        "/resources/closed",
        r#"{"kind":"bucket","capacity":100,"refill_per_s":1}"#,
    ),
    ("PUT", "/resources/desk", r#"{"kind":"slots","slots":40}"#),
    (
        "POST",
        "/resources/closed/throttled",
        r#"{"retry_after_ms":3600000}"#,
    ),
    (
        "PUT",
        "/budgets/day",
        r#"{"scope":{"workspace":"big"},"unit":"microusd","limit":100000000000,"window":"day"}"#,
    ),
    (
        "PUT",
        "/budgets/month",
        r#"{"scope":{"workspace":"big"},"unit":"microusd","limit":1000000000000,"window":"month"}"#,
    ),
    (
        "PUT",
        "/budgets/large",
        r#"{"scope":{"model":"large"},"unit":"tokens","limit":100000000000,"window":"5h"}"#,
    ),
];

/// One request: lanes of several needs, half of which are held, and some that wait for others.
fn tasks(batch: usize) -> Result<String> {
    let mut body = String::from("[");
    for n in 0..BATCH {
        // Numbers without a common factor: every mixture comes.
        let pick = |every: usize, of: &[&'static str]| of[(batch * BATCH + n) / every % of.len()];
        let needs = pick(
            1,
            &[
                r#""requires":[{"resource":"calls","amount":1}]"#,
                r#""requires":[{"resource":"closed","amount":1}]"#,
                r#""requires":[{"resource":"calls","amount":2},{"resource":"desk","amount":1}],"capabilities":["code"]"#,
                r#""capabilities":["telepathy"]"#,
                r#""requires":[{"resource":"closed","amount":1}],"capabilities":["research"]"#,
                r#""capabilities":["research"]"#,
            ],
        );
        let after = if n % 7 == 6 {
            format!(r#","depends_on":["t{}"]"#, n - 1)
        } else {
            String::new()
        };
        let due = if n % 9 == 0 {
            r#","due_at":"2099-01-01T00:00:00Z""#
        } else {
            ""
        };
        let comma = if n > 0 { "," } else { "" };
        write!(
            body,
            r#"{comma}{{"ref":"t{n}","title":"Compare the prices of article {n}","description":"In the three shops of the team's notes, in batch {batch}.","class":"{}","priority":"{}","kind":"{}","lease_ms":3600000,"estimate":{{"model":"{}","input_tokens":900,"output_tokens":120,"cost_microusd":450}},{needs}{after}{due}}}"#,
            pick(
                3,
                &["ordinary", "routine", "ordinary", "strategic", "ordinary"]
            ),
            pick(
                5,
                &["low", "medium", "high", "urgent", "medium", "low", "high"]
            ),
            pick(7, &["research", "write", "check"]),
            pick(11, &["small", "large"]),
        )?;
    }
    body.push(']');
    Ok(body)
}

/// The eight days before.
pub async fn history(database: &mut PgConnection) -> Result<()> {
    say("the days before are made");
    let scale = if is_quick() {
        "SET baton.scale = 10"
    } else {
        "SET baton.scale = 1"
    };
    sqlx::query(scale).execute(&mut *database).await?;
    sqlx::raw_sql(include_str!("fill.sql"))
        .execute(&mut *database)
        .await?;
    sqlx::query("VACUUM ANALYZE").execute(database).await?;
    Ok(())
}
