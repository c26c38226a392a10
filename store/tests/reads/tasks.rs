//! Lists of tasks.

use scheduler::*;
use sqlx::PgPool;
use store::read::{Page, TaskFilter, TaskOrder};

use crate::support::*;
use crate::{one_of_each, page, store};

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
    let counts = scene.store.end_counts(scene.workspace).await.unwrap();
    assert_eq!([counts.done, counts.failed, counts.cancelled], [1; 3]);
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
async fn every_order_pages_through_all_it_lists_and_nothing_twice(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let mut made: Vec<_> = (1..=9)
        .map(|n| task(scene.workspace, n * 1_000, needs("general")))
        .collect();
    let day = Span::from_secs(86_400);
    for (place, due) in [(2, 3), (0, 5), (1, 5), (3, 1)] {
        let due = Some(START + Span(day.0 * due));
        made[place].open.due_at = due;
    }
    let ended = [
        (5, TaskState::Done, 1),
        (6, TaskState::Failed, 90_000_000),
        (7, TaskState::Done, 30),
    ];
    scene
        .flush(Records {
            created: made.clone(),
            ended: ended
                .map(|(place, state, n)| end(&made[place].open, state, n))
                .into(),
            ..Records::default()
        })
        .await;
    let listed = async |order, state, text: Option<&str>| {
        let filter = TaskFilter {
            order,
            state,
            text: text.map(str::to_owned),
            ..TaskFilter::default()
        };
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = page(2, after);
            let listed = scene.store.tasks(scene.workspace, &filter, page).await;
            let listed = listed.unwrap();
            let place = |id| made.iter().position(|task| task.open.id == id).unwrap();
            seen.extend(listed.items.iter().map(|item| place(item.id)));
            after = listed.next;
            if after.is_none() {
                return seen;
            }
        }
    };
    let ended = TaskOrder::Ended(at(100_000_000));
    for text in [None, Some("prices")] {
        assert_eq!(
            listed(TaskOrder::Oldest, None, text).await,
            [0, 1, 2, 3, 4, 5, 6, 7, 8]
        );
        assert_eq!(
            listed(TaskOrder::Oldest, Some(TaskState::Pending), text).await,
            [0, 1, 2, 3, 4, 8]
        );
        assert_eq!(listed(TaskOrder::Due, None, text).await, [3, 2, 0, 1]);
        assert_eq!(listed(ended, None, text).await, [6, 7, 5]);
        assert_eq!(listed(ended, Some(TaskState::Done), text).await, [7, 5]);
    }
}
