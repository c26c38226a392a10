//! A demo can be taken away whole, and nothing else can.

#![cfg(test)]

mod support;

use scheduler::{Policy, Span, WorkspaceId};
use sqlx::PgPool;
use store::Store;
use store::workspaces::Workspace;
use support::{START, Scene, id};

const TTL: Span = Span::from_secs(60);

fn workspace(n: u64) -> Workspace {
    Workspace {
        id: WorkspaceId(id(n)),
        pool: id(n + 1).into(),
        slug: format!("demo-{n}"),
        name: "Demo".to_owned(),
        goal: String::new(),
        created_at: START,
    }
}

fn stored(database: &PgPool) -> Store {
    Store::open((*database.connect_options()).clone(), 5)
}

async fn demo(store: &Store, n: u64) -> Workspace {
    let made = workspace(n);
    store
        .create_demo(&made, &Policy::default(), id(n + 2), TTL)
        .await
        .unwrap();
    made
}

async fn decide(database: &PgPool, workspace: WorkspaceId, n: u64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO decision (id, workspace_id, at, policy_version, kind, actor, facts)
         VALUES ($1, $2, now(), 1, 'policy', '{}', '{}')",
    )
    .bind(id(n))
    .bind(workspace.0)
    .execute(database)
    .await
    .map(drop)
}

async fn decisions(database: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM decision")
        .fetch_one(database)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn there_is_one_demo_at_a_time(database: PgPool) {
    let store = stored(&database);
    demo(&store, 10).await;
    let second = store
        .create_demo(&workspace(20), &Policy::default(), id(22), TTL)
        .await;
    assert!(
        matches!(second, Err(store::StoreError::Taken)),
        "{second:?}"
    );
    assert!(store.keep_demo(id(12), TTL).await.unwrap());
    assert!(!store.keep_demo(id(22), TTL).await.unwrap(), "another's");
    store.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_demo_goes_once_its_pool_is_let_go_and_takes_nothing_of_others(database: PgPool) {
    let scene = Scene::set(stored(&database)).await;
    let store = scene.store.clone();
    let made = demo(&store, 10).await;
    decide(&database, scene.workspace, 30).await.unwrap();
    decide(&database, made.id, 31).await.unwrap();
    let held = store
        .try_take(made.pool, id(7), "http://one", TTL)
        .await
        .unwrap()
        .unwrap();
    assert!(!store.erase_demo(made.id).await.unwrap(), "not closed");
    store.close_demo(made.id).await.unwrap();
    assert!(!store.erase_demo(made.id).await.unwrap(), "still held");
    assert!(!store.keep_demo(id(12), TTL).await.unwrap());
    assert!(store.release(&held.fence).await.unwrap());
    let again = store.try_take(made.pool, id(7), "http://one", TTL).await;
    assert_eq!(again.unwrap(), None, "a closing pool is taken by nobody");

    assert!(store.erase_demo(made.id).await.unwrap());
    assert_eq!(decisions(&database).await, 1, "the other's decision stays");
    assert_eq!(store.demo().await.unwrap(), None);
    assert!(store.workspace(made.id).await.unwrap().is_none());
    assert!(store.workspace(scene.workspace).await.unwrap().is_some());
    assert!(!store.erase_demo(scene.workspace).await.unwrap());
    store.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_people_decided_by_cannot_become_a_demo_and_is_not_erased(database: PgPool) {
    let scene = Scene::set(stored(&database)).await;
    decide(&database, scene.workspace, 30).await.unwrap();
    let marked = sqlx::query(
        "INSERT INTO demo (workspace_id, runner, expires_at) VALUES ($1, gen_random_uuid(), now())",
    )
    .bind(scene.workspace.0)
    .execute(&database)
    .await;
    assert!(marked.is_err(), "a workspace with decisions");
    let made = demo(&scene.store, 10).await;
    let moved = sqlx::query("UPDATE demo SET workspace_id = $1")
        .bind(scene.workspace.0)
        .execute(&database)
        .await;
    assert!(moved.is_err(), "a demo that becomes another's");
    scene.store.close_demo(made.id).await.unwrap();
    let deleted = sqlx::query("DELETE FROM decision WHERE workspace_id = $1")
        .bind(scene.workspace.0)
        .execute(&database)
        .await;
    assert!(deleted.is_err(), "decisions are append-only");
    assert_eq!(decisions(&database).await, 1);
    scene.store.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn needs_that_another_workspace_shares_stay(database: PgPool) {
    let scene = Scene::set(stored(&database)).await;
    let made = demo(&scene.store, 10).await;
    for (workspace, task, needs) in [
        (made.id, 40, 60),
        (made.id, 41, 61),
        (scene.workspace, 42, 60),
    ] {
        sqlx::query("INSERT INTO needs (id, needs) VALUES ($1, '{}') ON CONFLICT DO NOTHING")
            .bind(id(needs))
            .execute(&database)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO task (workspace_id, id, created_at, needs_id, score, depth, priority, class, kind, title,
                               description, created_by)
             VALUES ($1, $2, now(), $3, 0, 0, 'medium', 'ordinary', 'general', 'A task', '', '{}')",
        )
        .bind(workspace.0)
        .bind(id(task))
        .bind(id(needs))
        .execute(&database)
        .await
        .unwrap();
    }
    scene.store.close_demo(made.id).await.unwrap();
    assert!(scene.store.erase_demo(made.id).await.unwrap());
    let left: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT id FROM needs")
        .fetch_all(&database)
        .await
        .unwrap();
    assert_eq!(left, [id(60)]);
    scene.store.close().await;
}
