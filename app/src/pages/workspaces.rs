//! The workspaces one may enter, and how each is.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Query, Summary, Tier, View};
use store::workspaces::Workspace;

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::act_form::{ActForm, asking};
use crate::components::export::export;
use crate::lists;
use crate::markup::{Markup, Written};
use crate::text;

/// All of the reader's workspaces.
#[component]
pub fn Workspaces() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    /// Whether the reader may make another.
    may_create: bool,
    rows: Vec<(Seat, Workspace, Option<Summary>)>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let visitor = asked.visitor()?;
    Ok(Data {
        may_create: visitor.runs_the_house,
        rows: lists::workspaces(&asked.house()?, visitor).await?,
    })
}

/// What the conductor counts; `None` while it changes hands.
pub async fn summary(seat: &Seat) -> Option<Summary> {
    match seat.ask(Query::Summary).await {
        Ok(View::Summary { summary }) => Some(*summary),
        _ => None,
    }
}

fn show(data: Data) -> Markup {
    let none = data.rows.is_empty();
    let export = (!none).then(|| export("/w", &[]));
    let rows = data
        .rows
        .into_iter()
        .map(|(seat, workspace, summary)| row(&seat, &workspace, summary.as_ref()))
        .collect_view();
    let create = data.may_create.then(|| create(none));
    let empty = none.then(|| {
        let words = if data.may_create {
            "None yet. A workspace is a team: its goal, its tasks and agents, its limits and budgets."
        } else {
            "You are in no workspace yet. An administrator of this installation can add you to one."
        };
        view! { <p class="empty">{words}</p> }
    });
    view! {
        <Title text="Workspaces" />
        <header class="page-head page-head-row">
            <h1>"Workspaces"</h1>
            {export}
        </header>
        <ul class="workspaces" role="list">
            {rows}
        </ul>
        {empty}
        <div id="new-workspace" data-act-region>
            {create}
        </div>
    }
    .written()
}

fn create(opens: bool) -> Markup {
    let form = ActForm::outside("create_workspace", "");
    let opens = opens || form.was_refused();
    let name = form.field("name", "Name").required().line();
    let slug = form
        .field("slug", "Its part of addresses")
        .hint("Lower-case letters, digits and hyphens, as in /w/team/tasks. It stays as it is.")
        .required()
        .line();
    let goal = form
        .field("goal", "Goal")
        .hint("In a sentence or two: what this team is for.")
        .area(3);
    let fields = view! {
        <div class="field-row">{name} {slug}</div>
        {goal}
    };
    asking("New workspace", opens, form.show("Make it", fields))
}

fn row(seat: &Seat, workspace: &Workspace, summary: Option<&Summary>) -> Markup {
    let goal = if workspace.goal.is_empty() {
        view! { <p class="quiet">"No goal is set."</p> }.written()
    } else {
        view! { <p class="goal">{workspace.goal.clone()}</p> }.written()
    };
    let state = summary.map_or_else(
        || "Another server is taking it over.".to_owned(),
        |summary| {
            let agents = format!(
                "{} of {} online",
                summary.agents_online,
                text::count(summary.agents.into(), "agent")
            );
            format!(
                "{} running, {} waiting, {agents}",
                text::grouped(summary.in_progress.into()),
                text::grouped(summary.pending.into())
            )
        },
    );
    let needs_you = summary.map_or(0, |summary| {
        let known = summary.pending_by_tier.iter();
        known
            .filter(|(tier, _)| *tier == Tier::NeedsYou)
            .map(|(_, count)| count)
            .sum::<u32>()
    });
    let needs_you = (needs_you > 0).then(|| {
        let words = text::waiting_for(scheduler::Code::Misconfigured, needs_you);
        view! { <span class="mark tier-needs-you">{words}</span> }
    });
    view! {
        <li class="workspace-row">
            <h2>
                <a href=format!("/w/{}", seat.slug)>{workspace.name.clone()}</a>
            </h2>
            {goal}
            <p class="marks small">
                <span>{state}</span>
                {needs_you}
                <a href=format!("/?w={}", seat.slug)>"Overview"</a>
            </p>
        </li>
    }
    .written()
}
