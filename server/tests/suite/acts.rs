//! Every server function, as every role, signed out, and on another workspace's things.

use std::collections::BTreeSet;

use crate::support::House;
use app::acts::permission::{self, Who};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use leptos::server_fn::axum::server_fn_paths;
use scheduler::{TaskId, UserId};
use serde_json::{Value, json};
use server::api;
use server::permission::Role;
use sqlx::PgPool;
use store::accounts::{Account, AccountRole, WorkspaceRole};
use tower::ServiceExt;
use uuid::Uuid;

const URL: &str = "http://127.0.0.1:9";
const PASSWORD: &str = "a stave has five lines";
const ROLES: [WorkspaceRole; 4] = [
    WorkspaceRole::Viewer,
    WorkspaceRole::Member,
    WorkspaceRole::Manager,
    WorkspaceRole::Admin,
];

/// The pages of a house, and somebody's browser.
struct Browser {
    pages: Router,
    cookie: String,
}

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Browser {
    /// Somebody with that role in `acme`.
    async fn of(house: &House, role: WorkspaceRole) -> Self {
        let email = format!("{role:?}@example.org").to_lowercase();
        let account = Account {
            id: UserId(Uuid::now_v7()),
            email: email.clone(),
            password_hash: server::password::hash(PASSWORD).unwrap(),
            role: AccountRole::Member,
            created_at: house.app.now(),
            disabled_at: None,
        };
        house.store.create_account(&account).await.unwrap();
        let acme = house.workspace("acme").await;
        let joined = house.store.put_membership(account.id, acme, role).await;
        joined.unwrap();
        let mut browser = Self::stranger(house);
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        let entered = browser.post("/login", "text/html", &fields).await;
        let cookie = entered.headers[SET_COOKIE].to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    fn stranger(house: &House) -> Self {
        let demo = server::demo::Demo::new(house.store.clone(), URL.to_owned());
        Self {
            pages: server::web::router(&house.app, &demo, URL).unwrap(),
            cookie: String::new(),
        }
    }

    async fn post(&self, path: &str, accept: &str, fields: &[(&str, impl AsRef<str>)]) -> Page {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value.as_ref())));
        let request = Request::post(path)
            .header(ACCEPT, accept)
            .header(ORIGIN, URL)
            .header(REFERER, format!("{URL}/w/acme/tasks?state=pending"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, pairs.collect::<Vec<_>>().join("&").into())
            .await
    }

    async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn send(&self, request: axum::http::request::Builder, body: Body) -> Page {
        let request = request.header(COOKIE, &self.cookie).body(body).unwrap();
        let (parts, body) = self
            .pages
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Does an act as a program would, and reads how it went.
    async fn act(&self, act: &str, fields: &[(&str, impl AsRef<str>)]) -> (StatusCode, Value) {
        let page = self
            .post(&format!("/api/pages/{act}"), "application/json", fields)
            .await;
        let body = serde_json::from_str(&page.text).unwrap_or_else(|_| json!(page.text));
        (page.status, body)
    }
}

