//! What is too much, malformed or misspelt is refused, and the answer says where.

use crate::support::{Answer, House};
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;

fn pointers(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.body));
    errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect()
}

/// Whoever reads it has not read the source.
fn assert_plain(answer: &Answer) {
    let detail = answer.body["detail"].as_str().unwrap();
    for word in [
        "expected", "struct", "enum", "u32", "u64", "parsing", "digit",
    ] {
        assert!(!detail.contains(word), "{detail}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_fault_of_a_task_is_pointed_at(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let many = |count: usize, entry: fn(usize) -> Value| (0..count).map(entry).collect::<Value>();
    let cases = [
        (json!({ "title": "" }), "/title"),
        (json!({ "title": "x".repeat(201) }), "/title"),
        (json!({}), "/title"),
        (json!({ "title": "t", "titel": "x" }), "/titel"),
        (json!({ "title": 7 }), "/title"),
        (json!({ "title": "t\u{0}" }), "/title"),
        (
            json!({ "title": "t", "description": "x".repeat(65_537) }),
            "/description",
        ),
        (json!({ "title": "t", "priority": "huge" }), "/priority"),
        (json!({ "title": "t", "max_attempts": 0 }), "/max_attempts"),
        (
            json!({ "title": "t", "max_attempts": 70_000 }),
            "/max_attempts",
        ),
        (json!({ "title": "t", "lease_ms": 10 }), "/lease_ms"),
        (json!({ "title": "t", "due_at": "tomorrow" }), "/due_at"),
        (
            json!({ "title": "t", "due_at": "0001-01-01T00:00:00Z" }),
            "/due_at",
        ),
        (
            json!({ "title": "t", "not_before": "2100-01-01T00:00:00Z" }),
            "/not_before",
        ),
        (json!({ "title": " \u{200b}\u{202e}" }), "/title"),
        (json!({ "title": "t", "kind": "\u{feff}" }), "/kind"),
        (json!({ "title": "t", "payload": [] }), "/payload"),
        (
            json!({ "title": "t", "requires": [["a", 1]] }),
            "/requires/0",
        ),
        (
            json!({ "title": "t", "estimate": ["small", 1] }),
            "/estimate",
        ),
        (
            json!({ "title": "t", "estimate": { "cost": 1 } }),
            "/estimate/cost",
        ),
        (
            json!({ "title": "t", "requires": [{ "resource": "a", "amount": 0 }] }),
            "/requires/0/amount",
        ),
        (
            json!({ "title": "t", "requires": many(33, |n| json!({ "resource": format!("r{n}"), "amount": 1 })) }),
            "/requires",
        ),
        (
            json!({ "title": "t", "depends_on": many(257, |_| json!(uuid::Uuid::now_v7())) }),
            "/depends_on",
        ),
        (
            json!({ "title": "t", "depends_on": ["nothing"] }),
            "/depends_on/0",
        ),
        (
            json!({ "title": "t", "depends_on": [uuid::Uuid::now_v7()] }),
            "/depends_on/0",
        ),
        (
            json!({ "title": "t", "parent_id": uuid::Uuid::now_v7() }),
            "/parent_id",
        ),
        (json!([{ "title": "t" }, { "title": "" }]), "/1/title"),
        (
            json!([{ "title": "t", "ref": "a" }, { "title": "t", "ref": "a" }]),
            "/1/ref",
        ),
        (json!([]), ""),
    ];
    for (body, pointer) in cases {
        let answer = house.ask(&key, "POST /tasks", body.clone()).await;
        let shown = body.to_string().chars().take(80).collect::<String>();
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{shown}: {}",
            answer.body
        );
        assert_eq!(pointers(&answer), [pointer], "{shown}");
        assert_plain(&answer);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    assert_eq!(house.get(&key, "/tasks").await.body["items"], json!([]));
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_batch_has_at_most_a_thousand_and_a_body_at_most_a_mebibyte(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let batch = |count: usize| Value::from(vec![json!({ "title": "t" }); count]);
    let most = house.ask(&key, "POST /tasks", batch(1_000)).await;
    assert_eq!(most.status, StatusCode::CREATED);
    let more = house.ask(&key, "POST /tasks", batch(1_001)).await;
    assert_eq!(
        (more.status, pointers(&more)),
        (StatusCode::UNPROCESSABLE_ENTITY, vec![""])
    );
    let large = house
        .ask_with(&key, "POST /tasks", &[], vec![b' '; (1 << 20) + 1])
        .await;
    assert_eq!(
        (large.status, &large.body["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large"))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_not_json_is_unreadable_and_other_types_are_not_taken(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let form = "application/x-www-form-urlencoded";
    let (open, close) = ("{\"a\":".repeat(500), "}".repeat(500));
    let deep = format!("{{\"title\":\"t\",\"payload\":{open}1{close}}}");
    let cases = [
        ("application/json", "{nope", StatusCode::BAD_REQUEST),
        ("application/json", &*deep, StatusCode::BAD_REQUEST),
        (
            "application/json",
            "{\"title\":\"t\"} trailing",
            StatusCode::BAD_REQUEST,
        ),
        (
            "application/json; charset=utf-8",
            "{\"title\":\"t\"}",
            StatusCode::CREATED,
        ),
        (form, "{\"title\":\"t\"}", StatusCode::CREATED),
        (form, "title=t", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "text/xml",
            "{\"title\":\"t\"}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "text/plain",
            "{\"title\":\"t\"}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ];
    for (media_type, body, status) in cases {
        let answer = house
            .ask_with(
                &key,
                "POST /tasks",
                &[("content-type", media_type)],
                body.to_owned(),
            )
            .await;
        assert_eq!(
            answer.status, status,
            "{media_type} {body}: {}",
            answer.body
        );
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_empty_body_is_an_empty_object(database: PgPool) {
    let house = House::new(&database).await;
    let scout = house.key(Role::Agent).await;
    let claim = house.ask_with(&scout, "POST /claims", &[], "").await;
    assert_eq!(
        (claim.status, &claim.body["leases"]),
        (StatusCode::OK, &json!([]))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn limits_budgets_policies_and_lists_are_bounded_too(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Manager).await;
    let budget = |change: Value| {
        let mut body = json!({ "scope": { "workspace": "acme" }, "unit": "tokens", "limit": 10, "window": "day" });
        let (Value::Object(whole), Value::Object(change)) = (&mut body, change) else {
            return body;
        };
        whole.extend(change);
        body
    };
    let cases = [
        (
            "PUT /resources/r",
            json!({ "kind": "bucket", "capacity": 0, "refill_per_s": 1 }),
            "/capacity",
        ),
        (
            "PUT /resources/r",
            json!({ "kind": "bucket", "capacity": 1 }),
            "/refill_per_s",
        ),
        ("PUT /resources/r", json!({ "kind": "slots" }), "/slots"),
        ("PUT /resources/r", json!({ "kind": "pipe" }), "/kind"),
        ("PUT /resources/r", json!({ "kind": null }), "/kind"),
        (
            "PUT /resources/r",
            json!({ "kind": "slots", "slots": 4, "adaptive": { "min": 1, "max": 5 } }),
            "/adaptive/max",
        ),
        (
            "PUT /resources/r",
            json!({ "kind": "bucket", "capacity": 9, "refill_per_s": 2, "adaptive": { "min": 3, "max": 2 } }),
            "/adaptive/min",
        ),
        (
            "PUT /budgets/b",
            budget(json!({ "scope": { "workspace": "other" } })),
            "/scope/workspace",
        ),
        ("PUT /budgets/b", budget(json!({ "scope": {} })), "/scope"),
        (
            "PUT /budgets/b",
            budget(json!({ "scope": { "agent": "nobody" } })),
            "/scope/agent",
        ),
        (
            "PUT /budgets/b",
            budget(json!({ "soft_at": 2 })),
            "/soft_at",
        ),
        ("PUT /budgets/b", budget(json!({ "limit": -1 })), "/limit"),
        (
            "PUT /policy",
            json!({ "fuses": { "max_panding": 1 } }),
            "/fuses/max_panding",
        ),
        (
            "PUT /policy",
            json!({ "fuses": { "max_pending": "many" } }),
            "/fuses/max_pending",
        ),
        (
            "PUT /policy",
            json!({ "ageing_per_hour": 0 }),
            "/ageing_per_hour",
        ),
        ("GET /tasks?limit=201", json!({}), "?limit"),
        ("GET /tasks?limit=0", json!({}), "?limit"),
        ("GET /tasks?cursor=nonsense", json!({}), "?cursor"),
        ("GET /tasks?limit=many", json!({}), "?limit"),
        ("GET /tasks?limit=-1", json!({}), "?limit"),
        ("GET /tasks?parent_id=x", json!({}), "?parent_id"),
        ("GET /decisions?task=x", json!({}), "?task"),
        ("GET /decisions?from=yesterday", json!({}), "?from"),
        ("PUT /resources/r", json!([]), ""),
        ("PUT /resources/r", json!(7), ""),
        ("PUT /budgets/b", json!(1), ""),
        ("PUT /policy", json!([]), ""),
        ("POST /resources/r/throttled", json!("x"), ""),
        ("GET /tasks?q=%00", json!({}), "?q"),
        ("GET /tasks?state=lost", json!({}), "?state"),
    ];
    for (name, body, pointer) in cases {
        let answer = house.ask(&key, name, body.clone()).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name} {body}: {}",
            answer.body
        );
        assert_eq!(pointers(&answer), [pointer], "{name} {body}");
        assert_plain(&answer);
    }
    let misspelt = house.get(&key, "/tasks?stat=done").await;
    assert_eq!(misspelt.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_list_narrowed_by_what_is_not_there_says_so(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Viewer).await;
    for (path, pointer) in [
        ("/tasks?lane=zzz", "?lane"),
        ("/tasks?lane=0123456789abcdef&state=done", "?lane"),
        (
            "/tasks?parent_id=0190b3f4-0000-7000-8000-000000000000&kind=a",
            "?parent_id",
        ),
        ("/tasks?agent=nobody", "?agent"),
        ("/tasks?state=asleep", "?state"),
        ("/tasks?colour=red", "?colour"),
        ("/agents?limit=0", "?limit"),
        ("/budgets?cursor=zzz", "?cursor"),
        ("/resources?colour=red", "?colour"),
    ] {
        let refused = house.get(&key, path).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert_eq!(pointers(&refused), [pointer], "{path}");
        assert_plain(&refused);
    }
    let nothing = house.get(&key, "/tasks?lane=0123456789abcdef").await;
    assert_eq!(
        (nothing.status, &nothing.body["items"]),
        (StatusCode::OK, &json!([]))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_list_that_is_at_hand_as_a_whole_comes_in_pages_too(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Manager).await;
    for name in ["a", "b", "c"] {
        let body = json!({ "kind": "slots", "slots": 1 });
        house
            .done(&key, &format!("PUT /resources/{name}"), body)
            .await;
    }
    let first = house.get(&key, "/resources?limit=2").await.body;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = house
        .get(&key, &format!("/resources?limit=2&cursor={cursor}"))
        .await
        .body;
    assert_eq!(rest["items"][0]["name"], "c");
    assert_eq!(
        (
            rest["items"].as_array().unwrap().len(),
            &rest["next_cursor"]
        ),
        (1, &Value::Null)
    );
    house.close().await;
}
