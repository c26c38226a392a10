//! The whole way of work through the interface, with status and body of each answer.

#![cfg(test)]

mod support;

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;
use support::{House, shown};

fn lease_path(lease: &Value, act: &str) -> String {
    format!("POST /leases/{}/{act}", lease["lease_id"].as_str().unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_is_made_given_out_reported_on_and_done(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let bucket = json!({ "kind": "bucket", "capacity": 5, "refill_per_s": 0.001 });
    let answer = house
        .ask(&manager, "PUT /resources/search_api", bucket)
        .await;
    assert_json_snapshot!("resource_set", shown(&answer));
    let budget = json!({ "scope": { "workspace": "acme" }, "unit": "tokens", "limit": 100_000, "window": "total" });
    let answer = house.ask(&manager, "PUT /budgets/all", budget).await;
    assert_json_snapshot!("budget_set", shown(&answer));
    let card = json!({ "name": "scout", "capabilities": ["research"], "offers": [{ "name": "prices", "description": "compares them" }] });
    let answer = house.ask(&scout, "POST /agents", card).await;
    assert_json_snapshot!("agent_registered", shown(&answer));
    let task = json!({
        "title": "Compare prices", "description": "of three shops", "kind": "research", "priority": "high",
        "capabilities": ["research"], "requires": [{ "resource": "search_api", "amount": 2 }],
        "estimate": { "model": "small", "input_tokens": 900, "output_tokens": 100 },
        "payload": { "shops": 3 }, "ref": "prices",
    });
    let answer = house.ask(&scout, "POST /tasks", task).await;
    assert_json_snapshot!("task_created", shown(&answer));
    let id = answer.body["id"].as_str().unwrap().to_owned();
    let answer = house
        .ask(&scout, "POST /claims", json!({ "wait_ms": 20_000 }))
        .await;
    assert_json_snapshot!("claimed", shown(&answer));
    let lease = answer.body["leases"][0].clone();
    let answer = house
        .ask(
            &scout,
            &lease_path(&lease, "renew"),
            json!({ "epoch": 1, "progress": 0.5, "note": "half" }),
        )
        .await;
    assert_json_snapshot!("renewed", shown(&answer));
    let usage = json!({ "epoch": 1, "model": "small", "input_tokens": 800, "output_tokens": 90, "cost_microusd": 1200 });
    let answer = house.ask(&scout, &lease_path(&lease, "usage"), usage).await;
    assert_json_snapshot!("usage_reported", shown(&answer));
    let answer = house.get(&manager, &format!("/tasks/{id}")).await;
    assert_json_snapshot!("task_running", shown(&answer));
    let answer = house
        .get(&manager, &format!("/tasks/{id}/explanation"))
        .await;
    assert_json_snapshot!("task_running_explained", shown(&answer));
    let answer = house
        .ask(
            &scout,
            &lease_path(&lease, "complete"),
            json!({ "epoch": 1, "output": { "answer": 42 } }),
        )
        .await;
    assert_json_snapshot!("completed", shown(&answer));
    let answer = house
        .ask(
            &scout,
            &lease_path(&lease, "complete"),
            json!({ "epoch": 1 }),
        )
        .await;
    assert_json_snapshot!("completed_again", shown(&answer));
    let answer = house.get(&manager, &format!("/tasks/{id}")).await;
    assert_json_snapshot!("task_done", shown(&answer));
    let answer = house
        .get(
            &manager,
            &format!("/decisions/{}", lease["decision_id"].as_str().unwrap()),
        )
        .await;
    assert_json_snapshot!("decision", shown(&answer));
    let answer = house.get(&manager, "/usage?group_by=model").await;
    assert_json_snapshot!("usage", shown(&answer));
    let answer = house.get(&manager, "/budgets").await;
    assert_json_snapshot!("budgets", shown(&answer));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_waits_says_why_in_the_claim_and_in_the_explanation(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house
        .done(
            &manager,
            "PUT /resources/api",
            json!({ "kind": "slots", "slots": 1 }),
        )
        .await;
    let needy =
        |title: &str| json!({ "title": title, "requires": [{ "resource": "api", "amount": 1 }] });
    let made = house
        .done(
            &manager,
            "POST /tasks",
            json!([needy("first"), needy("second")]),
        )
        .await;
    house.done(&scout, "POST /claims", json!({})).await;
    let answer = house.ask(&scout, "POST /claims", json!({})).await;
    assert_eq!(answer.body["leases"], json!([]));
    let wait = &answer.body["not_yet"][0];
    assert_eq!(
        (&wait["code"], &wait["resource"]),
        (&json!("no_free_slot"), &json!("api"))
    );
    let second = made["items"][1]["id"].as_str().unwrap();
    let why = house
        .get(&manager, &format!("/tasks/{second}/explanation"))
        .await
        .body;
    assert_eq!(
        (&why["verdict"], &why["blockers"][0]["code"]),
        (&json!("not_yet"), &json!("no_free_slot"))
    );
    assert!(!why["headline"].as_str().unwrap().is_empty());
    assert!(why["decision_id"].is_string(), "{why}");
    let stats = house.get(&manager, "/stats").await.body;
    assert_eq!(stats["pending_by_code"], json!({ "no_free_slot": 1 }));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_agent_s_429_closes_the_resource_for_all_and_costs_no_attempt(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house
        .done(
            &manager,
            "PUT /resources/api",
            json!({ "kind": "slots", "slots": 4 }),
        )
        .await;
    let task = json!({ "title": "call", "requires": [{ "resource": "api", "amount": 1 }] });
    let (id, lease) = house.leased(&manager, &scout, task).await;
    let throttled = json!({ "epoch": 1, "error": "429", "throttled": { "resource": "api", "retry_after_ms": 60_000 } });
    house
        .done(&scout, &lease_path(&lease, "fail"), throttled)
        .await;
    let task = house.get(&manager, &format!("/tasks/{id}")).await.body;
    assert_eq!(
        (&task["state"], &task["attempts"]),
        (&json!("pending"), &json!(0))
    );
    let resource = house.get(&manager, "/resources").await.body["items"][0].clone();
    assert_eq!(resource["closed_because"], "provider");
    assert_eq!(resource["throttled_last_hour"], 1);
    let why = house
        .get(&manager, &format!("/tasks/{id}/explanation"))
        .await
        .body;
    assert_eq!(why["blockers"][0]["code"], "provider_backoff");
    house
        .done(
            &manager,
            "POST /resources/api/reopen",
            json!({ "reason": "checked" }),
        )
        .await;
    let again = house
        .done(&scout, "POST /claims", json!({ "wait_ms": 20_000 }))
        .await;
    assert_eq!(again["leases"][0]["epoch"], 2);
    let throttles = house.get(&manager, "/decisions?kind=throttle").await.body;
    assert!(
        throttles["items"].as_array().unwrap().len() >= 2,
        "{throttles}"
    );
    house.close().await;
}

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
async fn fuses_refuse_with_their_numbers_and_a_cycle_is_one(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Manager).await;
    let policy = house
        .done(
            &key,
            "PUT /policy",
            json!({ "fuses": { "max_pending": 2 } }),
        )
        .await;
    assert_eq!(
        (&policy["version"], &policy["fuses"]["max_children"]),
        (&json!(2), &json!(256))
    );
    let blown = house
        .ask(
            &key,
            "POST /tasks",
            json!([{ "title": "1" }, { "title": "2" }, { "title": "3" }]),
        )
        .await;
    assert_json_snapshot!("fuse_blown", shown(&blown));
    let cycle = json!([{ "title": "1", "ref": "a", "depends_on": ["b"] }, { "title": "2", "ref": "b", "depends_on": ["a"] }]);
    let cycle = house.ask(&key, "POST /tasks", cycle).await;
    assert_eq!(
        (cycle.status, &cycle.body["fuse"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("cycle"))
    );
    let changed = house.get(&key, "/decisions?kind=policy").await;
    assert_eq!(changed.body["items"].as_array().unwrap().len(), 1);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_of_a_list_neither_repeat_nor_lose_what_was_there(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let batch: Value = (0..7)
        .map(|n| json!({ "title": format!("task {n}") }))
        .collect();
    house.done(&key, "POST /tasks", batch).await;
    let mut titles = Vec::new();
    let mut path = "/tasks?limit=3".to_owned();
    loop {
        let page = house.get(&key, &path).await.body;
        titles.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|task| task["title"].as_str().unwrap().to_owned()),
        );
        // What comes meanwhile does not move the pages.
        house
            .done(&key, "POST /tasks", json!({ "title": "meanwhile" }))
            .await;
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/tasks?limit=3&cursor={cursor}");
    }
    let expected: Vec<_> = (0..7).rev().map(|n| format!("task {n}")).collect();
    assert_eq!(titles, expected);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_permit_is_taken_given_back_and_explained_when_there_is_none(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house
        .done(
            &manager,
            "PUT /resources/api",
            json!({ "kind": "slots", "slots": 1 }),
        )
        .await;
    let body = json!({ "requires": [{ "resource": "api", "amount": 1 }] });
    let permit = house.done(&scout, "POST /permits", body.clone()).await;
    let none = house.done(&scout, "POST /permits", body.clone()).await;
    assert_eq!(none["not_yet"][0]["code"], "no_free_slot", "{none}");
    let path = format!("DELETE /permits/{}", permit["permit_id"].as_str().unwrap());
    assert_eq!(
        house.ask(&scout, &path, json!({})).await.status,
        StatusCode::NO_CONTENT
    );
    assert!(house.done(&scout, "POST /permits", body).await["permit_id"].is_string());
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
async fn an_agent_that_drains_gets_no_more_work(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let beat = house
        .done(
            &scout,
            "POST /agents/heartbeat",
            json!({ "status": "draining", "detail": "going home" }),
        )
        .await;
    assert_eq!(beat["directives"], json!([]));
    assert!(beat["retry_after_ms"].as_u64().unwrap() > 0);
    house
        .done(&manager, "POST /tasks", json!({ "title": "one" }))
        .await;
    let none = house.done(&scout, "POST /claims", json!({})).await;
    assert_eq!(none["leases"], json!([]));
    let agents = house.get(&manager, "/agents").await.body;
    assert_eq!(
        (&agents["items"][0]["status"], &agents["items"][0]["health"]),
        (&json!("draining"), &json!("online"))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_kept_yet_is_refused_and_not_lost_silently(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let (_, lease) = house
        .leased(&manager, &scout, json!({ "title": "one" }))
        .await;
    let body = json!({ "epoch": 1, "deliverables": [{ "name": "report", "media_type": "text/plain", "text": "…" }] });
    let answer = house
        .ask(&scout, &lease_path(&lease, "complete"), body)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["errors"][0]["pointer"], "/deliverables");
    house.close().await;
}
