//! `/tasks`: make, list, read and explain tasks.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use scheduler::{
    Action, Class, CreateTasks, DecisionId, Explanation, NewTask, Query, Refusal, Reply, Request,
    Score, TaskId, TaskState, View,
};
use serde::Deserialize;
use store::read::{DecisionFilter, Listed, Page, TaskFilter, TaskOrder};

use super::bodies::{NewTaskBody, OneOrMany};
use super::task_view::{Task, TaskSummary};
use crate::auth::Caller;
use crate::check::{BATCH, Check, DEPENDENCIES};
use crate::input::{Id, Input, Params};
use crate::paging::{self, List};
use crate::permission::Role;
use crate::problem::{Problem, repointed};
use crate::state::App;

/// Make a task, or many: all of them or none. In a batch, `ref` names a task for the
/// `depends_on` and `parent_id` of the others.
#[utoipa::path(post, path = "/tasks", tag = "tasks", request_body = OneOrMany<NewTaskBody>,
    responses((status = 201, description = "The task, or `{items: […]}` in the order given", body = Task)))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    input: Input<OneOrMany<NewTaskBody>>,
) -> Result<Response, Problem> {
    let (bodies, single) = match input.value {
        OneOrMany::One(body) => (vec![*body], true),
        OneOrMany::Many(bodies) => (bodies, false),
    };
    let tasks = Batch {
        bodies: &bodies,
        single,
    }
    .tasks()?;
    let request = Request::CreateTasks(CreateTasks {
        tasks: tasks.clone(),
        facts: Vec::new(),
    });
    let heard = app.submit(&caller, request, input.once).await?;
    let created = match heard.answer {
        Ok(Reply::Created { tasks }) => tasks,
        Ok(other) => return Err(super::unexpected(&other)),
        Err(Refusal::NeedFacts { tasks: unknown }) => {
            return Err(unknown_tasks(&tasks, &unknown, single));
        }
        Err(refusal) if single => {
            let unlisted =
                |pointer: String| pointer.strip_prefix("/0").unwrap_or(&pointer).to_owned();
            return Err(repointed(refusal, unlisted).into());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let made: HashMap<TaskId, TaskId> = tasks
        .iter()
        .zip(&created)
        .map(|(task, created)| (task.id, created.id))
        .collect();
    let mut items: Vec<Task> = tasks
        .into_iter()
        .zip(created)
        .map(|(task, created)| Task::created(task, created, caller.actor(), &made))
        .collect();
    Ok(if single {
        (StatusCode::CREATED, Json(items.pop())).into_response()
    } else {
        (
            StatusCode::CREATED,
            Json(serde_json::json!({ "items": items })),
        )
            .into_response()
    })
}

/// Points at the dependencies and parents that do not exist.
fn unknown_tasks(tasks: &[NewTask], unknown: &[TaskId], single: bool) -> Problem {
    let mut check = Check::new();
    for (at, task) in tasks.iter().enumerate() {
        check.under(if single {
            String::new()
        } else {
            format!("/{at}")
        });
        for (nth, id) in task.depends_on.iter().enumerate() {
            check.that(
                !unknown.contains(id),
                &format!("/depends_on/{nth}"),
                "is no task of this workspace",
            );
        }
        let parent_known = task.parent.is_none_or(|id| !unknown.contains(&id));
        check.that(parent_known, "/parent_id", "is no task of this workspace");
    }
    check.done().err().unwrap_or_else(Problem::not_found)
}

/// The bodies of one request on their way to becoming tasks.
struct Batch<'a> {
    bodies: &'a [NewTaskBody],
    single: bool,
}

impl Batch<'_> {
    /// Checks every bound and turns names into identifiers.
    fn tasks(&self) -> Result<Vec<NewTask>, Problem> {
        let count = self.bodies.len();
        if !(1..=BATCH).contains(&count) {
            return Err(Problem::invalid_at(
                "",
                format!("a batch has 1 to {BATCH} tasks"),
            ));
        }
        let mut check = Check::new();
        let ids = self.references(&mut check);
        let mut tasks = Vec::with_capacity(count);
        for (at, body) in self.bodies.iter().enumerate() {
            self.base(&mut check, at);
            body.check(&mut check);
            tasks.push(NewTask {
                id: uuid::Uuid::now_v7().into(),
                title: body.title.clone(),
                description: body.description.clone().unwrap_or_default(),
                payload: body.payload.clone().map(serde_json::Value::Object),
                reference: body.reference.clone(),
                needs: body.needs(),
                priority: body.priority.unwrap_or_default(),
                due_at: body.due_at,
                not_before: body.not_before,
                depends_on: Vec::new(),
                parent: None,
            });
        }
        let own: Vec<TaskId> = tasks.iter().map(|task| task.id).collect();
        for (at, body) in self.bodies.iter().enumerate() {
            self.base(&mut check, at);
            let named = |name: &str| match ids.get(name) {
                Some(&index) => Some(own[index]),
                None => name.parse().ok(),
            };
            let dependencies = body.depends_on.as_deref().unwrap_or_default();
            let fits = dependencies.len() <= DEPENDENCIES;
            check.that(
                fits,
                "/depends_on",
                format!("may have at most {DEPENDENCIES} entries"),
            );
            for (nth, name) in dependencies.iter().enumerate().take(DEPENDENCIES) {
                match named(name) {
                    Some(id) if tasks[at].depends_on.contains(&id) => {}
                    Some(id) => tasks[at].depends_on.push(id),
                    None => check.that(false, &format!("/depends_on/{nth}"), UNNAMED),
                }
            }
            if let Some(name) = &body.parent_id {
                tasks[at].parent = named(name);
                check.that(tasks[at].parent.is_some(), "/parent_id", UNNAMED);
            }
        }
        check.done()?;
        Ok(tasks)
    }

    fn base(&self, check: &mut Check, at: usize) {
        check.under(if self.single {
            String::new()
        } else {
            format!("/{at}")
        });
    }

    /// Where each reference of the batch stands.
    fn references(&self, check: &mut Check) -> HashMap<&str, usize> {
        let mut places = HashMap::new();
        for (at, body) in self.bodies.iter().enumerate() {
            let Some(reference) = body.reference.as_deref() else {
                continue;
            };
            self.base(check, at);
            check.that(
                places.insert(reference, at).is_none(),
                "/ref",
                "stands twice in this batch",
            );
        }
        places
    }
}

