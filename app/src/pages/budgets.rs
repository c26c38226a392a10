//! What may be spent: each budget against the pace of its window, when it runs out, and who spent it.

pub mod forecast;
mod form;
mod spenders;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{AgentId, BudgetScope, BudgetView, Code, Span, Summary, Time, words};
use store::history::BudgetPoint;
use store::read::Spent;

use super::workspaces::summary;
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::act_form::asking;
use crate::components::amount::amount;
use crate::components::chart::{Frame, Measure, Rule, Series, Shape, Tone, chart};
use crate::components::export::export_of;
use crate::components::gauge::{budget_meter, shares};
use crate::components::moment::Moment;
use crate::components::snippets::set_limits;
use crate::lists;
use crate::markup::{Markup, Written};
use crate::text;
use forecast::{Forecast, Lately, forecast, said};
use form::{edit_budget, new_budget};
use spenders::spenders;

/// Of a budget without a window, so much is shown.
const TOTAL_SHOWN: Span = Span::from_secs(30 * 86_400);

/// All budgets of a workspace.
#[component]
pub fn Budgets() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    budgets: Vec<Line>,
    agents: Vec<(AgentId, String)>,
    /// Tasks that wait for a budget, as far as the conductor can be asked.
    waiting: u32,
}

/// A budget with what is known of it.
struct Line {
    budget: BudgetView,
    points: Vec<BudgetPoint>,
    spent: Vec<Spent>,
    found: Option<Forecast>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let store = seat.store();
    let (views, agents, open) = futures::join!(
        lists::budgets(&seat),
        store.agent_names(seat.workspace),
        summary(&seat),
    );
    let (views, agents) = (views?, agents?);
    let read = views.into_iter().map(async |view| {
        let (from, spent) = lists::spending(&seat, &view).await?;
        let points = store.budget_history(view.row.spec.id, from).await?;
        let points = settle(&view, points, seat.now);
        let lately = Lately::of(&seat, &view, &points).await?;
        Ok::<_, PageError>(Line {
            found: forecast(&view, lately, seat.now),
            budget: view,
            points,
            spent,
        })
    });
    let budgets = futures::future::try_join_all(read).await?;
    Ok(Data {
        seat,
        budgets,
        agents,
        waiting: open.map_or(0, |open| waiting(&open)),
    })
}

/// Tasks of which the worst that holds them is a budget.
fn waiting(open: &Summary) -> u32 {
    let of_budgets = |code: Code| matches!(code, Code::BudgetExhausted | Code::BudgetWindow);
    let held = open.pending_by_code.iter();
    held.filter(|(code, _)| of_budgets(*code))
        .map(|(_, tasks)| tasks)
        .sum()
}

/// Where its chart begins.
pub fn begins(budget: &BudgetView, now: Time) -> Time {
    let window = budget.row.spec.window;
    if window.end(now).is_some() {
        window.start(now)
    } else {
        now - TOTAL_SHOWN
    }
}

/// A point stands for what was used at the end of its grain; the last one is now.
fn settle(budget: &BudgetView, points: Vec<BudgetPoint>, now: Time) -> Vec<BudgetPoint> {
    let grain = budget.row.spec.window.grain();
    let mut points: Vec<BudgetPoint> = points
        .into_iter()
        .map(|point| BudgetPoint {
            at: point.at + grain,
            ..point
        })
        .filter(|point| point.at < now)
        .collect();
    points.push(BudgetPoint {
        at: now,
        settled: budget.row.state.settled,
        reserved: budget.reserved,
    });
    points
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        budgets,
        agents,
        waiting,
    } = data;
    let lead = lead(&budgets, waiting, seat.now);
    let teach = budgets.is_empty().then(|| teach(&seat));
    let files = (!budgets.is_empty()).then(|| files(&seat));
    let names: Vec<String> = agents.iter().map(|(_, name)| name.clone()).collect();
    let none_yet = budgets.is_empty();
    let create = new_budget(&seat, &names).map(|(refused, form)| {
        let form = asking("New budget", refused || none_yet, form);
        view! { <div class="create">{form}</div> }
    });
    let panels = budgets
        .into_iter()
        .map(|line| panel(&line, &agents, &seat))
        .collect_view();
    view! {
        <Title text=format!("Budgets · {}", seat.name) />
        <div class="with-aside">
            <header class="page-head page-head-row">
                <div>
                    <p class="eyebrow">"Budgets"</p>
                    <h1 id="budgets-lead" class="lead" data-live>{lead}</h1>
                </div>
                {files}
            </header>
            {create}
            // The first budget takes the place of how to make one.
            <div id="budgets" class="column" data-act-region>
                {teach}
                <ul class="limits limits-wide" role="list">{panels}</ul>
            </div>
            <div class="column column-side">
                <section class="panel" aria-labelledby="own-share">
                    <h2 id="own-share">"Baton's own share"</h2>
                    <p class="quiet">"Nothing: Baton decides by rules alone and calls no model, so none of this money is its own."</p>
                </section>
            </div>
        </div>
    }
    .written()
}

