//! Keys: made, listed, revoked; a revoked one opens nothing from that moment on.

use crate::support::House;
use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::json;
use server::permission::Role;
use sqlx::PgPool;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_new_key_is_shown_once_and_opens_what_its_role_allows(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let body = json!({ "role": "agent", "agent": "newcomer" });
    let made = house.done(&admin, "POST /keys", body).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with(made["prefix"].as_str().unwrap()), "{made}");
    let card = json!({ "name": "newcomer" });
    house.done(key, "POST /agents", card).await;
    let listed = house.get(&admin, "/keys").await.body;
    assert_eq!(listed["items"][0]["id"], made["id"]);
    assert_eq!(listed["items"][0]["agent"], "newcomer");
    assert!(!listed.to_string().contains(key), "{listed}");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_repeated_request_is_answered_with_the_same_key_and_makes_one(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let body = json!({ "role": "viewer", "name": "dashboard" });
    let first = house.once(&admin, "k", "POST /keys", body.clone()).await;
    let again = house.once(&admin, "k", "POST /keys", body).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let key = again.body["key"].as_str().unwrap();
    assert_eq!(house.get(key, "/tasks").await.status, StatusCode::OK);
    let listed = house.get(&admin, "/keys?limit=1").await.body;
    assert_eq!(listed["items"][0]["id"], first.body["id"]);
    let next = listed["next_cursor"].as_str().unwrap();
    let rest = house.get(&admin, &format!("/keys?cursor={next}")).await;
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 1);
    let other = json!({ "role": "manager", "name": "dashboard" });
    let refused = house.once(&admin, "k", "POST /keys", other).await;
    assert_eq!(refused.body["code"], "idempotency_mismatch");
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_that_could_not_work_is_not_made(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let faulty = [
        (json!({ "role": "agent" }), "/agent"),
        (json!({ "role": "member", "agent": "scout" }), "/agent"),
        (json!({ "role": "owner" }), "/role"),
        (
            json!({ "role": "member", "expires_at": "2001-01-01T00:00:00Z" }),
            "/expires_at",
        ),
    ];
    for (body, pointer) in faulty {
        let refused = house.ask(&admin, "POST /keys", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_revoked_key_s_waiting_claim_and_stream_end_too(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let (scout, id) = house.key_in("acme", Role::Agent, "scout").await;
    let events = house.raw(&scout, "GET /events", &[], Body::empty()).await;
    let mut events = events.into_body().into_data_stream();
    let path = format!("DELETE /keys/{id}");
    let claim = house.ask(&scout, "POST /claims", json!({ "wait_ms": 60_000 }));
    let (claim, revoked) = tokio::join!(claim, house.ask(&admin, &path, json!({})));
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    assert_eq!(claim.status, StatusCode::UNAUTHORIZED, "{}", claim.body);
    while events.next().await.is_some() {}
    let again = house.ask(&admin, &path, json!({})).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_revocation_made_elsewhere_is_heard(database: PgPool) {
    let house = House::new(&database).await;
    let (key, id) = house.key_in("acme", Role::Member, "").await;
    let mut revocations = house.app.engine.revocations();
    assert_eq!(house.get(&key, "/tasks").await.status, StatusCode::OK);
    revocations.mark_unchanged();
    let acme = house.workspace("acme").await;
    let now = house.app.now();
    assert!(house.store.revoke_key(acme, id, now).await.unwrap());
    revocations.changed().await.unwrap();
    let refused = house.get(&key, "/tasks").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_workspace_s_key_cannot_be_revoked(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    let (_, id) = house.key_in("other", Role::Admin, "").await;
    let path = format!("DELETE /keys/{id}");
    let refused = house.ask(&admin, &path, json!({})).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    house.close().await;
}
