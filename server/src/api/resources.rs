//! `/resources`: what is shared and limited, live.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use scheduler::bounds::{CLOSED_FOR, SLOTS, TOLD_MS, is_refill};
use scheduler::{
    Adaptive, CloseReason, CloseResource, Holder, PutResource, Query, RemoveResource, Reply,
    Request, ResourceId, ResourceKind, ResourceView, Span, Throttled, Time, View,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Done;
use crate::auth::Caller;
use crate::check::{Check, NOTE_BYTES};
use crate::input::{Input, Name, Params};
use crate::paging::{List, PageParams};
use crate::permission::{Role, Who};
use crate::problem::Problem;
use crate::state::App;

/// Whose a resource is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The workspace's own.
    #[default]
    Workspace,
    /// The pool's: every workspace in it competes for it.
    Pool,
}

/// How a resource is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A token bucket: `capacity` and `refill_per_s`.
    Bucket,
    /// So many at once: `slots`.
    Slots,
}

/// A resource as people set it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceBody {
    /// The workspace's unless said; a pool's is for admins.
    scope: Option<Scope>,
    /// How it is limited.
    kind: Kind,
    /// For a bucket: the tokens it holds when full, from 1.
    capacity: Option<u32>,
    /// For a bucket: the tokens it gains a second, above 0.
    refill_per_s: Option<f64>,
    /// For slots: how many, at most 10000; 0 closes it.
    slots: Option<u32>,
    /// How far the limit may be lowered while a provider keeps refusing.
    adaptive: Option<AdaptiveBody>,
}

/// How far a limit may adapt, in its own unit: slots, or refill per second.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct AdaptiveBody {
    /// Never below this.
    min: f64,
    /// Never above this; at most the limit itself.
    max: f64,
}

crate::input::objects_only!(AdaptiveBody);

/// A resource now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Resource {
    id: ResourceId,
    name: String,
    scope: Scope,
    /// How it is limited.
    #[serde(flatten)]
    kind: ResourceKind,
    adaptive: Option<Adaptive>,
    /// Capacity or slots, as believed now.
    limit: f64,
    /// The share of its slots or refill that is believed now, 1 unless adaptive.
    believed: f64,
    /// Tokens or slots free now; negative for a bucket that was overdrawn.
    available: f64,
    /// Slots held, or 0 for a bucket.
    in_use: u32,
    /// Who holds slots, at most fifty.
    holders: Vec<Holder>,
    /// Lanes that wait for it.
    waiting_lanes: u32,
    /// Tasks that wait for it.
    waiting_tasks: u32,
    /// When a bucket is full again, if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    refills_at: Option<Time>,
    /// Closed for everyone until then.
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_until: Option<Time>,
    /// Why it is closed.
    closed_because: Option<CloseReason>,
    /// The lane it saves up for.
    reserved_for: Option<String>,
    /// Refusals of its provider (429s) in the last hour.
    throttled_last_hour: u64,
}

/// A provider refused, or said how much is left.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottledBody {
    /// How long the provider said to wait: of it, a day (86400000) at most is waited.
    retry_after_ms: Option<u32>,
    /// The limit its headers told.
    limit: Option<u32>,
    /// What its headers said is left.
    remaining: Option<u32>,
}

/// Close a resource for everyone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseBody {
    /// For how long, 1 ms to 30 days; an hour unless said.
    for_ms: Option<i64>,
    /// Why.
    reason: Option<String>,
}

/// Open a resource again.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenBody {
    /// Why.
    reason: Option<String>,
}

/// List the resources this workspace can use, live.
#[utoipa::path(get, path = "/resources", tag = "limits", params(PageParams),
    responses((status = 200, body = List<Resource>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Resource>>, Problem> {
    let items = now(&app, &caller).await?;
    Ok(Json(params.of(items, |resource| resource.id.0)?))
}

pub(super) async fn now(app: &App, caller: &Caller) -> Result<Vec<Resource>, Problem> {
    let View::Resources { resources } = app.ask(caller, Query::Resources).await? else {
        return Err(Problem::internal(
            &"the conductor answered another question",
        ));
    };
    let since = app.now() - Span::from_secs(3_600);
    let refusals: HashMap<ResourceId, u64> = app
        .store
        .refusals_since(caller.workspace, since)
        .await?
        .into_iter()
        .map(|count| (count.resource, count.refusals))
        .collect();
    Ok(resources
        .into_iter()
        .map(|view| {
            let refused = refusals.get(&view.spec.id).copied().unwrap_or(0);
            Resource::new(view, refused)
        })
        .collect())
}

async fn one(app: &App, caller: &Caller, id: ResourceId) -> Result<Json<Resource>, Problem> {
    let found = now(app, caller)
        .await?
        .into_iter()
        .find(|resource| resource.id == id);
    found.map(Json).ok_or_else(Problem::not_found)
}

/// Set a resource's limit, or make the resource.
#[utoipa::path(put, path = "/resources/{name}", tag = "limits", params(("name" = String, Path)),
    request_body = ResourceBody, responses((status = 200, body = Resource)))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
    input: Input<ResourceBody>,
) -> Result<Json<Resource>, Problem> {
    let body = input.value;
    if body.is_pool_wide() {
        Who::AtLeast(Role::Admin).admit(caller.role)?;
    }
    let request = body.request(name)?;
    match app.carry_out(&caller, request, input.once).await? {
        Reply::Resource { id } => one(&app, &caller, id).await,
        other => Err(super::unexpected(&other)),
    }
}

