//! The list of tasks: filtered, searched, paged by key. The address is the state.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Blocker, Query, TaskId, TaskState, View};
use store::read::{Page, StateCounts, TaskFilter, TaskListed};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::mark::{StateMark, glyph, tier_path};
use crate::components::moment::Moment;
use crate::components::pager::Pager;
use crate::text;

/// Rows of a page.
const ROWS: u32 = 50;

/// All tasks of a workspace.
#[component]
pub fn Tasks() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    state: Option<TaskState>,
    search: String,
    inside: bool,
    next: Option<String>,
    counts: StateCounts,
    tasks: Vec<TaskListed>,
    /// What holds those that wait: the worst of each.
    reasons: HashMap<TaskId, Blocker>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let state = asked
        .param("state")
        .map(|word| named(&word).ok_or(PageError::NotFound))
        .transpose()?;
    let after = asked
        .param("after")
        .map(|id| id.parse().map_err(|_| PageError::NotFound))
        .transpose()?;
    let search = asked.param("q").unwrap_or_default();
    let filter = TaskFilter {
        state,
        text: Some(search.clone()),
        ..TaskFilter::default()
    };
    let (store, workspace) = (seat.store(), seat.workspace);
    let (listed, counts) = futures::try_join!(
        store.tasks(workspace, &filter, Page { limit: ROWS, after }),
        store.state_counts(workspace),
    )?;
    Ok(Data {
        state,
        search,
        inside: after.is_some(),
        next: listed.next.map(|id| id.to_string()),
        counts,
        reasons: reasons(&seat, &listed.items).await,
        tasks: listed.items,
        seat,
    })
}

fn named(word: &str) -> Option<TaskState> {
    TaskState::ALL
        .into_iter()
        .find(|state| state.as_str() == word)
}

/// Why each waiting task waits, as far as the conductor answers now.
async fn reasons(seat: &Seat, tasks: &[TaskListed]) -> HashMap<TaskId, Blocker> {
    let waiting = tasks
        .iter()
        .filter(|task| task.state == TaskState::Pending)
        .map(|task| task.id);
    let answers = waiting.map(|task| async move {
        match seat.ask(Query::Explain { task }).await {
            Ok(View::Explanation {
                explanation: Some(explanation),
            }) => Some((task, explanation.blockers.into_iter().next()?)),
            _ => None,
        }
    });
    futures::future::join_all(answers)
        .await
        .into_iter()
        .flatten()
        .collect()
}

fn show(data: Data) -> AnyView {
    let Data {
        seat,
        state,
        search,
        inside,
        next,
        counts,
        tasks,
        reasons,
    } = data;
    let base = seat.path("tasks");
    let list = address(&base, state, &search);
    let empty = tasks.is_empty().then(|| {
        let words = if search.is_empty() && state.is_none() {
            "No task has been handed in yet."
        } else {
            "No task fits. Another state or other words may find it."
        };
        view! { <p class="empty">{words}</p> }
    });
    let rows = tasks
        .into_iter()
        .map(|task| row(&task, &reasons, &seat))
        .collect_view();
    view! {
        <Title text=format!("Tasks · {}", seat.name) />
        <header class="page-head page-head-row">
            <h1>"Tasks"</h1>
            <form class="search" role="search" action=base.clone()>
                {state.map(|state| view! { <input type="hidden" name="state" value=state.as_str() /> })}
                <label class="visually-hidden" for="q">
                    "Search titles"
                </label>
                <input id="q" type="search" name="q" value=search.clone() placeholder="Search titles" />
                <button class="button">"Search"</button>
            </form>
        </header>
        <nav class="tabs" id="tabs" data-live aria-label="States">
            {tabs(&base, state, &search, &counts)}
        </nav>
        <div id="rows" data-live data-hold>
            <div class="scroll" tabindex="0" role="group" aria-label="Tasks">
                <table class="rows tasks">
                    <thead>
                        <tr>
                            <th scope="col">"State"</th>
                            <th scope="col">"Task"</th>
                            <th scope="col">"Why, or who"</th>
                            <th scope="col">"Priority"</th>
                            <th scope="col" class="number">"Attempts"</th>
                            <th scope="col" class="number">"Since"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {empty}
            <Pager list inside next />
        </div>
    }
    .into_any()
}

