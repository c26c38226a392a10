//! Every server function, as every role, signed out, and on another workspace's things.

mod browser;
mod typed;

use std::collections::BTreeSet;

use crate::support::House;
use app::acts::permission::{self, Who};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{Request, StatusCode};
use browser::{Browser, escaped};
use leptos::server_fn::axum::server_fn_paths;
use scheduler::TaskId;
use serde_json::{Value, json};
use server::api;
use server::permission::Role;
use sqlx::PgPool;
use store::accounts::WorkspaceRole;
use uuid::Uuid;

const ROLES: [WorkspaceRole; 4] = [
    WorkspaceRole::Viewer,
    WorkspaceRole::Member,
    WorkspaceRole::Manager,
    WorkspaceRole::Admin,
];

async fn task(house: &House, title: &str) -> String {
    let manager = house.key(Role::Manager).await;
    let made = house
        .done(&manager, "POST /tasks", json!({ "title": title }))
        .await;
    made["id"].as_str().unwrap().to_owned()
}

async fn state(house: &House, task: &str) -> String {
    let acme = house.workspace("acme").await;
    let id: TaskId = task.parse().unwrap();
    let found = house.store.task(acme, id).await.unwrap().unwrap();
    found.task.state.as_str().to_owned()
}

/// The decisions by which people overruled what Baton would do with a task.
async fn overrides(house: &House, task: &str) -> Vec<Value> {
    let manager = house.key(Role::Manager).await;
    let path = format!("/decisions?kind=override&task={task}");
    let listed = house.get(&manager, &path).await;
    listed.body["items"].as_array().unwrap().clone()
}

#[test]
fn every_server_function_is_in_the_table_and_the_table_has_no_other() {
    let mounted: BTreeSet<_> = server_fn_paths()
        .map(|(path, method)| format!("{method} {path}"))
        .collect();
    let table: BTreeSet<_> = permission::TABLE
        .iter()
        .map(|one| format!("POST /api/pages/{}", one.act))
        .collect();
    assert_eq!(mounted, table);
}

