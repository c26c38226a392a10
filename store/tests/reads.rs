//! What readers see, and that no reader crosses a workspace.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use scheduler::*;
use sqlx::PgPool;
use store::Store;
use store::accounts::{Account, AccountRole, WorkspaceRole};
use store::keys::{Key, KeyRole};
use store::read::{DecisionFilter, Page, Review, TaskFilter, UsageGroup, Verdict};
use store::sessions::SessionRow;
use store::workspaces::Workspace;
use support::*;

fn store(pool: &PgPool) -> Store {
    Store::open((*pool.connect_options()).clone(), 8)
}

fn page(limit: u32, after: Option<uuid::Uuid>) -> Page {
    Page { limit, after }
}

/// A task in each state, newest last: backlog, pending, in progress, in review, done, failed, cancelled.
async fn one_of_each(scene: &Scene) -> Vec<CreatedTask> {
    let ws = scene.workspace;
    let mut tasks: Vec<_> = (1..=7)
        .map(|n| {
            task(
                ws,
                n * 1_000,
                needs(if n % 2 == 0 { "even" } else { "odd" }),
            )
        })
        .collect();
    tasks[0].open.state = TaskState::Backlog;
    tasks[3].open.state = TaskState::InReview;
    tasks[1].open.needs.agent = Some("scout".to_owned());
    let lease = lease(&tasks[2].open, 20_000, AgentId(id(30)));
    scene
        .flush(Records {
            created: tasks.clone(),
            agents: vec![agent(ws, 30, "scout")],
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            ended: vec![
                end(&tasks[4].open, TaskState::Done, 30_000),
                end(&tasks[5].open, TaskState::Failed, 31_000),
                end(&tasks[6].open, TaskState::Cancelled, 32_000),
            ],
            ..Records::default()
        })
        .await;
    tasks
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_state_lists_its_tasks_and_no_others(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let tasks = one_of_each(&scene).await;
    for (task, state) in tasks.iter().zip(TaskState::ALL) {
        let filter = TaskFilter {
            state: Some(state),
            ..TaskFilter::default()
        };
        let listed = scene
            .store
            .tasks(scene.workspace, &filter, Page::default())
            .await
            .unwrap();
        assert_eq!(
            listed.items.iter().map(|item| item.id).collect::<Vec<_>>(),
            [task.open.id],
            "{state:?}"
        );
        assert_eq!((listed.items[0].state, listed.next), (state, None));
    }
    let counts = scene.store.state_counts(scene.workspace).await.unwrap();
    let by_state = [
        counts.backlog,
        counts.pending,
        counts.in_progress,
        counts.in_review,
        counts.done,
        counts.failed,
        counts.cancelled,
    ];
    assert_eq!(by_state, [1; 7]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn filters_narrow_by_kind_class_agent_and_title(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let tasks = one_of_each(&scene).await;
    let found = async |filter: TaskFilter| {
        let listed = scene
            .store
            .tasks(scene.workspace, &filter, Page::default())
            .await
            .unwrap();
        let place = |id| tasks.iter().position(|task| task.open.id == id).unwrap();
        listed
            .items
            .iter()
            .map(|item| place(item.id))
            .collect::<Vec<_>>()
    };
    let any = TaskFilter::default();
    assert_eq!(
        found(TaskFilter {
            kind: Some("even".to_owned()),
            ..any.clone()
        })
        .await,
        [5, 3, 1]
    );
    assert_eq!(
        found(TaskFilter {
            class: Some(Class::Ordinary),
            ..any.clone()
        })
        .await
        .len(),
        7
    );
    assert_eq!(
        found(TaskFilter {
            class: Some(Class::Routine),
            ..any.clone()
        })
        .await
        .len(),
        0
    );
    assert_eq!(
        found(TaskFilter {
            agent: Some("scout".to_owned()),
            ..any.clone()
        })
        .await,
        [2, 1],
        "pinned to it or held by it"
    );
    assert_eq!(
        found(TaskFilter {
            text: Some("PRICES 3000".to_owned()),
            ..any.clone()
        })
        .await,
        [2]
    );
    assert_eq!(
        found(TaskFilter {
            text: Some("%".to_owned()),
            ..any
        })
        .await
        .len(),
        0,
        "a wildcard is a character like others"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_neither_repeat_nor_skip_when_tasks_come_meanwhile(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let first: Vec<_> = (1..=25)
        .map(|n| task(scene.workspace, n * 1_000, needs("general")))
        .collect();
    scene
        .flush(Records {
            created: first.clone(),
            ..Records::default()
        })
        .await;
    let (mut seen, mut after) = (Vec::new(), None);
    for round in 0.. {
        let listed = scene
            .store
            .tasks(scene.workspace, &TaskFilter::default(), page(10, after))
            .await
            .unwrap();
        seen.extend(listed.items.iter().map(|item| item.id));
        let later = task(scene.workspace, 100_000 + round * 1_000, needs("general"));
        scene
            .flush(Records {
                created: vec![later],
                ..Records::default()
            })
            .await;
        after = listed.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(
        seen,
        first
            .iter()
            .rev()
            .map(|task| task.open.id)
            .collect::<Vec<_>>()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn decisions_list_by_kind_task_agent_resource_and_time(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let tasks = [1_000, 2_000].map(|n| task(ws, n, needs("general")));
    let leases = [
        lease(&tasks[0].open, 10_000, AgentId(id(30))),
        lease(&tasks[1].open, 20_000, AgentId(id(31))),
    ];
    let mut changed = dispatch(&leases[0]);
    changed.id = DecisionId(id(30_000));
    (changed.at, changed.task, changed.agent, changed.resource) =
        (at(30_000), None, None, Some(ResourceId(id(50))));
    changed.facts = Facts::Policy(PolicyFacts {
        version: 2,
        changes: Vec::new(),
    });
    let decisions = vec![dispatch(&leases[0]), dispatch(&leases[1]), changed.clone()];
    scene
        .flush(Records {
            created: tasks.to_vec(),
            decisions: decisions.clone(),
            ..Records::default()
        })
        .await;
    let found = async |filter: DecisionFilter| {
        let listed = scene
            .store
            .decisions(ws, &filter, Page::default())
            .await
            .unwrap();
        listed
            .items
            .into_iter()
            .map(|item| item.decision.id)
            .collect::<Vec<_>>()
    };
    let [first, second, third] = [decisions[0].id, decisions[1].id, decisions[2].id];
    let any = DecisionFilter::default();
    assert_eq!(found(any.clone()).await, [third, second, first]);
    assert_eq!(
        found(DecisionFilter {
            kind: Some(DecisionKind::Dispatch),
            ..any.clone()
        })
        .await,
        [second, first]
    );
    assert_eq!(
        found(DecisionFilter {
            kind: Some(DecisionKind::Policy),
            ..any.clone()
        })
        .await,
        [third]
    );
    assert_eq!(
        found(DecisionFilter {
            task: Some(tasks[0].open.id),
            ..any.clone()
        })
        .await,
        [first]
    );
    assert_eq!(
        found(DecisionFilter {
            agent: Some(AgentId(id(31))),
            ..any.clone()
        })
        .await,
        [second]
    );
    assert_eq!(
        found(DecisionFilter {
            resource: Some(ResourceId(id(50))),
            ..any.clone()
        })
        .await,
        [third]
    );
    assert_eq!(
        found(DecisionFilter {
            from: Some(START + Span(20_000)),
            to: Some(START + Span(30_000)),
            ..any
        })
        .await,
        [second]
    );

    let review = Review {
        reviewer: Actor::Scheduler,
        verdict: Verdict::Disagree,
        note: None,
        at: at(1),
    };
    assert!(scene.store.review(ws, third, &review).await.unwrap());
    assert_eq!(scene.store.reviews(ws, third).await.unwrap(), [review]);
    assert_eq!(
        scene
            .store
            .decision(ws, third)
            .await
            .unwrap()
            .unwrap()
            .decision,
        changed
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn usage_sums_by_every_group(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let day_later = UsageRow {
        at: START + Span::from_secs(86_400),
        ..usage(&lease, 0, "large", 500)
    };
    scene
        .flush(Records {
            agents: vec![agent(ws, 30, "scout")],
            usage: vec![
                usage(&lease, 5, "small", 10),
                usage(&lease, 6, "small", 20),
                day_later,
            ],
            ..Records::default()
        })
        .await;
    let end = START + Span::from_secs(200_000);
    let sums = async |group| {
        let sums = scene.store.usage(ws, group, START, end).await.unwrap();
        sums.into_iter()
            .map(|sum| (sum.group.unwrap_or_default(), sum.cost_microusd))
            .collect::<Vec<_>>()
    };
    let named = |sums: &[(&str, u64)]| {
        sums.iter()
            .map(|(name, cost)| ((*name).to_owned(), *cost))
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(UsageGroup::Agent).await, named(&[("scout", 530)]));
    assert_eq!(
        sums(UsageGroup::Model).await,
        named(&[("large", 500), ("small", 30)])
    );
    assert_eq!(sums(UsageGroup::Kind).await, named(&[("general", 530)]));
    assert_eq!(
        sums(UsageGroup::Day).await,
        named(&[("2027-01-15", 30), ("2027-01-16", 500)])
    );
    assert_eq!(sums(UsageGroup::Experiment).await, named(&[("", 530)]));
    assert_eq!(scene.store.spent_since(ws, at(6)).await.unwrap(), 520);
    assert_eq!(
        scene.store.agents(ws, at(6)).await.unwrap()[0].spent_microusd,
        520
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_workspace_does_not_see_anothers_rows(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let tasks = one_of_each(&scene).await;
    let other = add_workspace(&scene.store, scene.pool, "rival", 2).await;
    let (running, decision) = (tasks[2].open.id, DecisionId(id(20_001)));
    let lease = lease(&tasks[2].open, 20_000, AgentId(id(30)));
    scene
        .flush(Records {
            usage: vec![usage(&lease, 5, "small", 10)],
            attempts: vec![attempt(
                &lease,
                AttemptOutcome::Released,
                TaskState::Pending,
                40_000,
            )],
            resources: vec![resource(false, scene.workspace, 50, "search")],
            refusals: vec![RefusalRow {
                workspace: scene.workspace,
                resource: ResourceId(id(50)),
                at: at(5),
                agent: None,
                lease: None,
                retry_after_ms: None,
            }],
            ..Records::default()
        })
        .await;
    let store = &scene.store;
    assert!(
        store
            .decision(scene.workspace, decision)
            .await
            .unwrap()
            .is_some(),
        "it is there for its own"
    );

    for state in [None].into_iter().chain(TaskState::ALL.map(Some)) {
        let filter = TaskFilter {
            state,
            ..TaskFilter::default()
        };
        assert!(
            store
                .tasks(other, &filter, Page::default())
                .await
                .unwrap()
                .items
                .is_empty(),
            "{state:?}"
        );
    }
    assert!(store.task(other, running).await.unwrap().is_none());
    assert!(
        store
            .tasks_by_id(other, &[running.0])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.texts(other, &[running]).await.unwrap().is_empty());
    assert!(store.titles(other, &[running]).await.unwrap().is_empty());
    assert!(
        store
            .task_facts(other, &[running])
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .children(other, running, Page::default())
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert!(store.attempts(other, running).await.unwrap().is_empty());
    assert_eq!(store.attempts_since(other, START).await.unwrap(), 0);
    assert!(store.decision(other, decision).await.unwrap().is_none());
    for task in [None, Some(running)] {
        let filter = DecisionFilter {
            task,
            ..DecisionFilter::default()
        };
        assert!(
            store
                .decisions(other, &filter, Page::default())
                .await
                .unwrap()
                .items
                .is_empty()
        );
    }
    let review = Review {
        reviewer: Actor::Scheduler,
        verdict: Verdict::Agree,
        note: None,
        at: at(1),
    };
    assert!(!store.review(other, decision, &review).await.unwrap());
    assert!(store.reviews(other, decision).await.unwrap().is_empty());
    assert!(store.agents(other, START).await.unwrap().is_empty());
    assert!(
        store
            .agent(other, AgentId(id(30)), START)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(store.agent_named(other, "scout").await.unwrap(), None);
    assert!(
        store
            .usage(other, UsageGroup::Agent, START, at(99_999))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.spent_since(other, START).await.unwrap(), 0);
    assert!(store.refusals_since(other, START).await.unwrap().is_empty());
    assert_eq!(
        store.state_counts(other).await.unwrap(),
        store::read::StateCounts::default()
    );
    let mut loaded = 0;
    assert!(
        store
            .load_workspace(scene.pool, other, |_| loaded += 1)
            .await
            .unwrap()
    );
    assert_eq!(loaded, 1, "the workspace itself");
}

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
