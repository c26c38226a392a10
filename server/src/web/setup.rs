//! The first run: the first person and the first workspace.

use app::acts::Typed;
use axum::Form;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap};
use axum::response::{IntoResponse, Redirect, Response};
use scheduler::Policy;
use scheduler::bounds::{is_slug, name_fault};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::accounts::{Account, AccountRole};
use store::workspaces::Workspace;
use tower_sessions::Session;

use super::admit::escape;
use super::attempts::{self, Address};
use super::login::{again, enter};
use super::{Web, demo};
use crate::check::is_email;
use crate::password;
use crate::problem::Problem;

/// Wrong codes are counted like wrong passwords, under this name.
const COUNTED_AS: &str = "(set-up)";

/// What the form sends.
#[derive(Deserialize)]
pub struct Begin {
    code: String,
    email: String,
    password: String,
    name: String,
    slug: String,
    /// Sent by the button that starts the demo too.
    demo: Option<String>,
}

/// Makes the first account and workspace, both or neither, and signs in. The code is used up by it.
pub async fn begin(
    State(web): State<Web>,
    session: Session,
    address: Address,
    headers: HeaderMap,
    Form(form): Form<Begin>,
) -> Result<Response, Problem> {
    let store = &web.app.store;
    if !store.needs_setup().await? {
        return Ok(Redirect::to("/login").into_response());
    }
    let email = form.email.trim().to_lowercase();
    if let Some(fault) = fault(&form, &email) {
        return Ok(back(&web, headers, fault, &form).await);
    }
    if attempts::are_too_many(&web, COUNTED_AS, &address).await? {
        return Ok(back(&web, headers, "limited", &form).await);
    }
    let hashed = web.passwords.hash(form.password.clone()).await;
    let account = Account {
        id: uuid::Uuid::now_v7().into(),
        email,
        password_hash: hashed.map_err(|error| Problem::internal(&error))?,
        role: AccountRole::Admin,
        created_at: web.app.now(),
        disabled_at: None,
    };
    let code = form.code.trim().to_lowercase();
    let workspace = Workspace {
        id: uuid::Uuid::now_v7().into(),
        pool: store.pool_named("main").await?,
        slug: form.slug.clone(),
        name: form.name.trim().to_owned(),
        goal: String::new(),
        created_at: account.created_at,
    };
    let first = store
        .set_up(
            &account,
            &workspace,
            &Policy::default(),
            &Sha256::digest(code).into(),
        )
        .await?;
    attempts::note(&web, COUNTED_AS, &address, first).await?;
    if !first {
        return Ok(back(&web, headers, "code", &form).await);
    }
    enter(&session, account.id, &headers).await?;
    // Should it not start, the log says why, and the overview offers it again.
    if form.demo.is_some()
        && let Ok(there) = demo::begin(&web).await
    {
        return Ok(there.into_response());
    }
    // The workspace may have been there before, made by the command line.
    Ok(Redirect::to(&format!("/?w={}", escape(&form.slug))).into_response())
}

fn fault(form: &Begin, email: &str) -> Option<&'static str> {
    if !is_email(email) {
        return Some("email");
    }
    if password::is_common(&form.password, email) {
        return Some("common");
    }
    if password::check(&form.password).is_err() {
        return Some("short");
    }
    if name_fault(form.name.trim()).is_some() {
        return Some("name");
    }
    (!is_slug(&form.slug)).then_some("slug")
}

/// The form again with what was typed, but neither code nor password.
async fn back(web: &Web, headers: HeaderMap, fault: &str, form: &Begin) -> Response {
    let typed = Typed(vec![
        ("email", form.email.clone()),
        ("name", form.name.clone()),
        ("slug", form.slug.clone()),
    ]);
    let mut carried = Extensions::new();
    carried.insert(typed);
    again(web, headers, &format!("/setup?fault={fault}"), carried).await
}
