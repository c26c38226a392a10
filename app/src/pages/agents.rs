//! The fleet: who is there, what each does, what it costs, and what went wrong last.

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{AgentId, AgentStatus, AgentView, Health, Query, Unit, View, words};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::amount::amount;
use crate::components::export::export;
use crate::components::mark::HealthMark;
use crate::components::moment::Moment;
use crate::components::snippets::{FIRST_AGENT, attach_an_agent};
use crate::lists::{self, AgentLine};
use crate::markup::{Markup, Written};
use crate::text;

/// Decisions looked back over for how agents did.
pub const LOOKED_AT: u32 = 1_000;

/// All agents of a workspace.
#[component]
pub fn Agents() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    agents: Vec<AgentLine>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    Ok(Data {
        agents: lists::agents(&seat).await?,
        seat,
    })
}

/// What the conductor knows of its agents; nothing while it changes hands.
pub async fn live(seat: &Seat) -> HashMap<AgentId, AgentView> {
    match seat.ask(Query::Agents).await {
        Ok(View::Agents { agents }) => agents.into_iter().map(|one| (one.id, one)).collect(),
        _ => HashMap::new(),
    }
}

fn show(data: Data) -> Markup {
    let Data { seat, agents } = data;
    let sentence = sentence(&agents);
    let another = (!agents.is_empty()).then(|| another(&seat));
    let export = (!agents.is_empty()).then(|| export(&seat.path("agents"), &[]));
    let body = if agents.is_empty() {
        nobody(&seat)
    } else {
        table(&agents, &seat)
    };
    view! {
        <Title text=format!("Agents · {}", seat.name) />
        <div id="agents" data-live>
            <header class="page-head page-head-row">
                <div>
                    <p class="eyebrow">"Agents"</p>
                    <h1 class="lead">{sentence}</h1>
                </div>
                {export}
            </header>
            {body}
        </div>
        {another}
    }
    .written()
}

fn sentence(agents: &[AgentLine]) -> String {
    if agents.is_empty() {
        return "No agent has joined yet.".to_owned();
    }
    let now = agents.iter().filter_map(|agent| agent.now.as_ref());
    let online = now.filter(|now| now.health == Health::Online).count();
    let running: u32 = agents.iter().map(|agent| agent.listed.running).sum();
    let spent: u64 = agents.iter().map(|agent| agent.listed.spent_microusd).sum();
    let verb = if online == 1 || agents.len() == 1 {
        "is"
    } else {
        "are"
    };
    let mut sentence = format!(
        "{online} of {} {verb} online, ",
        text::count(agents.len() as u64, "agent")
    );
    sentence.push_str(&match running {
        0 => "none at work".to_owned(),
        _ => format!("at work on {}", text::count(running.into(), "task")),
    });
    if spent > 0 {
        sentence.push_str(&format!(
            "; {} spent today",
            words::amount(spent, Unit::Microusd)
        ));
    }
    sentence.push('.');
    sentence
}

fn table(agents: &[AgentLine], seat: &Seat) -> Markup {
    let row = |agent: &AgentLine| row(agent, seat);
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label="Agents">
            <table class="rows cards">
                <thead>
                    <tr>
                        <th scope="col">"Agent"</th>
                        <th scope="col">"Health"</th>
                        <th scope="col">"Load"</th>
                        <th scope="col" class="wide">"Can do"</th>
                        <th scope="col" class="clip-head">"Last error"</th>
                        <th scope="col" class="number">"Done"</th>
                        <th scope="col" class="number">"Cost today"</th>
                        <th scope="col" class="number">"Heard"</th>
                    </tr>
                </thead>
                <tbody>{agents.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
        <p class="quiet small">
            {format!("Done and last error: among the latest {} decisions.", text::grouped(LOOKED_AT.into()))}
        </p>
    }
    .written()
}

fn row(line: &AgentLine, seat: &Seat) -> Markup {
    let (listed, now, record) = (&line.listed, line.now.as_ref(), line.record.as_ref());
    let card = &listed.agent.card;
    let error = record
        .and_then(|record| record.last_error.as_ref())
        .map(|(error, task, at)| {
            view! {
                <a class="clip" href=seat.path(&format!("tasks/{task}")) title=error.clone()>
                    {error.clone()}
                </a>
                " "
                <span class="quiet small"><Moment at=*at now=seat.now /></span>
            }
        });
    let done = record.map(|record| format!("{} of {}", record.completed, record.ended));
    let heard = listed.agent.seen_at.map_or_else(
        || view! { <span>"never"</span> }.written(),
        |at| view! { <Moment at now=seat.now /> }.written(),
    );
    view! {
        <tr data-key=card.id.to_string()>
            <td class="card-head">
                <a class="strong" href=href(seat, &card.name)>{card.name.clone()}</a>
            </td>
            <td>
                <HealthMark health=now.map_or(Health::Offline, |now| now.health) />
                {(listed.agent.status == AgentStatus::Draining).then_some(" draining")}
            </td>
            <td data-label="Load">{load_mark(listed.running, card.max_concurrency)}</td>
            <td class="wide quiet" data-label="Can do">{card.capabilities.join(", ")}</td>
            <td data-label="Last error">{error}</td>
            <td class="number" data-label="Done">{done}</td>
            <td class="number" data-label="Today">{amount(listed.spent_microusd, Unit::Microusd)}</td>
            <td class="number quiet" data-label="Heard">{heard}</td>
        </tr>
    }
    .written()
}

/// The address of an agent's page.
pub fn href(seat: &Seat, name: &str) -> String {
    seat.path(&format!("agents/{}", text::escaped(name)))
}

/// Tasks at once, of how many: a note for each, where they are few enough to see.
pub fn load_mark(running: u32, most: Option<u32>) -> Markup {
    const SEEN: u32 = 12;
    let words = match most {
        Some(most) => format!("{running} of {most}"),
        None => running.to_string(),
    };
    let slots = most.unwrap_or(running).max(running);
    let notes = (1..=SEEN).contains(&slots).then(|| {
        let note = |at: u32| {
            let class = if at < running {
                "load-taken"
            } else {
                "load-free"
            };
            view! { <circle class=class cx=5 + at * 10 cy="6" r="3.5" /> }
        };
        view! {
            <svg class="load" width=slots * 10 height="12" aria-hidden="true">
                {(0..slots).map(note).collect_view()}
            </svg>
        }
    });
    view! { <span class="load-mark">{notes} <span>{words}</span></span> }.written()
}

fn nobody(seat: &Seat) -> Markup {
    view! {
        <section class="panel">
            <h2>"Bring the first agent"</h2>
            <p>"An agent is any program that asks for work over HTTP. It turns green here at its first call."</p>
            {ways_in(seat)}
        </section>
    }
    .written()
}

/// A further one. Outside what is brought up to date, so that it stays as it was opened.
fn another(seat: &Seat) -> Markup {
    view! {
        <details class="panel another">
            <summary>"Add an agent"</summary>
            {ways_in(seat)}
        </details>
    }
    .written()
}

fn ways_in(seat: &Seat) -> Markup {
    view! {
        {seat.may("create_key").then(|| view! {
            <p>
                <a class="button button-main" href=seat.path("settings?key=agent#create_key")>"Make its key here"</a>
            </p>
            <p class="quiet">"Or on the server, by hand:"</p>
        })}
        {attach_an_agent(&seat.slug, FIRST_AGENT, None)}
    }
    .written()
}
