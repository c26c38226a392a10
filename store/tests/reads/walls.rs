//! No reader crosses a workspace.

use scheduler::*;
use sqlx::PgPool;
use store::read::{DecisionFilter, Page, Review, TaskFilter, UsageGroup, Verdict};

use crate::support::*;
use crate::{one_of_each, store};

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
    let stands = store.review(other, decision, &review).await.unwrap();
    assert_eq!(stands, None);
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
        store.end_counts(other).await.unwrap(),
        store::read::EndCounts::default()
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
