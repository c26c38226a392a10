//! What stands beside the interface: health, readiness, metrics, the description, the servers' own
//! road; and the contract's five calls, made by curl.

use std::process::{Command, Stdio};

use crate::support::House;
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::permission::Role;
use sqlx::PgPool;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use uuid::Uuid;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn it_says_that_it_is_alive_ready_and_how_it_does(database: PgPool) {
    let house = House::new(&database).await;
    let root = |path: &str| {
        let router = house.router.clone();
        let request = axum::http::Request::get(path)
            .body(axum::body::Body::empty())
            .unwrap();
        async move {
            let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), 1 << 24)
                .await
                .unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        }
    };
    assert_eq!(root("/healthz").await.0, StatusCode::OK);
    let (status, readiness) = root("/readyz").await;
    let readiness: Value = serde_json::from_str(&readiness).unwrap();
    assert_eq!(
        (status, &readiness["database"], &readiness["ready"]),
        (StatusCode::OK, &json!(true), &json!(true))
    );
    assert_eq!(root("/metrics").await.0, StatusCode::OK);
    house.stop.send_replace(true);
    assert_eq!(root("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_description_is_openapi_3_1_and_its_page_loads_nothing_from_elsewhere(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let description = house.get("", "/api/openapi.json").await;
    assert_eq!(
        (description.status, &description.body["openapi"]),
        (StatusCode::OK, &json!("3.1.0"))
    );
    let references = description.body.to_string();
    for part in references.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            description.body["components"]["schemas"][name].is_object(),
            "{name} is not described"
        );
    }
    for path in ["/api/v1/nothing", "/api/v2/tasks"] {
        let nothing = house.get("", path).await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(nothing.body["code"], "not_found", "{path}");
    }
    let page = house.get("", "/api/docs").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let html = page.body.as_str().unwrap();
    assert!(html.contains("/api/v1/claims") && html.contains("id=\"lease_lost\""));
    for loaded in ["<script", "src=", "http://", "https://"] {
        assert!(!html.contains(loaded), "{loaded}");
    }
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unknown_path_of_the_interface_is_a_problem_too(database: PgPool) {
    let house = House::new(&database).await;
    let key = house.key(Role::Admin).await;
    let answer = house.get(&key, "/nothing").await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (StatusCode::NOT_FOUND, &json!("not_found"))
    );
    let answer = house.ask(&key, "DELETE /tasks", json!({})).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (StatusCode::METHOD_NOT_ALLOWED, &json!("method_not_allowed"))
    );
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_servers_road_opens_to_servers_only(database: PgPool) {
    let house = House::new(&database).await;
    let admin = house.key(Role::Admin).await;
    for key in ["", "bogus", &admin] {
        let request = axum::http::Request::post("/internal/v1/submit")
            .header("authorization", format!("Bearer {key}"));
        let request = request.body(axum::body::Body::from("{}")).unwrap();
        let response = tower::ServiceExt::oneshot(house.router.clone(), request)
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{key:?}");
    }
    house.close().await;
}

async fn curl(url: &str, key: &str, body: &'static str) -> Value {
    let (url, key) = (url.to_owned(), format!("Authorization: Bearer {key}"));
    let called = spawn_blocking(move || {
        Command::new("curl")
            .args(["-sS", "--max-time", "60", "-H", &key, &url, "-d", body])
            .stderr(Stdio::inherit())
            .output()
    });
    let output = called.await.unwrap().expect("curl is installed");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_five_calls_work_as_they_are_written(database: PgPool) {
    let house = House::new(&database).await;
    let (manager, key) = (house.key(Role::Manager).await, house.key(Role::Agent).await);
    let bucket = json!({ "kind": "bucket", "capacity": 10, "refill_per_s": 1 });
    house
        .done(&manager, "PUT /resources/google_search_api", bucket)
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, house.router.clone()).into_future());
    let at = |path: &str| format!("{url}{path}");

    let agent = curl(
        &at("/agents"),
        &key,
        r#"{"name":"scout","capabilities":["research"]}"#,
    )
    .await;
    assert_eq!(agent["capabilities"], json!(["research"]), "{agent}");
    let task = r#"{"title":"Compare prices","capabilities":["research"],"requires":[{"resource":"google_search_api","amount":1}]}"#;
    let task = curl(&at("/tasks"), &key, task).await;
    let claim = curl(&at("/claims"), &key, r#"{"wait_ms":30000}"#).await;
    assert_eq!(claim["leases"][0]["task"]["id"], task["id"], "{claim}");
    let lease = claim["leases"][0]["lease_id"].as_str().unwrap();
    let usage = r#"{"epoch":1,"model":"small","input_tokens":900,"output_tokens":120}"#;
    let used = curl(&at(&format!("/leases/{lease}/usage")), &key, usage).await;
    assert_eq!(used["state"], "in_progress");
    let done = curl(
        &at(&format!("/leases/{lease}/complete")),
        &key,
        r#"{"epoch":1,"output":{"answer":42}}"#,
    )
    .await;
    assert_eq!(done["state"], "done");
    server.abort();
    house.close().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn while_another_server_is_silent_reads_say_so_and_a_task_is_shown_as_it_is_stored(
    database: PgPool,
) {
    let house = House::new(&database).await;
    let manager = house.key(Role::Manager).await;
    let made = house
        .done(&manager, "POST /tasks", json!({ "title": "stored" }))
        .await;
    let path = format!("/tasks/{}", made["id"].as_str().unwrap());
    house.close().await;
    let silent = "UPDATE pool SET holder = $1, holder_url = 'http://127.0.0.1:1',
        expires_at = clock_timestamp() + interval '1 minute'";
    let moved = sqlx::query(silent).bind(Uuid::now_v7()).execute(&database);
    moved.await.unwrap();
    let store = Store::open((*database.connect_options()).clone(), 12);
    let house = House::over(store).await;
    let task = house.get(&manager, &path).await;
    assert_eq!(task.status, StatusCode::OK, "{}", task.body);
    assert_eq!(
        (&task.body["title"], &task.body["score"]),
        (&json!("stored"), &made["score"])
    );
    for read in ["/resources", "/budgets", "/stats"] {
        let away = house.get(&manager, read).await;
        assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{read}");
        let said = away.body["detail"].as_str().unwrap();
        assert!(
            said.ends_with("went away before it answered; ask again in a moment."),
            "{read}: {said}"
        );
    }
    let hold = format!("POST {path}/hold");
    let away = house.ask(&manager, &hold, json!({})).await;
    let said = away.body["detail"].as_str().unwrap();
    assert!(said.contains("may have done it"), "{said}");
    house.close().await;
}
