//! What is summed behind the flushes: readers never see the difference.

#![cfg(test)]

mod support;

use scheduler::*;
use sqlx::PgPool;
use store::Store;
use store::read::EndCounts;
use support::*;

const HOUR: Span = Span::from_secs(3_600);

fn store(pool: &PgPool) -> Store {
    Store::open((*pool.connect_options()).clone(), 4)
}

/// Reports of a cent each: two in the first hour, one in the next, one the next day.
async fn spend(scene: &Scene, lease: &OpenLease) {
    let hours = [0, 0, 1, 20];
    let report = |hours: i64| UsageRow {
        at: START + Span(HOUR.0 * hours) + SECOND,
        ..usage(lease, 0, "small", 10_000)
    };
    scene
        .flush(Records {
            agents: vec![agent(scene.workspace, 30, "scout")],
            usage: hours.map(report).into(),
            ..Records::default()
        })
        .await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_spent_since_any_instant_is_the_same_before_and_after_it_is_summed(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let made = task(scene.workspace, 1_000, needs("writing"));
    let lease = lease(&made.open, 20_000, AgentId(id(30)));
    spend(&scene, &lease).await;
    let minute = Span::from_secs(60);
    let instants = [
        START - HOUR,
        START,
        START + SECOND,
        START + minute,
        START + HOUR,
        START + HOUR + minute,
        START + Span(16 * HOUR.0),
        START + Span(21 * HOUR.0),
    ];
    let spent = async || {
        let mut cents = Vec::new();
        for since in instants {
            let spent = scene.store.spent_since(scene.workspace, since).await;
            cents.push(spent.unwrap() / 10_000);
        }
        cents
    };
    let truth = [4, 4, 4, 2, 2, 1, 1, 0];
    assert_eq!(spent().await, truth);
    // Each moves the line between what is summed and what is not: within the first hour, behind it, at
    // last behind all. The database's own clock is behind these instants and holds nothing back.
    for now in [
        minute,
        Span(HOUR.0 + minute.0),
        Span(2 * HOUR.0),
        Span(30 * HOUR.0),
    ] {
        store::sums::tick(&scene.store, START + now).await.unwrap();
        assert_eq!(spent().await, truth, "{now:?}");
    }
    let spent_by = scene
        .store
        .spent_by(scene.workspace, &BudgetScope::Workspace, START);
    let spent_by = spent_by.await.unwrap();
    assert_eq!(
        spent_by
            .iter()
            .map(|one| (one.tokens, one.cost_microusd))
            .collect::<Vec<_>>(),
        [(4 * 1_020, 40_000)]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn ends_are_counted_once_and_a_task_taken_up_again_has_not_ended(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let made: Vec<_> = (0..6)
        .map(|n| task(scene.workspace, n * 1_000, needs("writing")))
        .collect();
    let ends = |tasks: &[CreatedTask], state, at| -> Vec<EndedTask> {
        tasks
            .iter()
            .map(|task| end(&task.open, state, at))
            .collect()
    };
    let mut ended = ends(&made[..3], TaskState::Done, 10);
    ended.extend(ends(&made[3..5], TaskState::Failed, 20));
    scene
        .flush(Records {
            created: made.clone(),
            ended,
            ..Records::default()
        })
        .await;
    let counts = async || scene.store.end_counts(scene.workspace).await.unwrap();
    let first = EndCounts {
        done: 3,
        failed: 2,
        cancelled: 0,
    };
    assert_eq!(counts().await, first);
    let tick = async |hours: i64| {
        let now = START + Span(HOUR.0 * hours);
        store::sums::tick(&scene.store, now).await.unwrap()
    };
    assert_eq!(tick(1).await, 5);
    assert_eq!(tick(2).await, 0, "nothing is summed twice");
    assert_eq!(counts().await, first);
    scene
        .flush(Records {
            changed: vec![made[4].open.clone()],
            ended: ends(&made[5..], TaskState::Cancelled, 7_200_000),
            ..Records::default()
        })
        .await;
    let then = EndCounts {
        done: 3,
        failed: 1,
        cancelled: 1,
    };
    assert_eq!(counts().await, then);
    tick(4).await;
    assert_eq!(counts().await, then);
}
