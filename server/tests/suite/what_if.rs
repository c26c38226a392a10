//! What-if over the interface: the answer is what then happens, and asking changes nothing.

use crate::support::{Answer, House, shown};
use axum::http::StatusCode;
use insta::assert_json_snapshot;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

fn two_slots() -> Value {
    json!({ "changes": [{ "resource": { "name": "opus", "slots": 2 } }] })
}

/// One slot that is taken, and two tasks that wait for it: a manager's key and the agent's.
async fn a_queue(house: &House) -> (String, String) {
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    house.slots(&manager, "opus", 1).await;
    let task = |title: &str| {
        let estimate = json!({ "duration_ms": 60_000 });
        let requires = json!([{ "resource": "opus", "amount": 1 }]);
        json!({ "title": title, "requires": requires, "estimate": estimate })
    };
    let card = json!({ "name": "scout", "max_concurrency": 2 });
    house.done(&scout, "POST /agents", card).await;
    house.leased(&manager, &scout, task("Holds it")).await;
    let tasks = json!([task("First in line"), task("Second in line")]);
    house.done(&manager, "POST /tasks", tasks).await;
    (manager, scout)
}

/// Asks, once a claim waits; then the slot is what the tasks wait for.
async fn asked_while_waiting(house: &House, key: &str) -> Answer {
    loop {
        let answer = house.ask(key, "POST /what_if", two_slots()).await;
        if answer.body["changed"]["starting_now"] == 1 {
            return answer;
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_would_start_starts_when_the_change_is_made(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = a_queue(&house).await;
    let claim = house.ask(&scout, "POST /claims", json!({ "wait_ms": 20_000 }));
    let change = async {
        asked_while_waiting(&house, &manager).await;
        let before = house.get(&manager, "/resources").await.body;
        let decided = house.get(&manager, "/decisions").await.body;
        let answer = house.ask(&manager, "POST /what_if", two_slots()).await;
        assert_eq!(house.get(&manager, "/resources").await.body, before);
        assert_eq!(house.get(&manager, "/decisions").await.body, decided);
        house.slots(&manager, "opus", 2).await;
        answer
    };
    let (claimed, answer) = tokio::join!(claim, change);
    let foretold = &answer.body["changed"]["starts_now"];
    assert_eq!(foretold, &json!([claimed.body["leases"][0]["task"]["id"]]));
    assert_json_snapshot!("what_if", shown(&answer));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_kind_of_change_can_be_asked_about(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, member) = (
        house.key(Role::Manager).await,
        house.key(Role::Member).await,
    );
    let budget =
        json!({ "scope": { "workspace": "acme" }, "unit": "tokens", "limit": 10, "window": "day" });
    house.done(&manager, "PUT /budgets/day", budget).await;
    let bucket = json!({ "kind": "bucket", "capacity": 5, "refill_per_s": 1 });
    house.done(&manager, "PUT /resources/search", bucket).await;
    let task = house
        .done(&manager, "POST /tasks", json!({ "title": "t" }))
        .await;
    let over = house
        .done(&manager, "POST /tasks", json!({ "title": "o" }))
        .await;
    let cancel = format!("POST /tasks/{}/cancel", over["id"].as_str().unwrap());
    house.done(&manager, &cancel, json!({})).await;
    let changes = json!([
        { "budget": { "name": "day", "limit": 20 } },
        { "resource": { "name": "search", "capacity": 9 } },
        { "resource": { "name": "search", "closed": true } },
        { "resource": { "name": "new", "kind": "slots", "slots": 1 } },
        { "policy": { "fair_share_weight": 2.0 } },
        { "task": { "id": task["id"], "act": "boost" } },
        { "task": { "id": task["id"], "act": "hold" } },
        { "task": { "id": over["id"], "act": "retry" } },
    ]);
    let answer = house
        .ask(&member, "POST /what_if", json!({ "changes": changes }))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let codes = &answer.body["changed"]["waiting"];
    assert_eq!(codes[0]["code"], "no_eligible_agent", "{codes}");
    assert_eq!(
        (&codes[0]["tasks"], &codes[1]),
        (&json!(1), &Value::Null),
        "what was over waits again"
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_change_that_cannot_be_made_is_pointed_at(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let nobody = "01900000-0000-7000-8000-000000000001";
    let cases = [
        (json!([]), "/changes", 422),
        (
            json!([{ "resource": { "slots": 2 } }]),
            "/changes/0/resource/name",
            422,
        ),
        (
            json!([{ "resource": { "name": "x", "kind": "bucket" } }]),
            "/changes/0/resource/capacity",
            422,
        ),
        (
            json!([{ "policy": { "nothing": 2 } }]),
            "/changes/0/policy/nothing",
            422,
        ),
        (
            json!([{ "task": { "id": nobody, "act": "boost", "score_delta": 100_001 } }]),
            "/changes/0/task/score_delta",
            422,
        ),
        (
            json!([{ "task": { "id": nobody, "act": "cancel" } }]),
            "/changes/0",
            404,
        ),
    ];
    for (changes, pointer, status) in cases {
        let answer = house
            .ask(&key, "POST /what_if", json!({ "changes": changes }))
            .await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert_eq!(
            answer.body["errors"][0]["pointer"], pointer,
            "{}",
            answer.body
        );
    }
    house.close().await;
}
