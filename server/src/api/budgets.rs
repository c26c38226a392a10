//! `/budgets`: money and tokens per window.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use scheduler::bounds::BUDGET_LIMIT;
use scheduler::{
    BudgetId, BudgetScope, BudgetView, PutBudget, Query, Reply, Request, TaskId, Time, Unit, View,
    Window,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::auth::Caller;
use crate::check::Check;
use crate::input::{Input, Name, Params};
use crate::paging::{List, PageParams};
use crate::problem::Problem;
use crate::state::App;

/// A budget as people set it. A new one begins with what was used in its window so far, and
/// counts the work under way as well.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetBody {
    /// On whose spending it lies: one of `{"workspace": slug}`, `{"agent": name}`,
    /// `{"model": name}`, `{"task_tree": id}`, `{"thinking": true}`.
    #[schema(value_type = Object)]
    scope: Map<String, Value>,
    /// What it counts.
    unit: Unit,
    /// How much may be spent in one window.
    limit: u64,
    /// Over what span, aligned to UTC.
    window: Window,
    /// The share of the limit that warns, above 0 and at most 1; 0.8 unless said.
    soft_at: Option<f64>,
}

/// A budget now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Budget {
    id: BudgetId,
    name: String,
    /// As in a request, with identifiers.
    #[schema(value_type = Object)]
    scope: Value,
    unit: Unit,
    limit: u64,
    window: Window,
    soft_at: f64,
    /// Used in this window.
    settled: u64,
    /// Reserved by live leases.
    reserved: u64,
    /// What may still be reserved.
    available: u64,
    /// Whether this window's warning has been given.
    warned: bool,
    #[schema(value_type = String, format = DateTime)]
    window_start: Time,
    /// When the window turns, if it does.
    #[schema(value_type = Option<String>, format = DateTime)]
    resets_at: Option<Time>,
}

/// List the workspace's budgets, live.
#[utoipa::path(get, path = "/budgets", tag = "limits", params(PageParams),
    responses((status = 200, body = List<Budget>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> Result<Json<List<Budget>>, Problem> {
    let items = now(&app, &caller).await?;
    Ok(Json(params.of(items, |budget| budget.id.0)?))
}

pub(super) async fn now(app: &App, caller: &Caller) -> Result<Vec<Budget>, Problem> {
    let View::Budgets { budgets } = app.ask(caller, Query::Budgets).await? else {
        return Err(Problem::internal(
            &"the conductor answered another question",
        ));
    };
    Ok(budgets.into_iter().map(Budget::from).collect())
}

/// Set a budget, or make one.
#[utoipa::path(put, path = "/budgets/{name}", tag = "limits", params(("name" = String, Path)),
    request_body = BudgetBody, responses((status = 200, body = Budget)))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
    input: Input<BudgetBody>,
) -> Result<Json<Budget>, Problem> {
    let request = request(&app, &caller, name, &input.value).await?;
    match app.carry_out(&caller, request, input.once).await? {
        Reply::Budget { id } => {
            let found = now(&app, &caller)
                .await?
                .into_iter()
                .find(|budget| budget.id == id);
            found.map(Json).ok_or_else(Problem::not_found)
        }
        other => Err(super::unexpected(&other)),
    }
}

/// What the conductor is asked for a body.
pub(super) async fn request(
    app: &App,
    caller: &Caller,
    name: String,
    body: &BudgetBody,
) -> Result<Request, Problem> {
    let soft_at = body.soft_at.unwrap_or(0.8);
    let mut check = Check::new();
    check.that(
        soft_at > 0.0 && soft_at <= 1.0,
        "/soft_at",
        "must be above 0 and at most 1",
    );
    check.that(
        body.limit <= BUDGET_LIMIT,
        "/limit",
        format!("must be at most {BUDGET_LIMIT}"),
    );
    check.done()?;
    Ok(Request::PutBudget(PutBudget {
        id: uuid::Uuid::now_v7().into(),
        name,
        scope: scope(app, caller, &body.scope).await?,
        unit: body.unit,
        limit: body.limit,
        window: body.window,
        soft_at,
        used: 0,
    }))
}

