//! One's own password, and what one's own browser remembers of how pages look and listen.

use app::access::Visitor;
use app::{keys, theme};
use axum::extract::{Extension, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, Redirect};
use axum::{Form, response::IntoResponse};
use serde::Deserialize;

use super::Web;
use super::attempts::{self, Address};
use crate::password::{self, MOST_BYTES};
use crate::problem::Problem;

/// What the form of the password sends.
#[derive(Deserialize)]
pub struct Change {
    current: String,
    fresh: String,
}

/// Replaces the password of whoever asks, who proves to know the one before, and ends their other
/// sessions. Guesses count like failed logins.
pub async fn change_password(
    State(web): State<Web>,
    Extension(visitor): Extension<Visitor>,
    address: Address,
    Form(form): Form<Change>,
) -> Result<Redirect, Problem> {
    let (store, email) = (&web.app.store, visitor.email.as_str());
    if let Some(fault) = fault(&form, email) {
        return Ok(back(fault));
    }
    if attempts::are_too_many(&web, email, &address).await? {
        return Ok(back("limited"));
    }
    let account = store.account(visitor.account).await?;
    let hash = account.map(|account| account.password_hash);
    let matches = web.passwords.matches(form.current, hash).await;
    let matches = matches.map_err(|error| Problem::internal(&error))?;
    attempts::note(&web, email, &address, matches).await?;
    if !matches {
        return Ok(back("wrong"));
    }
    let hashed = web.passwords.hash(form.fresh).await;
    let hashed = hashed.map_err(|error| Problem::internal(&error))?;
    store.set_password(visitor.account, &hashed).await?;
    store
        .revoke_sessions(visitor.account, Some(&visitor.session))
        .await?;
    Ok(back("changed"))
}

fn fault(form: &Change, email: &str) -> Option<&'static str> {
    if form.current.len() > MOST_BYTES {
        return Some("wrong");
    }
    if password::check(&form.fresh).is_err() {
        return Some("short");
    }
    password::is_common(&form.fresh, email).then_some("common")
}

fn back(said: &str) -> Redirect {
    Redirect::to(&format!("/account?password={said}#password"))
}

/// What the form of the looks sends.
#[derive(Deserialize)]
pub struct Look {
    theme: String,
    keys: Option<String>,
}

/// Remembers, in this browser, which colours somebody wants and whether single keys act.
pub async fn choose_look(Form(form): Form<Look>) -> impl IntoResponse {
    let theme = theme::Theme::named(&form.theme).unwrap_or_default();
    let keys = match form.keys {
        Some(_) => keys::Keys::On,
        None => keys::Keys::Off,
    };
    let cookie =
        |name: &str, word: &str| format!("{name}={word}; Path=/; Max-Age=31536000; SameSite=Lax");
    let cookies = AppendHeaders([
        (SET_COOKIE, cookie(theme::COOKIE, theme.name())),
        (SET_COOKIE, cookie(keys::COOKIE, keys.name())),
    ]);
    (cookies, Redirect::to("/account#look"))
}
