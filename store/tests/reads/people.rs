//! Keys, accounts and sessions.

use scheduler::*;
use sqlx::PgPool;
use store::accounts::{Account, AccountRole, WorkspaceRole};
use store::keys::{Key, KeyRole};
use store::read::Page;
use store::sessions::SessionRow;
use store::workspaces::Workspace;

use crate::store;
use crate::support::*;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_opens_its_workspace_until_it_runs_out_or_is_revoked(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    scene
        .flush(Records {
            agents: vec![agent(ws, 30, "scout")],
            ..Records::default()
        })
        .await;
    let key = Key {
        id: KeyId(id(40)),
        workspace: ws,
        name: "laptop".to_owned(),
        role: KeyRole::Agent,
        agent: Some(AgentId(id(30))),
        prefix: "bt_abc".to_owned(),
        created_at: START,
        expires_at: Some(at(50)),
        last_used_at: None,
        revoked_at: None,
    };
    let store = &scene.store;
    store.create_key(&key, &[1; 32]).await.unwrap();
    let opened = store.open_by_key(&[1; 32], at(49)).await.unwrap().unwrap();
    assert_eq!(
        (opened.workspace, opened.pool, opened.role),
        (ws, scene.pool, KeyRole::Agent)
    );
    assert_eq!(opened.agent, Some((AgentId(id(30)), "scout".to_owned())));
    assert_eq!(store.open_by_key(&[1; 32], at(50)).await.unwrap(), None);
    assert_eq!(store.open_by_key(&[2; 32], at(1)).await.unwrap(), None);
    store.touch_keys(&[key.id], at(3)).await.unwrap();
    assert_eq!(
        store.keys(ws, Page::default()).await.unwrap().items[0]
            .key
            .last_used_at,
        Some(at(3))
    );
    let other = add_workspace(store, scene.pool, "rival", 2).await;
    assert!(!store.revoke_key(other, key.id, at(4)).await.unwrap());
    assert!(store.revoke_key(ws, key.id, at(4)).await.unwrap());
    assert_eq!(store.open_by_key(&[1; 32], at(5)).await.unwrap(), None);
    let twin = Key {
        id: KeyId(id(41)),
        ..key
    };
    assert!(matches!(
        store.create_key(&twin, &[1; 32]).await,
        Err(store::StoreError::Taken)
    ));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_first_account_needs_the_code_and_there_is_only_one_first(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let store = &scene.store;
    let account = |n, email: &str| Account {
        id: UserId(id(n)),
        email: email.to_owned(),
        password_hash: "$argon2id$".to_owned(),
        role: AccountRole::Admin,
        created_at: START,
        disabled_at: None,
    };
    let first = Workspace {
        id: WorkspaceId(id(90)),
        pool: scene.pool,
        slug: "first".to_owned(),
        name: "First".to_owned(),
        goal: String::new(),
        created_at: START,
    };
    assert!(store.needs_setup().await.unwrap() && store.offer_setup(&[9; 32]).await.unwrap());
    assert!(
        !store
            .set_up(
                &account(80, "ada@example.org"),
                &first,
                &Policy::default(),
                &[8; 32]
            )
            .await
            .unwrap()
    );
    assert!(
        store
            .set_up(
                &account(80, "Ada@example.org"),
                &first,
                &Policy::default(),
                &[9; 32]
            )
            .await
            .unwrap()
    );
    assert!(
        !store
            .set_up(
                &account(81, "eve@example.org"),
                &first,
                &Policy::default(),
                &[9; 32]
            )
            .await
            .unwrap()
    );
    let made = store.workspace_by_slug("first").await.unwrap();
    assert_eq!(made.map(|made| made.id), Some(first.id));
    assert!(!store.needs_setup().await.unwrap() && !store.offer_setup(&[9; 32]).await.unwrap());
    assert!(matches!(
        store.create_account(&account(82, "ADA@example.org")).await,
        Err(store::StoreError::Taken)
    ));
    assert_eq!(
        store
            .account_by_email("aDa@example.org")
            .await
            .unwrap()
            .unwrap()
            .id,
        UserId(id(80))
    );

    let member = Account {
        role: AccountRole::Member,
        ..account(83, "bob@example.org")
    };
    store.create_account(&member).await.unwrap();
    assert!(store.memberships(member.id).await.unwrap().is_empty());
    store
        .put_membership(member.id, scene.workspace, WorkspaceRole::Manager)
        .await
        .unwrap();
    assert_eq!(
        store.memberships(member.id).await.unwrap()[0].role,
        WorkspaceRole::Manager
    );
    assert_eq!(
        store.memberships(UserId(id(80))).await.unwrap()[0].role,
        WorkspaceRole::Admin
    );
    for _ in 0..3 {
        store
            .login_attempted("BOB@example.org", "10.0.0.1", false, at(5))
            .await
            .unwrap();
    }
    let failures = store
        .login_failures("bob@example.org", "10.0.0.2", at(4))
        .await
        .unwrap();
    assert_eq!((failures.by_email, failures.by_address), (3, 0));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_session_ends_when_idle_and_at_its_last_hour(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let store = &scene.store;
    let mut session = SessionRow {
        id_hash: [3; 32],
        account: None,
        data: serde_json::json!({"theme": "dark"}),
        created_at: START,
        idle_expires_at: at(10),
        absolute_expires_at: at(20),
    };
    store.create_session(&session).await.unwrap();
    assert!(matches!(
        store.create_session(&session).await,
        Err(store::StoreError::Taken)
    ));
    assert_eq!(
        store.session(&[3; 32], at(9)).await.unwrap().as_ref(),
        Some(&session)
    );
    assert_eq!(store.session(&[3; 32], at(10)).await.unwrap(), None);
    (session.idle_expires_at, session.absolute_expires_at) = (at(99), at(99));
    store.save_session(&session).await.unwrap();
    assert!(store.session(&[3; 32], at(19)).await.unwrap().is_some());
    assert_eq!(
        store.session(&[3; 32], at(20)).await.unwrap(),
        None,
        "no save moves the last end"
    );
    assert_eq!(
        store::retention::tick(store, at(20))
            .await
            .unwrap()
            .sessions,
        1
    );
    assert!(!store.delete_session(&[3; 32]).await.unwrap());
}
