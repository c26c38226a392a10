//! Lists that are as long as a team is large: agents, limits, who spent what, workspaces.

use std::collections::HashMap;

use app::access::{Seat, Visitor};
use app::lists;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use scheduler::{ResourceView, Summary};
use serde_json::{Value, json};
use store::workspaces::Workspace;

use super::writer::{Rows, Writer};
use super::{Asked, house, known};
use crate::api::{Budget, ListedAgent, Resource};
use crate::problem::Problem;
use crate::web::Web;

const AGENT_COLUMNS: [&str; 15] = [
    "id",
    "name",
    "health",
    "status",
    "detail",
    "running",
    "max_concurrency",
    "capabilities",
    "models",
    "completed_lately",
    "ended_lately",
    "last_error",
    "last_error_at",
    "spent_today_microusd",
    "seen_at",
];
const RESOURCE_COLUMNS: [&str; 16] = [
    "id",
    "name",
    "scope",
    "kind",
    "capacity",
    "refill_per_s",
    "slots",
    "limit",
    "available",
    "in_use",
    "waiting_lanes",
    "waiting_tasks",
    "refills_at",
    "closed_until",
    "closed_because",
    "throttled_last_hour",
];
const BUDGET_COLUMNS: [&str; 13] = [
    "id",
    "name",
    "scope",
    "unit",
    "limit",
    "window",
    "soft_at",
    "settled",
    "reserved",
    "available",
    "warned",
    "window_start",
    "resets_at",
];
const SPENDING_COLUMNS: [&str; 7] = [
    "budget",
    "since",
    "agent",
    "model",
    "kind",
    "tokens",
    "cost_microusd",
];
const WORKSPACE_COLUMNS: [&str; 9] = [
    "slug",
    "name",
    "goal",
    "backlog",
    "pending",
    "in_progress",
    "in_review",
    "agents_online",
    "agents",
];

/// A file of these rows.
fn file(
    rows: Vec<Value>,
    columns: &'static [&'static str],
    name: &str,
    uri: &Uri,
) -> Result<Response, Problem> {
    let all = Rows { rows, next: None };
    let read = move |_| std::future::ready(Ok(all.clone()));
    Ok(Writer::new(read, columns, uri, &HashMap::new())?.respond(name))
}

/// `GET /w/{ws}/agents.csv` and `.json`.
pub async fn agents(Asked { seat, uri }: Asked) -> Result<Response, Problem> {
    let row = |one: lists::AgentLine| {
        let (ended, completed) = one
            .record
            .as_ref()
            .map_or((0, 0), |record| (record.ended, record.completed));
        let error = one.record.and_then(|record| record.last_error);
        let mut row = json!(ListedAgent::new(one.listed, one.now));
        row["completed_lately"] = json!(completed);
        row["ended_lately"] = json!(ended);
        row["last_error"] = json!(error.as_ref().map(|(error, ..)| error));
        row["last_error_at"] = json!(error.as_ref().map(|(.., at)| at));
        row
    };
    let rows = lists::agents(&seat).await?.into_iter().map(row);
    file(rows.collect(), &AGENT_COLUMNS, "agents", &uri)
}

/// `GET /w/{ws}/resources.csv` and `.json`.
pub async fn resources(Asked { seat, uri }: Asked) -> Result<Response, Problem> {
    let (resources, refusals) = lists::resources(&seat).await?;
    let row = |view: ResourceView| {
        let refused = refusals.get(&view.spec.id).copied().unwrap_or(0);
        json!(Resource::new(view, refused))
    };
    let rows = resources.into_iter().map(row).collect();
    file(rows, &RESOURCE_COLUMNS, "resources", &uri)
}

/// `GET /w/{ws}/budgets.csv` and `.json`.
pub async fn budgets(Asked { seat, uri }: Asked) -> Result<Response, Problem> {
    let budgets = lists::budgets(&seat).await?.into_iter();
    let rows = budgets.map(|budget| json!(Budget::from(budget)));
    file(rows.collect(), &BUDGET_COLUMNS, "budgets", &uri)
}

/// `GET /w/{ws}/spending.csv` and `.json`: who spent of each budget in its window, dearest first.
pub async fn spending(Asked { seat, uri }: Asked) -> Result<Response, Problem> {
    let mut rows = Vec::new();
    for budget in lists::budgets(&seat).await? {
        let (since, mut spent) = lists::spending(&seat, &budget).await?;
        spent.sort_by_key(|one| std::cmp::Reverse((one.cost_microusd, one.tokens)));
        rows.extend(spent.into_iter().map(|one| {
            json!({
                "budget": budget.row.spec.name, "since": since, "agent": one.agent, "model": one.model,
                "kind": one.kind, "tokens": one.tokens, "cost_microusd": one.cost_microusd,
            })
        }));
    }
    file(rows, &SPENDING_COLUMNS, "spending", &uri)
}

/// `GET /w.csv` and `.json`: the workspaces one may enter.
pub async fn workspaces(
    State(web): State<Web>,
    visitor: Option<Extension<Visitor>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let rows = lists::workspaces(&house(&web), &known(visitor)?).await?;
    let row = |(_, workspace, now): (Seat, Workspace, Option<Summary>)| {
        json!({
            "slug": workspace.slug, "name": workspace.name, "goal": workspace.goal,
            "backlog": now.as_ref().map(|now| now.backlog), "pending": now.as_ref().map(|now| now.pending),
            "in_progress": now.as_ref().map(|now| now.in_progress),
            "in_review": now.as_ref().map(|now| now.in_review),
            "agents_online": now.as_ref().map(|now| now.agents_online), "agents": now.as_ref().map(|now| now.agents),
        })
    };
    let rows = rows.into_iter().map(row).collect();
    file(rows, &WORKSPACE_COLUMNS, "workspaces", &uri)
}
