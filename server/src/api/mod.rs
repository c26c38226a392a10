//! The agents' interface: JSON under `/api/v1`, one file per noun.

mod agents;
mod bodies;
mod budgets;
mod claims;
mod decision_view;
mod decisions;
pub mod docs;
mod events;
mod keys;
mod leases;
mod permits;
mod policy;
mod previous;
mod resources;
mod stats;
mod task_acts;
mod task_view;
mod tasks;
mod usage;
mod what_if;

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use scheduler::Action;
use serde::Serialize;
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::auth::guard;
use crate::permission::Role::{Admin, Manager, Member};
use crate::permission::Who::{self, Agent, AgentOr, Anyone, AtLeast};
use crate::problem::{Details, Problem};
use crate::state::App;

pub(crate) use agents::Agent as ListedAgent;
pub(crate) use budgets::Budget;
pub(crate) use decision_view::DecisionView;
pub(crate) use resources::Resource;
pub(crate) use task_view::TaskSummary;

/// Where the interface lives.
pub const BASE: &str = "/api/v1";

const TOO_MUCH_MONEY: &str = "must be at most 1000000000000 (a million dollars)";
/// The most tokens of one report.
const MOST_TOKENS: u64 = 1_000_000_000_000;
const TOO_MANY_TOKENS: &str = "must be at most 1000000000000";

/// A route that cannot exist without saying who may use it.
pub struct Route {
    /// Who may use it.
    pub who: Who,
    /// Method and path, as in the contract.
    pub name: &'static str,
    handler: UtoipaMethodRouter<App>,
}

/// The one table of permissions. The router, the description and the tests are made from it.
pub fn table() -> Vec<Route> {
    let at = |name, who, handler| Route { who, name, handler };
    vec![
        at("POST /agents", AgentOr(Member), routes!(agents::put)),
        at("GET /agents", Anyone, routes!(agents::list)),
        at("GET /agents/{id}", Anyone, routes!(agents::get)),
        at("POST /agents/heartbeat", Agent, routes!(agents::heartbeat)),
        at("POST /tasks", AgentOr(Member), routes!(tasks::create)),
        at("GET /tasks", Anyone, routes!(tasks::list)),
        at("GET /tasks/{id}", Anyone, routes!(tasks::get)),
        at(
            "GET /tasks/{id}/explanation",
            Anyone,
            routes!(tasks::explanation),
        ),
        at(
            "PATCH /tasks/{id}",
            AtLeast(Member),
            routes!(task_acts::edit),
        ),
        at(
            "POST /tasks/{id}/cancel",
            AtLeast(Member),
            routes!(task_acts::cancel),
        ),
        at(
            "POST /tasks/{id}/hold",
            AtLeast(Member),
            routes!(task_acts::hold),
        ),
        at(
            "POST /tasks/{id}/release",
            AtLeast(Member),
            routes!(task_acts::release),
        ),
        at(
            "POST /tasks/{id}/retry",
            AtLeast(Member),
            routes!(task_acts::retry),
        ),
        at(
            "POST /tasks/{id}/boost",
            AtLeast(Manager),
            routes!(task_acts::boost),
        ),
        at(
            "POST /tasks/{id}/handoff",
            AgentOr(Manager),
            routes!(task_acts::handoff),
        ),
        at("POST /claims", Agent, routes!(claims::claim)),
        at("POST /leases/{id}/renew", Agent, routes!(leases::renew)),
        at("POST /leases/{id}/usage", Agent, routes!(leases::usage)),
        at(
            "POST /leases/{id}/complete",
            Agent,
            routes!(leases::complete),
        ),
        at("POST /leases/{id}/fail", Agent, routes!(leases::fail)),
        at("POST /leases/{id}/release", Agent, routes!(leases::release)),
        at("GET /resources", Anyone, routes!(resources::list)),
        at(
            "PUT /resources/{name}",
            AtLeast(Manager),
            routes!(resources::put),
        ),
        at(
            "DELETE /resources/{name}",
            AtLeast(Manager),
            routes!(resources::remove),
        ),
        at(
            "POST /resources/{name}/throttled",
            AgentOr(Member),
            routes!(resources::throttled),
        ),
        at(
            "POST /resources/{name}/close",
            AtLeast(Manager),
            routes!(resources::close),
        ),
        at(
            "POST /resources/{name}/reopen",
            AtLeast(Manager),
            routes!(resources::reopen),
        ),
        at("POST /permits", Agent, routes!(permits::take)),
        at("DELETE /permits/{id}", Agent, routes!(permits::give_back)),
        at("GET /budgets", Anyone, routes!(budgets::list)),
        at(
            "PUT /budgets/{name}",
            AtLeast(Manager),
            routes!(budgets::put),
        ),
        at(
            "DELETE /budgets/{name}",
            AtLeast(Manager),
            routes!(budgets::remove),
        ),
        at("GET /usage", Anyone, routes!(usage::get)),
        at("GET /policy", Anyone, routes!(policy::get)),
        at("PUT /policy", AtLeast(Manager), routes!(policy::put)),
        at("GET /decisions", Anyone, routes!(decisions::list)),
        at("GET /decisions/{id}", Anyone, routes!(decisions::get)),
        at(
            "POST /decisions/{id}/review",
            AtLeast(Manager),
            routes!(decisions::review),
        ),
        at("GET /keys", AtLeast(Admin), routes!(keys::list)),
        at("POST /keys", AtLeast(Admin), routes!(keys::create)),
        at("DELETE /keys/{id}", AtLeast(Admin), routes!(keys::revoke)),
        at("POST /what_if", AtLeast(Member), routes!(what_if::post)),
        at("GET /stats", Anyone, routes!(stats::get)),
        at("GET /events", Anyone, routes!(events::stream)),
    ]
}

