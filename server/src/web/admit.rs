//! The guard: nobody sees a page without a session.

use app::access::Visitor;
use app::acts::{Draft, Said, accepts_html, page_of};
use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use scheduler::UserId;
use store::StoreError;
use store::accounts::AccountRole;
use tower_sessions::Session;

use super::sessions::{self, ACCOUNT};
use super::{Web, login};
use crate::assets;

/// Under this name a session keeps the hour it was last used in: it is written once an hour.
const HOUR: &str = "hour";

/// Lets a visitor through, and everybody to the way in.
pub async fn admit(
    State(web): State<Web>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads && let Some(file) = assets::serve(request.uri(), request.headers()) {
        return file;
    }
    let path = request.uri().path();
    if path.starts_with("/pkg/") {
        return (StatusCode::NOT_FOUND, "There is no such file here.\n").into_response();
    }
    let way_in = matches!(path, "/login" | "/setup");
    if way_in && !reads {
        return next.run(request).await;
    }
    match visitor(&web, &session).await {
        Ok(Some(_)) if way_in => Redirect::to("/").into_response(),
        Ok(Some(visitor)) => {
            request.extensions_mut().insert(visitor);
            let query = request.uri().query().unwrap_or_default();
            if let Some(said) = Said::kept(&session, query, web.app.now()).await {
                request.extensions_mut().insert(said);
            }
            next.run(request).await
        }
        Ok(None) => match web.app.store.needs_setup().await {
            Ok(true) if path == "/setup" => next.run(request).await,
            Ok(false) if path == "/login" => next.run(request).await,
            Ok(true) => Redirect::to("/setup").into_response(),
            Ok(false) => to_login(&web, request).await,
            Err(error) => away(&web, request.headers(), &error),
        },
        Err(error) => away(&web, request.headers(), &error),
    }
}

/// Who a session belongs to, with the workspaces they may enter now.
pub async fn visitor(web: &Web, session: &Session) -> Result<Option<Visitor>, StoreError> {
    let account = match session.get::<UserId>(ACCOUNT).await {
        Ok(Some(account)) => account,
        Ok(None) => return Ok(None),
        Err(error) => {
            tracing::warn!(%error, "a session could not be read");
            return Ok(None);
        }
    };
    let Some(account) = web.app.store.account(account).await? else {
        return Ok(None);
    };
    if account.disabled_at.is_some() {
        return Ok(None);
    }
    used(web, session).await;
    let memberships = web.app.store.memberships(account.id).await?.into();
    let session = session.id().map(|id| sessions::hash(&id));
    Ok(Some(Visitor {
        account: account.id,
        session: session.unwrap_or_default(),
        email: account.email,
        memberships,
        runs_the_house: account.role == AccountRole::Admin,
    }))
}

/// Moves the idle limit, once an hour. Losing one such note harms nobody.
async fn used(web: &Web, session: &Session) {
    let hour = web.app.now().as_millis() / 3_600_000;
    if session.get::<i64>(HOUR).await.ok().flatten() != Some(hour)
        && let Err(error) = session.insert(HOUR, hour).await
    {
        tracing::warn!(%error, "a session's use was not noted");
    }
}

/// The way in, which leads back, with the words of a form if one was sent.
async fn to_login(web: &Web, request: Request) -> Response {
    let address = way_in(&request);
    let headers = request.headers().clone();
    let is_act = request.uri().path().starts_with("/api/pages/");
    if is_act
        && accepts_html(&headers)
        && let Ok(Form(sent)) = Form::<Vec<(String, String)>>::from_request(request, &()).await
    {
        let mut carried = Extensions::new();
        carried.insert(Draft(sent.into_iter().collect()));
        return login::again(web, headers, &address, carried).await;
    }
    Redirect::to(&address).into_response()
}

/// The address to sign in at: it leads on to what was asked for, or to the page a form stands on.
fn way_in(request: &Request) -> String {
    let wanted = if request.method() == Method::GET {
        request.uri().path_and_query().map(ToString::to_string)
    } else {
        page_of(request.headers())
    };
    match wanted.as_deref() {
        None | Some("/" | "/setup") => "/login".to_owned(),
        Some(stream) if stream.ends_with("/events") => "/login".to_owned(),
        Some(page) => format!("/login?next={}", escape(page)),
    }
}

/// Percent-encodes what a query's value may not hold: a slash, unlike in a path, it may.
pub fn escape(text: &str) -> String {
    app::escaped(text).replace("%2F", "/")
}

/// The page of a moment without the database; a line of text for what is no browser's page.
fn away(web: &Web, asked: &HeaderMap, error: &StoreError) -> Response {
    tracing::error!(%error, "nobody can be recognised");
    let status = (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")]);
    if !accepts_html(asked) {
        let text = "The database is away for a moment. Ask again in a few seconds.";
        return (status.0, status.1, text).into_response();
    }
    let policy = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    let policy = [(CONTENT_SECURITY_POLICY, policy)];
    (status.0, status.1, policy, Html(web.away.to_string())).into_response()
}

/// What every answer tells the browser, unless it said so itself.
pub async fn headers(request: Request, next: Next) -> Response {
    const DEFAULTS: [(HeaderName, &str); 5] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        // Pages show what only their reader may see.
        (CACHE_CONTROL, "no-store"),
    ];
    let mut response = next.run(request).await;
    for (name, value) in DEFAULTS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_somebody_wanted_to_go_survives_the_way_in() {
        let asked = |uri: &str| {
            let request = Request::builder()
                .uri(uri)
                .body(axum::body::Body::empty())
                .unwrap();
            way_in(&request)
        };
        assert_eq!(
            asked("/w/a/tasks?state=done&q=x"),
            "/login?next=/w/a/tasks%3Fstate%3Ddone%26q%3Dx"
        );
        assert_eq!(asked("/"), "/login");
        assert_eq!(asked("/w/a/events"), "/login");
        let form = Request::post("/account/password").header("referer", "http://x/account?a=b");
        assert_eq!(
            way_in(&form.body(axum::body::Body::empty()).unwrap()),
            "/login?next=/account%3Fa%3Db"
        );
    }
}
