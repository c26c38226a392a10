//! How fast the store alone is, on an empty database named by `DATABASE_URL`: tasks enqueued in batches
//! of 1,000, flushes of 100 dispatches and 100 completions among so many open tasks, and the load.
//!
//! `DATABASE_URL=… cargo run --release -p store --example store_rate [-- 100000 [1]]`

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use scheduler::{AgentId, AttemptOutcome, OpenLease, OpenTask, Records, Stored, TaskState};
use store::{Batch, Store};
use support::{Scene, attempt, budget, dispatch, end, id, lease, needs, resource, task};

const ENQUEUE: usize = 1_000;
const ROUNDS: usize = 300;
/// A prime: steps of this length meet every task once.
const SCATTER: usize = 611_953;

#[tokio::main]
async fn main() {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names an empty database");
    let open: usize = std::env::args()
        .nth(1)
        .map_or(100_000, |n| n.parse().expect("a number of open tasks"));
    let store = Store::connect(&url, 10).await.expect("a database");
    store.migrate().await.expect("migrations");
    let scene = Scene::set(store).await;
    let tasks = enqueue(&scene, open).await;
    // Tasks are taken from all over the backlog, as ranks might at worst, or in steps of a given prime.
    let stride: usize = std::env::args()
        .nth(2)
        .map_or(SCATTER, |n| n.parse().expect("a stride"));
    let mut next = (0..tasks.len()).map(|n| &tasks[n * stride % tasks.len()]);
    for size in [1, 10, 100, 500] {
        dispatch_and_complete(&scene, size, &mut next).await;
    }
    load(&scene).await;
}

async fn enqueue(scene: &Scene, count: usize) -> Vec<OpenTask> {
    let kinds: Vec<_> = (0..20).map(|n| needs(&format!("kind-{n}"))).collect();
    let mut tasks = Vec::with_capacity(count);
    let mut spent = Duration::ZERO;
    while tasks.len() < count {
        let created: Vec<_> = (0..ENQUEUE)
            .map(|n| {
                task(
                    scene.workspace,
                    1_000_000 + (tasks.len() + n) as u64,
                    kinds[n % kinds.len()].clone(),
                )
            })
            .collect();
        tasks.extend(created.iter().map(|new| new.open.clone()));
        let batch = Batch {
            records: Records {
                created,
                ..Records::default()
            },
            ..Batch::default()
        };
        let begun = Instant::now();
        scene
            .store
            .flush(&scene.fence, &batch)
            .await
            .expect("an enqueue");
        spent += begun.elapsed();
    }
    println!("enqueue: {:.0}/s", tasks.len() as f64 / spent.as_secs_f64());
    tasks
}

/// Each flush completes what the one before leased, as a busy pool does.
async fn dispatch_and_complete(
    scene: &Scene,
    size: usize,
    next: &mut impl ExactSizeIterator<Item = &OpenTask>,
) {
    let rounds = ROUNDS.min(next.len() / 3 / size);
    let agent = AgentId(id(30));
    let mut leased: Vec<(OpenLease, OpenTask)> = Vec::new();
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let mut records = Records::default();
        let base = 3_000_000_000 + (size * 1_000_000 + round * size) as u64 * 4;
        for (n, (lease, task)) in leased.drain(..).enumerate() {
            records.attempts.push(attempt(
                &lease,
                AttemptOutcome::Completed,
                TaskState::Done,
                base + n as u64,
            ));
            records
                .ended
                .push(end(&task, TaskState::Done, base + n as u64));
        }
        for (n, task) in next.by_ref().take(size).enumerate() {
            let lease = lease(task, base + 2 * n as u64, agent);
            records.decisions.push(dispatch(&lease));
            records.leased.push(lease.clone());
            leased.push((lease, task.clone()));
        }
        records.resources = vec![resource(false, scene.workspace, 50, "search")];
        records.budgets = vec![budget(
            scene.workspace,
            60,
            scheduler::BudgetScope::Workspace,
        )];
        let batch = Batch {
            records,
            ..Batch::default()
        };
        let begun = Instant::now();
        scene
            .store
            .flush(&scene.fence, &batch)
            .await
            .expect("a flush");
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let total: Duration = times.iter().sum();
    println!(
        "flush of {size} + {size}: mean {:.2} ms, p50 {:.2} ms, p99 {:.2} ms, {:.0} dispatched and completed/s",
        total.as_secs_f64() * 1e3 / times.len() as f64,
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() * 99 / 100].as_secs_f64() * 1e3,
        (rounds * size) as f64 / total.as_secs_f64(),
    );
}

async fn load(scene: &Scene) {
    let begun = Instant::now();
    let mut loaded = 0_usize;
    scene
        .store
        .load(scene.pool, |fact| {
            loaded += usize::from(matches!(fact, Stored::Task(_)));
        })
        .await
        .expect("a load");
    println!(
        "load of {loaded} open tasks: {:.2} s",
        begun.elapsed().as_secs_f64()
    );
}
