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

/// What a full disk does to everything that writes.
async fn refuse_writes(house: &House, refuse: bool) {
    let refusal = "CREATE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$";
    if refuse {
        sqlx::query(refusal).execute(&house.database).await.unwrap();
    } else {
        let drop = "DROP FUNCTION refuse_all() CASCADE";
        sqlx::query(drop).execute(&house.database).await.unwrap();
        return;
    }
    for statement in [
        "CREATE TRIGGER no_space BEFORE INSERT OR UPDATE ON pool FOR EACH STATEMENT EXECUTE FUNCTION refuse_all()",
        "CREATE TRIGGER no_space BEFORE INSERT OR UPDATE ON server FOR EACH STATEMENT EXECUTE FUNCTION refuse_all()",
        "CREATE TRIGGER no_space BEFORE INSERT ON task FOR EACH STATEMENT EXECUTE FUNCTION refuse_all()",
    ] {
        sqlx::query(statement)
            .execute(&house.database)
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_pool_comes_back_when_the_database_can_write_again(database: PgPool) {
    let house = House::new(database).await;
    let other = house.store.pool_named("another").await.unwrap();
    let workspace = house.workspace_in(other, "another").await;
    let engine = house
        .engine_with(|config| {
            config.pool_ttl = Duration::from_secs(1);
            config.renew_every = Duration::from_millis(200);
        })
        .await;
    let in_other = || {
        let mut create = house.create(1);
        create.workspace = workspace;
        create
    };
    let decides = async || {
        // Who hears at once that nobody is there lets the keeper work.
        tokio::task::yield_now().await;
        let main = engine.submit(house.pool, house.create(1), None).await;
        let other = engine.submit(other, in_other(), None).await;
        main.is_ok() && other.is_ok()
    };
    soon(async { while !decides().await {} }).await;
    refuse_writes(&house, true).await;
    // Until both conductors have failed and nobody holds their pools any more.
    soon(async {
        loop {
            let _ = decides().await;
            let places = engine.health().pools;
            let free = house.store.pools_without_holder().await.unwrap();
            if free == (2, 2) && places.iter().all(|pool| pool.place == Place::Nowhere) {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!engine.health().ready);
    refuse_writes(&house, false).await;
    soon(async { while !decides().await {} }).await;
    soon(async {
        while !engine.health().ready {
            tokio::task::yield_now().await;
        }
    })
    .await;
    engine.shutdown().await;
}
