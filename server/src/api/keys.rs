//! `/keys`: what opens this workspace to programs. A new key is shown once; only its hash is kept.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use scheduler::{KeyId, Time};
use serde::{Deserialize, Serialize};
use store::keys::{Key, KeyListed, NewKey};

use crate::auth::{Caller, bearer};
use crate::check::Check;
use crate::input::{Id, Input, Params};
use crate::once;
use crate::paging::{self, List, PageParams};
use crate::permission::Role;
use crate::problem::Problem;
use crate::state::App;

/// What a new key opens.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyBody {
    /// What it may do.
    role: Role,
    /// The agent that an agent's key is bound to, made if it is new; for that role and no other.
    agent: Option<String>,
    /// What people call it; the agent's name or the key's prefix unless said.
    name: Option<String>,
    /// When it stops working; never unless said.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
}

/// A key without its secret.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyView {
    id: KeyId,
    name: String,
    role: Role,
    /// The agent it is bound to.
    agent: Option<String>,
    /// How it begins.
    prefix: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// To the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Time>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
}

/// A new key.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct KeyMade {
    /// The key itself: kept nowhere, and never shown again.
    key: String,
    #[serde(flatten)]
    view: KeyView,
}

/// List the workspace's keys, revoked ones too, newest first.
#[utoipa::path(get, path = "/keys", tag = "keys", params(PageParams),
    responses((status = 200, body = List<KeyView>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<KeyView>>, Problem> {
    let page = params.page()?;
    Ok(Json(paging::list(
        app.store.keys(caller.workspace, page).await?,
    )))
}

/// Make a key. The answer is the only place where it can be read.
#[utoipa::path(post, path = "/keys", tag = "keys", request_body = KeyBody,
    responses((status = 201, body = KeyMade)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    input: Input<KeyBody>,
) -> Result<(StatusCode, Json<KeyMade>), Problem> {
    let body = input.value;
    let now = app.now();
    body.check(now)?;
    let agent = match &body.agent {
        Some(name) => {
            let id = uuid::Uuid::now_v7().into();
            Some(app.store.ensure_agent(caller.workspace, name, id).await?)
        }
        None => None,
    };
    let id = KeyId(uuid::Uuid::now_v7());
    let new = match &input.once {
        Some(_) => NewKey::derived(body.role.as_str(), bearer(&headers)?, id),
        None => NewKey::generate(body.role.as_str()).map_err(|error| Problem::internal(&error))?,
    };
    let name = body.name.clone().or_else(|| body.agent.clone());
    let key = Key {
        id,
        workspace: caller.workspace,
        name: name.unwrap_or_else(|| new.prefix.clone()),
        role: body.role,
        agent,
        prefix: new.prefix.clone(),
        created_at: now,
        expires_at: body.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let made = |key, view| Ok((StatusCode::CREATED, Json(KeyMade { key, view })));
    let view = KeyView::from(KeyListed {
        key: key.clone(),
        agent: body.agent,
    });
    let Some(once) = &input.once else {
        app.store.create_key(&key, &new.hash).await?;
        return made(new.text, view);
    };
    let row = once::row(once, &caller, &view, now)?;
    match app.store.create_key_once(&key, &new.hash, &row).await? {
        None => made(new.text, view),
        Some(before) => {
            let view: KeyView = serde_json::from_value(once::same(once, before)?)
                .map_err(|error| Problem::internal(&error))?;
            let before = NewKey::derived(body.role.as_str(), bearer(&headers)?, view.id);
            made(before.text, view)
        }
    }
}

/// Revoke a key: it opens nothing any more, on any server. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/keys/{id}", tag = "keys", params(("id" = uuid::Uuid, Path)),
    responses((status = 204)))]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Id(key): Id<KeyId>,
) -> Result<StatusCode, Problem> {
    if !app.engine.revoke_key(caller.workspace, key).await? {
        return Err(Problem::not_found());
    }
    tracing::info!(%key, by = %caller.key, "a key was revoked");
    Ok(StatusCode::NO_CONTENT)
}

impl KeyBody {
    fn check(&self, now: Time) -> Result<(), Problem> {
        let mut check = Check::new();
        let is_agent_s = self.role == Role::Agent;
        let fits = self.agent.is_some() == is_agent_s;
        let fault = if is_agent_s {
            "must name the agent that the key is for"
        } else {
            "goes with the role agent only"
        };
        check.that(fits, "/agent", fault);
        check.optional_name(self.agent.as_deref(), "/agent");
        check.optional_name(self.name.as_deref(), "/name");
        let lasts = self.expires_at.is_none_or(|at| at > now);
        check.that(lasts, "/expires_at", "must be in the future");
        check.done()
    }
}

impl From<KeyListed> for KeyView {
    fn from(KeyListed { key, agent }: KeyListed) -> Self {
        let Key {
            id,
            name,
            role,
            prefix,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
            ..
        } = key;
        Self {
            id,
            name,
            role,
            agent,
            prefix,
            created_at,
            expires_at,
            last_used_at,
            revoked_at,
        }
    }
}
