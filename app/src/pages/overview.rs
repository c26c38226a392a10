//! Is the team moving?

mod attention;
mod lead;
mod panels;
mod score;
mod spend;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{BudgetView, Query, ResourceView, Span, Summary, TaskState, View};
use store::demo::Demo;
use store::read::{DecisionFilter, DecisionListed, Page, TaskFilter, TaskListed};

use super::counts::Counts;
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::decision_line::{Around, decision_lines, kept_lines};
use crate::components::demo::demo_card;
use crate::components::snippets::{FIRST_AGENT, attach_an_agent, hand_in_a_task};
use crate::components::stave::Score;
use crate::markup::{Markup, Written};
use crate::text;
use attention::{Attention, attention};
use lead::{lead, lines};
use panels::{resources, running};
use score::{Played, score};
use spend::{Spend, spend};

/// Rows of each list on this page.
const ROWS: u32 = 8;
/// Running tasks read for the score; the list shows fewer.
const RUNNING: u32 = 60;

/// The first page.
#[component]
pub fn Overview() -> impl IntoView {
    let asked = Asked::now();
    loaded(load(asked), |data| match data {
        Some(data) => show(data),
        None => nowhere(),
    })
}

struct Data {
    seat: Seat,
    /// What the conductor says; `None` while it changes hands.
    now: Option<Live>,
    counts: Counts,
    running: Vec<TaskListed>,
    played: Played,
    attention: Attention,
    spend: Spend,
    ended_lately: u64,
    decisions: Vec<DecisionListed>,
    /// Decisions that the page shows and that are no longer among the latest.
    kept: Vec<DecisionListed>,
    around: Around,
    demo: Option<Demo>,
}

struct Live {
    summary: Summary,
    resources: Vec<ResourceView>,
    budgets: Vec<BudgetView>,
}

async fn load(asked: Asked) -> Result<Option<Data>, PageError> {
    let Some(slug) = asked.workspace() else {
        return Ok(None);
    };
    let seat = asked.seat_in(&slug).await?;
    let (store, workspace) = (seat.store(), seat.workspace);
    let page = Page {
        limit: ROWS,
        after: None,
    };
    let filter = TaskFilter {
        state: Some(TaskState::InProgress),
        ..TaskFilter::default()
    };
    let any = DecisionFilter::default();
    let leases = Page {
        limit: RUNNING,
        after: None,
    };
    let (now, ended, running, played, spend, ended_lately, decisions, demo) = futures::try_join!(
        async { Ok(live(&seat).await) },
        store.end_counts(workspace),
        store.tasks(workspace, &filter, leases),
        Played::load(&seat),
        Spend::load(&seat),
        store.attempts_since(workspace, seat.now - Span::from_secs(600)),
        store.decisions(workspace, &any, page),
        store.demo(),
    )?;
    let attention = Attention::load(&seat, now.as_ref().map(|live| &live.summary)).await?;
    let kept = asked.kept(decisions.items.iter().map(|listed| listed.decision.id.0));
    let kept = store.decisions_by_id(workspace, &kept).await?;
    let tasks: Vec<_> = decisions
        .items
        .iter()
        .chain(&kept)
        .filter_map(|listed| listed.decision.task)
        .collect();
    let around = Around {
        slug: seat.slug.clone(),
        titles: store.titles(workspace, &tasks).await?,
        now: seat.now,
        name_task: true,
        of_task: None,
    };
    let open = now.as_ref().map(|live| live.summary.clone());
    Ok(Some(Data {
        counts: Counts::new(open, ended),
        now,
        running: running.items,
        played,
        attention,
        spend,
        ended_lately,
        decisions: decisions.items,
        kept,
        around,
        demo,
        seat,
    }))
}

