//! Tasks and leases as they come, go on and end.

use scheduler::*;
use sqlx::PgPool;

use crate::support::*;
use crate::{count, created, store};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_flushed_is_what_is_loaded(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let mut first = task(ws, 1_000, needs("general"));
    first.open.due_at = Some(at(99));
    first.open.not_before = Some(at(98));
    first.open.backing_off = true;
    (first.open.attempts, first.open.epoch) = (2, 3);
    first.open.priority = Priority::Urgent;
    first.open.boost = Some(Boost {
        score_delta: Some(50),
        expires_at: at(97),
    });
    let mut second = task(ws, 2_000, needs("general"));
    second.open.ancestors = vec![first.open.id, TaskId(id(900))];
    second.task.depends_on = vec![first.open.id];
    second.open.waits_for = vec![first.open.id];
    second.open.boost = Some(Boost {
        score_delta: None,
        expires_at: at(97),
    });
    let mut held = task(ws, 3_000, needs("other"));
    held.open.state = TaskState::Backlog;
    let third = task(ws, 4_000, needs("other"));
    let lease = lease(&third.open, 5_000, AgentId(id(30)));
    let permit = PermitRow {
        id: PermitId(id(70)),
        workspace: ws,
        agent: AgentId(id(30)),
        granted_at: at(1),
        expires_at: at(2),
        grants: lease.grants.clone(),
    };
    let rows = (
        resource(true, ws, 50, "search"),
        resource(false, ws, 51, "search"),
        budget(ws, 60, BudgetScope::Agent(AgentId(id(30)))),
        agent(ws, 30, "scout"),
    );
    let flushed = scene
        .flush(Records {
            created: vec![first.clone(), second.clone(), held.clone(), third.clone()],
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            resources: vec![rows.0.clone(), rows.1.clone()],
            budgets: vec![rows.2.clone()],
            agents: vec![rows.3.clone()],
            permits: vec![permit.clone()],
            policies: vec![PolicyRow {
                workspace: ws,
                version: 2,
                at: at(3),
                policy: Policy::default(),
            }],
            ..Records::default()
        })
        .await;
    assert_eq!(flushed.texts[&third.open.id].title, third.task.title);

    first.open.children = 1;
    let expected = [
        Stored::Workspace {
            id: ws,
            policy: Policy::default(),
            policy_version: 2,
        },
        Stored::Resource(rows.0),
        Stored::Resource(rows.1),
        Stored::Budget(rows.2),
        Stored::Agent(rows.3),
        Stored::Task(Box::new(first.open)),
        Stored::Task(Box::new(second.open)),
        Stored::Task(Box::new(held.open)),
        Stored::Task(Box::new(third.open)),
        Stored::Lease(lease),
        Stored::Permit(permit),
    ];
    assert_eq!(
        scene.loaded().await,
        expected.map(|fact| format!("{fact:?}"))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn as_many_loads_as_there_are_connections_do_not_wait_for_each_other(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let created = (0..5_000).map(|n| task(scene.workspace, n, needs("general")));
    scene
        .flush(Records {
            created: created.collect(),
            ..Records::default()
        })
        .await;
    let (one, other) = tokio::join!(scene.loaded(), scene.loaded());
    assert_eq!(one.len(), 5_001);
    assert!(one == other);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_is_leased_renewed_completed_and_gone(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let flushed = scene
        .flush(Records {
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            ..Records::default()
        })
        .await;
    let text = &flushed.texts[&new.open.id];
    assert_eq!(
        (&text.title, &text.needs, text.version),
        (&new.task.title, &*new.open.needs, 1)
    );
    assert_eq!(
        flushed.texts,
        scene.store.texts(ws, &[new.open.id]).await.unwrap()
    );

    let renewed = RenewedLease {
        workspace: ws,
        task: lease.task,
        lease: lease.id,
        expires_at: at(90_000),
        progress: Some(0.5),
        note: Some("halfway".to_owned()),
        reservations: vec![Reservation {
            budget: BudgetId(id(60)),
            left: 1_000,
            used: 1_000,
        }],
    };
    let quieter = RenewedLease {
        progress: None,
        note: None,
        expires_at: at(91_000),
        ..renewed.clone()
    };
    scene
        .flush(Records {
            renewed: vec![renewed.clone(), quieter],
            ..Records::default()
        })
        .await;
    let running = scene
        .store
        .task(ws, new.open.id)
        .await
        .unwrap()
        .unwrap()
        .task;
    let live = running.lease.unwrap();
    assert_eq!(running.state, TaskState::InProgress);
    assert_eq!(
        (live.expires_at, live.progress, live.note.as_deref()),
        (at(91_000), Some(0.5), Some("halfway"))
    );

    let mut ended = end(&new.open, TaskState::Done, 3_000);
    ended.output = Some(serde_json::json!({"answer": 42}));
    scene
        .flush(Records {
            attempts: vec![attempt(
                &lease,
                AttemptOutcome::Completed,
                TaskState::Done,
                3_000,
            )],
            ended: vec![ended],
            usage: vec![usage(&lease, 2_500, "small", 70)],
            ..Records::default()
        })
        .await;
    assert_eq!(
        scene.loaded().await.len(),
        2,
        "only the workspace and what its kind of task took is left to load"
    );
    let done = scene.store.task(ws, new.open.id).await.unwrap().unwrap();
    assert_eq!(
        (done.task.state, done.end.unwrap().output),
        (TaskState::Done, Some(serde_json::json!({"answer": 42})))
    );
    let decision = scene
        .store
        .decision(ws, lease.decision)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(decision.outcome.unwrap().outcome, AttemptOutcome::Completed);
    let attempts = scene.store.attempts(ws, new.open.id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].cost_microusd), (1, 70));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_came_and_went_within_one_batch_leaves_only_its_history(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let (new, other) = (
        task(ws, 1_000, needs("general")),
        task(ws, 2_000, needs("general")),
    );
    let titles = [new.task.title.clone(), other.task.title.clone()];
    let mut first = lease(&new.open, 3_000, AgentId(id(30)));
    first.grants[0].slots = vec![0];
    let mut second = lease(&other.open, 4_000, AgentId(id(30)));
    second.grants[0].slots = vec![0];
    let flushed = scene
        .flush(Records {
            created: vec![new.clone(), other.clone()],
            leased: vec![first.clone(), second.clone()],
            attempts: vec![attempt(
                &first,
                AttemptOutcome::Revoked,
                TaskState::Cancelled,
                5_000,
            )],
            ended: vec![end(&new.open, TaskState::Cancelled, 5_000)],
            slots_freed: freed(&first.grants, first.id.0),
            ..Records::default()
        })
        .await;
    assert_eq!(
        [&new, &other].map(|task| flushed.texts[&task.open.id].title.clone()),
        titles
    );
    let loaded = scene.loaded().await;
    assert!(loaded.contains(&format!("{:?}", Stored::Lease(second))));
    assert_eq!(loaded.len(), 3);
    let gone = scene.store.task(ws, new.open.id).await.unwrap().unwrap();
    assert_eq!(gone.task.state, TaskState::Cancelled);
    assert_eq!(count(&pool, "attempt").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_failed_task_that_others_wait_on_is_kept_and_can_be_retried(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let mut failed = new.open.clone();
    (failed.state, failed.attempts, failed.epoch) = (TaskState::Failed, 3, 3);
    let ended = EndedTask {
        kept: true,
        ..end(&new.open, TaskState::Failed, 2_000)
    };
    scene
        .flush(Records {
            changed: vec![failed.clone()],
            ended: vec![ended],
            ..Records::default()
        })
        .await;
    assert!(
        scene
            .loaded()
            .await
            .contains(&format!("{:?}", Stored::Task(Box::new(failed.clone()))))
    );
    assert_eq!(
        scene
            .store
            .task(ws, new.open.id)
            .await
            .unwrap()
            .unwrap()
            .task
            .state,
        TaskState::Failed
    );

    let mut again = failed.clone();
    (again.state, again.attempts) = (TaskState::Pending, 0);
    scene
        .flush(Records {
            changed: vec![again],
            ..Records::default()
        })
        .await;
    assert_eq!(
        scene
            .store
            .task(ws, new.open.id)
            .await
            .unwrap()
            .unwrap()
            .task
            .state,
        TaskState::Pending
    );
    assert_eq!(count(&pool, "task_end").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn facts_of_a_finished_task_are_enough_to_take_it_up_again(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let root = task(ws, 1_000, needs("general"));
    let mut middle = task(ws, 2_000, needs("general"));
    middle.open.ancestors = vec![root.open.id];
    let mut leaf = task(ws, 3_000, needs("general"));
    leaf.open.ancestors = vec![middle.open.id, root.open.id];
    leaf.task.depends_on = vec![root.open.id];
    leaf.open.waits_for = vec![root.open.id];
    scene
        .flush(created(&[root.clone(), middle.clone(), leaf.clone()]))
        .await;
    scene
        .flush(Records {
            ended: vec![end(&leaf.open, TaskState::Cancelled, 4_000)],
            ..Records::default()
        })
        .await;
    let asked = [leaf.open.id, middle.open.id, TaskId(id(999))];
    let facts = scene.store.task_facts(ws, &asked).await.unwrap();
    assert_eq!(facts.len(), 2, "an identifier nobody knows is left out");
    let fact = facts.iter().find(|fact| fact.id == leaf.open.id).unwrap();
    let reopen = fact.reopen.as_deref().unwrap();
    assert_eq!(
        (&fact.ancestors, fact.state),
        (&leaf.open.ancestors, TaskState::Cancelled)
    );
    assert_eq!(
        (&reopen.waits_for, &reopen.needs, reopen.attempts),
        (&leaf.open.waits_for, &leaf.open.needs, 1)
    );
    let open = facts.iter().find(|fact| fact.id == middle.open.id).unwrap();
    assert_eq!((open.children, open.reopen.is_none()), (1, true));
}
