//! `baton doctor`: looks at everything a server rests on, and says what to do.

use std::io;
use std::path::Path;

use anyhow::bail;
use scheduler::Time;
use store::Store;

use super::say;
use crate::config::Config;

/// A clock that differs more than this makes logs hard to read beside the database's.
const DRIFT_MS: i64 = 2_000;
/// Bytes free that a day of work needs at least.
const LEAST_FREE: u64 = 1 << 30;

/// Prints one line a check; fails when one of them does.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    let mut failed = 0;
    let mut report = |what: &str, found: Result<String, String>| {
        failed += usize::from(found.is_err());
        tell(what, &found)
    };
    report("listen", address(config).await)?;
    report("data folder", folder(config))?;
    report("disk", disk(config))?;
    match connect(config).await {
        Err(advice) => report("database", Err(advice))?,
        Ok(None) => report(
            "database",
            Ok("none runs here yet; `baton serve` starts one".to_owned()),
        )?,
        Ok(Some(store)) => {
            report("database", Ok("it answers".to_owned()))?;
            report("schema", schema(&store).await)?;
            report("clock", clock(&store).await)?;
            report("pools", pools(&store).await)?;
            store.close().await;
        }
    }
    report(
        "providers",
        Ok("none configured; scores are heuristic".to_owned()),
    )?;
    if failed > 0 {
        bail!("{failed} of the checks failed");
    }
    Ok(())
}

fn tell(what: &str, found: &Result<String, String>) -> io::Result<()> {
    match found {
        Ok(well) => say(format_args!("ok    {what}: {well}")),
        Err(advice) => say(format_args!("wrong {what}: {advice}")),
    }
}

async fn address(config: &Config) -> Result<String, String> {
    match config.must_have_address().await {
        Ok(()) => Ok(config.listen.clone()),
        Err(error) => Err(format!("{error:#}")),
    }
}

/// With a database of one's own nothing is kept in the folder.
fn folder(config: &Config) -> Result<String, String> {
    let shown = config.data_dir.display();
    if config.database_url.is_some() {
        return Ok("not used, DATABASE_URL is set".to_owned());
    }
    match std::fs::metadata(existing(&config.data_dir)) {
        Ok(meta) if !meta.permissions().readonly() => Ok(shown.to_string()),
        _ => Err(format!("{shown} cannot be written; set BATON_DATA_DIR")),
    }
}

/// Of a database of one's own, which fails when nothing more can be written.
fn disk(config: &Config) -> Result<String, String> {
    if config.database_url.is_some() {
        return Ok("of the database, not looked at".to_owned());
    }
    let place = existing(&config.data_dir);
    let found = rustix::fs::statvfs(place).map_err(|error| error.to_string())?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let (free_mb, shown) = (free >> 20, place.display());
    if free >= LEAST_FREE {
        Ok(format!("{free_mb} MB free at {shown}"))
    } else {
        Err(format!(
            "{free_mb} MB free at {shown}; make room, or set BATON_DATA_DIR to another disk"
        ))
    }
}

/// The folder, or the nearest above it that there is.
fn existing(folder: &Path) -> &Path {
    let found = folder.ancestors().find(|path| path.is_dir());
    found.unwrap_or(Path::new("."))
}

/// The database, unless it is one of this server's own that does not run.
async fn connect(config: &Config) -> Result<Option<Store>, String> {
    let running = || private_postgres::find_running(&config.data_dir);
    let Some(url) = config.database_url.clone().or_else(running) else {
        return Ok(None);
    };
    Store::connect(&url, config.database_connections)
        .await
        .map(Some)
        .map_err(|error| format!("it does not answer ({error}); check DATABASE_URL"))
}

async fn schema(store: &Store) -> Result<String, String> {
    match store.is_migrated().await {
        Ok(true) => Ok("current".to_owned()),
        _ => Err("not current; `baton serve` brings it up to date".to_owned()),
    }
}

async fn clock(store: &Store) -> Result<String, String> {
    let theirs = store.now().await.map_err(|error| error.to_string())?;
    let drift_ms = (Time::from(time::OffsetDateTime::now_utc()).0 - theirs.0) / 1_000;
    if drift_ms.abs() <= DRIFT_MS {
        Ok(format!("within {} ms of the database's", drift_ms.abs()))
    } else {
        Err(format!(
            "{drift_ms} ms from the database's; synchronise the machines' clocks"
        ))
    }
}

async fn pools(store: &Store) -> Result<String, String> {
    let mut held = Vec::new();
    for pool in store.pools().await.map_err(|error| error.to_string())? {
        let holder = store
            .holder_of(pool.id)
            .await
            .map_err(|error| error.to_string())?;
        held.push(match holder {
            Some(holder) => format!("{} at {}", pool.name, holder.url),
            None => format!("{} held by no server", pool.name),
        });
    }
    Ok(held.join(", "))
}
