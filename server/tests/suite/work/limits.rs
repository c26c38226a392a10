//! What limits do: who waits says why, a 429 closes, a fuse refuses.

use axum::http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

use super::lease_path;
use crate::support::{House, shown};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_waits_says_why_in_the_claim_and_in_the_explanation(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.slots(&manager, "api", 1).await;
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
    house.slots(&manager, "api", 4).await;
    let task = json!({ "title": "call", "requires": [{ "resource": "api", "amount": 1 }] });
    let (id, lease) = house.leased(&manager, &scout, task).await;
    let throttled = json!({ "epoch": 1, "error": "429", "throttled": { "resource": "api", "retry_after_ms": 3_000_000_000_u32 } });
    let failed = house
        .done(&scout, &lease_path(&lease, "fail"), throttled)
        .await;
    assert_eq!(
        failed["closed_for_ms"], 86_400_000,
        "a day at most, and said"
    );
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
    assert_eq!(why["blockers"][0]["closed_because"], "provider");
    let refused = "Not yet: “api” is closed, as its provider refused a call, for another 24 h";
    let headline = why["headline"].as_str().unwrap();
    assert!(headline.starts_with(refused), "{headline}");
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
async fn a_permit_is_taken_given_back_and_explained_when_there_is_none(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.slots(&manager, "api", 1).await;
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
async fn a_permit_waits_where_a_limit_of_nothing_closes_the_resource(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.slots(&manager, "api", 0).await;
    let body = json!({ "requires": [{ "resource": "api", "amount": 1 }] });
    let none = house.done(&scout, "POST /permits", body.clone()).await;
    assert_eq!(none["not_yet"][0]["code"], "never_fits", "{none}");
    house.slots(&manager, "api", 1).await;
    assert!(house.done(&scout, "POST /permits", body).await["permit_id"].is_string());
    let more = json!({ "requires": [{ "resource": "api", "amount": 2 }] });
    let never = house.ask(&scout, "POST /permits", more).await;
    assert_eq!(never.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_agent_known_by_its_key_alone_can_be_given_a_budget(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    house.key(Role::Agent).await;
    let own =
        json!({ "scope": { "agent": "scout" }, "unit": "tokens", "limit": 10, "window": "day" });
    let budget = house.done(&manager, "PUT /budgets/own", own).await;
    assert!(budget["scope"]["agent"].is_string(), "{budget}");
    let same = json!({ "scope": budget["scope"], "unit": "tokens", "limit": 20, "window": "day" });
    let same = house.done(&manager, "PUT /budgets/own", same).await;
    assert_eq!(same["scope"], budget["scope"], "by its identifier");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_budget_begins_with_what_was_used_and_counts_what_runs(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    let scout = house.key(Role::Agent).await;
    for title in ["runs", "ran"] {
        house
            .done(&manager, "POST /tasks", json!({ "title": title }))
            .await;
    }
    let mut leases = Vec::new();
    for _ in 0..2 {
        let claim = house.done(&scout, "POST /claims", json!({})).await;
        leases.push(claim["leases"][0]["lease_id"].as_str().unwrap().to_owned());
    }
    let ended = format!("POST /leases/{}/complete", leases[0]);
    let used = json!({ "epoch": 1, "usage": { "cost_microusd": 700 } });
    house.done(&scout, &ended, used).await;

    let day = json!({ "scope": { "workspace": "acme" }, "unit": "microusd", "limit": 1000, "window": "day" });
    let budget = house.done(&manager, "PUT /budgets/day", day).await;
    assert_eq!(budget["settled"], 700, "{budget}");
    let report = format!("POST /leases/{}/usage", leases[1]);
    let used = json!({ "epoch": 1, "cost_microusd": 500 });
    house.done(&scout, &report, used).await;
    let renew = format!("POST /leases/{}/renew", leases[1]);
    let renewed = house.done(&scout, &renew, json!({ "epoch": 1 })).await;
    assert_eq!(renewed["stop"]["code"], "budget_exhausted", "{renewed}");
    let budgets = house.get(&manager, "/budgets").await;
    assert_eq!(
        budgets.body["items"][0]["settled"], 1200,
        "{}",
        budgets.body
    );

    let tasks = house.get(&manager, "/tasks?state=in_progress").await;
    let root = tasks.body["items"][0]["id"].clone();
    let tree = json!({ "scope": { "task_tree": root }, "unit": "microusd", "limit": 1000, "window": "total" });
    let tree = house.done(&manager, "PUT /budgets/tree", tree).await;
    assert_eq!(tree["settled"], 500, "{tree}");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_budget_of_a_task_tree_is_of_a_task_that_there_is_or_was(database: PgPool) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    let (other, _) = house.key_in("other", Role::Manager, "").await;
    let of = |task: &Value| json!({ "scope": { "task_tree": task }, "unit": "tokens", "limit": 9, "window": "total" });
    let elsewhere = house
        .done(&other, "POST /tasks", json!({ "title": "theirs" }))
        .await;
    for unknown in [json!(uuid::Uuid::now_v7()), elsewhere["id"].clone()] {
        let refused = house.ask(&manager, "PUT /budgets/tree", of(&unknown)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        let pointer = &refused.body["errors"][0]["pointer"];
        assert_eq!(pointer, "/scope/task_tree", "{}", refused.body);
    }
    let made = house
        .done(&manager, "POST /tasks", json!({ "title": "mine" }))
        .await;
    let cancel = format!("POST /tasks/{}/cancel", made["id"].as_str().unwrap());
    house.done(&manager, &cancel, json!({})).await;
    house
        .done(&manager, "PUT /budgets/tree", of(&made["id"]))
        .await;
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_report_of_what_was_not_granted_is_pointed_at_where_it_stands(database: PgPool) {
    let house = House::new(&database).await;
    let scout = house.key(Role::Agent).await;
    let manager = house.key(Role::Manager).await;
    house
        .done(&manager, "POST /tasks", json!({ "title": "one" }))
        .await;
    let claim = house.done(&scout, "POST /claims", json!({})).await;
    let lease = claim["leases"][0]["lease_id"].as_str().unwrap();
    let pointed = async |act: &str, body: Value| {
        let answer = house
            .ask(&scout, &format!("POST /leases/{lease}/{act}"), body)
            .await;
        answer.body["errors"][0]["pointer"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for (amount, place) in [(0, "amount"), (1, "resource")] {
        let used = json!([{ "resource": "opus", "amount": amount }]);
        let report = json!({ "epoch": 1, "resources": used });
        assert_eq!(
            pointed("usage", report).await,
            format!("/resources/0/{place}")
        );
        let end = json!({ "epoch": 1, "usage": { "resources": used } });
        assert_eq!(
            pointed("complete", end).await,
            format!("/usage/resources/0/{place}")
        );
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_null_is_taken_off_an_agents_card_and_what_is_absent_stays(database: PgPool) {
    let house = House::new(&database).await;
    let scout = house.key(Role::Agent).await;
    let url = "https://scout.example/health";
    let card = json!({ "name": "scout", "max_concurrency": 2, "health_url": url });
    house.done(&scout, "POST /agents", card).await;
    let same = house
        .done(&scout, "POST /agents", json!({ "name": "scout" }))
        .await;
    assert_eq!(
        (&same["max_concurrency"], &same["health_url"]),
        (&json!(2), &json!(url))
    );
    let less = json!({ "name": "scout", "max_concurrency": null, "health_url": null });
    let less = house.done(&scout, "POST /agents", less).await;
    assert_eq!(
        (&less["max_concurrency"], &less["health_url"]),
        (&json!(null), &json!(null))
    );
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
