//! The queries' metadata in `.sqlx`, which lets everything build without a database.
//!
//! Does what sqlx's own command line does, without installing it: compiles `store` against a
//! scratch Postgres that has every migration, and keeps what the macros learnt there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::migrate::Migrator;
use sqlx::postgres::PgPool;

use crate::with_postgres::scratch;
use crate::{run, say};

const KEPT: &str = ".sqlx";

/// Renews the metadata, or with `check_only` fails if it is not what the queries say.
pub fn prepare(check_only: bool) -> Result<()> {
    let learnt = PathBuf::from("target/sqlx.next");
    if learnt.exists() {
        fs::remove_dir_all(&learnt)?;
    }
    fs::create_dir_all(&learnt)?;
    scratch(private_postgres::PrivatePostgres::start_scratch, |url| {
        migrate(url)?;
        learn(url, &learnt)
    })??;
    if check_only {
        return compare(&learnt);
    }
    if Path::new(KEPT).exists() {
        fs::remove_dir_all(KEPT)?;
    }
    fs::rename(&learnt, KEPT)?;
    say(&format!("the queries' metadata is in {KEPT}"));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn migrate(url: &str) -> Result<()> {
    let pool = PgPool::connect(url).await?;
    Migrator::new(Path::new("migrations"))
        .await?
        .run(&pool)
        .await?;
    pool.close().await;
    Ok(())
}

/// The macros speak to the database only while their crate compiles, so it must look changed.
fn learn(url: &str, learnt: &Path) -> Result<()> {
    File::open("store/src/lib.rs")?.set_modified(SystemTime::now())?;
    let checked = run(Command::new("cargo")
        .args(["check", "--quiet", "--package", "store", "--all-targets"])
        .env("DATABASE_URL", url)
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", learnt.canonicalize()?));
    // And again for the next build, which is to read what is kept.
    File::open("store/src/lib.rs")?.set_modified(SystemTime::now())?;
    checked
}

fn compare(learnt: &Path) -> Result<()> {
    let (learnt, kept) = (read(learnt)?, read(Path::new(KEPT)).unwrap_or_default());
    let changed = learnt
        .iter()
        .filter(|(name, query)| kept.get(*name) != Some(query))
        .count();
    let unused = kept
        .keys()
        .filter(|name| !learnt.contains_key(*name))
        .count();
    ensure!(
        changed + unused == 0,
        "{KEPT} is out of date ({changed} queries to renew, {unused} to drop): run `make queries`"
    );
    say(&format!(
        "the metadata of {} queries is current",
        learnt.len()
    ));
    Ok(())
}

/// Every query by its file's name. What may be null is guessed from plans, which differ between
/// versions of Postgres; a wrong guess does not compile, so it is left out here.
fn read(folder: &Path) -> Result<BTreeMap<String, Value>> {
    let mut queries = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .context("a file has a name")?
            .to_string_lossy()
            .into_owned();
        let mut query: Value = serde_json::from_slice(&fs::read(&path)?)?;
        if let Some(describe) = query.get_mut("describe").and_then(Value::as_object_mut) {
            describe.remove("nullable");
        }
        queries.insert(name, query);
    }
    Ok(queries)
}