#[test]
fn the_pages_and_the_interface_ask_for_the_same_role() {
    for one in permission::TABLE {
        let Some(name) = one.route else { continue };
        let table = api::table();
        let route = table.iter().find(|route| route.name == name).expect(name);
        let Who::AtLeast(least) = one.who else {
            panic!("{name} belongs to a workspace");
        };
        for role in ROLES {
            let key = Role::named(&format!("{role:?}").to_lowercase()).unwrap();
            assert_eq!(route.who.allows(key), role >= least, "{name} as {role:?}");
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_character_that_no_text_may_hold_is_left_out_of_addresses_and_refused_in_forms(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    for (path, to) in [
        ("/w/acme/agents/%00", "/w/acme/agents/"),
        ("/w/acme/tasks?agent=%00", "/w/acme/tasks?agent="),
        ("/w/acme/tasks.csv?kind=%00a", "/w/acme/tasks.csv?kind=a"),
        ("/%00/other.example", "/"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(page.headers[LOCATION], to, "{path}");
    }
    let nonsense = browser.get("/w/acme/tasks?state=nonsense").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST);
    assert!(nonsense.text.contains("Show the whole list"));
    for (path, field) in [("/api/pages/create_task", "title"), ("/login", "email")] {
        let page = browser.post(path, "text/html", &[(field, "a\0b")]).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
    }
    let page = browser.get("/w/acme/tasks?q=100%2500").await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "a percent sign and two zeros are text"
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_act_lets_in_whom_the_table_names_and_nobody_else(database: PgPool) {
    let house = House::new(&database).await;
    let stranger = Browser::stranger(&house);
    for one in permission::TABLE {
        let (status, said) = stranger.act(one.act, &[("ws", "acme")]).await;
        assert_eq!(
            status,
            StatusCode::SEE_OTHER,
            "{} signed out: {said}",
            one.act
        );
    }
    for role in ROLES {
        let browser = Browser::of(&house, role).await;
        for one in permission::TABLE {
            let fields = [("ws", "acme"), ("once", "an-act-of-a-test")];
            let (status, said) = browser.act(one.act, &fields).await;
            let expected = match one.who {
                Who::SignedIn => true,
                Who::AtLeast(least) => role >= least,
                Who::Installation => false,
            };
            let refused = status == StatusCode::FORBIDDEN;
            assert_eq!(
                expected, !refused,
                "{} as {role:?}: {status} {said}",
                one.act
            );
            assert!(!status.is_server_error(), "{} as {role:?}: {said}", one.act);
            let Who::AtLeast(_) = one.who else { continue };
            let elsewhere = [("ws", "other"), ("once", "an-act-of-a-test")];
            let (status, _) = browser.act(one.act, &elsewhere).await;
            assert_eq!(
                status,
                StatusCode::NOT_FOUND,
                "{} in another workspace",
                one.act
            );
        }
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_viewer_is_told_at_a_form_that_they_only_read(database: PgPool) {
    let house = House::new(&database).await;
    let id = task(&house, "Not theirs to change").await;
    let viewer = Browser::of(&house, WorkspaceRole::Viewer).await;
    for path in ["tasks/new".to_owned(), format!("tasks/{id}/edit")] {
        let page = viewer.get(&format!("/w/acme/{path}")).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
        assert!(page.text.contains("You may only read here"), "{path}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_agents_write_is_text_on_every_page(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Manager).await;
    let manager = house.key(Role::Manager).await;
    let hostile = "</textarea></title></script></style><img src=x>\"'";
    let task = json!({ "title": hostile, "description": hostile, "kind": hostile,
        "capabilities": [hostile], "payload": { "x": hostile } });
    let made = house.done(&manager, "POST /tasks", task).await;
    let id = made["id"].as_str().unwrap();
    let boost = json!({ "pin": true, "reason": hostile,
        "expires_at": house.app.now() + scheduler::Span::from_secs(60) });
    house
        .done(&manager, &format!("POST /tasks/{id}/boost"), boost)
        .await;
    let decision = &overrides(&house, id).await[0]["id"];
    for path in [
        "tasks".to_owned(),
        format!("tasks/{id}"),
        format!("tasks/{id}/edit"),
        format!("tasks?q={}", escaped(hostile)),
        format!("find?q={}", escaped(hostile)),
        format!("decisions/{}", decision.as_str().unwrap()),
    ] {
        let page = browser.get(&format!("/w/acme/{path}")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.contains("img src=x"), "{path}");
        assert!(!page.text.contains("<img src=x"), "{path}: {}", page.text);
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_form_sent_twice_is_done_once_and_answered_alike(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    let id = task(&house, "Twice").await;
    let fields = [
        ("ws", "acme"),
        ("once", "the-same-form"),
        ("task", id.as_str()),
    ];
    let (first, second) = tokio::join!(
        browser.act("hold_task", &fields),
        browser.act("hold_task", &fields)
    );
    assert_eq!(first, second);
    assert_eq!(first.0, StatusCode::OK, "{}", first.1);
    assert_eq!(state(&house, &id).await, "backlog");
    assert_eq!(overrides(&house, &id).await.len(), 1);
    let other = [("reason", "another"), fields[0], fields[1], fields[2]];
    let (status, said) = browser.act("hold_task", &other).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn work_is_not_taken_from_an_agent_unasked(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    let id = task(&house, "At work").await;
    let scout = house.key_in("acme", Role::Agent, "scout").await.0;
    house.done(&scout, "POST /claims", json!({})).await;
    let own = [("ws", "acme"), ("task", &*id)];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        own.iter().chain(more).copied().collect()
    };
    let (status, said) = browser
        .act("hold_task", &with(&[("once", "held-while-waiting")]))
        .await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    let several = [
        ("ws", "acme"),
        ("once", "held-with-others"),
        ("act", "hold"),
        ("task[]", &*id),
    ];
    let (status, said) = browser.act("change_tasks", &several).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    assert!(
        said.to_string().contains("An agent is at work on it"),
        "{said}"
    );
    assert_eq!(state(&house, &id).await, "in_progress");
    let asked = with(&[("once", "held-and-meant"), ("asked", "yes")]);
    assert_eq!(browser.act("hold_task", &asked).await.0, StatusCode::OK);
    assert_eq!(state(&house, &id).await, "backlog");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_made_anew_overwrites_nothing(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Manager).await;
    let budget = [
        ("scope", "workspace"),
        ("unit", "tokens"),
        ("limit", "100"),
        ("window", "day"),
    ];
    let resource = [("kind", "slots"), ("slots", "100")];
    for (act, fields) in [("set_budget", &budget[..]), ("set_resource", &resource)] {
        let form = |once: &str, is: &str, limit: &str| {
            let once = format!("{act}-{once}");
            let own = [
                ("ws", "acme"),
                ("name", "mine"),
                ("once", &*once),
                ("is", is),
            ];
            let fields = fields.iter().map(|&(name, text)| match text {
                "100" => (name, limit),
                _ => (name, text),
            });
            let all = own.into_iter().chain(fields);
            all.map(|(name, text)| (name, text.to_owned()))
                .collect::<Vec<_>>()
        };
        let first = browser.act(act, &form("first", "new", "100")).await;
        assert_eq!(first.0, StatusCode::OK, "{}", first.1);
        let again = browser.act(act, &form("first", "new", "100")).await;
        assert_eq!(first, again);
        let (status, said) = browser.act(act, &form("second", "new", "7")).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
        assert!(
            said.to_string().contains("There is one of this name"),
            "{said}"
        );
        let (status, said) = browser.act(act, &form("third", "", "9")).await;
        assert_eq!(status, StatusCode::OK, "{said}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_the_pool_shares_is_changed_and_offered_to_be_changed_by_admins_only(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let slots = json!({ "kind": "slots", "slots": 1, "scope": "pool" });
    house.done(&admin, "PUT /resources/gpu", slots).await;
    let close = json!({ "reason": "broken" });
    house.done(&admin, "POST /resources/gpu/close", close).await;
    let task = json!({ "title": "t", "requires": [{ "resource": "gpu", "amount": 1 }] });
    let made = house.done(&admin, "POST /tasks", task).await;
    let task = format!("/w/acme/tasks/{}", made["id"].as_str().unwrap());
    let acts = [
        ("close_resource", &[("minutes", "5"), ("reason", "why")][..]),
        ("reopen_resource", &[]),
        ("set_resource", &[("kind", "slots"), ("slots", "2")]),
    ];
    for role in [WorkspaceRole::Manager, WorkspaceRole::Admin] {
        let browser = Browser::of(&house, role).await;
        let may = role == WorkspaceRole::Admin;
        let page = browser.get("/w/acme/resources/gpu?slots=4").await;
        assert_eq!(page.status, StatusCode::OK);
        for act in ["reopen_resource", "set_resource"] {
            assert_eq!(page.text.contains(act), may, "{act} as {role:?}");
        }
        let page = browser.get(&task).await;
        let offered = page.text.contains("Open the resource again");
        assert_eq!(offered, may, "{role:?}: {}", page.text);
        for (act, fields) in acts {
            let own = [("ws", "acme"), ("once", act), ("name", "gpu")];
            let (status, said) = browser.act(act, &[&own, fields].concat()).await;
            let expected = if may {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            assert_eq!(status, expected, "{act} as {role:?}: {said}");
        }
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_budget_of_a_task_tree_names_a_task_of_the_workspace(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Manager).await;
    let (known, unknown) = (task(&house, "Root").await, Uuid::now_v7().to_string());
    for (of, expected) in [
        (&unknown, StatusCode::UNPROCESSABLE_ENTITY),
        (&known, StatusCode::OK),
    ] {
        let fields = [
            ("ws", "acme"),
            ("once", of),
            ("name", "tree"),
            ("is", "new"),
            ("scope", "task_tree"),
            ("of", of),
            ("unit", "tokens"),
            ("limit", "100"),
            ("window", "day"),
        ];
        let (status, said) = browser.act("set_budget", &fields).await;
        assert_eq!(status, expected, "{said}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_review_sent_twice_is_said_once(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Manager).await;
    let id = task(&house, "Looked at").await;
    let hold = [("ws", "acme"), ("once", "a-hold-form"), ("task", &*id)];
    browser.act("hold_task", &hold).await;
    let decision = &overrides(&house, &id).await[0]["id"];
    let fields = [
        ("ws", "acme"),
        ("once", "a-review-form"),
        ("decision", decision.as_str().unwrap()),
        ("verdict", "agree"),
    ];
    let (first, second) = tokio::join!(
        browser.act("review_decision", &fields),
        browser.act("review_decision", &fields)
    );
    assert_eq!(first, second);
    assert_eq!(first.0, StatusCode::OK, "{}", first.1);
    let mut otherwise = fields;
    otherwise[3].1 = "disagree";
    let (status, said) = browser.act("review_decision", &otherwise).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    let manager = house.key(Role::Manager).await;
    let path = format!("/decisions/{}", fields[2].1);
    let shown = house.get(&manager, &path).await;
    assert_eq!(shown.body["reviews"].as_array().unwrap().len(), 1);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_act_on_several_tasks_says_why_it_left_some_as_they_were(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    let (waits, unknown) = (task(&house, "Waits").await, Uuid::now_v7().to_string());
    let mut over = Vec::new();
    for once in ["first-cancelled", "second-cancelled"] {
        let id = task(&house, once).await;
        let cancel = [("ws", "acme"), ("once", once), ("task", &*id)];
        browser.act("cancel_task", &cancel).await;
        over.push(id);
    }
    let hold = |once: &'static str, tasks: &[&str]| {
        let chosen = tasks.iter().map(|id| ("task[]", (*id).to_owned()));
        let own = [("ws", "acme"), ("once", once), ("act", "hold")];
        let own = own.map(|(name, value)| (name, value.to_owned()));
        own.into_iter().chain(chosen).collect::<Vec<_>>()
    };
    let wrong_state = "It is cancelled by now, and this does not go with that.";
    let not_here = "What this was about is not here, or not yours to see.";

    let some = hold("some-of-them", &[&over[0], &waits, &unknown, &over[1]]);
    let (status, said) = browser.act("change_tasks", &some).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let words =
        format!("1 task held, 3 left as they were. 2 tasks: {wrong_state} 1 task: {not_here}");
    assert_eq!(said["words"], words);
    assert_eq!(state(&house, &waits).await, "backlog");

    let alike = hold("all-alike", &[&over[0], &over[1]]);
    let (status, said) = browser.act("change_tasks", &alike).await;
    assert_eq!(
        (status, &said["words"]),
        (StatusCode::CONFLICT, &json!(wrong_state))
    );

    let none = hold("none-of-them", &[&over[0], &unknown]);
    let (_, said) = browser.act("change_tasks", &none).await;
    let words = format!("No task was changed. 1 task: {wrong_state} 1 task: {not_here}");
    assert_eq!(
        (&said["done"], &said["words"]),
        (&json!(false), &json!(words))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_another_site_sends_and_what_is_too_large_changes_nothing(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Admin).await;
    let id = task(&house, "Stay").await;
    let path = "/api/pages/cancel_task";
    let body = format!("ws=acme&once=forged-form&task={id}");
    let forged = Request::post(path)
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let forged = browser.send(forged, body.into()).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let long = "x".repeat(300 << 10);
    let (status, _) = browser
        .act(
            "cancel_task",
            &[("ws", "acme"), ("task", &id), ("reason", &long)],
        )
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(state(&house, &id).await, "pending");
    house.close().await;
}
