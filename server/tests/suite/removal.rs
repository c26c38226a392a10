//! Limits that are taken away, and money spent under a lost lease.

use crate::support::House;
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_resource_is_removed_when_nothing_holds_it_and_may_come_back(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let slots = json!({ "kind": "slots", "slots": 1 });
    let first = house
        .done(&manager, "PUT /resources/gpu", slots.clone())
        .await;
    let task = json!({ "title": "render", "requires": [{ "resource": "gpu", "amount": 1 }] });
    let (_, lease) = house.leased(&manager, &scout, task.clone()).await;
    let held = house
        .ask(&manager, "DELETE /resources/gpu", json!({}))
        .await;
    assert_eq!(
        (held.status, &held.body["code"]),
        (StatusCode::CONFLICT, &json!("wrong_state"))
    );
    let path = format!(
        "POST /leases/{}/complete",
        lease["lease_id"].as_str().unwrap()
    );
    house.done(&scout, &path, json!({ "epoch": 1 })).await;
    let waiting = house.done(&manager, "POST /tasks", task).await;
    let removed = house
        .ask(&manager, "DELETE /resources/gpu", json!({}))
        .await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    let path = format!("/tasks/{}/explanation", waiting["id"].as_str().unwrap());
    let why = house.get(&manager, &path).await.body;
    assert_eq!(why["blockers"][0]["code"], "misconfigured", "{why}");
    let again = house.done(&manager, "PUT /resources/gpu", slots).await;
    assert_ne!(again["id"], first["id"]);
    let listed = house.get(&manager, "/resources").await.body;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let pool = "DELETE /resources/gpu?scope=pool";
    let refused = house.ask(&manager, pool, json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_removed_budget_is_gone_and_said_to_be(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    house.done(&manager, "PUT /budgets/day", budget()).await;
    let gone = house.ask(&manager, "DELETE /budgets/day", json!({})).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let listed = house.get(&manager, "/budgets").await.body;
    assert_eq!(listed["items"], json!([]));
    let decided = house.get(&manager, "/decisions?kind=budget").await.body;
    let headline = decided["items"][0]["headline"].as_str().unwrap();
    assert!(headline.ends_with("was removed"), "{headline}");
    let again = house.ask(&manager, "DELETE /budgets/day", json!({})).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_spent_under_a_lost_lease_is_charged_and_the_lease_stays_lost(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.done(&manager, "PUT /budgets/day", budget()).await;
    let task = json!({ "title": "spend", "kind": "research", "estimate": { "model": "small" } });
    let (id, lease) = house.leased(&manager, &scout, task).await;
    let cancel = format!("POST /tasks/{id}/cancel");
    let reason = json!({ "reason": "too dear" });
    house.done(&manager, &cancel, reason).await;
    let path = format!("POST /leases/{}/usage", lease["lease_id"].as_str().unwrap());
    let renew = path.replace("/usage", "/renew");
    let lost = house.ask(&scout, &renew, json!({ "epoch": 1 })).await;
    let said = lost.body["detail"].as_str().unwrap();
    assert!(
        said.ends_with("Its task was cancelled: too dear."),
        "{said}"
    );
    let used = json!({ "epoch": 1, "input_tokens": 70, "cost_microusd": 5 });
    for key in ["late", "late", "later"] {
        let lost = house.once(&scout, key, &path, used.clone()).await;
        assert_eq!(
            (lost.status, &lost.body["code"]),
            (StatusCode::CONFLICT, &json!("lease_lost")),
            "{}",
            lost.body
        );
        let said = lost.body["detail"].as_str().unwrap();
        assert!(said.ends_with("What was used is counted."), "{said}");
    }
    let settled = &house.get(&manager, "/budgets").await.body["items"][0]["settled"];
    assert_eq!(*settled, json!(140), "once under each key");
    house.ask(&scout, &path, used.clone()).await;
    let settled = &house.get(&manager, "/budgets").await.body["items"][0]["settled"];
    assert_eq!(*settled, json!(210), "without a key each report adds up");
    let more = json!({ "epoch": 1, "error": "late", "usage": { "input_tokens": 30 } });
    let fail = path.replace("/usage", "/fail");
    let lost = house.ask(&scout, &fail, more).await;
    assert_eq!(lost.body["code"], "lease_lost");
    let wrong = json!({ "epoch": 2, "input_tokens": 900 });
    let lost = house.ask(&scout, &path, wrong).await;
    let said = lost.body["detail"].as_str().unwrap();
    assert!(!said.contains("counted"), "{said}");
    let sums = house.get(&manager, "/usage?group_by=model").await.body;
    assert_eq!(sums["items"][0]["group"], "small", "{sums}");
    let shown = house.get(&manager, &format!("/tasks/{id}")).await.body;
    assert_eq!(shown["past_attempts"][0]["input_tokens"], 240, "{shown}");
    let (rival, _) = house.key_in("acme", Role::Agent, "rival").await;
    let stolen = house.ask(&rival, &path, used).await;
    assert!(stolen.status.is_client_error());
    let settled = &house.get(&manager, "/budgets").await.body["items"][0]["settled"];
    assert_eq!(*settled, json!(240), "another agent's word is not taken");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_result_handed_in_again_is_refused_and_charges_nothing(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.done(&manager, "PUT /budgets/day", budget()).await;
    let task = json!({ "title": "spend", "kind": "research" });
    let (_, lease) = house.leased(&manager, &scout, task).await;
    let path = format!("POST /leases/{}", lease["lease_id"].as_str().unwrap());
    let usage = json!({ "input_tokens": 70 });
    let done = json!({ "epoch": 1, "output": {}, "usage": usage });
    house
        .done(&scout, &format!("{path}/complete"), done.clone())
        .await;
    for (end, body) in [
        ("complete", &done),
        ("usage", &json!({ "epoch": 1, "input_tokens": 70 })),
    ] {
        let again = house
            .ask(&scout, &format!("{path}/{end}"), body.clone())
            .await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    }
    let settled = &house.get(&manager, "/budgets").await.body["items"][0]["settled"];
    assert_eq!(*settled, json!(70));
    house.close().await;
}

fn budget() -> Value {
    json!({ "scope": { "workspace": "acme" }, "unit": "tokens", "limit": 100_000, "window": "day" })
}
