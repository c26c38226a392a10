//! Several servers over one database: any of them answers, and one that dies takes nothing with it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::Duration;

use engine::{EngineError, Place};
use scheduler::{Query, Question, Reply, TaskState, View};
use sqlx::PgPool;
use support::{House, PATIENCE, Server, heard, is_done, key, leases, soon};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_server_that_does_not_hold_the_pool_answers_too(database: PgPool) {
    let house = House::new(database).await;
    let (holder, other) = (house.server().await, house.server().await);
    assert!(matches!(
        holder.engine.health().pools[0].place,
        Place::Here { .. } | Place::Loading
    ));
    assert!(matches!(
        other.engine.health().pools[0].place,
        Place::Elsewhere { .. }
    ));

    let waiting = other.submit(
        house.pool,
        house.claim("scout", other.engine.now(), PATIENCE),
        None,
    );
    house.until_waiting(&other.engine, "scout").await;
    let created = other.answer(&house, house.create(1)).await;
    assert!(matches!(created, Reply::Created { .. }));
    let given = soon(waiting).await.unwrap().unwrap();
    assert_eq!(given.texts[0].title, "task 0");
    let lease = leases(given.answer.unwrap()).remove(0);
    let question = Question {
        workspace: house.workspace,
        query: Query::Summary,
    };
    let View::Summary { summary } = soon(other.engine.view(house.pool, question)).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((summary.pending, summary.in_progress), (0, 1));
    assert!(is_done(
        &holder.answer(&house, house.complete(&lease)).await
    ));
    assert!(
        soon(other.engine.stats(house.pool))
            .await
            .unwrap()
            .dispatch_latency
            .p50_ns
            > 0
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_claim_withdrawn_at_one_server_is_withdrawn_at_the_other(database: PgPool) {
    let house = House::new(database).await;
    let (holder, other) = (house.server().await, house.server().await);
    let gone = other.submit(
        house.pool,
        house.claim("gone", other.engine.now(), PATIENCE),
        None,
    );
    house.until_waiting(&holder.engine, "gone").await;
    gone.abort();
    house
        .until_agents(&holder.engine, |agents| {
            agents.iter().all(|agent| !agent.waiting)
        })
        .await;
    other.answer(&house, house.create(1)).await;
    assert_eq!(
        house.count("dispatch").await,
        0,
        "nobody is there to take it"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn both_servers_hear_what_one_committed(database: PgPool) {
    let house = House::new(database).await;
    let (holder, other) = (house.server().await, house.server().await);
    let (mut here, mut there) = (holder.engine.events(), other.engine.events());
    other.answer(&house, house.create(1)).await;
    let pending = |event: &engine::Event| {
        event
            .items
            .iter()
            .any(|item| item.state == Some(TaskState::Pending))
    };
    let (one, two) = (
        heard(&mut here, pending).await,
        heard(&mut there, pending).await,
    );
    assert_eq!(one, two);
}

/// Kills the holder while a flush of it hangs in the database, and says what the caller then does:
/// it asks the other server again, under the same key.
async fn killed_in_mid_flush(house: &House, holder: Server, other: &Server) -> Reply {
    let mut lock = house.database.begin().await.unwrap();
    sqlx::query("SELECT FROM pool FOR UPDATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let create = house.create(1);
    let unanswered = holder.submit(house.pool, create.clone(), Some(key("create")));
    house.until_blocked().await;
    holder.kill();
    assert!(
        !matches!(soon(unanswered).await, Ok(Ok(_))),
        "answered before it was committed"
    );
    lock.rollback().await.unwrap();
    soon(async {
        loop {
            match other
                .submit(house.pool, create.clone(), Some(key("create")))
                .await
                .unwrap()
            {
                Ok(heard) => return heard.answer.unwrap(),
                Err(EngineError::Away | EngineError::NoConductor) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_holder_killed_in_mid_flush_loses_nothing_and_doubles_nothing(database: PgPool) {
    let house = House::new(database).await;
    let (holder, other) = (house.server().await, house.server().await);
    let before = holder.answer(&house, house.create(2)).await;
    let Reply::Created { tasks: before } = before else {
        panic!("{before:?}")
    };
    let claim = house.claim("scout", holder.engine.now(), Duration::ZERO);
    let lease = leases(holder.answer(&house, claim).await).remove(0);
    assert_eq!(lease.task, before[0].id);

    let created = killed_in_mid_flush(&house, holder, &other).await;
    assert!(matches!(created, Reply::Created { .. }));
    assert_eq!(
        house.count("task").await,
        3,
        "two before, one in the flush that was cut, none twice"
    );
    assert!(matches!(
        other.engine.health().pools[0].place,
        Place::Here { .. }
    ));
    assert!(
        is_done(&other.answer(&house, house.complete(&lease)).await),
        "the lease outlives its conductor"
    );
    for _ in 0..2 {
        let claim = house.claim("scout", other.engine.now(), Duration::ZERO);
        let lease = leases(other.answer(&house, claim).await).remove(0);
        assert!(is_done(&other.answer(&house, house.complete(&lease)).await));
    }
    assert_eq!(
        (house.count("done").await, house.count("dispatch").await),
        (3, 3)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_conductor_that_lost_its_pool_writes_nothing(database: PgPool) {
    let house = House::new(database).await;
    let holder = house.server().await;
    holder.answer(&house, house.create(1)).await;
    // Somebody took the pool while the holder slept.
    sqlx::query(
        "UPDATE pool SET epoch = epoch + 1, holder = gen_random_uuid(), holder_url = 'http://127.0.0.1:9',
             expires_at = clock_timestamp() + interval '1 second'",
    )
    .execute(&house.database)
    .await
    .unwrap();
    let answer = soon(holder.submit(house.pool, house.create(1), None))
        .await
        .unwrap();
    assert!(
        matches!(answer, Err(EngineError::Away | EngineError::NoConductor)),
        "{answer:?}"
    );
    assert_eq!(house.count("task").await, 1);
    soon(async {
        while !matches!(holder.submit(house.pool, house.create(1), None).await.unwrap(), Ok(heard) if heard.answer.is_ok()) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        house.count("task").await,
        2,
        "taken again once the other had let it expire"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_server_that_stops_in_order_hands_over_at_once(database: PgPool) {
    let house = House::new(database).await;
    let (holder, other) = (house.server().await, house.server().await);
    holder.answer(&house, house.create(1)).await;
    let mut events = other.engine.events();
    holder.stop().await;
    heard(&mut events, |event| {
        event.reset && event.pool == Some(house.pool)
    })
    .await;
    let claim = house.claim("scout", other.engine.now(), PATIENCE);
    assert_eq!(leases(other.answer(&house, claim).await).len(), 1);
}
