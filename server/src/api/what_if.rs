//! `/what_if`: what would follow from changes, asked before anybody makes them.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use scheduler::bounds::points_fault;
use scheduler::{
    Act, Boost, CloseResource, Course, Outlook, Overrule, Query, Request, Span, TaskId, Time, View,
    WhatIf,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{budgets, policy, resources};
use crate::auth::Caller;
use crate::check::Check;
use crate::input::{Input, fit};
use crate::problem::Problem;
use crate::state::App;

/// Changes asked about at once.
const MOST_CHANGES: usize = 20;
/// Unless said, a resource is closed, or a task boosted, for so long.
const AN_HOUR_MS: i64 = 3_600_000;

/// Changes to suppose, all made at the same instant.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatIfBody {
    /// From 1 to 20.
    changes: Vec<Change>,
}

/// One change. What is not named of a thing that exists stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// `{"name": "opus", "slots": 6}` as in `PUT /resources/{name}`, or `{"name": "opus", "closed": false}`.
    #[schema(value_type = Object)]
    Resource(Map<String, Value>),
    /// `{"name": "day", "limit": 9000000}` as in `PUT /budgets/{name}`.
    #[schema(value_type = Object)]
    Budget(Map<String, Value>),
    /// A person's act on a task.
    Task(TaskChange),
    /// `{"fair_share_weight": 2}` as in `PUT /policy`.
    #[schema(value_type = Object)]
    Policy(Map<String, Value>),
}

/// An act on a task.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskChange {
    /// Which.
    #[schema(value_type = uuid::Uuid)]
    id: TaskId,
    /// What is done to it.
    act: TaskAct,
    /// For a boost: points; a boost without them pins.
    score_delta: Option<i32>,
}

/// What can be supposed of a task.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskAct {
    /// Call it off.
    Cancel,
    /// Put it aside.
    Hold,
    /// Let it wait for its turn again.
    Release,
    /// Try what failed again.
    Retry,
    /// Raise it for an hour.
    Boost,
}

/// What would follow, beside what follows if nothing is changed.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Answer {
    /// In words.
    headline: String,
    /// How the times were found.
    method: &'static str,
    /// From when both courses are played.
    #[schema(value_type = String, format = DateTime)]
    at: Time,
    /// Nothing is changed.
    as_it_is: Course,
    /// The changes are made now.
    changed: Course,
    /// Waiting tasks that start in either, in the order of the changed course; at most a hundred.
    tasks: Vec<TaskCourse>,
    /// Waiting tasks that were simulated: the first of each lane, and what depends on them.
    played: u32,
    /// Waiting tasks behind those, which were counted and not played.
    left_out: u32,
}

/// When one task starts in both courses.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TaskCourse {
    id: TaskId,
    title: String,
    /// Absent if it does not start within the play.
    #[schema(value_type = Option<String>, format = DateTime)]
    as_it_is: Option<Time>,
    /// Absent if it does not start within the play.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed: Option<Time>,
}

/// Ask what would start now, and when the rest, if these changes were made. Nothing is changed.
#[utoipa::path(post, path = "/what_if", tag = "decisions", request_body = WhatIfBody,
    responses((status = 200, body = Answer)))]
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    input: Input<WhatIfBody>,
) -> Result<Json<Answer>, Problem> {
    let mut check = Check::new();
    let asked = input.value.changes;
    let fits = (1..=MOST_CHANGES).contains(&asked.len());
    check.that(
        fits,
        "/changes",
        format!("must be from 1 to {MOST_CHANGES}"),
    );
    check.done()?;
    let mut changes = Vec::with_capacity(asked.len());
    for (at, change) in asked.into_iter().enumerate() {
        let place = |problem: Problem| problem.below(&format!("/changes/{at}/{}", change.name()));
        changes.push(request(&app, &caller, &change).await.map_err(place)?);
    }
    let actor = caller.actor();
    let View::WhatIf { answer } = app.ask(&caller, Query::WhatIf { actor, changes }).await? else {
        return Err(Problem::internal(
            &"the conductor answered another question",
        ));
    };
    match answer {
        WhatIf::Outlook(outlook) => told(&app, &caller, *outlook).await.map(Json),
        WhatIf::Refused { change, refusal } => {
            Err(Problem::from(refusal).below(&format!("/changes/{change}")))
        }
    }
}

