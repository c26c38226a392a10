//! Somebody's browser before the pages of a house.

use crate::support::House;
use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use scheduler::UserId;
use serde_json::{Value, json};
use store::accounts::{Account, AccountRole, WorkspaceRole};
use tower::ServiceExt;
use uuid::Uuid;

const URL: &str = "http://127.0.0.1:9";
pub const PASSWORD: &str = "a stave has five lines";
/// The pages of a house, and somebody's browser.
pub struct Browser {
    pages: Router,
    pub cookie: String,
}

pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Browser {
    /// Somebody with that role in `acme`.
    pub async fn of(house: &House, role: WorkspaceRole) -> Self {
        let email = format!("{role:?}@example.org").to_lowercase();
        let account = Account {
            id: UserId(Uuid::now_v7()),
            email: email.clone(),
            password_hash: server::password::hash(PASSWORD).unwrap(),
            role: AccountRole::Member,
            created_at: house.app.now(),
            disabled_at: None,
        };
        house.store.create_account(&account).await.unwrap();
        let acme = house.workspace("acme").await;
        let joined = house.store.put_membership(account.id, acme, role).await;
        joined.unwrap();
        let mut browser = Self::stranger(house);
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        let entered = browser.post("/login", "text/html", &fields).await;
        let cookie = entered.headers[SET_COOKIE].to_str().unwrap();
        browser.cookie = cookie.split(';').next().unwrap().to_owned();
        browser
    }

    pub fn stranger(house: &House) -> Self {
        let demo = server::demo::Demo::new(house.store.clone(), URL.to_owned());
        Self {
            pages: server::web::router(&house.app, &demo, URL).unwrap(),
            cookie: String::new(),
        }
    }

    pub async fn post(&self, path: &str, accept: &str, fields: &[(&str, impl AsRef<str>)]) -> Page {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value.as_ref())));
        let request = Request::post(path)
            .header(ACCEPT, accept)
            .header(ORIGIN, URL)
            .header(REFERER, format!("{URL}/w/acme/tasks?state=pending"))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, pairs.collect::<Vec<_>>().join("&").into())
            .await
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path), Body::empty()).await
    }

    pub async fn send(&self, request: axum::http::request::Builder, body: Body) -> Page {
        let request = request.header(COOKIE, &self.cookie).body(body).unwrap();
        let (parts, body) = self
            .pages
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Page {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// Does an act as a program would, and reads how it went.
    pub async fn act(&self, act: &str, fields: &[(&str, impl AsRef<str>)]) -> (StatusCode, Value) {
        let page = self
            .post(&format!("/api/pages/{act}"), "application/json", fields)
            .await;
        let body = serde_json::from_str(&page.text).unwrap_or_else(|_| json!(page.text));
        (page.status, body)
    }
}

pub fn escaped(text: &str) -> String {
    text.bytes()
        .fold(String::new(), |coded, byte| format!("{coded}%{byte:02X}"))
}
