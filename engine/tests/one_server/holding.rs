//! A pool is taken, kept and let go.

use std::time::Duration;

use engine::{EngineError, Place};
use sqlx::PgPool;

use crate::support::{House, PATIENCE, key, leases, soon};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn shutting_down_answers_those_who_wait_and_frees_the_pool(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let waiting = engine.submit(
        house.pool,
        house.claim("scout", engine.now(), PATIENCE),
        None,
    );
    let stopped = async {
        house.until_waiting(&engine, "scout").await;
        engine.clone().shutdown().await;
    };
    let (answer, ()) = soon(async { tokio::join!(waiting, stopped) }).await;
    assert_eq!(leases(answer.unwrap().answer.unwrap()), []);
    assert_eq!(house.store.holder_of(house.pool).await.unwrap(), None);
    let late = engine.submit(house.pool, house.create(1), None).await;
    assert!(
        matches!(late, Err(EngineError::NoConductor | EngineError::Away)),
        "{late:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_server_that_cannot_renew_stops_deciding_before_its_pool_expires(database: PgPool) {
    let house = House::new(database).await;
    let engine = house
        .engine_with(|config| {
            config.pool_ttl = Duration::from_secs(1);
            config.renew_every = Duration::from_millis(200);
        })
        .await;
    let create = || engine.submit(house.pool, house.create(1), Some(key("create")));
    let mut lock = house.database.begin().await.unwrap();
    sqlx::query("SELECT FROM pool FOR UPDATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let answer = soon(create()).await;
    assert!(matches!(answer, Err(EngineError::Away)), "{answer:?}");
    lock.rollback().await.unwrap();
    let again = soon(async {
        loop {
            if let Ok(heard) = create().await {
                return heard;
            }
            tokio::task::yield_now().await;
        }
    });
    again.await.answer.unwrap();
    assert_eq!(
        house.count("task").await,
        1,
        "whether or not the flush that hung was committed"
    );
    engine.shutdown().await;
}

/// Another process says that it holds the pool for an hour, at the address of the tests' engines.
async fn held_by_another(house: &House) {
    sqlx::query(
        "UPDATE pool SET epoch = epoch + 1, holder = gen_random_uuid(), holder_url = 'http://127.0.0.1:9',
             expires_at = clock_timestamp() + interval '1 hour'",
    )
    .execute(&house.database)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_starts_at_a_dead_server_s_address_takes_its_pools_at_once(database: PgPool) {
    let house = House::new(database).await;
    held_by_another(&house).await;
    let shares = house.engine().await;
    assert!(
        matches!(shares.health().pools[0].place, Place::Elsewhere { .. }),
        "others may be reached at a shared address"
    );
    shares.shutdown().await;

    let engine = house
        .engine_with(|config| config.is_only_one_there = true)
        .await;
    let created = soon(engine.submit(house.pool, house.create(1), None)).await;
    assert!(created.unwrap().answer.is_ok());
    assert!(engine.health().ready);

    // One that has bound the address since is not robbed, and nothing is decided here any more.
    held_by_another(&house).await;
    let refused = soon(engine.submit(house.pool, house.create(1), None)).await;
    assert!(refused.is_err());
    soon(async {
        while engine.health().pools[0].place != Place::Nowhere {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!engine.health().ready);
    engine.shutdown().await;
}