impl Change {
    const fn name(&self) -> &'static str {
        match self {
            Self::Resource(_) => "resource",
            Self::Budget(_) => "budget",
            Self::Task(_) => "task",
            Self::Policy(_) => "policy",
        }
    }
}

async fn request(app: &App, caller: &Caller, change: &Change) -> Result<Request, Problem> {
    match change {
        Change::Resource(fields) => resource(app, caller, fields.clone()).await,
        Change::Budget(fields) => budget(app, caller, fields.clone()).await,
        Change::Policy(fields) => policy::request(app, caller, fields).await,
        Change::Task(task) => task.request(app.now()),
    }
}

async fn resource(
    app: &App,
    caller: &Caller,
    mut fields: Map<String, Value>,
) -> Result<Request, Problem> {
    let name = name(&mut fields)?;
    if let Some(closed) = fields.remove("closed") {
        let until = app.now() + Span::from_millis(AN_HOUR_MS);
        return Ok(Request::CloseResource(CloseResource {
            resource: name,
            until: fit::<bool>(closed)?.then_some(until),
            reason: None,
        }));
    }
    let known = resources::now(app, caller).await?;
    let known = known.into_iter().find(|resource| *resource.name() == name);
    let of_another_kind: &[&str] = match &known {
        Some(known) if known.has_slots() => &["kind", "capacity", "refill_per_s"],
        _ => &["kind", "slots"],
    };
    let keeps_kind = !of_another_kind
        .iter()
        .any(|field| fields.contains_key(*field));
    let laid = known.filter(|_| keeps_kind);
    let stated = laid.map_or_else(Map::new, |known| known.as_set());
    let whole = stated.into_iter().chain(fields).collect();
    fit::<resources::ResourceBody>(Value::Object(whole))?.request(name)
}

async fn budget(
    app: &App,
    caller: &Caller,
    mut fields: Map<String, Value>,
) -> Result<Request, Problem> {
    let name = name(&mut fields)?;
    let known = budgets::now(app, caller).await?;
    let known = known.into_iter().find(|budget| *budget.name() == name);
    let stated = known.map_or_else(Map::new, |known| known.as_set());
    let whole = stated.into_iter().chain(fields).collect();
    let body = fit::<budgets::BudgetBody>(Value::Object(whole))?;
    budgets::request(app, caller, name, &body).await
}

fn name(fields: &mut Map<String, Value>) -> Result<String, Problem> {
    match fields.remove("name") {
        Some(Value::String(name)) if crate::check::name_fault(&name).is_none() => Ok(name),
        _ => Err(Problem::invalid_at("/name", "must be a name")),
    }
}

impl TaskChange {
    fn request(&self, now: Time) -> Result<Request, Problem> {
        if let Some(fault) = self.score_delta.and_then(points_fault) {
            return Err(Problem::invalid_at("/score_delta", fault));
        }
        let act = match self.act {
            TaskAct::Cancel => Act::Cancel,
            TaskAct::Hold => Act::Hold,
            TaskAct::Release => Act::Release,
            TaskAct::Retry => Act::Retry,
            TaskAct::Boost => Act::Boost,
        };
        let boost = Boost {
            score_delta: self.score_delta,
            expires_at: now + Span::from_millis(AN_HOUR_MS),
        };
        Ok(Request::Overrule(Overrule {
            task: self.id,
            act,
            reason: None,
            boost: (act == Act::Boost).then_some(boost),
            handoff: None,
            facts: Vec::new(),
        }))
    }
}

async fn told(app: &App, caller: &Caller, outlook: Outlook) -> Result<Answer, Problem> {
    let headline = scheduler::words::outlook(&outlook);
    let ids: Vec<TaskId> = outlook.tasks.iter().map(|course| course.task).collect();
    let mut titles: HashMap<_, _> = app.store.titles(caller.workspace, &ids).await?;
    let tasks = outlook.tasks.into_iter().map(|course| TaskCourse {
        id: course.task,
        title: titles.remove(&course.task).unwrap_or_default(),
        as_it_is: course.as_it_is,
        changed: course.changed,
    });
    Ok(Answer {
        headline,
        method: scheduler::words::PLAYED,
        at: outlook.at,
        tasks: tasks.collect(),
        as_it_is: outlook.as_it_is,
        changed: outlook.changed,
        played: outlook.played,
        left_out: outlook.left_out,
    })
}
