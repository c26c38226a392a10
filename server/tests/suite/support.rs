//! A server over one scratch database, asked through its router.

use std::collections::HashMap;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use engine::{Engine, EngineConfig};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use scheduler::{KeyId, Policy, WorkspaceId};
use serde_json::{Value, json};
use server::permission::Role;
use server::state::App;
use sqlx::PgPool;
use store::Store;
use store::keys::{Key, NewKey};
use store::workspaces::Workspace;
use tokio::sync::watch;
use tower::ServiceExt;
use uuid::Uuid;

/// Longer than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One server with the workspaces `acme` and `other`.
pub struct House {
    pub app: App,
    pub router: Router,
    pub store: Store,
    pub stop: watch::Sender<bool>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl House {
    pub async fn new(database: &PgPool) -> Self {
        let store = Store::open((*database.connect_options()).clone(), 12);
        for slug in ["acme", "other"] {
            workspace(&store, slug).await;
        }
        Self::over(store).await
    }

    /// A server over what is there.
    pub async fn over(store: Store) -> Self {
        let config = EngineConfig::new(Uuid::new_v4(), "http://127.0.0.1:9");
        let engine = Engine::start(store.clone(), config).await.unwrap();
        let (stop, stopping) = watch::channel(false);
        let app = App::new(store.clone(), engine, stopping);
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let router = server::router::router(app.clone(), metrics, Router::new()).unwrap();
        let house = Self {
            app,
            router,
            store,
            stop,
        };
        while !house.app.engine.health().ready {
            tokio::task::yield_now().await;
        }
        house
    }

    /// Ends the server's tasks, so that the database can be dropped.
    pub async fn close(self) {
        self.stop.send_replace(true);
        let engine = self.app.engine.clone();
        engine.shutdown().await;
        self.store.close().await;
    }

    /// A key of `acme`; an agent's is bound to `scout`.
    pub async fn key(&self, role: Role) -> String {
        self.key_in("acme", role, "scout").await.0
    }

    /// A key, and its identifier.
    pub async fn key_in(&self, slug: &str, role: Role, agent: &str) -> (String, KeyId) {
        let workspace = self.workspace(slug).await;
        let agent = match role {
            Role::Agent => {
                let made = Uuid::now_v7().into();
                Some(
                    self.store
                        .ensure_agent(workspace, agent, made)
                        .await
                        .unwrap(),
                )
            }
            _ => None,
        };
        let new = NewKey::generate(role.as_str()).unwrap();
        let key = Key {
            id: Uuid::now_v7().into(),
            workspace,
            name: "a test's key".into(),
            role,
            agent,
            prefix: new.prefix,
            created_at: self.store.now().await.unwrap(),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        self.store.create_key(&key, &new.hash).await.unwrap();
        (new.text, key.id)
    }

    pub async fn workspace(&self, slug: &str) -> WorkspaceId {
        self.store
            .workspace_by_slug(slug)
            .await
            .unwrap()
            .unwrap()
            .id
    }

    /// Asks; `name` is the method and the path below the base.
    pub async fn ask(&self, key: &str, name: &str, body: Value) -> Answer {
        self.ask_with(key, name, &[], body.to_string()).await
    }

    /// Reads.
    pub async fn get(&self, key: &str, path: &str) -> Answer {
        self.ask_with(key, &format!("GET {path}"), &[], String::new())
            .await
    }

    /// Defines a resource of so many slots.
    pub async fn slots(&self, key: &str, name: &str, slots: u32) -> Value {
        let slots = json!({ "kind": "slots", "slots": slots });
        self.done(key, &format!("PUT /resources/{name}"), slots)
            .await
    }

    /// The items of a list.
    pub async fn listed(&self, key: &str, path: &str) -> Vec<Value> {
        let listed = self.get(key, path).await;
        listed.body["items"].as_array().unwrap().clone()
    }

    /// Asks, and expects it to be done.
    pub async fn done(&self, key: &str, name: &str, body: Value) -> Value {
        let answer = self.ask(key, name, body).await;
        assert!(
            answer.status.is_success(),
            "{name}: {} {}",
            answer.status,
            answer.body
        );
        answer.body
    }

    /// Asks once, under an idempotency key.
    pub async fn once(&self, key: &str, once: &str, name: &str, body: Value) -> Answer {
        self.ask_with(key, name, &[("idempotency-key", once)], body.to_string())
            .await
    }

    pub async fn ask_with(
        &self,
        key: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.raw(key, name, headers, body.into()).await;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The answer unread, for streams.
    pub async fn raw(
        &self,
        key: &str,
        name: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> axum::response::Response {
        let (method, path) = name.split_once(' ').unwrap();
        let uri = if path.starts_with("/api") {
            path.into()
        } else {
            format!("/api/v1{path}")
        };
        let mut request = Request::builder().method(method).uri(uri);
        if !key.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let asked = self.router.clone().oneshot(request.body(body).unwrap());
        tokio::time::timeout(PATIENCE, asked)
            .await
            .expect("an answer")
            .unwrap()
    }

    /// Makes a task and leases it: the task's identifier and the lease.
    pub async fn leased(&self, manager: &str, agent: &str, task: Value) -> (String, Value) {
        let made = self.done(manager, "POST /tasks", task).await;
        let claimed = self
            .done(agent, "POST /claims", json!({ "wait_ms": 20_000 }))
            .await;
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(claimed["leases"][0]["task"]["id"], id, "{claimed}");
        (id, claimed["leases"][0].clone())
    }
}

async fn workspace(store: &Store, slug: &str) {
    let row = Workspace {
        id: Uuid::now_v7().into(),
        pool: store.pool_named("main").await.unwrap(),
        slug: slug.into(),
        name: slug.into(),
        goal: String::new(),
        created_at: store.now().await.unwrap(),
    };
    store
        .create_workspace(&row, &Policy::default())
        .await
        .unwrap();
}

/// Status and body, with identifiers numbered as they first come up, and times and measured spans
/// taken out, so that two runs look the same.
pub fn shown(answer: &Answer) -> Value {
    let mut ids = HashMap::new();
    json!({ "status": answer.status.as_u16(), "body": redacted(&answer.body, &mut ids) })
}

fn redacted(value: &Value, ids: &mut HashMap<String, usize>) -> Value {
    match value {
        Value::String(text) if text.parse::<Uuid>().is_ok() => {
            let next = ids.len() + 1;
            json!(format!("[id {}]", ids.entry(text.clone()).or_insert(next)))
        }
        Value::String(text) if is_time(text) => json!("[time]"),
        Value::Array(items) => items.iter().map(|item| redacted(item, ids)).collect(),
        // A factor's size grows with age.
        Value::Object(fields) if fields.get("name") == Some(&json!("age")) => json!("[age]"),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let measured = matches!(name.as_str(), "rank" | "reasoning" | "lane" | "effect");
                let value = if measured && !value.is_null() {
                    json!("[varies]")
                } else {
                    redacted(value, ids)
                };
                (name.clone(), value)
            })
            .collect(),
        other => other.clone(),
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T'
}
