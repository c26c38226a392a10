//! What a page costs the server in a workspace with a history: `make bench`, or with `DATABASE_URL`
//! set `cargo bench -p server --bench pages`.
//!
//! 100,000 tasks, of which some wait, and 1,000,000 decisions of eight days stand in the database; a
//! real `baton serve` in a process of its own loads them. A manager who is signed in asks for every
//! page with its common filters over one kept connection, page by page, and the time from the request
//! to the last byte is taken. Then every list is taken away as a file. `BATON_BENCH_FILLED` names a
//! database that is full already, to be read again.

#[path = "pages/addresses.rs"]
mod addresses;
#[path = "http/connection.rs"]
mod connection;
#[path = "pages/fill.rs"]
mod fill;
#[path = "pages/reader.rs"]
mod reader;
#[path = "http/server.rs"]
mod server;
#[path = "../../engine/benches/support/mod.rs"]
mod support;

use std::str::FromStr;
use std::time::{Duration, Instant};

use addresses::{exports, pages};
use reader::Reader;
use server::Server;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use support::processes::resident_mb;
use support::table::{Table, grouped, quantile};
use support::{Cluster, Result, is_quick, say};

/// The aim for every page's 99th percentile.
const AIM_MS: f64 = 25.0;
/// How long the loops behind a start may take until all is indexed and summed.
const SETTLE_PATIENCE: Duration = Duration::from_mins(10);

fn main() -> Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> Result<()> {
    let mut cluster = Cluster::open().await?;
    let url = match std::env::var("BATON_BENCH_FILLED") {
        Ok(url) => url,
        Err(_) => cluster.database("baton_pages").await?,
    };
    let mut database = PgConnection::connect_with(&PgConnectOptions::from_str(&url)?).await?;
    let begun = Instant::now();
    let server = Server::start(&url).await?;
    let filled = is_filled(&mut database).await?;
    if !filled {
        fill::team(&server).await?;
    }
    server.stop().await?;
    if !filled {
        fill::history(&mut database).await?;
    }
    println!(
        "\nPages: {}; made in {:.0} s",
        counted(&mut database).await?,
        begun.elapsed().as_secs_f64()
    );
    let server = Server::start(&url).await?;
    settle(&mut database).await?;
    cluster.checkpoint().await?;
    let reader = Reader::sign_in(server.address()).await?;
    let pages = pages(&mut database).await?;
    sqlx::query("SELECT pg_stat_reset()")
        .execute(&mut database)
        .await?;
    all_pages(&reader, &pages).await?;
    read_whole(&mut database).await?;
    files(&reader, &server).await?;
    server.stop().await
}

/// Whether an earlier run left a workspace full.
async fn is_filled(database: &mut PgConnection) -> Result<bool> {
    let filled = "SELECT EXISTS (SELECT FROM workspace WHERE slug = 'big')";
    Ok(sqlx::query_scalar(filled).fetch_one(database).await?)
}

async fn counted(database: &mut PgConnection) -> Result<String> {
    let mut said = Vec::new();
    for table in ["task", "open_task", "decision", "usage_report"] {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(count).fetch_one(&mut *database).await?;
        said.push(format!("{} rows of {table}", grouped(rows as f64)));
    }
    Ok(said.join(", "))
}

/// Waits until what the server does behind the tasks' creation is done.
async fn settle(database: &mut PgConnection) -> Result<()> {
    let begun = Instant::now();
    loop {
        let behind: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM task) - (SELECT count(*) FROM task_words)",
        )
        .fetch_one(&mut *database)
        .await?;
        if behind == 0 {
            sqlx::query("ANALYZE").execute(database).await?;
            say(&format!(
                "indexed after {:.0} s",
                begun.elapsed().as_secs_f64()
            ));
            return Ok(());
        }
        if begun.elapsed() > SETTLE_PATIENCE {
            return Err(format!("{behind} tasks have no words yet").into());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Asks for every page again and again; prints the slowest first.
async fn all_pages(reader: &Reader, pages: &[String]) -> Result<()> {
    let (warm, times) = if is_quick() { (2, 20) } else { (10, 220) };
    let mut figures = Vec::new();
    for page in pages {
        let mut bytes = 0;
        for _ in 0..warm {
            bytes = reader.get(page).await?;
        }
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let begun = Instant::now();
            reader.get(page).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_unstable_by(f64::total_cmp);
        figures.push((took, bytes, page));
    }
    figures.sort_by(|(one, ..), (other, ..)| quantile(other, 0.99).total_cmp(&quantile(one, 0.99)));
    let slow = figures
        .iter()
        .filter(|(took, ..)| quantile(took, 0.99) > AIM_MS);
    println!(
        "{} pages, each asked for {times} times, the slowest first; {} above {AIM_MS} ms",
        figures.len(),
        slow.count()
    );
    let table = Table::begin(
        "the server's time",
        &["p50, ms", "p99, ms", "most", "bytes"],
    );
    for (took, bytes, page) in &figures {
        let at = |share| format!("{:.1}", quantile(took, share));
        let figures = [at(0.5), at(0.99), at(1.0), grouped(*bytes as f64)];
        table.row_named(&figures, page);
    }
    Ok(())
}

/// Which tables were scanned from end to end meanwhile, the largest first: those that grow are to be
/// found by index.
async fn read_whole(database: &mut PgConnection) -> Result<()> {
    // Idle connections tell what they did within this.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let scanned: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT relname::text, seq_scan, seq_tup_read / seq_scan FROM pg_stat_user_tables
         WHERE seq_scan > 0 ORDER BY 3 DESC LIMIT 10",
    )
    .fetch_all(database)
    .await?;
    let table = Table::begin("tables read whole meanwhile", &["times", "rows each"]);
    for (name, times, rows) in &scanned {
        table.row_named(&[times.to_string(), grouped(*rows as f64)], name);
    }
    Ok(())
}

/// Takes every list away as a file.
async fn files(reader: &Reader, server: &Server) -> Result<()> {
    let memory = || resident_mb(server.process(), true).unwrap_or_default();
    let table = Table::begin("lists as files", &["seconds", "bytes", "most MB resident"]);
    for file in exports() {
        let begun = Instant::now();
        let bytes = reader.get(file).await?;
        let seconds = format!("{:.2}", begun.elapsed().as_secs_f64());
        let row = [seconds, grouped(bytes as f64), format!("{:.0}", memory())];
        table.row_named(&row, file);
    }
    Ok(())
}
