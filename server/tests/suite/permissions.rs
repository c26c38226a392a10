//! Every route, as every role, without a key, with a revoked one, and from another workspace.

use crate::support::House;
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::api;
use server::permission::Role;
use sqlx::PgPool;
use uuid::Uuid;

/// A path of the table with something in the place of its parameters.
fn filled(name: &str) -> String {
    name.replace("{id}", &Uuid::now_v7().to_string())
        .replace("{name}", "thing")
}

async fn status(house: &House, key: &str, name: &str) -> (StatusCode, Option<String>) {
    let response = house.raw(key, &filled(name), &[], "{}".into()).await;
    let status = response.status();
    // A stream that is let in never ends; a refusal does.
    if status.is_success() {
        return (status, None);
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    (status, body["code"].as_str().map(str::to_owned))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_route_lets_in_whom_the_table_names_and_nobody_else(database: PgPool) {
    let house = House::new(&database).await;
    for role in Role::ALL {
        let key = house.key(role).await;
        for route in api::table() {
            let (status, code) = status(&house, &key, route.name).await;
            let refused = matches!(code.as_deref(), Some("forbidden" | "agent_key_needed"));
            assert_eq!(
                !route.who.allows(role),
                refused,
                "{} as {role:?}: {status}",
                route.name
            );
            assert_ne!(
                status,
                StatusCode::UNAUTHORIZED,
                "{} as {role:?}",
                route.name
            );
            assert_ne!(status, StatusCode::METHOD_NOT_ALLOWED, "{}", route.name);
        }
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_key_or_with_a_revoked_or_made_up_one_nothing_answers(database: PgPool) {
    let house = House::new(&database).await;
    let (revoked, id) = house.key_in("acme", Role::Admin, "").await;
    assert_eq!(house.get(&revoked, "/tasks").await.status, StatusCode::OK);
    let acme = house.workspace("acme").await;
    assert!(house.app.engine.revoke_key(acme, id).await.unwrap());
    for key in ["", "bogus", "baton_admin_0000", &revoked] {
        for route in api::table() {
            let found = status(&house, key, route.name).await;
            let expected = (StatusCode::UNAUTHORIZED, Some("unauthenticated".to_owned()));
            assert_eq!(found, expected, "{} with {key:?}", route.name);
        }
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_workspace_s_things_do_not_exist(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let (other, _) = house.key_in("other", Role::Admin, "").await;
    let (spy, _) = house.key_in("other", Role::Agent, "spy").await;
    house.slots(&manager, "api", 2).await;
    let (task, lease) = house
        .leased(&manager, &scout, json!({ "title": "secret" }))
        .await;
    let (lease_id, decision) = (
        lease["lease_id"].as_str().unwrap(),
        lease["decision_id"].as_str().unwrap(),
    );
    let agents = house.get(&manager, "/agents").await.body;
    let agent = agents["items"][0]["id"].as_str().unwrap();

    let missing = [
        ("GET", format!("/tasks/{task}"), json!({})),
        ("GET", format!("/tasks/{task}/explanation"), json!({})),
        (
            "PATCH",
            format!("/tasks/{task}"),
            json!({ "title": "mine", "version": 1 }),
        ),
        ("POST", format!("/tasks/{task}/cancel"), json!({})),
        ("POST", format!("/tasks/{task}/hold"), json!({})),
        ("POST", format!("/tasks/{task}/release"), json!({})),
        ("POST", format!("/tasks/{task}/retry"), json!({})),
        (
            "POST",
            format!("/tasks/{task}/handoff"),
            json!({ "to_agent": "spy" }),
        ),
        ("POST", "/resources/api/throttled".to_owned(), json!({})),
        ("POST", "/resources/api/close".to_owned(), json!({})),
        ("GET", format!("/decisions/{decision}"), json!({})),
        (
            "POST",
            format!("/decisions/{decision}/review"),
            json!({ "verdict": "agree" }),
        ),
        ("GET", format!("/agents/{agent}"), json!({})),
    ];
    for (method, path, body) in missing {
        let answer = house.ask(&other, &format!("{method} {path}"), body).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{method} {path}: {}",
            answer.body
        );
    }
    for act in ["renew", "usage", "complete", "release"] {
        let path = format!("POST /leases/{lease_id}/{act}");
        let answer = house.ask(&spy, &path, json!({ "epoch": 1 })).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{path}: {}",
            answer.body
        );
    }
    let child = house
        .ask(
            &other,
            "POST /tasks",
            json!({ "title": "x", "parent_id": task }),
        )
        .await;
    assert_eq!(
        child.body["errors"][0]["pointer"], "/parent_id",
        "{}",
        child.body
    );
    for list in ["/tasks", "/resources", "/budgets", "/decisions"] {
        let answer = house.get(&other, list).await;
        assert_eq!(answer.body["items"], json!([]), "{list}");
    }
    house
        .done(
            &scout,
            &format!("POST /leases/{lease_id}/complete"),
            json!({ "epoch": 1 }),
        )
        .await;
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_agent_changes_itself_only_and_works_under_its_own_leases_only(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, scout) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let (rival, _) = house.key_in("acme", Role::Agent, "rival").await;
    let card = house
        .ask(&scout, "POST /agents", json!({ "name": "rival" }))
        .await;
    assert_eq!(
        (card.status, &card.body["code"]),
        (StatusCode::FORBIDDEN, &json!("forbidden"))
    );
    house
        .done(&scout, "POST /agents", json!({ "name": "scout" }))
        .await;
    let (_, lease) = house
        .leased(&manager, &scout, json!({ "title": "mine" }))
        .await;
    let path = format!(
        "POST /leases/{}/complete",
        lease["lease_id"].as_str().unwrap()
    );
    let stolen = house.ask(&rival, &path, json!({ "epoch": 1 })).await;
    assert!(stolen.status.is_client_error(), "{}", stolen.body);
    house.done(&scout, &path, json!({ "epoch": 1 })).await;
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_pool_s_resource_is_for_admins(database: PgPool) {
    let house = House::new(&database).await;
    let body = json!({ "scope": "pool", "kind": "slots", "slots": 1 });
    let manager = house.key(Role::Manager).await;
    let refused = house
        .ask(&manager, "PUT /resources/gpu", body.clone())
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let admin = house.key(Role::Admin).await;
    let made = house.done(&admin, "PUT /resources/gpu", body).await;
    assert_eq!(made["scope"], "pool");
    for act in ["close", "reopen"] {
        let path = format!("POST /resources/gpu/{act}");
        let refused = house.ask(&manager, &path, json!({})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{act}");
        house.done(&admin, &path, json!({})).await;
    }
    house.slots(&manager, "gpu", 2).await;
    let close = "POST /resources/gpu/close";
    house.done(&manager, close, json!({})).await;
    let [own, pool] = &house.listed(&admin, "/resources").await[..] else {
        panic!("the workspace's own beside the pool's");
    };
    assert_eq!(
        (&own["scope"], &pool["scope"]),
        (&json!("workspace"), &json!("pool"))
    );
    assert!(own["closed_until"].is_string() && pool["closed_until"].is_null());
    house.close().await;
}

#[test]
fn the_table_and_the_description_name_the_same_routes() {
    let described = api::description();
    let mut described: Vec<String> = described
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = [
                ("GET", item.get.is_some()),
                ("PUT", item.put.is_some()),
                ("POST", item.post.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            let path = path.strip_prefix(api::BASE).unwrap().to_owned();
            methods
                .into_iter()
                .filter(|(_, has)| *has)
                .map(move |(method, _)| format!("{method} {path}"))
        })
        .collect();
    let mut table: Vec<String> = api::table()
        .iter()
        .map(|route| route.name.to_owned())
        .collect();
    described.sort();
    table.sort();
    assert_eq!(described, table);
}
