//! The list of tasks: filtered, searched, paged by key. The address is the state.

pub mod filters;
mod rows;
mod together;

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Explanation, Query, TaskId, TaskState, View};
use store::read::{Page, TaskListed};

use super::counts::Counts;
use super::workspaces::summary;
use super::{Asked, agents, loaded};
use crate::access::{PageError, Seat};
use crate::components::export::export;
use crate::components::pager::Pager;
use crate::components::snippets::hand_in_a_task;
use crate::markup::{Markup, Written};
use crate::text;
use filters::{Filters, Sort};

/// Rows of a page.
const ROWS: u32 = 50;

/// All tasks of a workspace.
#[component]
pub fn Tasks() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    filters: Filters,
    after: Option<String>,
    open: Option<TaskId>,
    next: Option<String>,
    counts: Counts,
    agents: Vec<String>,
    tasks: Vec<TaskListed>,
    /// Tasks that the page shows and that are no longer among these.
    kept: Vec<TaskListed>,
    /// What is decided of those that wait.
    explanations: HashMap<TaskId, Explanation>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let filters = Filters::of(&|name| asked.param(name))?;
    let after = asked.param("after");
    let cursor = after
        .as_ref()
        .map(|id| id.parse().map_err(|_| PageError::Unfit))
        .transpose()?;
    let page = Page {
        limit: ROWS,
        after: cursor,
    };
    let (store, workspace) = (seat.store(), seat.workspace);
    let filter = filters.store(seat.now);
    let (listed, ended, open_counts, agents) = futures::join!(
        store.tasks(workspace, &filter, page),
        store.end_counts(workspace),
        summary(&seat),
        agents::live(&seat),
    );
    let listed = listed?;
    let kept = asked.kept(listed.items.iter().map(|task| task.id.0));
    let kept = store.tasks_by_id(workspace, &kept).await?;
    let mut agents: Vec<_> = agents.into_values().map(|agent| agent.name).collect();
    agents.sort_unstable();
    Ok(Data {
        after,
        open: asked.param("open").and_then(|id| id.parse().ok()),
        next: listed.next.map(|id| id.to_string()),
        counts: Counts::new(open_counts, ended?),
        agents,
        explanations: explanations(&seat, listed.items.iter().chain(&kept)).await,
        kept,
        tasks: listed.items,
        filters,
        seat,
    })
}

/// Why each waiting task waits, as far as the conductor answers now.
async fn explanations(
    seat: &Seat,
    tasks: impl Iterator<Item = &TaskListed>,
) -> HashMap<TaskId, Explanation> {
    let waiting = tasks
        .filter(|task| task.state == TaskState::Pending)
        .map(|task| task.id);
    let answers = waiting.map(|task| async move {
        match seat.ask(Query::Explain { task }).await {
            Ok(View::Explanation {
                explanation: Some(explanation),
            }) => Some((task, *explanation)),
            _ => None,
        }
    });
    let answers = futures::future::join_all(answers).await;
    answers.into_iter().flatten().collect()
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        filters,
        after,
        open,
        next,
        counts,
        agents,
        tasks,
        kept,
        explanations,
    } = data;
    let base = seat.path("tasks");
    let list = filters.address(&base);
    let join = if list.contains('?') { '&' } else { '?' };
    let here = match &after {
        Some(after) => format!("{list}{join}after={after}"),
        None => list.clone(),
    };
    let nothing = tasks.is_empty();
    let (onwards, due) = (filters.onwards(), filters.sort == Sort::Due);
    let only = filters
        .leaves_out()
        .map(|only| view! { <p class="quiet">{only}</p> });
    let bar = together::bar(&seat);
    let around = rows::Around {
        seat: &seat,
        list: &here,
        open,
        choose: bar.is_some(),
        state: filters.state,
        due,
    };
    let row = |task: &TaskListed| rows::row(task, explanations.get(&task.id), &around);
    let rows = tasks.iter().map(row).collect_view();
    let kept = (!kept.is_empty()).then(|| {
        let rows = kept.iter().map(row).collect_view();
        view! { <table hidden data-kept><tbody>{rows}</tbody></table> }
    });
    let new = seat.may("create_task").then(|| {
        view! { <a class="button button-main" href=seat.path("tasks/new")>"New task"</a> }
    });
    let table = view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Tasks">
            <table class="rows tasks">
                <thead>
                    <tr>
                        <th scope="col"><span class="visually-hidden">"Choose, open"</span></th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Task"</th>
                        <th scope="col">"Why, or who"</th>
                        <th scope="col">"Priority"</th>
                        <th scope="col" class="number">"Attempts"</th>
                        <th scope="col" class="number">{if due { "Due" } else { "Since" }}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    };
    let list_or_why_none = if nothing {
        empty(&filters, &seat)
    } else {
        table.written()
    };
    view! {
        <Title text=format!("Tasks · {}", seat.name) />
        <header class="page-head page-head-row">
            <h1>"Tasks"</h1>
            <div class="acts">
                {export(&base, &filters.pairs())}
                {new}
            </div>
        </header>
        {filters::form(&filters, &base, &agents)}
        <nav class="tabs" id="tabs" data-live aria-label="States">
            {tabs(&base, &filters, &counts)}
        </nav>
        <div id="rows" tabindex="-1" data-live data-hold=if after.is_some() { "inside" } else { "open" }>
            {only}
            {list_or_why_none}
            {kept}
            <Pager list inside=after.is_some() next onwards />
        </div>
        // After the rows: what comes into view with the first choice moves none of them.
        {bar}
    }
    .written()
}

fn empty(filters: &Filters, seat: &Seat) -> Markup {
    if filters.narrow() {
        let all = seat.path("tasks");
        return view! {
            <p class="empty">
                "No task fits. Another state or other words may find it, or look at " <a href=all>"all tasks"</a> "."
            </p>
        }
        .written();
    }
    view! {
        <section class="panel first-steps">
            <h2>"Hand in the first task"</h2>
            <p><a href=seat.path("tasks/new")>"Write it here"</a> ", or have a program do it:"</p>
            {hand_in_a_task(&seat.slug)}
        </section>
    }
    .written()
}

/// The states, with how many tasks are in each as long as nothing else narrows the list.
fn tabs(base: &str, filters: &Filters, counts: &Counts) -> Markup {
    let whole = !filters.in_state(None).narrow();
    let tab = |state: Option<TaskState>| {
        let name = state.map_or("all", text::state);
        let href = filters.in_state(state).address(base);
        let current = (state == filters.state).then_some("page");
        let count = whole.then(|| counts.of(state?)).flatten();
        let count =
            count.map(|count| view! { " " <span class="count">{text::grouped(count)}</span> });
        view! {
            <a href=href aria-current=current>
                {name}
                {count}
            </a>
        }
    };
    let states = TaskState::ALL.into_iter().map(Some);
    std::iter::once(None)
        .chain(states)
        .map(tab)
        .collect_view()
        .written()
}