fn escaped(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |coded, byte| format!("{coded}%{byte:02X}"))
}

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
async fn a_character_that_no_text_may_hold_is_refused_wherever_it_comes_in(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    for path in [
        "/w/acme/agents/%00",
        "/w/acme/tasks?agent=%00",
        "/w/acme/tasks.csv?kind=%00",
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
    }
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
async fn each_fault_is_marked_at_its_field_and_nothing_typed_is_lost(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Admin).await;
    let key = house.key(Role::Manager).await;
    let slots = json!({ "kind": "slots", "slots": 1 });
    house.done(&key, "PUT /resources/gpu", slots).await;
    let elsewhere = house.key_in("other", Role::Manager, "scout").await.0;
    let theirs = house.done(&elsewhere, "POST /tasks", json!({ "title": "theirs" }));
    let theirs = theirs.await["id"].as_str().unwrap().to_owned();
    let form = [
        ("title", "Kept"),
        ("priority", "high"),
        ("class", "ordinary"),
        ("max_attempts", "3"),
        ("lease_minutes", "1"),
        ("resource[]", "gpu"),
    ];
    let parent = ("parent", theirs.as_str());
    let close = [("name", "gpu"), ("reason", "Kept")];
    let form = form.as_slice();
    let cases = [
        (
            "create_task",
            "tasks/new",
            form,
            ("lease_minutes", "-1"),
            "create_task-lease_minutes",
        ),
        (
            "create_task",
            "tasks/new",
            form,
            ("amount[]", "a lot"),
            "amount-0",
        ),
        (
            "create_task",
            "tasks/new",
            form,
            parent,
            "create_task-parent",
        ),
        (
            "create_task",
            "tasks/new",
            form,
            ("due_at", "0001-01-01T00:00"),
            "create_task-due_at",
        ),
        (
            "close_resource",
            "resources/gpu",
            &close,
            ("minutes", "-5"),
            "close_resource-minutes",
        ),
    ];
    for (at, (act, page, fields, (name, bad), marked)) in cases.into_iter().enumerate() {
        let once = format!("a-faulty-form-{at}");
        let own = [("ws", "acme"), ("form", act), ("once", &*once), (name, bad)];
        let typed = fields.iter().copied().filter(|(field, _)| *field != name);
        let sent: Vec<_> = own.into_iter().chain(typed).collect();
        let path = format!("/api/pages/{act}");
        let answer = browser.post(&path, "text/html", &sent).await;
        let to = answer.headers[LOCATION].to_str().unwrap();
        let said = to.split("said=").nth(1).unwrap().split('#').next().unwrap();
        let shown = browser.get(&format!("/w/acme/{page}?said={said}")).await;
        let text = &shown.text;
        assert!(text.contains("One field cannot be used"), "{name}: {text}");
        let (_, control) = text
            .split_once(&format!("<input id=\"{marked}\""))
            .expect(marked);
        let (control, _) = control.split_once('>').unwrap();
        assert!(
            control.contains("aria-invalid=\"true\""),
            "{name}: {control}"
        );
        assert!(
            control.contains(&format!("value=\"{bad}\"")),
            "{name}: {control}"
        );
        assert!(
            text.contains(&format!("id=\"{marked}-fault\"")),
            "{name}: {text}"
        );
        assert!(text.contains("value=\"Kept\""), "{name}: {text}");
    }
    let key = [
        ("ws", "acme"),
        ("once", "a-faulty-key"),
        ("role", "agent"),
        ("name", "scout"),
    ];
    let (status, said) = browser.act("create_key", &key).await;
    assert_eq!(status, StatusCode::CONFLICT, "{said}");
    assert_eq!(
        said["faults"],
        json!([]),
        "no field of its reader's is at fault"
    );
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
async fn without_scripts_the_page_comes_back_with_a_notice_or_with_what_was_typed(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    let id = task(&house, "Come back").await;
    let fields = [
        ("ws", "acme"),
        ("once", "first-form"),
        ("task", id.as_str()),
    ];
    let answer = browser
        .post("/api/pages/hold_task", "text/html", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let back = answer.headers[LOCATION].to_str().unwrap();
    assert!(
        back.starts_with("/w/acme/tasks?state=pending&said="),
        "{back}"
    );
    let page = browser.get(back).await;
    assert!(
        page.text.contains("Held. Nothing starts it"),
        "{}",
        page.text
    );
    let plain = browser.get("/w/acme/tasks?state=pending").await;
    assert!(!plain.text.contains("Held. Nothing starts it"));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_typed_when_the_session_had_ended_stands_in_its_form_after_signing_in(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let mut browser = Browser::of(&house, WorkspaceRole::Member).await;
    browser.cookie = String::new();
    let typed = "Draw \"the map\"\r\nof <all> &amp; it</textarea><b>";
    let fields = [
        ("ws", "acme"),
        ("once", "a-late-form"),
        ("form", "create_task"),
        ("title", "Draw the map"),
        ("description", typed),
    ];
    let answer = browser
        .post("/api/pages/create_task", "text/html", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.text);
    assert!(
        answer.text.contains("You were signed out"),
        "{}",
        answer.text
    );
    let hidden = |page: &Page, name: &str| {
        let (_, value) = page
            .text
            .split_once(&format!("name=\"{name}\" value=\""))
            .unwrap();
        let (value, _) = value.split_once('"').unwrap();
        let plain = value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
        plain.replace("&amp;", "&")
    };
    let enter = |page: &Page, password: &str| {
        let fields = [("email", "member@example.org"), ("password", password)];
        let fields = fields.map(|(name, value)| (name, value.to_owned()));
        let kept = ["next", "draft"].map(|name| (name, hidden(page, name)));
        [fields, kept].concat()
    };
    let wrong = enter(&answer, "not hers");
    let wrong = browser.post("/login", "text/html", &wrong).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.text.contains("do not belong together"),
        "{}",
        wrong.text
    );
    let right = enter(&wrong, PASSWORD);
    let right = browser.post("/login", "text/html", &right).await;
    let to = right.headers[LOCATION].to_str().unwrap();
    assert!(to.starts_with("/w/acme/tasks?state=pending&said="), "{to}");
    browser.cookie = right.headers[SET_COOKIE].to_str().unwrap().to_owned();
    let said = to.split("said=").nth(1).unwrap().split('#').next().unwrap();
    let page = browser.get(&format!("/w/acme/tasks/new?said={said}")).await;
    for words in [
        "You were signed out",
        "value=\"Draw the map\"",
        "of &lt;all> &amp;amp; it&lt;/textarea>&lt;b>",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let manager = house.key(Role::Manager).await;
    assert_eq!(house.get(&manager, "/tasks").await.body["items"], json!([]));
    let elsewhere = [
        ("email", "x"),
        ("password", "x"),
        ("next", "//evil.example"),
        ("draft", "{}"),
    ];
    let elsewhere = browser.post("/login", "text/html", &elsewhere).await;
    assert_eq!(hidden(&elsewhere, "next"), "/");
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
