//! One task after the other, from its making to its end, with status and body of each answer.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

use super::lease_path;
use crate::support::{House, shown};

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
