//! What benchmarks share: a database of their own, the processes' CPU time and memory, a table.
#![allow(dead_code, reason = "each benchmark uses its part")]

pub mod processes;
pub mod table;

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Any error ends a benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Whether only a minute is to be spent: `BATON_BENCH=quick`.
pub fn is_quick() -> bool {
    std::env::var("BATON_BENCH").is_ok_and(|value| value == "quick")
}

/// Tells how far it is, beside the figures.
pub fn say(what: &str) {
    eprintln!("bench: {what}");
}

/// What autovacuum does once much was stored is done now, and not while something else is measured.
pub async fn settle(url: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::query("VACUUM (ANALYZE)")
        .execute(&mut connection)
        .await?;
    Ok(())
}

/// The Postgres that is measured: `DATABASE_URL`, and a database of each scenario's own in it.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    connection: PgConnection,
}

impl Cluster {
    /// Connects, and refuses a server that forgets commits: its figures would mean nothing.
    pub async fn open() -> Result<Self> {
        let url = std::env::var("DATABASE_URL")
            .map_err(|_| "DATABASE_URL is not set; run `make bench`")?;
        let mut connection = PgConnection::connect(&url).await?;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let show = AssertSqlSafe(format!("SHOW {setting}"));
            let value: String = sqlx::query_scalar(show).fetch_one(&mut connection).await?;
            if value != "on" {
                return Err(format!("{setting} is {value}: commits would not be kept").into());
            }
        }
        Ok(Self { url, connection })
    }

    /// Makes an empty database, in place of one of the same name; its URL.
    pub async fn database(&mut self, name: &str) -> Result<String> {
        self.drop_database(name).await?;
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::query(create).execute(&mut self.connection).await?;
        // The database's name is the path of the URL.
        let (before, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let server = before.rsplit_once('/').map_or(before, |(server, _)| server);
        Ok(format!("{server}/{name}?{query}"))
    }

    /// Takes a database away.
    pub async fn drop_database(&mut self, name: &str) -> Result<()> {
        let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        sqlx::query(drop).execute(&mut self.connection).await?;
        Ok(())
    }

    /// What was written so far goes to disk now, and not while something else is measured.
    pub async fn checkpoint(&mut self) -> Result<()> {
        sqlx::query("CHECKPOINT")
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// The server's processes, if it runs on this machine.
    pub async fn processes(&mut self) -> Result<Option<processes::Family>> {
        let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut self.connection)
            .await?;
        Ok(processes::Family::of(own.unsigned_abs()))
    }

    /// Bytes of write-ahead log so far.
    pub async fn wal(&mut self) -> Result<i64> {
        let bytes = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";
        Ok(sqlx::query_scalar(bytes)
            .fetch_one(&mut self.connection)
            .await?)
    }

    /// Commits so far in one database.
    pub async fn commits(url: &str) -> Result<i64> {
        let options = PgConnectOptions::from_str(url)?;
        let mut connection = PgConnection::connect_with(&options).await?;
        let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        Ok(sqlx::query_scalar(commits)
            .fetch_one(&mut connection)
            .await?)
    }
}
