//! What agents and authors do.

use std::time::Duration;

use scheduler::{CreateTasks, Refusal, Reply, Request, TaskId, TaskState};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{House, PATIENCE, heard, is_done, leases, soon, task};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_goes_in_is_leased_and_comes_out_done(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let ask = async |command| {
        soon(engine.submit(house.pool, command, None))
            .await
            .unwrap()
    };

    ask(house.create(2)).await.answer.unwrap();
    let given = ask(house.claim("scout", engine.now(), Duration::ZERO)).await;
    let lease = leases(given.answer.unwrap()).remove(0);
    assert_eq!(
        given
            .texts
            .iter()
            .map(|text| (text.id, &*text.title))
            .collect::<Vec<_>>(),
        [(lease.task, "task 0")]
    );
    assert!(is_done(&ask(house.complete(&lease)).await.answer.unwrap()));
    assert_eq!(
        ask(house.complete(&lease)).await.answer,
        Err(Refusal::LeaseLost)
    );
    assert_eq!(house.count("done").await, 1);
    assert_eq!(house.count("dispatch").await, 1);
    assert_eq!(house.count("lease").await, 0);
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_agent_that_waits_gets_the_task_with_its_creation(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let waiting = engine.submit(
        house.pool,
        house.claim("scout", engine.now(), PATIENCE),
        None,
    );
    let created = async {
        house.until_waiting(&engine, "scout").await;
        engine
            .submit(house.pool, house.create(1), None)
            .await
            .unwrap()
            .answer
            .unwrap()
    };
    let (given, created) = soon(Box::pin(async { tokio::join!(waiting, created) })).await;
    let given = given.unwrap();
    let Reply::Created { tasks } = created else {
        panic!("{created:?}")
    };
    assert_eq!(leases(given.answer.unwrap())[0].task, tasks[0].id);
    assert_eq!(given.texts[0].title, "task 0");
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_claim_withdrawn_leases_nothing(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let mut gone = Box::pin(engine.submit(
        house.pool,
        house.claim("gone", engine.now(), PATIENCE),
        None,
    ));
    tokio::select! {
        answer = &mut gone => panic!("{answer:?}"),
        () = house.until_waiting(&engine, "gone") => {}
    }
    drop(gone);
    engine
        .submit(house.pool, house.create(1), None)
        .await
        .unwrap()
        .answer
        .unwrap();
    let claim = house.claim("here", engine.now(), Duration::ZERO);
    let given = soon(engine.submit(house.pool, claim, None)).await.unwrap();
    assert_eq!(leases(given.answer.unwrap()).len(), 1);
    assert_eq!(
        house.count("dispatch").await,
        1,
        "only the agent that is there was given it"
    );
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_lease_given_to_a_caller_that_is_gone_goes_to_another(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    engine
        .submit(house.pool, house.create(1), None)
        .await
        .unwrap()
        .answer
        .unwrap();
    for _ in 0..20 {
        let mut gone = Box::pin(engine.submit(
            house.pool,
            house.claim("gone", engine.now(), PATIENCE),
            None,
        ));
        // Polled once, so that it is sent, and never again.
        assert!(futures::poll!(&mut gone).is_pending());
        drop(gone);
    }
    let claim = house.claim("here", engine.now(), PATIENCE);
    let given = soon(engine.submit(house.pool, claim, None)).await.unwrap();
    let lease = leases(given.answer.unwrap()).remove(0);
    assert!(is_done(
        &soon(engine.submit(house.pool, house.complete(&lease), None))
            .await
            .unwrap()
            .answer
            .unwrap()
    ));
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dependency_the_conductor_let_go_of_is_found_in_the_store(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let ask = async |command| {
        soon(engine.submit(house.pool, command, None))
            .await
            .unwrap()
            .answer
    };
    ask(house.create(1)).await.unwrap();
    let lease = leases(
        ask(house.claim("scout", engine.now(), Duration::ZERO))
            .await
            .unwrap(),
    )
    .remove(0);
    assert!(is_done(&ask(house.complete(&lease)).await.unwrap()));

    let after = |dependency| {
        let mut task = task("after");
        task.depends_on = vec![dependency];
        house.command(Request::CreateTasks(CreateTasks {
            tasks: vec![task],
            facts: Vec::new(),
        }))
    };
    let created = ask(after(lease.task)).await.unwrap();
    let Reply::Created { tasks } = created else {
        panic!("{created:?}")
    };
    assert_eq!(tasks[0].state, TaskState::Pending);
    assert_eq!(
        leases(
            ask(house.claim("scout", engine.now(), Duration::ZERO))
                .await
                .unwrap()
        )[0]
        .task,
        tasks[0].id
    );

    let nobody = TaskId(Uuid::now_v7());
    assert!(
        ask(after(nobody)).await.is_err(),
        "a dependency that does not exist"
    );
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_lease_that_nobody_renews_runs_out_by_itself(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let mut short = task("short");
    short.needs.lease_ms = 200;
    let create = CreateTasks {
        tasks: vec![short],
        facts: Vec::new(),
    };
    let ask = async |command| {
        soon(engine.submit(house.pool, command, None))
            .await
            .unwrap()
            .answer
            .unwrap()
    };
    ask(house.command(Request::CreateTasks(create))).await;
    let mut events = engine.events();
    let lease = leases(ask(house.claim("scout", engine.now(), Duration::ZERO)).await).remove(0);
    let becomes = |state| {
        let fits =
            move |item: &engine::Item| item.id == Some(lease.task.0) && item.state == Some(state);
        move |event: &engine::Event| event.items.iter().any(fits)
    };
    heard(&mut events, becomes(TaskState::InProgress)).await;
    heard(&mut events, becomes(TaskState::Pending)).await;
    assert!(engine.now() >= lease.expires_at);
    assert_eq!(house.count("lease").await, 0);
    engine.shutdown().await;
}