async fn live(seat: &Seat) -> Option<Live> {
    let asked = futures::join!(
        seat.ask(Query::Summary),
        seat.ask(Query::Resources),
        seat.ask(Query::Budgets)
    );
    match asked {
        (
            Ok(View::Summary { summary }),
            Ok(View::Resources { resources }),
            Ok(View::Budgets { budgets }),
        ) => Some(Live {
            summary: *summary,
            resources,
            budgets,
        }),
        _ => None,
    }
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        now,
        counts,
        running: tasks,
        played,
        attention: needs_you,
        spend: spending,
        ended_lately,
        decisions,
        kept,
        around,
        demo,
    } = data;
    let slug = seat.slug.clone();
    let moves = |live: &Live| live.summary.pending + live.summary.in_progress > 0;
    let lead_class = match &now {
        Some(live) if !moves(live) => "lead",
        _ => "lead lead-moving",
    };
    let lead = lead(now.as_ref().map(|live| &live.summary));
    let nothing_yet = counts.all() == Some(0);
    let lines = now
        .as_ref()
        .map_or_else(Vec::new, |live| lines(&live.summary));
    let (caps, funds, agents) = match now {
        Some(Live {
            summary,
            resources,
            budgets,
        }) => (
            Some(resources),
            budgets,
            Some((summary.agents_online, summary.agents)),
        ),
        None => (None, Vec::new(), None),
    };
    let away = caps.is_none().then(|| {
        view! {
            <p class="notice" role="status">
                "Another server is taking this workspace over; what waits and why is back in a moment."
            </p>
        }
    });
    let latest = if decisions.is_empty() {
        view! { <p class="quiet">"None yet. Every dispatch, refusal and override will be here, with its reasons."</p> }
            .written()
    } else {
        decision_lines(decisions, &around)
    };
    let score = score(played, &tasks, &seat);
    view! {
        <Title text=format!("Overview · {}", seat.name) />
        <div id="overview" data-live class="overview">
            <header class="page-head">
                <p class="eyebrow">{seat.name.clone()}</p>
                <h1 class=lead_class>{lead}</h1>
                {away}
            </header>
            {demo_card(demo.as_ref(), &slug, nothing_yet)}
            {nothing_yet.then(|| first_steps(&slug))}
            {score}
            <div class="overview-main">
                {attention(needs_you, &seat)}
                <section class="panel" aria-labelledby="waiting">
                    <div class="panel-head">
                        <h2 id="waiting">"Waiting, and for what"</h2>
                        <a href=seat.path("tasks?state=pending")>"All waiting"</a>
                    </div>
                    <Score lines />
                </section>
                <section class="panel" aria-labelledby="running">
                    <div class="panel-head">
                        <h2 id="running">"Running now"</h2>
                        <a href=seat.path("tasks?state=in_progress")>"All running"</a>
                    </div>
                    {running(tasks.into_iter().take(ROWS as usize).collect(), &seat)}
                </section>
            </div>
            <div class="overview-side">
                <section class="panel" aria-labelledby="capacity">
                    <div class="panel-head">
                        <h2 id="capacity">"Capacity"</h2>
                        <a href=seat.path("resources")>"All resources"</a>
                    </div>
                    {caps.map(|caps| resources(caps, &seat))}
                </section>
                {spend(spending, funds, &seat)}
                <section class="panel" aria-labelledby="pace">
                    <h2 id="pace">"Pace"</h2>
                    <dl class="facts">
                        <dt>"Agents online"</dt>
                        <dd>{agents.map_or_else(|| "unknown".to_owned(), |(on, all)| format!("{on} of {all}"))}</dd>
                        <dt>"Attempts ended in 10 min"</dt>
                        <dd>{text::grouped(ended_lately)}</dd>
                        <dt>"Done in all"</dt>
                        <dd>{counts.of(TaskState::Done).map(text::grouped)}</dd>
                        <dt>"Failed in all"</dt>
                        <dd>{counts.of(TaskState::Failed).map(text::grouped)}</dd>
                    </dl>
                </section>
            </div>
            <section class="panel whole" aria-labelledby="latest">
                <div class="panel-head">
                    <h2 id="latest">"Latest decisions"</h2>
                    <a href=seat.path("decisions")>"All decisions"</a>
                </div>
                <div tabindex="-1" data-hold="open">{latest} {kept_lines(kept, &around)}</div>
            </section>
        </div>
    }
    .written()
}

fn first_steps(slug: &str) -> Markup {
    view! {
        <section class="panel first-steps">
            <h2>"Hand in the first task"</h2>
            <p>"It will be here at once, with its reason to wait."</p>
            {hand_in_a_task(slug)}
            <h2>"Attach an agent that does it"</h2>
            <p>"It turns green on the agents page at its first call."</p>
            {attach_an_agent(slug, FIRST_AGENT, None)}
        </section>
    }
    .written()
}

fn nowhere() -> Markup {
    view! {
        <Title text="Overview" />
        <header class="page-head">
            <h1 class="lead">"You are in no workspace yet."</h1>
            <p>
                "An administrator can add you to one, or make one on the server: " <code>"baton workspace create team --name Team"</code>
            </p>
        </header>
    }
    .written()
}
