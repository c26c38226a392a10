//! `GET /usage`: the ledger in sums.

use axum::Json;
use axum::extract::State;
use scheduler::{Span, Time};
use serde::{Deserialize, Serialize};
use store::read::{UsageGroup, UsageSum};

use crate::auth::Caller;
use crate::input::Params;
use crate::problem::Problem;
use crate::state::App;

/// The longest span that is summed at once: 366 days.
const LONGEST: Span = Span::from_secs(366 * 24 * 3_600);
/// The span unless said: 30 days.
const USUAL: Span = Span::from_secs(30 * 24 * 3_600);

/// What usage is summed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// The agent's name.
    Agent,
    /// The model.
    Model,
    /// The kind of task.
    Kind,
    /// The experiment.
    Experiment,
    /// The UTC day.
    Day,
}

/// What of the ledger is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsageParams {
    /// What is summed by; the agent unless said.
    #[param(inline)]
    group_by: Option<Group>,
    /// From then; 30 days before `to` unless said.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Time>,
    /// Before then; now unless said.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Time>,
}

/// What was used.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Usage {
    group_by: Group,
    #[schema(value_type = String, format = DateTime)]
    from: Time,
    #[schema(value_type = String, format = DateTime)]
    to: Time,
    /// Dearest first; days in order.
    items: Vec<Sum>,
}

/// A sum.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Sum {
    /// What it is the sum of; null for reports that name none.
    group: Option<String>,
    reports: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_microusd: u64,
}

/// Sum what was used over a span of at most 366 days.
#[utoipa::path(get, path = "/usage", tag = "limits", params(UsageParams),
    responses((status = 200, body = Usage)))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<UsageParams>,
) -> Result<Json<Usage>, Problem> {
    let group_by = params.group_by.unwrap_or(Group::Agent);
    let to = params.to.unwrap_or_else(|| app.now());
    let from = params.from.unwrap_or(to - USUAL);
    if from > to || to.since(from) > LONGEST {
        return Err(Problem::invalid_at(
            "?from",
            "must lie before to, by at most 366 days",
        ));
    }
    let sums = app
        .store
        .usage(caller.workspace, group_by.into(), from, to)
        .await?;
    Ok(Json(Usage {
        group_by,
        from,
        to,
        items: sums.into_iter().map(Sum::from).collect(),
    }))
}

impl From<Group> for UsageGroup {
    fn from(group: Group) -> Self {
        match group {
            Group::Agent => Self::Agent,
            Group::Model => Self::Model,
            Group::Kind => Self::Kind,
            Group::Experiment => Self::Experiment,
            Group::Day => Self::Day,
        }
    }
}

impl From<UsageSum> for Sum {
    fn from(sum: UsageSum) -> Self {
        let UsageSum {
            group,
            reports,
            input_tokens,
            output_tokens,
            cost_microusd,
        } = sum;
        Self {
            group,
            reports,
            input_tokens,
            output_tokens,
            cost_microusd,
        }
    }
}
