//! What a flush stores and what it refuses.

#![cfg(test)]

mod lives;
mod rest;
#[path = "../support/mod.rs"]
mod support;
mod walls;

use scheduler::*;
use sqlx::PgPool;
use store::Store;

fn store(pool: &PgPool) -> Store {
    Store::open((*pool.connect_options()).clone(), 8)
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    // A table's name cannot be a parameter; the names are this file's own.
    let text = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
}

fn created(tasks: &[CreatedTask]) -> Records {
    Records {
        created: tasks.to_vec(),
        ..Records::default()
    }
}