/// Who may take an action: whoever may use its route.
pub(crate) fn who_may(action: Action) -> Who {
    static WHO: LazyLock<Vec<(&str, Who)>> = LazyLock::new(|| {
        table()
            .iter()
            .map(|route| (route.name, route.who))
            .collect()
    });
    let name = match action {
        Action::DefineResource | Action::RaiseLimit => "PUT /resources/{name}",
        Action::ReopenResource => "POST /resources/{name}/reopen",
        Action::RaiseBudget => "PUT /budgets/{name}",
        Action::ReleaseTask | Action::AcceptResult => "POST /tasks/{id}/release",
        Action::RetryDependency | Action::SendBack => "POST /tasks/{id}/retry",
        Action::CancelTask => "POST /tasks/{id}/cancel",
        Action::BoostTask => "POST /tasks/{id}/boost",
        // An agent's key registers that agent alone.
        Action::RegisterAgent => return AtLeast(Member),
        Action::EditTask => "PATCH /tasks/{id}",
    };
    let found = WHO.iter().find(|(route, _)| *route == name);
    found.map_or(AtLeast(Admin), |&(_, who)| who)
}

/// The interface's routes, each behind its guard, and their description.
pub fn router(app: &App) -> (axum::Router<App>, OpenApi) {
    build(|who, handler| handler.layer(from_fn_with_state((app.clone(), who), guard)))
}

/// The description alone.
pub fn description() -> OpenApi {
    build(|_, handler| handler).1
}

fn build(
    guarded: impl Fn(Who, UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App>,
) -> (axum::Router<App>, OpenApi) {
    let mut api = OpenApiRouter::new();
    for Route { who, handler, .. } in table() {
        api = api.routes(guarded(who, handler));
    }
    let whole = OpenApiRouter::with_openapi(Description::openapi());
    let (router, mut description) = whole.nest(BASE, api).split_for_parts();
    describe(&mut description);
    // Other versions are no pages either, to which somebody could be sent after signing in.
    let router = router.route("/api/{*rest}", any(nothing_here));
    (router.method_not_allowed_fallback(not_so), description)
}

async fn nothing_here() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such path; see /api/docs.",
    )
}

async fn not_so() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not take that method; see /api/docs.",
    )
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Baton",
        description = "What agents, scripts and pages may ask of Baton."
    ),
    components(schemas(Details))
)]
struct Description;

/// Adds what is the same everywhere: the key, who may use a route, and how errors look.
fn describe(description: &mut OpenApi) {
    let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    if let Some(components) = &mut description.components {
        components.add_security_scheme("key", key);
    }
    description.security = Some(vec![SecurityRequirement::new("key", Vec::<String>::new())]);
    docs::add_permissions(description, &table());
}

/// What was set or changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Done {
    /// Its identifier.
    id: uuid::Uuid,
    /// What was taken of a provider's word, which closes a resource for a day (86400000) at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_for_ms: Option<u32>,
}

/// A conductor answered another question than was asked.
fn unexpected(reply: &scheduler::Reply) -> Problem {
    Problem::internal(&format!("the conductor answered {reply:?}"))
}
