//! `/agents`: who works here, how they are, and what they say of themselves.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use scheduler::{
    AgentId, AgentStatus, AgentView, Health, Heartbeat, PutAgent, Query, Reply, Request, Span,
    Time, View, bounds,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::read::AgentListed;

use super::bodies::{present, sorted};
use crate::auth::Caller;
use crate::check::{Check, NOTE_BYTES};
use crate::input::{Id, Input, Params};
use crate::paging::{List, PageParams};
use crate::problem::Problem;
use crate::state::App;

/// The most offers of one agent.
const OFFERS: usize = 64;
/// The most leases at once of one agent.
const MOST_AT_ONCE: u32 = 10_000;
/// The longest address, in bytes.
const URL_BYTES: usize = 2_048;

/// An agent's card. Absent fields stay as they were; what is null is taken away.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three things"
)]
pub struct AgentBody {
    /// Unique in the workspace: the same name is the same agent.
    name: String,
    /// What it can do, at most 64.
    capabilities: Option<Vec<String>>,
    /// The models it may call, at most 64; empty for any.
    models: Option<Vec<String>>,
    /// Leases at once, at most 10000; null for no limit of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    max_concurrency: Option<Option<u32>>,
    /// Where its health can be asked.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    health_url: Option<Option<String>>,
    /// Where work can be pushed to.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    endpoint_url: Option<Option<String>>,
    /// What it offers to others, at most 64.
    offers: Option<Vec<Offer>>,
}

/// Something an agent offers.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// What it is called.
    name: String,
    /// What one gets.
    description: String,
    /// What it costs, in millionths of a dollar.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_microusd: Option<u64>,
}

/// An agent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Agent {
    id: AgentId,
    name: String,
    capabilities: Vec<String>,
    models: Vec<String>,
    max_concurrency: Option<u32>,
    health_url: Option<String>,
    endpoint_url: Option<String>,
    offers: Vec<Offer>,
    /// How recently it was heard of.
    health: Health,
    /// What it last said of itself.
    status: AgentStatus,
    /// The same in words.
    detail: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    seen_at: Option<Time>,
    /// Leases it holds.
    running: u32,
    /// Whether it waits for work right now.
    waiting: bool,
    /// Money since midnight UTC, in millionths of a dollar.
    spent_today_microusd: u64,
}

/// How an agent is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeartbeatBody {
    /// `draining` takes no more work.
    status: AgentStatus,
    /// In a line.
    detail: Option<String>,
}

/// What an agent is told back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HeartbeatReply {
    /// When to be heard of again.
    retry_after_ms: u32,
    /// Instructions to this agent alone; they also come as tasks.
    directives: Vec<Value>,
}

/// What of a card the conductor does not use.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Card {
    health_url: Option<String>,
    endpoint_url: Option<String>,
    offers: Vec<Offer>,
}

/// Register an agent, or change its card. An agent's own key changes that agent only.
#[utoipa::path(post, path = "/agents", tag = "agents", request_body = AgentBody,
    responses((status = 200, body = Agent)))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    input: Input<AgentBody>,
) -> Result<Json<Agent>, Problem> {
    let body = input.value;
    body.check()?;
    let own = caller
        .agent
        .as_ref()
        .map(|(id, name)| (*id, name == &body.name));
    if let Some((_, false)) = own {
        return Err(Problem::forbidden(
            "An agent's key changes its own card only.",
        ));
    }
    let known = match own {
        Some((id, _)) => Some(id),
        None => app.store.agent_named(caller.workspace, &body.name).await?,
    };
    let before = match known {
        Some(id) => app.store.agent(caller.workspace, id, app.now()).await?,
        None => None,
    };
    let id = known.unwrap_or_else(|| uuid::Uuid::now_v7().into());
    let request = Request::PutAgent(body.over(id, before.map(|before| before.agent.card)));
    match app.carry_out(&caller, request, input.once).await? {
        Reply::Agent { id } => one(&app, &caller, id).await,
        other => Err(super::unexpected(&other)),
    }
}

/// List the workspace's agents by name.
#[utoipa::path(get, path = "/agents", tag = "agents", params(PageParams), responses((status = 200, body = List<Agent>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Agent>>, Problem> {
    let listed = app
        .store
        .agents(caller.workspace, midnight(app.now()))
        .await?;
    let mut live = live(&app, &caller).await?;
    let items: Vec<_> = listed
        .into_iter()
        .map(|listed| {
            let view = live.remove(&listed.agent.card.id);
            Agent::new(listed, view)
        })
        .collect();
    Ok(Json(params.of(items, |agent| agent.id.0)?))
}

/// Read one agent.
#[utoipa::path(get, path = "/agents/{id}", tag = "agents", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Agent)))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<AgentId>,
) -> Result<Json<Agent>, Problem> {
    one(&app, &caller, id).await
}

/// Say how you are.
#[utoipa::path(post, path = "/agents/heartbeat", tag = "agents", request_body = HeartbeatBody,
    responses((status = 200, body = HeartbeatReply)))]
