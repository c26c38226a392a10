//! What was typed comes back: in the page of a refused form, and through sign-in.

use super::browser::{Browser, PASSWORD, Page};
use super::task;
use crate::support::House;
use axum::http::StatusCode;
use axum::http::header::{LOCATION, SET_COOKIE};
use serde_json::json;
use server::permission::Role;
use sqlx::PgPool;
use store::accounts::WorkspaceRole;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_fault_is_marked_at_its_field_and_nothing_typed_is_lost(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Admin).await;
    let key = house.key(Role::Manager).await;
    house.slots(&key, "gpu", 1).await;
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
async fn what_somebody_else_changed_stands_below_what_was_typed(database: PgPool) {
    let house = House::new(&database).await;
    let browser = Browser::of(&house, WorkspaceRole::Member).await;
    let id = task(&house, "Before").await;
    let edit = format!("/w/acme/tasks/{id}/edit");
    let opened = browser.get(&edit).await;
    let seen = |field: &str| {
        let name = format!("name=\"seen-{field}\" value=\"");
        let (_, mark) = opened.text.split_once(&name).expect(field);
        mark.split_once('"').unwrap().0
    };
    let theirs = json!({ "title": "Theirs", "description": "By another", "version": 1 });
    let manager = house.key(Role::Manager).await;
    house
        .done(&manager, &format!("PATCH /tasks/{id}"), theirs)
        .await;
    let sent = [
        ("ws", "acme"),
        ("form", "change_task"),
        ("once", "an-edit-too-late"),
        ("task", &*id),
        ("version", "1"),
        ("title", "Mine"),
        ("seen-title", seen("title")),
        ("description", ""),
        ("seen-description", seen("description")),
        ("priority", "medium"),
        ("class", "ordinary"),
    ];
    let answer = browser
        .post("/api/pages/change_task", "text/html", &sent)
        .await;
    let to = answer.headers[LOCATION].to_str().unwrap();
    let said = to.split("said=").nth(1).unwrap().split('#').next().unwrap();
    let shown = browser.get(&format!("{edit}?said={said}")).await;
    let below = |field: &str| {
        let id = format!("id=\"change_task-{field}-now\"");
        let after = shown.text.split_once(&id).map(|(_, after)| after);
        after.map(|after| after.split_once("</p>").unwrap().0)
    };
    assert!(below("title").unwrap().contains("Theirs"), "{}", shown.text);
    assert!(shown.text.contains("value=\"Mine\""), "{}", shown.text);
    assert_eq!(below("description"), None, "it was left alone");
    assert!(
        shown.text.contains("By another</textarea>"),
        "{}",
        shown.text
    );
    assert_eq!(below("priority"), None);
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