const UNNAMED: &str = "is neither an identifier nor the ref of a task in this batch";

/// The longest word a list is narrowed by, in bytes.
const FILTER_BYTES: usize = 400;

/// What of a list of tasks is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TaskParams {
    /// Only tasks in this state.
    state: Option<TaskState>,
    /// Only tasks of this class.
    class: Option<Class>,
    /// Only tasks of this kind.
    kind: Option<String>,
    /// Only tasks for, or leased by, the agent of this name.
    agent: Option<String>,
    /// Only tasks with all of these words, each at least begun, in the title or the description:
    /// "words in quotes" stand together, `-word` must be absent. Words are letters and digits, and
    /// what parts them makes no difference: `-2` asks for 2, `a-2` for a and 2 side by side.
    q: Option<String>,
    /// Only the first tasks waiting in this lane, in its order; no other filter goes with it.
    lane: Option<String>,
    /// Only tasks split from this one; no other filter goes with it.
    parent_id: Option<uuid::Uuid>,
    /// 1 to 200, 50 unless said.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl TaskParams {
    fn check(&self) -> Result<(), Problem> {
        let mut check = Check::new();
        for (word, name) in [
            (&self.kind, "?kind"),
            (&self.agent, "?agent"),
            (&self.q, "?q"),
        ] {
            check.text(word.as_deref(), name, FILTER_BYTES);
        }
        let is_lane = |name: &String| {
            name.len() == 16
                && name
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        check.that(
            self.lane.as_ref().is_none_or(is_lane),
            "?lane",
            "must be a lane's id, 16 of 0-9 and a-f, as explanations and decisions name it",
        );
        let narrowed = self.state.is_some()
            || self.class.is_some()
            || [&self.kind, &self.agent, &self.q]
                .into_iter()
                .any(Option::is_some);
        let alone = |other: bool| !(narrowed || other);
        check.that(
            self.lane.is_none() || alone(self.parent_id.is_some() || self.cursor.is_some()),
            "?lane",
            "goes with limit only",
        );
        check.that(
            self.parent_id.is_none() || alone(self.lane.is_some()),
            "?parent_id",
            "goes with limit and cursor only",
        );
        check.done()
    }
}