/// Remove a budget: it counts nothing any more, and what it held back may start.
#[utoipa::path(delete, path = "/budgets/{name}", tag = "limits", params(("name" = String, Path)),
    responses((status = 204)))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Name(name): Name,
) -> Result<StatusCode, Problem> {
    match app
        .carry_out(&caller, Request::RemoveBudget { name }, None)
        .await?
    {
        Reply::Removed => Ok(StatusCode::NO_CONTENT),
        other => Err(super::unexpected(&other)),
    }
}

/// Reads the one entry of a scope.
async fn scope(
    app: &App,
    caller: &Caller,
    given: &Map<String, Value>,
) -> Result<BudgetScope, Problem> {
    let mut entries = given.iter();
    let (Some((kind, of)), None) = (entries.next(), entries.next()) else {
        return Err(Problem::invalid_at(
            "/scope",
            "names one thing, such as {\"model\": \"small\"}",
        ));
    };
    let fault = |detail: &str| Problem::invalid_at(format!("/scope/{kind}"), detail);
    let text = of.as_str();
    match kind.as_str() {
        "workspace" => match text {
            Some(name) if name != caller.workspace.to_string() => {
                let named = app.store.workspace_by_slug(name).await?;
                let ours = named.is_some_and(|workspace| workspace.id == caller.workspace);
                if ours {
                    Ok(BudgetScope::Workspace)
                } else {
                    Err(fault("is not this workspace"))
                }
            }
            _ => Ok(BudgetScope::Workspace),
        },
        "agent" => {
            let known = match text {
                Some(text) => app.store.agent_called(caller.workspace, text).await?,
                None => None,
            };
            known
                .map(BudgetScope::Agent)
                .ok_or_else(|| fault("is the name of no agent here"))
        }
        "model" => match text {
            Some(model) if crate::check::name_fault(model).is_none() => {
                Ok(BudgetScope::Model(model.to_owned()))
            }
            _ => Err(fault("must be a model's name")),
        },
        "task_tree" => {
            let root: Option<TaskId> = text.and_then(|text| text.parse().ok());
            let root = root.ok_or_else(|| fault("must be a task's identifier"))?;
            let known = app.store.titles(caller.workspace, &[root]).await?;
            if known.contains_key(&root) {
                Ok(BudgetScope::TaskTree(root))
            } else {
                Err(fault("is no task of this workspace"))
            }
        }
        "thinking" => Ok(BudgetScope::Thinking),
        _ => Err(fault(
            r#"is no scope: give {"workspace": slug}, {"agent": name}, {"model": name}, {"task_tree": id} or {"thinking": true}"#,
        )),
    }
}

impl Budget {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What a `PUT` would say to leave it as it is.
    pub(super) fn as_set(&self) -> Map<String, Value> {
        let set = [
            ("scope", self.scope.clone()),
            ("unit", json!(self.unit)),
            ("limit", json!(self.limit)),
            ("window", json!(self.window)),
            ("soft_at", json!(self.soft_at)),
        ];
        set.map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect()
    }
}

impl From<BudgetView> for Budget {
    fn from(view: BudgetView) -> Self {
        let BudgetView {
            row,
            reserved,
            resets_at,
        } = view;
        let (spec, state) = (row.spec, row.state);
        Self {
            id: spec.id,
            name: spec.name,
            scope: match spec.scope {
                BudgetScope::Workspace => json!({ "workspace": spec.workspace }),
                BudgetScope::Thinking => json!({ "thinking": true }),
                other => json!(other),
            },
            unit: spec.unit,
            limit: spec.limit,
            window: spec.window,
            soft_at: spec.soft_at,
            settled: state.settled,
            reserved,
            available: spec
                .limit
                .saturating_sub(state.settled)
                .saturating_sub(reserved),
            warned: state.warned,
            window_start: state.window_start,
            resets_at,
        }
    }
}
