//! In and out.

use app::acts::{Draft, Said, Typed, own_path};
use axum::Form;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::USER_AGENT;
use axum::http::{Extensions, HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower::ServiceExt;
use tower_sessions::Session;

use super::Web;
use super::admit::escape;
use super::attempts::{self, Address};
use super::sessions::ACCOUNT;
use crate::check::EMAIL_BYTES;
use crate::password::MOST_BYTES;
use crate::problem::Problem;

/// Under this name a session keeps from which browser it was begun.
const BROWSER: &str = "browser";

/// What the form sends.
#[derive(Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
    /// What was typed into a form before, to stand in it again.
    #[serde(default)]
    draft: String,
}

/// Signs in, under a new session identifier, and goes where somebody wanted to.
pub async fn sign_in(
    State(web): State<Web>,
    session: Session,
    address: Address,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Result<Response, Problem> {
    let next = own_path(&form.next).unwrap_or("/");
    let draft = Draft::from_text(&form.draft);
    let email = form.email.trim().to_lowercase();
    let refuse = async |fault: &str, draft: Option<Draft>| {
        let address = format!("/login?fault={fault}&next={}", escape(next));
        let mut carried = Extensions::new();
        carried.insert(Typed(vec![("email", form.email.clone())]));
        if let Some(draft) = draft {
            carried.insert(draft);
        }
        again(&web, headers.clone(), &address, carried).await
    };
    if email.len() > EMAIL_BYTES || form.password.len() > MOST_BYTES {
        return Ok(refuse("wrong", draft).await);
    }
    if attempts::are_too_many(&web, &email, &address).await? {
        return Ok(refuse("limited", draft).await);
    }
    let account = web.app.store.account_by_email(&email).await?;
    let account = account.filter(|account| account.disabled_at.is_none());
    let hash = account
        .as_ref()
        .map(|account| account.password_hash.clone());
    let matches = web.passwords.matches(form.password.clone(), hash).await;
    let matches = matches.map_err(|error| Problem::internal(&error))?;
    attempts::note(&web, &email, &address, matches).await?;
    match account.filter(|_| matches) {
        Some(account) => {
            enter(&session, account.id, &headers).await?;
            let to = match draft {
                Some(draft) => {
                    let said = Said::too_late(&draft, web.app.now());
                    said.keep(&session, next).await
                }
                None => next.to_owned(),
            };
            Ok(Redirect::to(&to).into_response())
        }
        None => Ok(refuse("wrong", draft).await),
    }
}

/// Makes the session that person's. Its identifier is new: one that was planted before is worth nothing.
pub async fn enter(
    session: &Session,
    account: scheduler::UserId,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let broken = |error: tower_sessions::session::Error| Problem::internal(&error);
    leave(session).await?;
    session
        .insert(BROWSER, browser(headers))
        .await
        .map_err(broken)?;
    session.insert(ACCOUNT, account).await.map_err(broken)
}

/// A browser as people know it, by what it says of itself: `Firefox on Linux`.
fn browser(headers: &HeaderMap) -> String {
    let said = headers
        .get(USER_AGENT)
        .and_then(|said| said.to_str().ok())
        .unwrap_or_default();
    // Each says the names of those before it, so the order is theirs.
    let find = |names: &[(&str, &'static str)], none| {
        let named = names.iter().find(|(part, _)| said.contains(part));
        named.map_or(none, |(_, name)| *name)
    };
    let name = find(
        &[
            ("Firefox/", "Firefox"),
            ("Edg/", "Edge"),
            ("OPR/", "Opera"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "A browser",
    );
    let system = find(
        &[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Mac OS X", "macOS"),
            ("Windows", "Windows"),
            ("Linux", "Linux"),
        ],
        "an unknown system",
    );
    format!("{name} on {system}")
}

/// Ends the session, here and in the database.
pub async fn sign_out(session: Session) -> Result<Redirect, Problem> {
    leave(&session).await?;
    Ok(Redirect::to("/login"))
}

async fn leave(session: &Session) -> Result<(), Problem> {
    // The library warns of a session that never was.
    if session.id().is_none() {
        return Ok(());
    }
    let left = session.flush().await;
    left.map_err(|error| Problem::internal(&error))
}

/// A page of the way in at that address, which shows or carries what was typed; an act that it carries
/// was not done.
pub async fn again(web: &Web, headers: HeaderMap, address: &str, carried: Extensions) -> Response {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = address.parse().unwrap_or(Uri::from_static("/login"));
    *request.headers_mut() = headers;
    let is_of_an_act = carried.get::<Draft>().is_some();
    request.extensions_mut().extend(carried);
    let Ok(mut page) = web.pages.clone().oneshot(request).await;
    if is_of_an_act {
        *page.status_mut() = StatusCode::UNAUTHORIZED;
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_by_its_own_name_and_not_by_those_it_repeats() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36";
        let headers = HeaderMap::from_iter([(USER_AGENT, chrome.parse().unwrap())]);
        assert_eq!(browser(&headers), "Chrome on Linux");
        assert_eq!(browser(&HeaderMap::new()), "A browser on an unknown system");
    }
}