/// List tasks, newest first.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(TaskParams),
    responses((status = 200, body = List<TaskSummary>)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<TaskParams>,
) -> Result<Json<List<TaskSummary>>, Problem> {
    params.check()?;
    let page = paging::page(params.limit, params.cursor.as_deref())?;
    if let Some(lane) = params.lane {
        let query = Query::Lane {
            lane,
            limit: page.limit,
        };
        let View::Lane { tasks } = app.ask(&caller, query).await? else {
            return Err(Problem::internal(
                &"the conductor answered another question",
            ));
        };
        let ids: Vec<_> = tasks.into_iter().map(|task| task.0).collect();
        let items = app.store.tasks_by_id(caller.workspace, &ids).await?;
        return Ok(Json(paging::list(Listed { items, next: None })));
    }
    if let Some(parent) = params.parent_id {
        let children = app
            .store
            .children(caller.workspace, parent.into(), page)
            .await?;
        return Ok(Json(paging::list(children)));
    }
    let TaskParams {
        state,
        class,
        kind,
        agent,
        q: text,
        ..
    } = params;
    if let Some(name) = &agent
        && app
            .store
            .agent_named(caller.workspace, name)
            .await?
            .is_none()
    {
        return Err(Problem::invalid_at(
            "?agent",
            "is the name of no agent in this workspace",
        ));
    }
    let filter = TaskFilter {
        state,
        class,
        kind,
        agent,
        text,
        order: TaskOrder::Newest,
    };
    Ok(Json(paging::list(
        app.store.tasks(caller.workspace, &filter, page).await?,
    )))
}

/// Read one task: its score with factors and source, state, attempts, lease and children.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Task)))]
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
) -> Result<Json<Task>, Problem> {
    // First, so that one that ends between the two reads is not both past and running.
    let attempts = app.store.attempts(caller.workspace, id).await?;
    let detail = app
        .store
        .task(caller.workspace, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut task = Task::stored(detail, attempts);
    if !task.summary.state.is_terminal()
        && let Some(score) = score_now(&app, &caller, id).await?
    {
        task.scored(score);
    }
    Ok(Json(task))
}

/// What only the conductor knows of a task; `None` too while none answers, as during a take-over: all
/// else of a task is stored.
async fn score_now(app: &App, caller: &Caller, task: TaskId) -> Result<Option<Score>, Problem> {
    match app.ask(caller, Query::Score { task }).await {
        Ok(View::Score { score }) => Ok(score),
        Err(problem) if problem.status() != StatusCode::SERVICE_UNAVAILABLE => Err(problem),
        Ok(_) | Err(_) => Ok(None),
    }
}

/// Why a task is where it is, with everything that holds it.
#[utoipa::path(get, path = "/tasks/{id}/explanation", tag = "tasks", params(("id" = uuid::Uuid, Path)),
    responses((status = 200, body = Explanation)))]
pub async fn explanation(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<TaskId>,
) -> Result<Json<Explanation>, Problem> {
    let query = Query::Explain { task: id };
    if let View::Explanation {
        explanation: Some(explanation),
    } = app.ask(&caller, query).await?
    {
        let mut explanation = *explanation;
        // Of what waits, what was decided before may hold it no more.
        if explanation.decision_id.is_none() && explanation.state != TaskState::Pending {
            explanation.decision_id = latest_decision(&app, &caller, id).await?;
        }
        keep_what_is_allowed(&app, &caller, &mut explanation).await?;
        return Ok(Json(explanation));
    }
    let detail = app
        .store
        .task(caller.workspace, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(Json(super::task_view::ended(&detail, app.now())))
}

/// Leaves only the actions that the reader may take.
async fn keep_what_is_allowed(
    app: &App,
    caller: &Caller,
    explanation: &mut Explanation,
) -> Result<(), Problem> {
    let of_resource = |action: &Action| {
        use Action::{DefineResource, RaiseLimit, ReopenResource};
        matches!(action, DefineResource | RaiseLimit | ReopenResource)
    };
    let mut of_pool: Vec<String> = Vec::new();
    let mut actions = explanation.blockers.iter().flat_map(|one| &one.actions);
    if caller.role != Role::Admin
        && actions.any(of_resource)
        && let View::Resources { resources } = app.ask(caller, Query::Resources).await?
    {
        let specs = resources.into_iter().map(|view| view.spec);
        let shared = specs.filter(|spec| spec.workspace.is_none());
        of_pool.extend(shared.map(|spec| spec.name));
    }
    for blocker in &mut explanation.blockers {
        let resource = blocker.resource.as_ref();
        let for_admins = resource.is_some_and(|name| of_pool.contains(name));
        blocker.actions.retain(|action| {
            super::who_may(*action).allows(caller.role) && !(for_admins && of_resource(action))
        });
    }
    Ok(())
}

/// The last that was decided of a task, if anything was.
async fn latest_decision(
    app: &App,
    caller: &Caller,
    task: TaskId,
) -> Result<Option<DecisionId>, Problem> {
    let filter = DecisionFilter {
        task: Some(task),
        ..DecisionFilter::default()
    };
    let page = Page {
        limit: 1,
        after: None,
    };
    let listed = app.store.decisions(caller.workspace, &filter, page).await?;
    Ok(listed.items.first().map(|listed| listed.decision.id))
}
