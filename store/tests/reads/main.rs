//! What pages and the API read.

#![cfg(test)]

mod history;
mod people;
#[path = "../support/mod.rs"]
mod support;
mod tasks;
mod walls;

use scheduler::*;
use sqlx::PgPool;
use store::Store;
use store::read::Page;
use support::*;

fn store(pool: &PgPool) -> Store {
    Store::open((*pool.connect_options()).clone(), 8)
}

fn page(limit: u32, after: Option<uuid::Uuid>) -> Page {
    Page { limit, after }
}

/// A task in each state, newest last: backlog, pending, in progress, in review, done, failed, cancelled.
async fn one_of_each(scene: &Scene) -> Vec<CreatedTask> {
    let ws = scene.workspace;
    let mut tasks: Vec<_> = (1..=7)
        .map(|n| {
            task(
                ws,
                n * 1_000,
                needs(if n % 2 == 0 { "even" } else { "odd" }),
            )
        })
        .collect();
    tasks[0].open.state = TaskState::Backlog;
    tasks[3].open.state = TaskState::InReview;
    std::sync::Arc::make_mut(&mut tasks[1].open.needs).agent = Some("scout".to_owned());
    let lease = lease(&tasks[2].open, 20_000, AgentId(id(30)));
    scene
        .flush(Records {
            created: tasks.clone(),
            agents: vec![agent(ws, 30, "scout")],
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            ended: vec![
                end(&tasks[4].open, TaskState::Done, 30_000),
                end(&tasks[5].open, TaskState::Failed, 31_000),
                end(&tasks[6].open, TaskState::Cancelled, 32_000),
            ],
            ..Records::default()
        })
        .await;
    tasks
}
