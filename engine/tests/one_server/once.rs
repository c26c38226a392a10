//! One answer and one effect; busy when there is too much.

use std::time::Duration;

use engine::EngineError;
use sqlx::PgPool;

use crate::support::{House, PATIENCE, key, leases, soon};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_key_gives_the_same_answer_and_one_effect(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let ask = async |command, name| soon(engine.submit(house.pool, command, Some(key(name)))).await;

    let first = ask(house.create(1), "create").await.unwrap();
    let again = ask(house.create(1), "create").await.unwrap();
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(first.answer, again.answer);
    assert_eq!(house.count("task").await, 1);

    let claim = || house.claim("scout", engine.now(), Duration::ZERO);
    let first = ask(claim(), "claim").await.unwrap();
    let again = ask(claim(), "claim").await.unwrap();
    assert_eq!((&first.answer, &first.texts), (&again.answer, &again.texts));
    assert_eq!(house.count("lease").await, 1);

    let mut other = key("create");
    other.request_hash = [8; 32];
    let other = engine
        .submit(house.pool, house.create(1), Some(other))
        .await;
    assert!(
        matches!(other, Err(EngineError::IdempotencyMismatch)),
        "{other:?}"
    );
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_character_that_no_text_may_hold_is_refused_and_spoils_nothing(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let mut poisoned = house.create(1);
    let scheduler::Request::CreateTasks(create) = &mut poisoned.request else {
        panic!("tasks are made");
    };
    create.tasks[0].payload = Some(serde_json::json!({ "deep": ["a\u{0}b"] }));
    let (poisoned, sound) = soon(Box::pin(async {
        tokio::join!(
            engine.submit(house.pool, poisoned, None),
            engine.submit(house.pool, house.create(1), None)
        )
    }))
    .await;
    let refused = poisoned.unwrap().answer;
    assert!(
        matches!(refused, Err(scheduler::Refusal::Invalid { .. })),
        "{refused:?}"
    );
    assert!(sound.unwrap().answer.is_ok());
    assert_eq!(house.count("task").await, 1);
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_key_at_the_same_time_runs_once(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let claim = || house.claim("scout", engine.now(), PATIENCE);
    let waiting = engine.submit(house.pool, claim(), Some(key("claim")));
    let second = async {
        house.until_waiting(&engine, "scout").await;
        let second = engine.submit(house.pool, claim(), Some(key("claim"))).await;
        engine
            .submit(house.pool, house.create(1), None)
            .await
            .unwrap()
            .answer
            .unwrap();
        second
    };
    let (first, second) = soon(Box::pin(async { tokio::join!(waiting, second) })).await;
    assert!(
        matches!(second, Err(EngineError::StillRunning)),
        "{second:?}"
    );
    assert_eq!(leases(first.unwrap().answer.unwrap()).len(), 1);
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn callers_hear_busy_when_the_inbox_is_full_and_nothing_taken_is_lost(database: PgPool) {
    let house = House::new(database).await;
    let engine = house
        .engine_with(|config| (config.bounds.inbox, config.bounds.batch) = (2, 1))
        .await;
    engine
        .submit(house.pool, house.create(1), None)
        .await
        .unwrap()
        .answer
        .unwrap();
    let mut lock = house.database.begin().await.unwrap();
    sqlx::query("SELECT FROM pool FOR UPDATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let mut asked = tokio::task::JoinSet::new();
    let mut refused = 0;
    for _ in 0..8 {
        let (engine, pool, create) = (engine.clone(), house.pool, house.create(1));
        asked.spawn(async move { engine.submit(pool, create, None).await });
    }
    house.until_blocked().await;
    while let Some(Err(EngineError::Busy)) = asked.try_join_next().map(Result::unwrap) {
        refused += 1;
    }
    lock.rollback().await.unwrap();
    let mut taken = 0;
    while let Some(answer) = soon(asked.join_next()).await {
        match answer.unwrap() {
            Ok(heard) => taken += i64::from(heard.answer.is_ok()),
            Err(EngineError::Busy) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 0, "an inbox of two took eight");
    assert_eq!(house.count("task").await, 1 + taken);
    engine.shutdown().await;
}
