//! The full text of tasks: found at once, found by rare and common words, and by nobody else.

#![cfg(test)]

mod support;

use scheduler::*;
use sqlx::PgPool;
use store::Store;
use store::read::{Page, TaskFilter, TaskOrder};
use store::words::Indexer;
use support::*;
use uuid::Uuid;

struct Words {
    scene: Scene,
}

impl Words {
    async fn set(pool: &PgPool, texts: &[(&str, &str)]) -> Self {
        let scene = Scene::set(Store::open((*pool.connect_options()).clone(), 8)).await;
        let created = (1..).zip(texts).map(|(n, (title, description))| {
            let mut task = task(scene.workspace, n * 1_000, needs("any"));
            task.task.title = (*title).to_owned();
            task.task.description = (*description).to_owned();
            task
        });
        let records = Records {
            created: created.collect(),
            ..Records::default()
        };
        scene.flush(records).await;
        Self { scene }
    }

    async fn index(&self, now: Time) -> u64 {
        Indexer::default()
            .round(&self.scene.store, now)
            .await
            .unwrap()
    }

    async fn found(&self, typed: &str) -> Vec<String> {
        self.found_in(typed, None, Page::default()).await
    }

    async fn found_in(&self, typed: &str, state: Option<TaskState>, page: Page) -> Vec<String> {
        let filter = TaskFilter {
            text: Some(typed.to_owned()),
            state,
            ..TaskFilter::default()
        };
        let (store, workspace) = (&self.scene.store, self.scene.workspace);
        let listed = store.tasks(workspace, &filter, page).await.unwrap();
        listed.items.into_iter().map(|task| task.title).collect()
    }
}