/// The budgets, and who spent of each, as files.
fn files(seat: &Seat) -> Markup {
    let all = [
        ("Budgets", seat.path("budgets")),
        ("Who spent it", seat.path("spending")),
    ];
    export_of(&all.map(|(name, list)| (Some(name), list)), &[])
}

/// How a budget stands, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Spent,
    /// What is left is reserved for work that runs.
    Reserved,
    Warned,
    Lasts,
}

impl Standing {
    fn of(budget: &BudgetView) -> Self {
        let (spec, settled) = (&budget.row.spec, budget.row.state.settled);
        match settled {
            _ if settled >= spec.limit => Self::Spent,
            _ if settled.saturating_add(budget.reserved) >= spec.limit => Self::Reserved,
            _ if settled as f64 >= spec.limit as f64 * spec.soft_at => Self::Warned,
            _ => Self::Lasts,
        }
    }

    /// As it is said of a budget, behind "is".
    fn words(self) -> &'static str {
        match self {
            Self::Spent => "spent",
            Self::Reserved => "used up or reserved",
            Self::Warned => "past its warning mark",
            Self::Lasts => "within its limit",
        }
    }

    /// With a colour of its own where it holds work, or soon will.
    fn class(self) -> &'static str {
        match self {
            Self::Spent => "tag tag-bad",
            Self::Reserved | Self::Warned => "tag tag-wait",
            Self::Lasts => "tag",
        }
    }
}

/// The worst that is so of any, and whether work waits for it.
fn lead(budgets: &[Line], waiting: u32, now: Time) -> String {
    let all = budgets.len();
    let standing = |line: &Line| Standing::of(&line.budget);
    let worst = budgets.iter().map(standing).min();
    let stand = worst.map(|worst| {
        let so = budgets.iter().filter(|line| standing(line) == worst);
        (worst, so.count())
    });
    let soonest = budgets.iter().filter_map(|line| {
        let at = line.found?.runs_out?;
        Some((at, &line.budget.row.spec.name))
    });
    let said = match (stand, soonest.min()) {
        (None, _) => "No budget is set, so nothing stops the spending.".to_owned(),
        (Some((Standing::Lasts, _)), Some((at, name))) => {
            let span = words::duration(at.since(now));
            format!("“{name}” runs out first, in {span}.")
        }
        (Some((Standing::Lasts, _)), None) => match all {
            1 => "The one budget lasts, as far as can be told.".to_owned(),
            2 => "Both budgets last, as far as can be told.".to_owned(),
            all => format!("All {all} budgets last, as far as can be told."),
        },
        (Some((worst, _)), _) if all == 1 => format!("The one budget is {}.", worst.words()),
        (Some((worst, so)), _) => {
            let verb = if so == 1 { "is" } else { "are" };
            let words = match (worst, so) {
                (Standing::Warned, 2..) => "past their warning marks",
                _ => worst.words(),
            };
            format!("{so} of {all} budgets {verb} {words}.")
        }
    };
    match waiting {
        0 => said,
        1 => format!("{said} One task waits for a budget."),
        tasks => format!(
            "{said} {} tasks wait for a budget.",
            text::grouped(tasks.into())
        ),
    }
}

