//! What people do to tasks and say of decisions.

use axum::http::StatusCode;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

use crate::support::House;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn people_hold_release_cancel_retry_boost_and_hand_over(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let id = house
        .done(&manager, "POST /tasks", json!({ "title": "one" }))
        .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let act = |act: &str| format!("POST /tasks/{id}/{act}");
    for (name, state) in [
        ("hold", "backlog"),
        ("release", "pending"),
        ("cancel", "cancelled"),
        ("retry", "pending"),
    ] {
        let after = house
            .done(&manager, &act(name), json!({ "reason": "a test" }))
            .await;
        assert_eq!(after, json!({ "id": id, "state": state }), "{name}");
    }
    let soon = (house.app.now() + scheduler::Span::from_secs(600)).to_string();
    let boost = json!({ "score_delta": 500, "expires_at": soon, "reason": "the fair opens" });
    house.done(&manager, &act("boost"), boost).await;
    let task = house.get(&manager, &format!("/tasks/{id}")).await.body;
    assert_eq!(task["boost"]["score_delta"], 500);
    let factors = task["factors"].as_array().unwrap();
    assert!(
        factors.iter().any(|factor| factor["name"] == "boost"),
        "{factors:?}"
    );
    let handoff = json!({ "to_agent": "rival", "note": "knows it" });
    let nobody = house.ask(&manager, &act("handoff"), handoff.clone()).await;
    assert_eq!(nobody.body["errors"][0]["pointer"], "/to_agent");
    house
        .done(&manager, "POST /agents", json!({ "name": "rival" }))
        .await;
    house.done(&manager, &act("handoff"), handoff).await;
    let none = house.done(&scout, "POST /claims", json!({})).await;
    assert_eq!(none["leases"], json!([]));
    let (rival, _) = house.key_in("acme", Role::Agent, "rival").await;
    let given = house
        .done(&rival, "POST /claims", json!({ "wait_ms": 20_000 }))
        .await;
    assert_eq!(given["leases"][0]["task"]["id"], id);
    let wrong = house.ask(&manager, &act("retry"), json!({})).await;
    assert_eq!(
        (wrong.status, &wrong.body["code"]),
        (StatusCode::CONFLICT, &json!("wrong_state"))
    );
    let overrides = house
        .get(&manager, &format!("/decisions?task={id}&kind=override"))
        .await
        .body;
    assert_eq!(overrides["items"].as_array().unwrap().len(), 6);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_edit_needs_the_version_that_was_read(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let id = house
        .done(&key, "POST /tasks", json!({ "title": "one" }))
        .await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let name = format!("PATCH /tasks/{id}");
    house
        .done(
            &key,
            &name,
            json!({ "title": "two", "priority": "urgent", "version": 1 }),
        )
        .await;
    let task = house.get(&key, &format!("/tasks/{id}")).await.body;
    assert_eq!(
        (&task["title"], &task["priority"], &task["version"]),
        (&json!("two"), &json!("urgent"), &json!(2))
    );
    let stale = house
        .ask(&key, &name, json!({ "title": "three", "version": 1 }))
        .await;
    assert_eq!(
        (stale.status, &stale.body["code"]),
        (StatusCode::CONFLICT, &json!("version_conflict"))
    );
    assert_eq!(stale.body["current_version"], 2);
    let edits = || async {
        let path = format!("/decisions?task={id}&kind=override");
        let listed = house.get(&key, &path).await.body;
        listed["items"].as_array().map(Vec::len)
    };
    assert_eq!(edits().await, Some(1));
    let same = json!({ "title": "two", "description": "", "version": 2 });
    house.done(&key, &name, same).await;
    assert_eq!(edits().await, Some(1), "what stays as it is is no decision");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn null_is_no_change_of_what_a_task_must_have(database: PgPool) {
    let house = House::new(&database).await;
    let (key, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let (id, _) = house
        .leased(
            &key,
            &scout,
            json!({ "title": "one", "due_at": "2031-01-31T09:00:00Z" }),
        )
        .await;
    let (path, edit) = (format!("/tasks/{id}"), format!("PATCH /tasks/{id}"));
    let description = serde_json::to_value(server::api::description()).unwrap();
    let fields = &description["components"]["schemas"]["TaskPatch"]["properties"];
    for field in [
        "title",
        "description",
        "priority",
        "class",
        "estimate",
        "capabilities",
        "requires",
    ] {
        let refused = house
            .ask(&key, &edit, json!({ field: null, "version": 1 }))
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        let pointer = &refused.body["errors"][0]["pointer"];
        assert_eq!(*pointer, format!("/{field}"), "{}", refused.body);
        let described = fields[field].to_string();
        assert!(!described.contains("null"), "{field}: {described}");
    }
    let edited = json!({ "title": "two", "due_at": null, "version": 1 });
    house.done(&key, &edit, edited).await;
    let task = house.get(&key, &path).await.body;
    assert_eq!(
        (&task["state"], &task["title"], &task["due_at"]),
        (&json!("in_progress"), &json!("two"), &json!(null)),
        "a task at work too"
    );
    assert_eq!(task["version"], 2);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_waiting_task_needs_can_be_changed(database: PgPool) {
    let house = House::new(&database).await;
    let (key, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    for name in ["gpu", "db"] {
        let limit = json!({ "kind": "slots", "slots": 1 });
        house
            .done(&key, &format!("PUT /resources/{name}"), limit)
            .await;
    }
    let task = json!({ "title": "one", "agent": "somebody", "capabilities": ["old"] });
    let made = house.done(&key, "POST /tasks", task).await;
    let path = format!("/tasks/{}", made["id"].as_str().unwrap());
    let edit = format!("PATCH {path}");
    let needs = |resource: &str| json!({ "resource": resource, "amount": 1 });
    let patch = json!({ "version": 1, "capabilities": ["b", "a", "b"], "agent": "scout",
        "requires": [needs("gpu"), needs("db")] });
    house.done(&key, &edit, patch).await;
    let task = house.get(&key, &path).await.body;
    assert_eq!(task["capabilities"], json!(["a", "b"]));
    assert_eq!(task["requires"], json!([needs("db"), needs("gpu")]));
    assert_eq!(
        (&task["agent"], &task["version"]),
        (&json!("scout"), &json!(2))
    );
    let listed = house.get(&key, "/tasks?agent=scout").await.body;
    assert_eq!(listed["items"][0]["id"], made["id"]);
    let edits = house.get(&key, "/decisions?kind=override").await.body;
    let edit_made = &edits["items"][0];
    assert_eq!(edit_made["subject"]["id"], made["id"], "{edits}");
    let reasoning = edit_made["reasoning"].as_str().unwrap();
    assert!(
        reasoning.starts_with("Changed: agent from “somebody” to “scout”; "),
        "{reasoning}"
    );

    let claim = house.done(&scout, "POST /claims", json!({})).await;
    assert_eq!(claim["leases"], json!([]), "it lacks the capabilities");
    let patch = json!({ "version": 2, "capabilities": [], "agent": null });
    house.done(&key, &edit, patch).await;
    assert_eq!(house.get(&key, &path).await.body["agent"], json!(null));
    let refused = json!({ "version": 3, "requires": [needs("db"), needs("db")], "agent": " x" });
    let refused = house.ask(&key, &edit, refused).await;
    let pointers = &refused.body["errors"];
    assert_eq!(pointers[0]["pointer"], "/requires/1/resource", "{pointers}");
    assert_eq!(pointers[1]["pointer"], "/agent", "{pointers}");

    let claim = json!({ "wait_ms": 20_000 });
    let claim = house.done(&scout, "POST /claims", claim).await;
    assert_eq!(
        claim["leases"][0]["grants"],
        json!([needs("db"), needs("gpu")])
    );
    let late = json!({ "version": 3, "agent": "" });
    let late = house.ask(&key, &edit, late).await;
    assert_eq!(
        (late.status, &late.body["code"]),
        (StatusCode::CONFLICT, &json!("wrong_state"))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_pin_ends_only_when_that_is_asked_and_every_boost_within_a_month(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Manager).await;
    let made = house.done(&key, "POST /tasks", json!({ "title": "one" }));
    let id = made.await["id"].as_str().unwrap().to_owned();
    let boost = format!("POST /tasks/{id}/boost");
    let ahead = |days: i64| house.app.now() + scheduler::Span::from_secs(days * 86_400);
    let pin = json!({ "pin": true, "expires_at": ahead(30), "reason": "now" });
    house.done(&key, &boost, pin).await;
    for (body, pointer) in [
        (
            json!({ "score_delta": 0, "expires_at": ahead(1), "reason": "x" }),
            "/score_delta",
        ),
        (
            json!({ "pin": true, "expires_at": ahead(32), "reason": "x" }),
            "/expires_at",
        ),
        (json!({ "pin": true, "reason": "x" }), "/expires_at"),
        (json!({ "pin": false, "reason": "\u{200b}" }), "/reason"),
    ] {
        let refused = house.ask(&key, &boost, body.clone()).await;
        assert_eq!(
            refused.body["errors"][0]["pointer"], pointer,
            "{body}: {}",
            refused.body
        );
    }
    let task = house.get(&key, &format!("/tasks/{id}")).await.body;
    assert!(task["boost"].is_object(), "still pinned: {task}");
    assert_eq!(task["boost"]["score_delta"], json!(null), "{task}");
    house
        .done(&key, &boost, json!({ "pin": false, "reason": "done" }))
        .await;
    let task = house.get(&key, &format!("/tasks/{id}")).await.body;
    assert_eq!(task["boost"], json!(null), "{task}");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_waits_for_a_look_is_accepted_or_sent_back(database: PgPool) {
    let house = House::new(&database).await;
    let (member, scout) = (house.key(Role::Member).await, house.key(Role::Agent).await);
    for (act, state) in [("retry", "pending"), ("release", "done")] {
        let task = json!({ "title": act, "needs_review": true, "agent": "scout" });
        let (id, lease) = house.leased(&member, &scout, task).await;
        let complete = format!(
            "POST /leases/{}/complete",
            lease["lease_id"].as_str().unwrap()
        );
        let handed_in = json!({ "epoch": lease["epoch"], "output": { "pages": 12 } });
        let done = house.done(&scout, &complete, handed_in).await;
        assert_eq!(done["state"], "in_review");
        let output = || async {
            let task = house.get(&member, &format!("/tasks/{id}")).await;
            task.body["output"]["pages"].clone()
        };
        assert_eq!(output().await, 12, "it can be looked at");
        let why = house
            .get(&member, &format!("/tasks/{id}/explanation"))
            .await;
        let acts = json!(["accept_result", "send_back", "cancel_task"]);
        assert_eq!(why.body["blockers"][0]["actions"], acts);
        let after = house
            .done(&member, &format!("POST /tasks/{id}/{act}"), json!({}))
            .await;
        assert_eq!(after["state"], state);
        let accepted = if state == "done" {
            json!(12)
        } else {
            Value::Null
        };
        assert_eq!(output().await, accepted);
        if state == "pending" {
            let claim = house.done(&scout, "POST /claims", json!({})).await;
            let again = &claim["leases"][0];
            let complete = format!(
                "POST /leases/{}/complete",
                again["lease_id"].as_str().unwrap()
            );
            let nothing = json!({ "epoch": again["epoch"] });
            house.done(&scout, &complete, nothing).await;
            assert_eq!(output().await, Value::Null, "what was sent back is not it");
        }
        house
            .ask(&member, &format!("POST /tasks/{id}/cancel"), json!({}))
            .await;
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_policy_that_changes_nothing_makes_no_version(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Manager).await;
    let before = house.get(&key, "/policy").await.body;
    let same = house.done(&key, "PUT /policy", json!({})).await;
    assert_eq!(same, before);
    let changed = house.done(
        &key,
        "PUT /policy",
        json!({ "fuses": { "max_pending": 7 } }),
    );
    assert_eq!(
        changed.await["version"],
        json!(before["version"].as_u64().unwrap() + 1)
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_review_is_kept_with_its_decision(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let (_, lease) = house
        .leased(&manager, &scout, json!({ "title": "one" }))
        .await;
    let decision = lease["decision_id"].as_str().unwrap();
    let review = json!({ "verdict": "disagree", "note": "the other was due" });
    for _ in 0..2 {
        let said = house
            .ask(
                &manager,
                &format!("POST /decisions/{decision}/review"),
                review.clone(),
            )
            .await;
        assert_eq!(said.status, StatusCode::CREATED);
    }
    let read = house
        .get(&manager, &format!("/decisions/{decision}"))
        .await
        .body;
    assert_eq!(read["reviews"].as_array().unwrap().len(), 1);
    let of_scout = house
        .get(&manager, "/decisions?agent=scout&kind=dispatch")
        .await;
    assert_eq!(of_scout.body["items"][0]["id"], decision);
    for name in ["agent", "resource"] {
        let nobody = house.get(&manager, &format!("/decisions?{name}=who")).await;
        assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(read["reviews"][0]["verdict"], "disagree");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_explanation_offers_each_reader_what_it_may_do(database: PgPool) {
    let house = House::new(&database).await;
    let (admin, manager) = (house.key(Role::Admin).await, house.key(Role::Manager).await);
    let (member, viewer) = (house.key(Role::Member).await, house.key(Role::Viewer).await);
    let slots = json!({ "kind": "slots", "slots": 0, "scope": "pool" });
    house.done(&admin, "PUT /resources/gpu", slots).await;
    let task = json!({ "title": "t", "requires": [{ "resource": "gpu", "amount": 1 }] });
    let made = house.done(&member, "POST /tasks", task).await;
    let path = format!("/tasks/{}/explanation", made["id"].as_str().unwrap());
    for (key, actions) in [
        (&admin, json!(["raise_limit", "edit_task"])),
        (&manager, json!(["edit_task"])),
        (&member, json!(["edit_task"])),
        (&viewer, json!(null)),
    ] {
        let why = house.get(key, &path).await.body;
        assert_eq!(why["blockers"][0]["code"], "never_fits");
        assert_eq!(why["blockers"][0]["actions"], actions, "{why}");
    }
    let scout = house.key(Role::Agent).await;
    let task = json!({ "title": "t", "capabilities": ["painting"] });
    let made = house.done(&member, "POST /tasks", task).await;
    let path = format!("/tasks/{}/explanation", made["id"].as_str().unwrap());
    for (key, actions) in [
        (&member, json!(["register_agent", "edit_task"])),
        (&scout, json!(null)),
    ] {
        let why = house.get(key, &path).await.body;
        assert_eq!(why["blockers"][0]["code"], "no_eligible_agent");
        assert_eq!(why["blockers"][0]["actions"], actions, "{why}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_next_agent_hears_of_the_attempt_before_and_what_a_person_said(database: PgPool) {
    let house = House::new(&database).await;
    let (member, scout) = (house.key(Role::Member).await, house.key(Role::Agent).await);
    let task = json!({ "title": "t", "needs_review": true, "agent": "scout" });
    let (id, mut lease) = house.leased(&member, &scout, task).await;
    assert_eq!(lease["previous"], Value::Null, "it is the first");
    let retry = format!("POST /tasks/{id}/retry");
    let next = || async {
        let claim = house.done(&scout, "POST /claims", json!({})).await;
        claim["leases"][0].clone()
    };
    let end = |lease: &Value, how: &str| {
        format!("POST /leases/{}/{how}", lease["lease_id"].as_str().unwrap())
    };

    let result = json!({ "epoch": lease["epoch"], "output": {} });
    house.done(&scout, &end(&lease, "complete"), result).await;
    let reason = json!({ "reason": "Name the sources." });
    house.done(&member, &retry, reason).await;
    lease = next().await;
    let sent_back =
        json!({ "agent": "scout", "outcome": "completed", "note": "Name the sources." });
    assert_eq!(lease["previous"], sent_back);

    let failure = json!({ "epoch": lease["epoch"], "error": "no network", "retryable": false });
    house.done(&scout, &end(&lease, "fail"), failure).await;
    house.done(&member, &retry, json!({})).await;
    lease = next().await;
    let failed = json!({ "agent": "scout", "outcome": "failed", "error": "no network" });
    assert_eq!(lease["previous"], failed);

    let handoff = json!({ "epoch": lease["epoch"], "to_agent": "scout", "note": "Half is done." });
    let path = format!("POST /tasks/{id}/handoff");
    house.done(&scout, &path, handoff).await;
    let handed = json!({ "agent": "scout", "outcome": "revoked", "note": "Half is done." });
    assert_eq!(next().await["previous"], handed);
    house.close().await;
}