pub async fn heartbeat(
    State(app): State<App>,
    caller: Caller,
    input: Input<HeartbeatBody>,
) -> Result<Json<HeartbeatReply>, Problem> {
    let (agent, name) = caller.as_agent()?;
    let HeartbeatBody { status, detail } = input.value;
    let mut check = Check::new();
    check.text(detail.as_deref(), "/detail", NOTE_BYTES);
    check.done()?;
    let request = Request::Heartbeat(Heartbeat {
        agent,
        name: name.to_owned(),
        status,
        detail,
    });
    match app.carry_out(&caller, request, input.once).await? {
        Reply::Heartbeat { retry_after_ms } => Ok(Json(HeartbeatReply {
            retry_after_ms,
            directives: Vec::new(),
        })),
        other => Err(super::unexpected(&other)),
    }
}

async fn one(app: &App, caller: &Caller, id: AgentId) -> Result<Json<Agent>, Problem> {
    let found = app
        .store
        .agent(caller.workspace, id, midnight(app.now()))
        .await?;
    let listed = found.ok_or_else(Problem::not_found)?;
    let view = live(app, caller).await?.remove(&id);
    Ok(Json(Agent::new(listed, view)))
}

/// What the conductor knows of each agent now.
async fn live(app: &App, caller: &Caller) -> Result<HashMap<AgentId, AgentView>, Problem> {
    match app.ask(caller, Query::Agents).await? {
        View::Agents { agents } => Ok(agents.into_iter().map(|view| (view.id, view)).collect()),
        _ => Err(Problem::internal(
            &"the conductor answered another question",
        )),
    }
}

/// The last midnight UTC.
fn midnight(now: Time) -> Time {
    let day = Span::from_secs(24 * 3_600).0;
    Time(now.0 - now.0.rem_euclid(day))
}

impl AgentBody {
    fn check(&self) -> Result<(), Problem> {
        let mut check = Check::new();
        check.name(&self.name, "/name");
        check.words(
            self.capabilities.as_deref().unwrap_or_default(),
            "/capabilities",
        );
        check.words(self.models.as_deref().unwrap_or_default(), "/models");
        let most = self.max_concurrency.flatten();
        let fits = most.is_none_or(|most| (1..=MOST_AT_ONCE).contains(&most));
        check.that(
            fits,
            "/max_concurrency",
            format!("must be from 1 to {MOST_AT_ONCE}; one that takes nothing new is `draining`"),
        );
        for (url, pointer) in [
            (&self.health_url, "/health_url"),
            (&self.endpoint_url, "/endpoint_url"),
        ] {
            let fits = url.iter().flatten().all(|url| {
                url.len() <= URL_BYTES
                    && (url.starts_with("https://") || url.starts_with("http://"))
            });
            check.that(fits, pointer, "must be an http or https address");
        }
        let offers = self.offers.as_deref().unwrap_or_default();
        check.that(
            offers.len() <= OFFERS,
            "/offers",
            format!("may have at most {OFFERS} entries"),
        );
        for (at, offer) in offers.iter().enumerate().take(OFFERS) {
            let priced = offer
                .price_microusd
                .is_none_or(|price| price <= bounds::MICROUSD);
            check.that(
                priced,
                &format!("/offers/{at}/price_microusd"),
                super::TOO_MUCH_MONEY,
            );
            check.name(&offer.name, &format!("/offers/{at}/name"));
            check.text(
                Some(&offer.description),
                &format!("/offers/{at}/description"),
                NOTE_BYTES,
            );
        }
        check.done()
    }

    /// Lays this over the card there was.
    fn over(self, id: AgentId, before: Option<PutAgent>) -> PutAgent {
        let kept: Card = match &before {
            Some(before) => serde_json::from_value(before.card.clone()).unwrap_or_default(),
            None => Card::default(),
        };
        let card = json!(Card {
            health_url: self.health_url.unwrap_or(kept.health_url),
            endpoint_url: self.endpoint_url.unwrap_or(kept.endpoint_url),
            offers: self.offers.unwrap_or(kept.offers),
        });
        let before = before.unwrap_or(PutAgent {
            id,
            name: String::new(),
            capabilities: Vec::new(),
            models: Vec::new(),
            max_concurrency: None,
            card: Value::Null,
        });
        PutAgent {
            id,
            name: self.name,
            capabilities: self.capabilities.map_or(before.capabilities, sorted),
            models: self.models.map_or(before.models, sorted),
            max_concurrency: self.max_concurrency.unwrap_or(before.max_concurrency),
            card,
        }
    }
}

impl Agent {
    /// As it is stored, and as the conductor knows it.
    pub(crate) fn new(listed: AgentListed, view: Option<AgentView>) -> Self {
        let AgentListed {
            agent,
            detail,
            running,
            spent_microusd,
        } = listed;
        let card: Card = serde_json::from_value(agent.card.card).unwrap_or_default();
        Self {
            id: agent.card.id,
            name: agent.card.name,
            capabilities: agent.card.capabilities,
            models: agent.card.models,
            max_concurrency: agent.card.max_concurrency,
            health_url: card.health_url,
            endpoint_url: card.endpoint_url,
            offers: card.offers,
            health: view.as_ref().map_or(Health::Offline, |view| view.health),
            status: view.as_ref().map_or(agent.status, |view| view.status),
            detail,
            seen_at: view.as_ref().map_or(agent.seen_at, |view| view.seen_at),
            running: view.as_ref().map_or(running, |view| view.running),
            waiting: view.is_some_and(|view| view.waiting),
            spent_today_microusd: spent_microusd,
        }
    }
}