/// Which of the resources of a name.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ScopeParams {
    /// The workspace's unless said; a pool's is for admins.
    #[param(inline)]
    scope: Option<Scope>,
}

/// Remove a resource that no lease or permit holds. Tasks that need it are misconfigured until it is
/// set again.
#[utoipa::path(delete, path = "/resources/{name}", tag = "limits",
    params(("name" = String, Path), ScopeParams), responses((status = 204)))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
    Params(params): Params<ScopeParams>,
) -> Result<StatusCode, Problem> {
    let pool_wide = params.scope.unwrap_or_default() == Scope::Pool;
    if pool_wide {
        Who::AtLeast(Role::Admin).admit(caller.role)?;
    }
    let request = Request::RemoveResource(RemoveResource { name, pool_wide });
    match app.carry_out(&caller, request, None).await? {
        Reply::Removed => Ok(StatusCode::NO_CONTENT),
        other => Err(super::unexpected(&other)),
    }
}

/// Report that a provider refused a call made outside any lease: the resource closes for everyone
/// until it says.
#[utoipa::path(post, path = "/resources/{name}/throttled", tag = "limits",
    params(("name" = String, Path)), request_body = ThrottledBody,
    responses((status = 200, body = Done)))]
pub async fn throttled(
    State(app): State<App>,
    caller: Caller,
    Name(resource): Name,
    input: Input<ThrottledBody>,
) -> Result<Json<Done>, Problem> {
    let ThrottledBody {
        retry_after_ms,
        limit,
        remaining,
    } = input.value;
    let request = Request::Throttled(Throttled {
        resource,
        retry_after_ms,
        limit,
        remaining,
    });
    let Json(mut done) = done(app.carry_out(&caller, request, input.once).await?)?;
    done.closed_for_ms = retry_after_ms.map(|ms| ms.min(TOLD_MS));
    Ok(Json(done))
}

/// Close a resource for everyone for a while; a pool's is for admins.
#[utoipa::path(post, path = "/resources/{name}/close", tag = "limits",
    params(("name" = String, Path)), request_body = CloseBody,
    responses((status = 200, body = Done)))]
pub async fn close(
    State(app): State<App>,
    caller: Caller,
    Name(resource): Name,
    input: Input<CloseBody>,
) -> Result<Json<Done>, Problem> {
    let CloseBody { for_ms, reason } = input.value;
    let for_ms = for_ms.unwrap_or(3_600_000);
    let mut check = Check::new();
    let most_ms = CLOSED_FOR.as_millis_ceil();
    let fits = (1..=most_ms).contains(&for_ms);
    check.that(
        fits,
        "/for_ms",
        format!("must be from 1 to {most_ms} (30 days)"),
    );
    check.text(reason.as_deref(), "/reason", NOTE_BYTES);
    check.done()?;
    of_pool_for_admins(&app, &caller, &resource).await?;
    let until = Some(app.now() + Span::from_millis(for_ms));
    let request = Request::CloseResource(CloseResource {
        resource,
        until,
        reason,
    });
    done(app.carry_out(&caller, request, input.once).await?)
}

/// Open a resource again, whoever closed it; a pool's is for admins.
#[utoipa::path(post, path = "/resources/{name}/reopen", tag = "limits",
    params(("name" = String, Path)), request_body = ReopenBody,
    responses((status = 200, body = Done)))]
pub async fn reopen(
    State(app): State<App>,
    caller: Caller,
    Name(resource): Name,
    input: Input<ReopenBody>,
) -> Result<Json<Done>, Problem> {
    let reason = input.value.reason;
    let mut check = Check::new();
    check.text(reason.as_deref(), "/reason", NOTE_BYTES);
    check.done()?;
    of_pool_for_admins(&app, &caller, &resource).await?;
    let request = Request::CloseResource(CloseResource {
        resource,
        until: None,
        reason,
    });
    done(app.carry_out(&caller, request, input.once).await?)
}

