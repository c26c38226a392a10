//! The same key with the same body gives the same answer and one effect.

use crate::support::House;
use axum::http::StatusCode;
use serde_json::json;
use server::permission::Role;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_repeated_batch_is_answered_alike_and_made_once(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let batch =
        json!([{ "title": "first", "ref": "a" }, { "title": "second", "depends_on": ["a"] }]);
    let first = house.once(&key, "k", "POST /tasks", batch.clone()).await;
    let again = house.once(&key, "k", "POST /tasks", batch).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(house.listed(&key, "/tasks").await.len(), 2);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_used_again_for_something_else_is_refused(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    house
        .once(&key, "k", "POST /tasks", json!({ "title": "one" }))
        .await;
    let other_body = house
        .once(&key, "k", "POST /tasks", json!({ "title": "two" }))
        .await;
    assert_eq!(other_body.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other_body.body["code"], "idempotency_mismatch");
    let other_path = house
        .once(
            &key,
            "k",
            "POST /resources/x/throttled",
            json!({ "title": "one" }),
        )
        .await;
    assert_eq!(other_path.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn two_callers_may_choose_the_same_key(database: PgPool) {
    let house = House::new(&database).await;
    let (one, other) = (
        house.key(Role::Member).await,
        house.key(Role::Manager).await,
    );
    let first = house
        .once(&one, "k", "POST /tasks", json!({ "title": "one" }))
        .await;
    let second = house
        .once(&other, "k", "POST /tasks", json!({ "title": "two" }))
        .await;
    assert_eq!([first.status, second.status], [StatusCode::CREATED; 2]);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn of_many_at_the_same_time_one_is_carried_out(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Member).await;
    let asked = (0..8).map(|_| house.once(&key, "k", "POST /tasks", json!({ "title": "one" })));
    let answers = futures::future::join_all(asked).await;
    let mut ids = std::collections::BTreeSet::new();
    for answer in &answers {
        match answer.status {
            StatusCode::CREATED => drop(ids.insert(answer.body["id"].to_string())),
            status => {
                assert_eq!(
                    (status, &answer.body["code"]),
                    (StatusCode::CONFLICT, &json!("still_running"))
                );
                assert_eq!(answer.headers["retry-after"], "1");
            }
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(house.listed(&key, "/tasks").await.len(), 1);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_repeated_claim_gets_the_same_lease_with_its_text(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let task = json!({ "title": "one", "payload": { "n": 1 } });
    house.done(&manager, "POST /tasks", task).await;
    let claim = json!({ "wait_ms": 20_000 });
    let first = house.once(&scout, "c", "POST /claims", claim.clone()).await;
    let again = house.once(&scout, "c", "POST /claims", claim).await;
    assert_eq!(
        first.body["leases"][0]["task"]["payload"],
        json!({ "n": 1 })
    );
    assert_eq!(first.body, again.body);
    let path = format!(
        "POST /leases/{}/complete",
        first.body["leases"][0]["lease_id"].as_str().unwrap()
    );
    let done = house.once(&scout, "d", &path, json!({ "epoch": 1 })).await;
    let again = house.once(&scout, "d", &path, json!({ "epoch": 1 })).await;
    assert_eq!((done.status, &done.body), (again.status, &again.body));
    assert_eq!(done.status, StatusCode::OK);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_repeated_review_is_answered_alike_and_another_under_its_key_refused(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let task = json!({ "title": "one" });
    let (_, lease) = house.leased(&manager, &scout, task).await;
    let decision = lease["decision_id"].as_str().unwrap();
    let path = format!("POST /decisions/{decision}/review");
    let agree = json!({ "verdict": "agree", "note": "as I would" });
    let first = house.once(&manager, "r", &path, agree.clone()).await;
    let other = json!({ "verdict": "disagree" });
    let changed = house.once(&manager, "s", &path, other.clone()).await;
    let again = house.once(&manager, "r", &path, agree).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(changed.status, StatusCode::CREATED);
    let refused = house.once(&manager, "r", &path, other).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["code"], "idempotency_mismatch");
    let shown = house.get(&manager, &format!("/decisions/{decision}")).await;
    let reviews = shown.body["reviews"].as_array().unwrap();
    assert_eq!(reviews.len(), 1, "the later one replaces: {reviews:?}");
    assert_eq!(reviews[0]["verdict"], "disagree");
    assert_eq!(reviews[0]["before"][0]["verdict"], "agree");
    house.close().await;
}
