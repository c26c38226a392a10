//! What is loaded, heard, and found again.

use std::time::Duration;

use engine::{EngineError, Resume};
use scheduler::{Query, Question, Refusal, Reply, TaskState, View};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{House, agent_id, heard, key, soon};

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
    let id = agent_id("clerk");
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