/// What every workspace of a pool shares is not one manager's to change. A workspace's own resource
/// hides the pool's of the same name, and is listed before it.
async fn of_pool_for_admins(app: &App, caller: &Caller, name: &str) -> Result<(), Problem> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    let named = now(app, caller)
        .await?
        .into_iter()
        .find(|resource| resource.name == name);
    match named {
        Some(resource) if resource.scope == Scope::Pool => {
            Who::AtLeast(Role::Admin).admit(caller.role)
        }
        _ => Ok(()),
    }
}

fn done(reply: Reply) -> Result<Json<Done>, Problem> {
    match reply {
        Reply::Resource { id } => Ok(Json(Done {
            id: id.0,
            closed_for_ms: None,
        })),
        other => Err(super::unexpected(&other)),
    }
}

impl ResourceBody {
    fn is_pool_wide(&self) -> bool {
        self.scope.unwrap_or_default() == Scope::Pool
    }

    /// What the conductor is asked for a body.
    pub(super) fn request(&self, name: String) -> Result<Request, Problem> {
        Ok(Request::PutResource(PutResource {
            id: uuid::Uuid::now_v7().into(),
            name,
            pool_wide: self.is_pool_wide(),
            kind: self.checked_kind()?,
            adaptive: self.adaptive(),
        }))
    }

    fn adaptive(&self) -> Option<Adaptive> {
        let ends = self.adaptive.as_ref()?;
        Some(Adaptive {
            min: ends.min,
            max: ends.max,
        })
    }

    fn checked_kind(&self) -> Result<ResourceKind, Problem> {
        let mut check = Check::new();
        let kind = match self.kind {
            Kind::Bucket => {
                let (capacity, refill_per_s) =
                    (self.capacity.unwrap_or(0), self.refill_per_s.unwrap_or(0.0));
                check.that(capacity > 0, "/capacity", "a bucket holds at least 1");
                check.that(
                    is_refill(refill_per_s),
                    "/refill_per_s",
                    "must be from 1e-8 (one in three years) to 1e9",
                );
                check.that(self.slots.is_none(), "/slots", "a bucket has no slots");
                ResourceKind::Bucket {
                    capacity,
                    refill_per_s,
                }
            }
            Kind::Slots => {
                let slots = self.slots.unwrap_or(0);
                let given = self.slots.is_some() && slots <= SLOTS;
                check.that(given, "/slots", format!("must be from 0 to {SLOTS}"));
                check.that(
                    self.capacity.is_none(),
                    "/capacity",
                    "slots have no capacity",
                );
                check.that(
                    self.refill_per_s.is_none(),
                    "/refill_per_s",
                    "slots do not refill",
                );
                ResourceKind::Slots { slots }
            }
        };
        if let Some((end, fault)) = self.adaptive().and_then(|ends| ends.fault(&kind)) {
            check.that(false, &format!("/adaptive/{end}"), fault);
        }
        check.done()?;
        Ok(kind)
    }
}

impl Resource {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn has_slots(&self) -> bool {
        matches!(self.kind, ResourceKind::Slots { .. })
    }

    /// What a `PUT` would say to leave it as it is.
    pub(super) fn as_set(&self) -> Map<String, Value> {
        let mut set = match json!(self.kind) {
            Value::Object(kind) => kind,
            _ => Map::new(),
        };
        set.insert("scope".to_owned(), json!(self.scope));
        if let Some(adaptive) = self.adaptive {
            set.insert("adaptive".to_owned(), json!(adaptive));
        }
        set
    }

    /// As the conductor sees it, with how often its provider refused.
    pub(crate) fn new(view: ResourceView, throttled_last_hour: u64) -> Self {
        let ResourceView {
            spec,
            limit,
            available,
            in_use,
            ..
        } = view;
        Self {
            id: spec.id,
            name: spec.name,
            scope: if spec.workspace.is_some() {
                Scope::Workspace
            } else {
                Scope::Pool
            },
            kind: spec.kind,
            adaptive: spec.adaptive,
            limit,
            believed: view.believed,
            available,
            in_use,
            holders: view.holders,
            waiting_lanes: view.waiting_lanes,
            waiting_tasks: view.waiting_tasks,
            refills_at: view.refills_at,
            closed_until: view.closed_until,
            closed_because: view.closed_because,
            reserved_for: view.reserved_for,
            throttled_last_hour,
        }
    }
}
