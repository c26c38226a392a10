//! Is the team moving?

mod panels;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{BudgetView, Code, Query, ResourceView, Span, Summary, TaskState, Tier, View};
use store::read::{DecisionFilter, DecisionListed, Page, StateCounts, TaskFilter, TaskListed};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::decision_line::{Around, decision_lines};
use crate::components::stave::{Line, Score};
use crate::text;
use panels::{budgets, resources, running};

/// Rows of each list on this page.
const ROWS: u32 = 8;

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
    counts: StateCounts,
    running: Vec<TaskListed>,
    spent_today: u64,
    ended_lately: u64,
    decisions: Vec<DecisionListed>,
    around: Around,
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
    let (now, counts, running, spent_today, ended_lately, decisions) = futures::try_join!(
        async { Ok(live(&seat).await) },
        store.state_counts(workspace),
        store.tasks(workspace, &filter, page),
        store.spent_since(workspace, text::midnight(seat.now)),
        store.attempts_since(workspace, seat.now - Span::from_secs(600)),
        store.decisions(workspace, &any, page),
    )?;
    let tasks: Vec<_> = decisions
        .items
        .iter()
        .filter_map(|listed| listed.decision.task)
        .collect();
    let around = Around {
        slug: seat.slug.clone(),
        titles: store.titles(workspace, &tasks).await?,
        now: seat.now,
        name_task: true,
    };
    Ok(Some(Data {
        now,
        counts,
        running: running.items,
        spent_today,
        ended_lately,
        decisions: decisions.items,
        around,
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

fn show(data: Data) -> AnyView {
    let Data {
        seat,
        now,
        counts,
        running: tasks,
        spent_today,
        ended_lately,
        decisions,
        around,
    } = data;
    let slug = seat.slug.clone();
    let lead = lead(&counts, now.as_ref().map(|live| &live.summary));
    let nothing_yet = counts == StateCounts::default();
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
            Some(budgets),
            Some((summary.agents_online, summary.agents)),
        ),
        None => (None, None, None),
    };
    let away = caps.is_none().then(|| {
        view! {
            <p class="notice" role="status">
                "The conductor of this workspace is changing hands; what waits and why is back in a moment."
            </p>
        }
    });
    view! {
        <Title text=format!("Overview · {}", seat.name) />
        <div id="overview" data-live class="overview">
            <header class="page-head">
                <p class="eyebrow">{seat.name.clone()}</p>
                <h1 class="lead">{lead}</h1>
                {away}
            </header>
            {nothing_yet.then(|| first_steps(&slug))}
            <div class="overview-main">
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
                    {running(tasks, &seat)}
                </section>
                <section class="panel" aria-labelledby="latest">
                    <div class="panel-head">
                        <h2 id="latest">"Latest decisions"</h2>
                        <a href=seat.path("decisions")>"All decisions"</a>
                    </div>
                    {if decisions.is_empty() {
                        view! { <p class="quiet">"None yet. Every dispatch, refusal and override will be here, with its reasons."</p> }
                            .into_any()
                    } else {
                        decision_lines(decisions, &around)
                    }}
                </section>
            </div>
            <div class="overview-side">
                <section class="panel" aria-labelledby="capacity">
                    <h2 id="capacity">"Capacity"</h2>
                    {caps.map(|caps| resources(caps, &seat))}
                </section>
                <section class="panel" aria-labelledby="spend">
                    <h2 id="spend">"Spend today"</h2>
                    <p class="figure">{scheduler::words::amount(spent_today, scheduler::Unit::Microusd)}</p>
                    {funds.map(|funds| budgets(funds, &seat))}
                </section>
                <section class="panel" aria-labelledby="pace">
                    <h2 id="pace">"Pace"</h2>
                    <dl class="facts">
                        <dt>"Agents online"</dt>
                        <dd>{agents.map_or_else(|| "unknown".to_owned(), |(on, all)| format!("{on} of {all}"))}</dd>
                        <dt>"Attempts ended in 10 min"</dt>
                        <dd>{text::grouped(ended_lately)}</dd>
                        <dt>"Done in all"</dt>
                        <dd>{text::grouped(counts.done)}</dd>
                        <dt>"Failed in all"</dt>
                        <dd>{text::grouped(counts.failed)}</dd>
                    </dl>
                </section>
            </div>
        </div>
    }
    .into_any()
}

/// The state of things in one sentence: `3 running, 37 waiting: 4 need you, 21 rate-limited.`
fn lead(counts: &StateCounts, summary: Option<&Summary>) -> String {
    let waiting = summary.map_or(counts.pending, |summary| summary.pending.into());
    let running = summary.map_or(counts.in_progress, |summary| summary.in_progress.into());
    if waiting + running == 0 {
        return "Nothing is running and nothing waits.".to_owned();
    }
    let mut sentence = format!(
        "{} running, {} waiting",
        text::grouped(running),
        text::grouped(waiting)
    );
    let reasons = summary.map(reasons).unwrap_or_default();
    if !reasons.is_empty() {
        sentence.push_str(": ");
        sentence.push_str(&reasons.join(", "));
    }
    sentence.push('.');
    sentence
}

/// For what tasks wait, in words that add up. Codes that read the same are counted together.
fn reasons(summary: &Summary) -> Vec<String> {
    let mut groups: Vec<(Code, u32)> = Vec::new();
    for &(code, count) in summary
        .pending_by_code
        .iter()
        .filter(|(_, count)| *count > 0)
    {
        let words = text::waiting_for(code, 1);
        match groups
            .iter_mut()
            .find(|(known, _)| text::waiting_for(*known, 1) == words)
        {
            Some((_, sum)) => *sum += count,
            None => groups.push((code, count)),
        }
    }
    groups.sort_by_key(|&(code, count)| (code.tier(), std::cmp::Reverse(count)));
    groups
        .into_iter()
        .map(|(code, count)| text::waiting_for(code, count))
        .collect()
}

fn lines(summary: &Summary) -> Vec<Line> {
    let tiers = [
        Tier::NeedsYou,
        Tier::OtherWork,
        Tier::Capacity,
        Tier::Turn,
        Tier::Time,
    ];
    tiers.map(|tier| line(summary, tier)).into()
}

fn line(summary: &Summary, tier: Tier) -> Line {
    let of = |tier| {
        let known = summary
            .pending_by_tier
            .iter()
            .find(|(known, _)| *known == tier);
        known.map_or(0, |&(_, count)| count)
    };
    let mut codes: Vec<_> = summary
        .pending_by_code
        .iter()
        .filter(|(code, count)| code.tier() == tier && *count > 0)
        .collect();
    codes.sort_by_key(|&&(_, count)| std::cmp::Reverse(count));
    let reasons: Vec<_> = codes
        .iter()
        .map(|&&(code, count)| format!("{count} {}", text::code(code)))
        .collect();
    Line {
        tier,
        count: of(tier),
        reasons: reasons.join(" · "),
    }
}

fn first_steps(slug: &str) -> AnyView {
    let key = format!("baton key create --workspace {slug} --role member");
    view! {
        <section class="panel first-steps">
            <h2>"Hand in the first task"</h2>
            <p>"Make a key on the server, then send a task with it. It will be here at once, with its reason to wait."</p>
            <pre tabindex="0"><code>{key}</code></pre>
            <pre tabindex="0"><code>
                "curl $BATON_URL/api/v1/tasks -H \"Authorization: Bearer $BATON_KEY\" \\\n  -H \"Content-Type: application/json\" -d '{\"title\":\"Summarise the week\"}'"
            </code></pre>
        </section>
    }
    .into_any()
}

fn nowhere() -> AnyView {
    view! {
        <Title text="Overview" />
        <header class="page-head">
            <h1 class="lead">"You are in no workspace yet."</h1>
            <p>
                "An administrator can add you to one, or make one on the server: " <code>"baton workspace create team --name Team"</code>
            </p>
        </header>
    }
    .into_any()
}