fn panel(line: &Line, agents: &[(AgentId, String)], seat: &Seat) -> Markup {
    let Line {
        budget,
        points,
        spent,
        found,
    } = line;
    let spec = &budget.row.spec;
    let standing = Standing::of(budget);
    let id = format!("budget-{}", spec.id);
    let used = amount(budget.row.state.settled, spec.unit);
    let limit = amount(spec.limit, spec.unit);
    let window = text::window(spec.window);
    let turns = budget.resets_at.map(|at| {
        view! { <span class="quiet">"turns " <Moment at now=seat.now /></span> }
    });
    let edit = edit_budget(seat, format!("edit-{}", spec.id), spec);
    let edit = edit.map(|(opens, form)| asking("Edit", opens, form));
    view! {
        <li class="panel limit" data-key=spec.name.clone()>
            <div id=id data-live class="limit">
                <div class="gauge-head">
                    <h2 class="gauge-name">{spec.name.clone()}</h2>
                    <span class="gauge-words">{scope(&spec.scope, agents)} " · " {turns}</span>
                </div>
                <p>
                    <span class="figure">{used}</span>
                    " "
                    <span class="quiet">"of " {limit} " " {window}</span>
                    " "
                    <span class=standing.class()>{text::capital(standing.words())}</span>
                </p>
                {budget_meter(budget)}
                {shares(budget)}
                <p class="reasoning">{said(budget, *found, seat.now)}</p>
                {burn_down(budget, points, *found, seat.now)}
                <h3>"Who spent it"</h3>
                {spenders(spec, budget.row.state.settled, spent)}
            </div>
            {edit}
        </li>
    }
    .written()
}

fn scope(scope: &BudgetScope, agents: &[(AgentId, String)]) -> String {
    match scope {
        BudgetScope::Workspace => "the whole workspace".to_owned(),
        BudgetScope::Agent(id) => {
            let known = agents.iter().find(|(known, _)| known == id);
            known.map_or_else(
                || "an agent".to_owned(),
                |(_, name)| format!("agent {name}"),
            )
        }
        BudgetScope::Model(model) => format!("model {model}"),
        BudgetScope::TaskTree(_) => "a task and all split from it".to_owned(),
        BudgetScope::Experiment(_) => "an experiment".to_owned(),
        BudgetScope::Thinking => "Baton's own thinking".to_owned(),
    }
}

/// Used so far, the even pace of the window, and how it goes on.
fn burn_down(
    budget: &BudgetView,
    points: &[BudgetPoint],
    found: Option<Forecast>,
    now: Time,
) -> Markup {
    let (spec, settled) = (&budget.row.spec, budget.row.state.settled);
    let (from, ends) = (begins(budget, now), budget.resets_at);
    let limit = spec.limit as f64;
    let until = |at: Time| (at, found.map_or(0.0, |found| found.at(settled, now, at)));
    let whole = Span(i64::MAX);
    // A window begins with nothing used.
    let begun = ends.map(|_| from);
    let mut series = vec![Series {
        name: "used",
        points: used_line(points, begun, spec.window.grain()),
        shape: Shape::Area,
        tone: Tone::Main,
        gap: whole,
    }];
    if let Some(ends) = ends {
        series.push(Series {
            name: "even pace",
            points: vec![(from, 0.0), (ends, limit)],
            shape: Shape::Dashes,
            tone: Tone::Quiet,
            gap: whole,
        });
    }
    if let (Some(found), Some(ends)) = (found, ends) {
        let end = found.runs_out.unwrap_or(ends);
        series.push(Series {
            name: "at this pace",
            points: vec![(now, settled as f64), until(end)],
            shape: Shape::Dots,
            tone: Tone::Wait,
            gap: whole,
        });
    }
    let frame = Frame {
        from,
        to: ends.unwrap_or(now),
        now,
        top: limit.max(settled as f64),
        measure: Measure::Amount(spec.unit),
    };
    let rules = vec![Rule {
        at: limit,
        name: "limit".to_owned(),
    }];
    let label = format!(
        "Used {} of {}.",
        words::amount(settled, spec.unit),
        words::amount(spec.limit, spec.unit)
    );
    chart(&format!("burn-{}", spec.id), label, &frame, &series, &rules)
}

/// What was used, level where nobody looked: nothing is given out then that could be used.
fn used_line(points: &[BudgetPoint], begun: Option<Time>, grain: Span) -> Vec<(Time, f64)> {
    let mut line: Vec<(Time, f64)> = begun.map(|at| (at, 0.0)).into_iter().collect();
    for point in points {
        let rises = point.at - grain;
        if let Some(&(last, level)) = line.last()
            && rises > last
        {
            line.push((rises, level));
        }
        line.push((point.at, point.settled as f64));
    }
    line
}

fn teach(seat: &Seat) -> Markup {
    let body = format!(
        r#"{{"scope":{{"workspace":"{}"}},"unit":"microusd","limit":5000000,"window":"day"}}"#,
        seat.slug
    );
    view! {
        <section data-key="first-budget" class="panel first-steps">
            <h2>"Five dollars a day"</h2>
            <p>
                "A budget holds work back before the money is spent. Use the form here, or a manager's key:"
            </p>
            {set_limits(&seat.slug, &[("budgets/day", &body)])}
        </section>
    }
    .written()
}