fn row(task: &TaskListed, reasons: &HashMap<TaskId, Blocker>, seat: &Seat) -> AnyView {
    let why = match (&task.lease, reasons.get(&task.id)) {
        (Some(lease), _) => view! { <span>{lease.agent_name.clone()}</span> }.into_any(),
        (None, Some(blocker)) => {
            let class = format!("mark tier-{}", text::tier_class(blocker.tier));
            let at = blocker
                .resource
                .clone()
                .map(|name| view! { <span class="quiet">{name}</span> });
            view! {
                <span class=class>{glyph(tier_path(blocker.tier))} <span>{text::code(blocker.code)}</span></span>
                " "
                {at}
            }
            .into_any()
        }
        (None, None) if task.state == TaskState::Pending => {
            view! { <span class="quiet">"next in line"</span> }.into_any()
        }
        (None, None) => ().into_any(),
    };
    let since = task
        .ended_at
        .or(task.lease.as_ref().map(|lease| lease.granted_at))
        .unwrap_or(task.created_at);
    let kind = (!task.needs.kind.is_empty())
        .then(|| view! { <span class="quiet small">{task.needs.kind.clone()}</span> });
    let urgent = task.priority >= scheduler::Priority::High;
    view! {
        <tr data-key=task.id.to_string()>
            <td><StateMark state=task.state /></td>
            <td class="wide">
                <a href=seat.path(&format!("tasks/{}", task.id))>{task.title.clone()}</a>
                " "
                {kind}
            </td>
            <td>{why}</td>
            <td class=if urgent { "strong" } else { "quiet" }>{text::priority(task.priority)}</td>
            <td class="number quiet">{format!("{} of {}", task.attempts, task.needs.max_attempts)}</td>
            <td class="number quiet"><Moment at=since now=seat.now /></td>
        </tr>
    }
    .into_any()
}

fn tabs(
    base: &str,
    chosen: Option<TaskState>,
    search: &str,
    counts: &StateCounts,
) -> impl IntoView + use<> {
    let all = counts.backlog
        + counts.pending
        + counts.in_progress
        + counts.in_review
        + counts.done
        + counts.failed
        + counts.cancelled;
    let tab = |state: Option<TaskState>, count: u64| {
        let name = state.map_or("all", text::state);
        let href = address(base, state, search);
        let current = (state == chosen).then_some("page");
        view! {
            <a href=href aria-current=current>
                {name}
                " "
                <span class="count">{text::grouped(count)}</span>
            </a>
        }
    };
    let mut tabs = vec![tab(None, all)];
    for state in TaskState::ALL {
        let count = match state {
            TaskState::Backlog => counts.backlog,
            TaskState::Pending => counts.pending,
            TaskState::InProgress => counts.in_progress,
            TaskState::InReview => counts.in_review,
            TaskState::Done => counts.done,
            TaskState::Failed => counts.failed,
            TaskState::Cancelled => counts.cancelled,
        };
        tabs.push(tab(Some(state), count));
    }
    tabs
}

fn address(base: &str, state: Option<TaskState>, search: &str) -> String {
    let state = state.map(|state| format!("state={}", state.as_str()));
    let search = (!search.is_empty()).then(|| format!("q={}", text::escaped(search)));
    let query: Vec<_> = [state, search].into_iter().flatten().collect();
    if query.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{}", query.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_its_filters_escaped() {
        assert_eq!(address("/w/a/tasks", None, ""), "/w/a/tasks");
        let both = address("/w/a/tasks", Some(TaskState::InProgress), "a&b é");
        assert_eq!(both, "/w/a/tasks?state=in_progress&q=a%26b%20%C3%A9");
    }
}
