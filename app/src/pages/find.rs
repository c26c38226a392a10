//! Finds anything of a workspace by its name. The palette shows what this page shows.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{DecisionKind, Query, View};
use store::read::{Page, TaskFilter, TaskListed};

use super::{Asked, agents, loaded};
use crate::access::{PageError, Seat};
use crate::components::mark::StateMark;
use crate::components::places;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Of each sort at most.
const ROWS: usize = 6;

/// What is found for `?q=`.
#[component]
pub fn Find() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    words: String,
    tasks: Vec<TaskListed>,
    /// Names and addresses, by sort.
    others: [(&'static str, Vec<(String, String)>); 4],
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let words = asked.param("q").unwrap_or_default().trim().to_owned();
    let fits = |name: &str| name.to_lowercase().contains(&words.to_lowercase());
    let found = |all: Vec<(String, String)>| -> Vec<_> {
        let fitting = all.into_iter().filter(|(name, _)| fits(name));
        fitting
            .take(if words.is_empty() { usize::MAX } else { ROWS })
            .collect()
    };
    let named = !words.is_empty();
    let (tasks, agents, limits) = futures::try_join!(
        tasks(&seat, &words),
        agents(&seat, named),
        limits(&seat, named),
    )?;
    let others = [
        ("Agents", found(agents)),
        ("Limits", found(limits)),
        ("Decisions", found(decisions(&seat, named))),
        ("Places and acts", found(places_and_acts(&seat))),
    ];
    Ok(Data {
        seat,
        words,
        tasks,
        others,
    })
}

async fn tasks(seat: &Seat, words: &str) -> Result<Vec<TaskListed>, PageError> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (store, workspace) = (seat.store(), seat.workspace);
    if let Ok(id) = words.parse() {
        return Ok(store.tasks_by_id(workspace, &[id]).await?);
    }
    let filter = TaskFilter {
        text: Some(words.to_owned()),
        ..TaskFilter::default()
    };
    let page = Page {
        limit: ROWS as u32,
        after: None,
    };
    Ok(store.tasks(workspace, &filter, page).await?.items)
}

async fn agents(seat: &Seat, named: bool) -> Result<Vec<(String, String)>, PageError> {
    if !named {
        return Ok(Vec::new());
    }
    let agents = agents::live(seat).await.into_values();
    let mut agents: Vec<_> = agents
        .map(|agent| (agents::href(seat, &agent.name), agent.name))
        .map(|(href, name)| (name, href))
        .collect();
    agents.sort_unstable();
    Ok(agents)
}

async fn limits(seat: &Seat, named: bool) -> Result<Vec<(String, String)>, PageError> {
    if !named {
        return Ok(Vec::new());
    }
    let mut limits = Vec::new();
    if let Ok(View::Resources { resources }) = seat.ask(Query::Resources).await {
        limits.extend(resources.into_iter().map(|resource| {
            let path = format!("resources/{}", text::escaped(&resource.spec.name));
            (resource.spec.name, seat.path(&path))
        }));
    }
    if let Ok(View::Budgets { budgets }) = seat.ask(Query::Budgets).await {
        limits.extend(budgets.into_iter().map(|budget| {
            let name = budget.row.spec.name;
            (format!("{name}, a budget"), seat.path("budgets"))
        }));
    }
    Ok(limits)
}

fn decisions(seat: &Seat, named: bool) -> Vec<(String, String)> {
    let kinds = DecisionKind::ALL.into_iter().filter(|_| named);
    kinds
        .map(|kind| {
            let name = format!("Decisions: {}", text::kind(kind));
            let path = format!("decisions?kind={}", kind.as_str());
            (name, seat.path(&path))
        })
        .collect()
}

fn places_and_acts(seat: &Seat) -> Vec<(String, String)> {
    let mut all = places::addresses(&seat.slug);
    let acts = [
        ("create_task", "New task", "tasks/new"),
        (
            "create_key",
            "New key for an agent",
            "settings?key=agent#create_key",
        ),
        (
            "create_key",
            "New key to hand in work",
            "settings?key=member#create_key",
        ),
        ("put_policy", "Change the policy", "settings#policy"),
        ("edit_workspace", "Change the goal", "settings#about"),
    ];
    let acts = acts.into_iter().filter(|(act, ..)| seat.may(act));
    all.extend(acts.map(|(_, name, path)| (name.to_owned(), seat.path(path))));
    all.push(("Your account".to_owned(), "/account".to_owned()));
    all.push(("All workspaces".to_owned(), "/w".to_owned()));
    all
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        words,
        tasks,
        others,
    } = data;
    let nothing = tasks.is_empty() && others.iter().all(|(_, found)| found.is_empty());
    let nothing = nothing.then(|| {
        view! { <p class="empty">"Nothing is called that."</p> }
    });
    let task_rows = tasks.into_iter().map(|task| {
        let href = seat.path(&format!("tasks/{}", task.id));
        view! { <li data-row>{title_link(href, &task.title)} <StateMark state=task.state /></li> }
    });
    let task_rows: Vec<_> = task_rows.collect();
    let group = |(name, found): (&'static str, Vec<(String, String)>)| {
        let rows = found
            .into_iter()
            .map(|(name, href)| view! { <li data-row><a href=href>{name}</a></li> })
            .collect::<Vec<_>>();
        (!rows.is_empty()).then(|| section(name, rows.written()))
    };
    view! {
        <Title text="Find" />
        <header class="page-head">
            <h1>"Find"</h1>
            <form class="search" role="search" action=seat.path("find")>
                <label class="visually-hidden" for="q">
                    "Find"
                </label>
                <input id="q" type="search" name="q" value=words autocomplete="off" />
                <button class="button">"Find"</button>
            </form>
        </header>
        <div id="found" class="found">
            {(!task_rows.is_empty()).then(|| section("Tasks", task_rows.written()))}
            {others.map(group).into_iter().collect_view()}
            {nothing}
        </div>
    }
    .written()
}

fn section(name: &'static str, rows: Markup) -> Markup {
    view! {
        <section>
            <h2>{name}</h2>
            <ul role="list">{rows}</ul>
        </section>
    }
    .written()
}