const TEXTS: [(&str, &str); 4] = [
    ("Find three hosts", "the cheapest in Europe"),
    ("Compare hosts", "uptime, price"),
    ("Write the report", "about HOSTS and prices"),
    ("Ünïcode 東京 o'brien", ""),
];

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn tasks_are_found_before_and_after_their_words_are_indexed(pool: PgPool) {
    let words = Words::set(&pool, &TEXTS).await;
    for round in ["before", "after"] {
        assert_eq!(
            words.found("host").await,
            ["Write the report", "Compare hosts", "Find three hosts"],
            "{round}: the beginning of a word, newest first, in titles and descriptions"
        );
        assert_eq!(
            words.found("hosts cheapest").await,
            ["Find three hosts"],
            "{round}"
        );
        assert_eq!(
            words.found("\"the report\"").await,
            ["Write the report"],
            "{round}"
        );
        assert_eq!(
            words.found("hosts -report").await,
            ["Compare hosts", "Find three hosts"],
            "{round}"
        );
        assert_eq!(words.found("東京").await.len(), 1, "{round}");
        for typed in ["Ünïcode", "ÜNÏCODE", "unicode", "O'Brien"] {
            assert_eq!(words.found(typed).await.len(), 1, "{round}: {typed}");
        }
        for nothing in ["absent", "'; DROP TABLE task; --", "!!", "& | <->"] {
            assert_eq!(words.found(nothing).await.len(), 0, "{round}: {nothing}");
        }
        let pending = Some(TaskState::Pending);
        assert_eq!(
            words
                .found_in("hosts", pending, Page::default())
                .await
                .len(),
            3
        );
        let done = Some(TaskState::Done);
        assert_eq!(
            words.found_in("hosts", done, Page::default()).await.len(),
            0
        );
        let indexed = words.index(START + Span::from_secs(60)).await;
        assert_eq!(indexed, if round == "before" { 4 } else { 0 });
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn numbers_marks_and_what_cannot_be_seen_hide_no_word(pool: PgPool) {
    let texts = [
        ("Cool it to -2 degrees", "<b>fix</b> the <urgent> one"),
        (
            "\u{202e}Reversed \u{200b}hidden",
            "see https://example.org/deep/page-a-7.html",
        ),
        ("Nothing of that", "version 1.10"),
    ];
    let words = Words::set(&pool, &texts).await;
    for round in ["before", "after"] {
        for (typed, title) in [
            ("-2", "Cool"),
            ("2 degrees", "Cool"),
            ("fix", "Cool"),
            ("<b>fix</b>", "Cool"),
            ("urgent", "Cool"),
            ("<urgent>", "Cool"),
            ("reversed", "\u{202e}Reversed"),
            ("\u{202e}reversed", "\u{202e}Reversed"),
            ("hid\u{200b}den", "\u{202e}Reversed"),
            ("a-7.html", "\u{202e}Reversed"),
            ("deep", "\u{202e}Reversed"),
            ("1.10", "Nothing"),
            ("-degrees -hidden", "Nothing"),
        ] {
            let found = words.found(typed).await;
            let first: Vec<_> = found
                .iter()
                .filter_map(|title| title.split(' ').next())
                .collect();
            assert_eq!(first, [title], "{round}: {typed}");
        }
        words.index(START + Span::from_secs(60)).await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_committed_long_after_those_behind_it_gets_its_words_too(pool: PgPool) {
    let words = Words::set(&pool, &TEXTS).await;
    let seconds = |n| START + Span::from_secs(n);
    let made_at = |at: Time| {
        let mut task = task(words.scene.workspace, 9_000, needs("any"));
        task.open.id = TaskId(Uuid::from_u128((at.as_millis() as u128) << 80));
        task.task.id = task.open.id;
        words.scene.flush(Records {
            created: vec![task],
            ..Records::default()
        })
    };
    let mut indexer = Indexer::default();
    assert_eq!(
        indexer
            .round(&words.scene.store, seconds(60))
            .await
            .unwrap(),
        4
    );
    made_at(seconds(61)).await;
    assert_eq!(
        indexer
            .round(&words.scene.store, seconds(62))
            .await
            .unwrap(),
        1
    );
    made_at(seconds(50)).await;
    let later = [63, 91].map(seconds);
    let mut found = 0;
    for now in later {
        found += indexer.round(&words.scene.store, now).await.unwrap();
    }
    assert_eq!(found, 1, "looked at again before its mark passed it");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_page_of_hits_goes_on_where_the_one_before_ended(pool: PgPool) {
    let words = Words::set(&pool, &TEXTS).await;
    words.index(START).await;
    let page = |after| Page { limit: 2, after };
    let first = words.found_in("hosts", None, page(None)).await;
    assert_eq!(first, ["Write the report", "Compare hosts"]);
    let second = words.found_in("hosts", None, page(Some(id(2_000)))).await;
    assert_eq!(second, ["Find three hosts"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_edited_text_is_found_by_its_new_words_only(pool: PgPool) {
    let words = Words::set(&pool, &TEXTS).await;
    words.index(START).await;
    let edit = TextEdit {
        workspace: words.scene.workspace,
        task: TaskId(id(1_000)),
        title: Some("Rent three SERVERS".to_owned()),
        description: None,
        version: 2,
    };
    let records = Records {
        edits: vec![edit],
        ..Records::default()
    };
    words.scene.flush(records).await;
    assert_eq!(words.found("servers").await, ["Rent three SERVERS"]);
    assert_eq!(words.found("find").await.len(), 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_workspace_s_words_are_not_found(pool: PgPool) {
    let words = Words::set(&pool, &TEXTS).await;
    words.index(START).await;
    let other = add_workspace(&words.scene.store, words.scene.pool, "other", 2).await;
    let filter = TaskFilter {
        text: Some("hosts".to_owned()),
        ..TaskFilter::default()
    };
    let listed = words
        .scene
        .store
        .tasks(other, &filter, Page::default())
        .await;
    assert!(listed.unwrap().items.is_empty());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_rare_is_found_far_behind_the_first_tasks(pool: PgPool) {
    let words = Words::set(&pool, &[("The first of many", "with a zebra")]).await;
    let workspace = words.scene.workspace;
    let created = (2..=1_200).map(|n| task(workspace, n * 1_000, needs("any")));
    let records = Records {
        created: created.collect(),
        ..Records::default()
    };
    words.scene.flush(records).await;
    let kinds = "UPDATE task SET kind = 'rare', agent = 'scout' WHERE title = 'The first of many'";
    sqlx::query(kinds).execute(&pool).await.unwrap();
    words.index(START).await;
    let rare = [
        TaskFilter {
            text: Some("zebra".to_owned()),
            ..TaskFilter::default()
        },
        TaskFilter {
            kind: Some("rare".to_owned()),
            ..TaskFilter::default()
        },
        TaskFilter {
            agent: Some("scout".to_owned()),
            class: Some(Class::Ordinary),
            ..TaskFilter::default()
        },
        TaskFilter {
            text: Some("first zebra".to_owned()),
            kind: Some("rare".to_owned()),
            state: Some(TaskState::Pending),
            ..TaskFilter::default()
        },
    ];
    for filter in rare {
        for order in [TaskOrder::Newest, TaskOrder::Oldest] {
            let filter = TaskFilter {
                order,
                ..filter.clone()
            };
            let (store, page) = (&words.scene.store, Page::default());
            let listed = store.tasks(workspace, &filter, page).await.unwrap();
            let titles: Vec<_> = listed
                .items
                .iter()
                .map(|task| task.title.as_str())
                .collect();
            assert_eq!(titles, ["The first of many"], "{filter:?}");
        }
    }
}
