//! One task: why it is where it is, and everything that has happened to it.

mod acts;
mod aside;
mod course;
mod timeline;
mod why;

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Action, Explanation, Query, ResourceView, Score, TaskId, View};
use store::read::{AttemptListed, DecisionFilter, DecisionListed, Page, TaskDetail, TaskListed};

use super::resources::all;
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::acts::limits::may_change;
use crate::components::decision_line::Around;
use crate::components::factors::Factors;
use crate::components::mark::StateMark;
use crate::components::moment::Moment;
use crate::components::title::title_heading;
use crate::markup::{Markup, Written};
use crate::text;

/// Decisions and children shown at most.
const ROWS: u32 = 50;
/// Tasks before it that are looked at.
const LANE: u32 = 50;

/// One task.
#[component]
pub fn TaskPage() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

/// All that the page shows.
struct Data {
    seat: Seat,
    detail: TaskDetail,
    /// What the conductor says; `None` for tasks that are over, and while it changes hands.
    explanation: Option<Explanation>,
    score: Option<Score>,
    attempts: Vec<AttemptListed>,
    decisions: Vec<DecisionListed>,
    children: Vec<TaskListed>,
    /// Tasks before it in its lane, in their order.
    ahead: Vec<TaskId>,
    /// Tasks it names: what it waits for, what waits for it, who holds what it needs.
    others: HashMap<TaskId, TaskListed>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let id: TaskId = asked.id()?;
    let seat = asked.seat().await?;
    let (store, workspace) = (seat.store(), seat.workspace);
    let detail = store
        .task(workspace, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let filter = DecisionFilter {
        task: Some(id),
        ..DecisionFilter::default()
    };
    let page = Page {
        limit: ROWS,
        after: None,
    };
    let (live, attempts, decisions, children) = futures::try_join!(
        async { Ok(live(&seat, &detail).await) },
        store.attempts(workspace, id),
        store.decisions(workspace, &filter, page),
        store.children(workspace, id, page),
    )?;
    let (mut explanation, points) = live;
    if let Some(explanation) = &mut explanation {
        let latest = decisions.items.first().map(|listed| listed.decision.id);
        explanation.decision_id = explanation.decision_id.or(latest);
        keep_what_is_allowed(&seat, explanation).await;
    }
    let ahead = ahead(&seat, id, explanation.as_ref()).await;
    let others = others(&seat, &detail, explanation.as_ref(), &ahead).await?;
    let mut decisions = decisions.items;
    add_verdict(&seat, explanation.as_ref(), &mut decisions).await?;
    Ok(Data {
        seat,
        detail,
        explanation,
        score: points,
        attempts,
        decisions,
        children: children.items,
        ahead,
        others,
    })
}

async fn live(seat: &Seat, detail: &TaskDetail) -> (Option<Explanation>, Option<Score>) {
    let task = detail.task.id;
    if detail.task.state.is_terminal() {
        return (None, None);
    }
    let (explanation, score) = futures::join!(
        seat.ask(Query::Explain { task }),
        seat.ask(Query::Score { task }),
    );
    let explanation = match explanation {
        Ok(View::Explanation { explanation }) => explanation.map(|explanation| *explanation),
        _ => None,
    };
    let score = match score {
        Ok(View::Score { score }) => score,
        _ => None,
    };
    (explanation, score)
}

/// Leaves out what would change a resource that others share, where that is not this reader's to do.
async fn keep_what_is_allowed(seat: &Seat, explanation: &mut Explanation) {
    let of_resource = |action: &Action| {
        use Action::{RaiseLimit, ReopenResource};
        matches!(action, RaiseLimit | ReopenResource)
    };
    let mut actions = explanation.blockers.iter().flat_map(|one| &one.actions);
    if !actions.any(of_resource) {
        return;
    }
    let resources = all(seat).await.unwrap_or_default();
    for blocker in &mut explanation.blockers {
        let named = |one: &&ResourceView| blocker.resource.as_ref() == Some(&one.spec.name);
        let resource = resources.iter().find(named);
        if resource.is_some_and(|one| !may_change(seat, &one.spec)) {
            blocker.actions.retain(|action| !of_resource(action));
        }
    }
}

/// Those that go before it, the first first, as far as a page can show.
async fn ahead(seat: &Seat, task: TaskId, explanation: Option<&Explanation>) -> Vec<TaskId> {
    let place = explanation.and_then(|found| Some((found.lane.clone()?, found.position?)));
    let Some((lane, place)) = place.filter(|(_, place)| place.rank > 1) else {
        return Vec::new();
    };
    let query = Query::Lane {
        lane,
        limit: place.rank.min(LANE),
    };
    match seat.ask(query).await {
        Ok(View::Lane { tasks }) => tasks.into_iter().take_while(|id| *id != task).collect(),
        _ => Vec::new(),
    }
}

async fn others(
    seat: &Seat,
    detail: &TaskDetail,
    explanation: Option<&Explanation>,
    ahead: &[TaskId],
) -> Result<HashMap<TaskId, TaskListed>, PageError> {
    let blockers = explanation
        .map(|explanation| explanation.blockers.as_slice())
        .unwrap_or_default();
    let held = blockers.iter().flat_map(|blocker| {
        let holders = blocker.holders.iter().filter_map(|holder| holder.task);
        holders.chain(blocker.tasks.iter().copied())
    });
    let around = detail.depends_on.iter().chain(&detail.dependents).copied();
    let mut ids: Vec<_> = around
        .chain(held)
        .chain(ahead.iter().copied())
        .chain(detail.task.parent)
        .map(|task| task.0)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let tasks = seat.store().tasks_by_id(seat.workspace, &ids).await?;
    Ok(tasks.into_iter().map(|task| (task.id, task)).collect())
}

/// A verdict is its lane's, not the task's own; it belongs in the task's story while it stands.
async fn add_verdict(
    seat: &Seat,
    explanation: Option<&Explanation>,
    decisions: &mut Vec<DecisionListed>,
) -> Result<(), PageError> {
    let Some(id) = explanation.and_then(|explanation| explanation.decision_id) else {
        return Ok(());
    };
    if decisions.iter().all(|listed| listed.decision.id != id)
        && let Some(verdict) = seat.store().decision(seat.workspace, id).await?
    {
        decisions.push(verdict);
        decisions.sort_by_key(|listed| std::cmp::Reverse(listed.decision.id));
    }
    Ok(())
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        detail,
        explanation,
        score,
        attempts,
        decisions,
        children,
        ahead,
        others,
    } = data;
    let task = detail.task.clone();
    let near = why::Near {
        others: &others,
        ahead: &ahead,
        seat: &seat,
    };
    let now = match (&detail.end, &task.lease, &explanation) {
        (Some(end), ..) => course::ended(end, &seat),
        (None, Some(lease), _) => course::at_work(lease, task.needs.estimate.duration_ms, &seat),
        (None, None, Some(explanation)) => why::why(explanation, &near),
        (None, None, None) => why::unknown(),
    };
    let score = score.map(|score| {
        view! {
            <section data-key="score" class="panel" aria-labelledby="score">
                <div class="panel-head">
                    <h2 id="score">"Score"</h2>
                    <span class="quiet">{format!("{} of 1,000 before class, age and boost", text::grouped(score.score.max(0) as u64))}</span>
                </div>
                <Factors factors=score.factors />
            </section>
        }
    });
    let around = Around {
        slug: seat.slug.clone(),
        titles: HashMap::new(),
        now: seat.now,
        name_task: false,
        of_task: Some(task.id),
    };
    view! {
        <Title text=task.title.clone() />
        <div id="task" data-live class="with-aside">
            <header class="page-head">
                <p class="eyebrow">
                    <a href=seat.path("tasks")>"Tasks"</a>
                    {task.reference.clone().map(|reference| format!(" / {reference}"))}
                </p>
                {title_heading(&task.title)}
                <p class="marks">
                    <span id="task-state"><StateMark state=task.state /></span>
                    {(!task.needs.kind.is_empty()).then(|| view! { <span>{task.needs.kind.clone()}</span> })}
                    <span>{text::priority(task.priority)} " priority"</span>
                    <span class="mark-by">
                        <span class="mark-name">"by " {text::actor(&task.created_by)}</span>
                        <span>", " <Moment at=task.created_at now=seat.now /></span>
                    </span>
                    {task.due_at.map(|due| view! { <span>"due " <Moment at=due now=seat.now /></span> })}
                </p>
                {acts::acts(&task, &seat)}
            </header>
            <div class="column">
                // What somebody is to look at comes before why it stands here.
                {detail.for_review.as_ref().map(course::to_look_at)}
                {now}
                {timeline::timeline(attempts, decisions, &around)}
                {score}
                {aside::text(&detail)}
            </div>
            <div class="column column-side">{aside::aside(&detail, children, &others, &seat)}</div>
        </div>
    }
    .written()
}
