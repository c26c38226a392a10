//! A workspace: what it is for, how far it is, what waits for what, who belongs to it.

mod board;
mod graph;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{PolicyRow, TaskState};
use store::accounts::WorkspaceRole;
use store::read::{Edge, Page, TaskFilter, TaskListed};
use store::workspaces::Workspace;

use super::counts::Counts;
use super::settings::policy::chief;
use super::workspaces::summary;
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::meter::{Meter, Part};
use crate::components::snippets::{command, snippet};
use crate::markup::{Markup, Written};
use crate::text;
use board::{COLUMNS, board};
use graph::graph;

/// Cards of a column of the board.
const CARDS: u32 = 5;
/// Open tasks looked at for the graph, and edges drawn at most.
const GRAPH_TASKS: u32 = 400;
const GRAPH_EDGES: u32 = 60;

/// One workspace.
#[component]
pub fn WorkspacePage() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    workspace: Workspace,
    counts: Counts,
    /// The newest tasks of each of [`COLUMNS`].
    columns: Vec<Vec<TaskListed>>,
    edges: Vec<Edge>,
    /// The tasks that the edges join.
    joined: Vec<TaskListed>,
    members: Vec<(String, WorkspaceRole)>,
    policy: Option<PolicyRow>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let (store, id) = (seat.store(), seat.workspace);
    let page = Page {
        limit: CARDS,
        after: None,
    };
    let filters = COLUMNS.map(|state| TaskFilter {
        state: Some(state),
        ..TaskFilter::default()
    });
    let columns = filters.iter().map(|filter| store.tasks(id, filter, page));
    let (workspace, ended, open, columns, edges, members, policy) = futures::try_join!(
        store.workspace(id),
        store.end_counts(id),
        async { Ok(summary(&seat).await) },
        futures::future::try_join_all(columns),
        store.open_edges(id, GRAPH_TASKS, GRAPH_EDGES),
        store.members(id),
        store.policy(id),
    )?;
    let mut ids: Vec<_> = edges
        .iter()
        .flat_map(|edge| [edge.task.0, edge.on.0])
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(Data {
        joined: store.tasks_by_id(id, &ids).await?,
        workspace: workspace.ok_or(PageError::NotFound)?,
        counts: Counts::new(open, ended),
        columns: columns.into_iter().map(|listed| listed.items).collect(),
        edges,
        members,
        policy,
        seat,
    })
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        workspace,
        counts,
        columns,
        edges,
        joined,
        members,
        policy,
    } = data;
    let goal = if workspace.goal.is_empty() {
        view! {
            <p class="quiet">
                "No goal is set. "
                {seat.may("edit_workspace").then(|| view! { <a href=seat.path("settings#about")>"Say what this team is for"</a> })}
            </p>
        }
        .written()
    } else {
        view! { <p class="goal">{workspace.goal.clone()}</p> }.written()
    };
    view! {
        <Title text=workspace.name.clone() />
        <header class="page-head">
            <p class="eyebrow">"Workspace"</p>
            <h1 class="lead">{workspace.name.clone()}</h1>
            {goal}
        </header>
        <div id="workspace" data-live class="with-aside">
            {board(&columns, &counts, &seat)}
            <div class="column">
                {progress(&counts, &seat)}
                {graph(&edges, &joined, &seat)}
            </div>
            <div class="column">
                {people(members, &seat.slug)}
                {policy.map(|policy| rules(&policy, &seat))}
            </div>
        </div>
    }
    .written()
}

/// How much of what was handed in is done.
fn progress(counts: &Counts, seat: &Seat) -> Markup {
    let said = match counts.all() {
        None => view! { <p class="quiet">"What is open is counted again in a moment."</p> }.written(),
        Some(0) => view! {
            <p class="quiet">"No task has been handed in yet. " <a href=format!("/?w={}", seat.slug)>"The overview shows how."</a></p>
        }
        .written(),
        Some(all) => how_far(counts, all),
    };
    view! {
        <section class="panel" aria-labelledby="progress">
            <h2 id="progress">"Progress"</h2>
            {said}
        </section>
    }
    .written()
}

fn how_far(counts: &Counts, all: u64) -> Markup {
    let of = |states: &[TaskState]| -> u64 {
        let known = states.iter().filter_map(|state| counts.of(*state));
        known.sum()
    };
    let (done, failed) = (of(&[TaskState::Done]), of(&[TaskState::Failed]));
    let running = of(&[TaskState::InProgress]);
    let some = |count: u64, word: &str| match count {
        0 => String::new(),
        count => format!(", {} {word}", text::grouped(count)),
    };
    let share = |count: u64| count as f64 / all as f64;
    let parts = vec![
        Part {
            share: share(done),
            class: "part-done",
        },
        Part {
            share: share(running + of(&[TaskState::InReview])),
            class: "part-used",
        },
        Part {
            share: share(failed),
            class: "part-bad",
        },
    ];
    let percent = (share(done) * 100.0).floor();
    let words = format!(
        "{} of {} done ({percent} %), {} running, {} waiting{}, {} failed{}",
        text::grouped(done),
        text::count(all, "task"),
        text::grouped(running),
        text::grouped(of(&[TaskState::Pending, TaskState::Backlog])),
        some(of(&[TaskState::InReview]), text::state(TaskState::InReview)),
        text::grouped(failed),
        some(of(&[TaskState::Cancelled]), "cancelled"),
    );
    view! {
        <Meter parts />
        <p>{words}</p>
    }
    .written()
}

fn people(members: Vec<(String, WorkspaceRole)>, slug: &str) -> Markup {
    let one = |(email, role): (String, WorkspaceRole)| {
        let role = match role {
            WorkspaceRole::Viewer => "viewer",
            WorkspaceRole::Member => "member",
            WorkspaceRole::Manager => "manager",
            WorkspaceRole::Admin => "admin",
        };
        view! { <dt>{email}</dt> <dd>{role}</dd> }
    };
    let body = if members.is_empty() {
        view! { <p class="quiet">"Only the administrators of this installation."</p> }.written()
    } else {
        view! { <dl class="facts people">{members.into_iter().map(one).collect_view()}</dl> }
            .written()
    };
    view! {
        <section class="panel" aria-labelledby="people">
            <h2 id="people">"People"</h2>
            {body}
            <details>
                <summary>"Bring somebody in"</summary>
                <p class="quiet">"Whoever runs the server makes the account, and tells the password once:"</p>
                {snippet(format!("{} user create --email you@example.org --workspace {slug} --workspace-role member --password-stdin", command()))}
            </details>
        </section>
    }
    .written()
}

fn rules(row: &PolicyRow, seat: &Seat) -> Markup {
    view! {
        <section class="panel" aria-labelledby="rules">
            <div class="panel-head">
                <h2 id="rules">"Policy"</h2>
                <a href=seat.path("settings#policy")>{format!("Version {}", row.version)}</a>
            </div>
            {chief(&row.policy)}
        </section>
    }
    .written()
}

/// What a card or a node says of its task's state in class names.
fn state_class(state: TaskState) -> String {
    format!("state-{}", state.as_str().replace('_', "-"))
}
