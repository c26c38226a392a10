//! A pool decided in one process: what is asked, answered, remembered, heard.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod support;

use std::time::Duration;

use engine::{EngineError, Place, Resume};
use scheduler::{CreateTasks, Query, Question, Refusal, Reply, Request, TaskId, TaskState, View};
use sqlx::PgPool;
use support::{House, PATIENCE, heard, is_done, key, leases, soon, task};
use uuid::Uuid;

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
async fn a_workspace_made_later_is_loaded_when_it_is_asked_for(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let later = store::workspaces::Workspace {
        id: scheduler::WorkspaceId(Uuid::now_v7()),
        slug: "later".into(),
        ..house
            .store
            .workspace(house.workspace)
            .await
            .unwrap()
            .unwrap()
    };
    house
        .store
        .create_workspace(&later, &scheduler::Policy::default())
        .await
        .unwrap();
    let mut create = house.create(1);
    create.workspace = later.id;
    assert!(
        soon(engine.submit(house.pool, create, None))
            .await
            .unwrap()
            .answer
            .is_ok()
    );
    let question = Question {
        workspace: later.id,
        query: Query::Summary,
    };
    let View::Summary { summary } = soon(engine.view(house.pool, question)).await.unwrap() else {
        panic!()
    };
    assert_eq!(summary.pending, 1);

    let mut nowhere = house.create(1);
    nowhere.workspace = scheduler::WorkspaceId(Uuid::now_v7());
    let answer = soon(engine.submit(house.pool, nowhere, None))
        .await
        .unwrap()
        .answer;
    assert_eq!(answer, Err(Refusal::NotFound));
    engine.shutdown().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_flush_that_failed_is_forgotten_and_work_goes_on(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let create = || engine.submit(house.pool, house.create(1), Some(key("create")));
    let mut lock = house.database.begin().await.unwrap();
    sqlx::query("SELECT FROM pool FOR UPDATE")
        .execute(&mut *lock)
        .await
        .unwrap();
    let cut = async {
        let pid = house.until_blocked().await;
        sqlx::query("SELECT pg_terminate_backend($1)")
            .bind(pid)
            .execute(&house.database)
            .await
            .unwrap();
        lock.rollback().await.unwrap();
    };
    let (answer, ()) = soon(async { tokio::join!(create(), cut) }).await;
    assert!(matches!(answer, Err(EngineError::Away)), "{answer:?}");

    let again = soon(async {
        loop {
            if let Ok(heard) = create().await {
                return heard;
            }
            tokio::task::yield_now().await;
        }
    });
    again.await.answer.unwrap();
    assert_eq!(house.count("task").await, 1);
    engine.shutdown().await;
}

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
async fn what_is_committed_is_heard_and_can_be_resumed(database: PgPool) {
    let house = House::new(database).await;
    let engine = house.engine().await;
    let mut events = engine.events();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let created = engine
            .submit(house.pool, house.create(1), None)
            .await
            .unwrap()
            .answer
            .unwrap();
        let Reply::Created { tasks } = created else {
            panic!("{created:?}")
        };
        let id = Some(tasks[0].id.0);
        seen.push(
            heard(&mut events, |event| {
                event.items.iter().any(|item| item.id == id)
            })
            .await,
        );
    }
    let items = seen[0].for_workspace(house.pool, house.workspace).unwrap();
    assert!(
        items
            .iter()
            .any(|item| item.state == Some(TaskState::Pending))
    );
    let Resume::Events(since) = engine.events_since(house.pool, seen[0].id()) else {
        panic!("forgotten")
    };
    assert_eq!(since.last(), Some(&seen[1]));
    assert!(since.iter().all(|event| event.id() > seen[0].id()));
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

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_agent_made_behind_the_conductor_s_back_is_found_by_the_safety_net(database: PgPool) {
    let house = House::new(database).await;
    let engine = house
        .engine_with(|config| config.polls.busy = Duration::from_millis(50))
        .await;
    engine
        .submit(house.pool, house.create(1), None)
        .await
        .unwrap()
        .answer
        .unwrap();
    let id = support::agent_id("clerk");
    house
        .store
        .ensure_agent(house.workspace, "clerk", id)
        .await
        .unwrap();
    house
        .until_agents(&engine, |agents| agents.iter().any(|agent| agent.id == id))
        .await;
    engine.shutdown().await;
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
