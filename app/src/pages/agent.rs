//! One agent: what it holds, how it did, what it can do.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{AgentView, Health, Time, Unit, words};
use store::read::{AgentListed, AgentRecord, Page, Played, TaskFilter, TaskListed};

use super::agents::{LOOKED_AT, live, load_mark};
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::amount::amount;
use crate::components::cause::cause;
use crate::components::mark::{HealthMark, OutcomeMark, StateMark};
use crate::components::moment::Moment;
use crate::components::snippets::attach_an_agent;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Leases shown at most.
const ROWS: u32 = 50;

/// One agent, by its name.
#[component]
pub fn AgentPage() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    listed: AgentListed,
    now: Option<AgentView>,
    record: Option<AgentRecord>,
    holds: Vec<TaskListed>,
    history: Vec<Played>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let (store, workspace) = (seat.store(), seat.workspace);
    let name = asked.name();
    let id = store
        .agent_named(workspace, &name)
        .await?
        .ok_or(PageError::NotFound)?;
    let filter = TaskFilter {
        state: Some(scheduler::TaskState::InProgress),
        agent: Some(name),
        ..TaskFilter::default()
    };
    let page = Page {
        limit: ROWS,
        after: None,
    };
    let (listed, holds, history, records, mut live) = futures::try_join!(
        store.agent(workspace, id, text::midnight(seat.now)),
        store.tasks(workspace, &filter, page),
        store.played(workspace, Some(id), Time::from_millis(0), LOOKED_AT, ROWS),
        store.agent_records(workspace, LOOKED_AT),
        async { Ok(live(&seat).await) },
    )?;
    let holds = holds.items.into_iter();
    Ok(Data {
        listed: listed.ok_or(PageError::NotFound)?,
        now: live.remove(&id),
        record: records.into_iter().find(|record| record.agent == id),
        holds: holds
            .filter(|task| task.lease.as_ref().is_some_and(|lease| lease.agent == id))
            .collect(),
        history,
        seat,
    })
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        listed,
        now,
        record,
        holds,
        history,
    } = data;
    let card = listed.agent.card.clone();
    let health = now.as_ref().map_or(Health::Offline, |now| now.health);
    let waits = now.as_ref().is_some_and(|now| now.waiting);
    let detail = listed.detail.clone();
    let error = record
        .as_ref()
        .and_then(|record| record.last_error.clone())
        .map(|(error, task, at)| {
            view! {
                <section class="panel" aria-labelledby="error">
                    <h2 id="error">"Last error"</h2>
                    <pre class="quoted" tabindex="0" dir="auto">{error}</pre>
                    <p class="quiet small">
                        <a href=seat.path(&format!("tasks/{task}"))>"The task it was at"</a>
                        ", "
                        <Moment at=at now=seat.now />
                    </p>
                </section>
            }
        });
    view! {
        <Title text=format!("{} · {}", card.name, seat.name) />
        <div id="agent" data-live class="with-aside">
            <header class="page-head">
                <p class="eyebrow">
                    <a href=seat.path("agents")>"Agents"</a>
                </p>
                <h1>{card.name.clone()}</h1>
                <p class="marks">
                    <HealthMark health />
                    {waits.then_some("asks for work now")}
                    {detail.map(|detail| view! { <span class="quiet">{detail}</span> })}
                </p>
            </header>
            <div class="column">
                {listed.agent.seen_at.is_none().then(|| way_in(&card.name, &seat))}
                <section class="panel" aria-labelledby="holds">
                    <h2 id="holds">"What it holds"</h2>
                    {held(holds, waits, &seat)}
                </section>
                <section class="panel" aria-labelledby="history">
                    <div class="panel-head">
                        <h2 id="history">"What it did"</h2>
                        <a href=seat.path(&format!("decisions?agent={}", card.id))>"Decisions about it"</a>
                    </div>
                    {played(history, &seat)}
                </section>
            </div>
            <div class="column">{facts(&listed, record.as_ref(), &seat)} {error}</div>
        </div>
    }
    .written()
}

/// For one that was never heard.
fn way_in(name: &str, seat: &Seat) -> Markup {
    view! {
        <section class="panel">
            <h2>"Attach it"</h2>
            <p>"It turns green here at its first call."</p>
            {attach_an_agent(&seat.slug, name, None)}
        </section>
    }
    .written()
}

fn held(tasks: Vec<TaskListed>, waits: bool, seat: &Seat) -> Markup {
    if tasks.is_empty() {
        let words = if waits {
            "Nothing: it asks for work, and nothing it can do may start."
        } else {
            "Nothing at this moment."
        };
        return view! { <p class="quiet">{words}</p> }.written();
    }
    let row = |task: TaskListed| {
        let lease = task.lease?;
        let percent = lease
            .progress
            .map(|done| format!("{} %", (done * 100.0).round()));
        Some(view! {
            <tr data-key=task.id.to_string()>
                <td class="wide card-head">
                    {title_link(seat.path(&format!("tasks/{}", task.id)), &task.title)}
                    {lease.note.map(|note| view! { <span class="attempt-error" dir="auto">{note}</span> })}
                </td>
                <td class="number" data-label="Progress">{percent}</td>
                <td class="number quiet" data-label="Since"><Moment at=lease.granted_at now=seat.now /></td>
                <td class="number quiet" data-label="Lease ends"><Moment at=lease.expires_at now=seat.now /></td>
            </tr>
        })
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-labelledby="holds">
            <table class="rows cards">
                <thead>
                    <tr>
                        <th scope="col">"Task"</th>
                        <th scope="col" class="number">"Progress"</th>
                        <th scope="col" class="number">"Since"</th>
                        <th scope="col" class="number">"Lease ends"</th>
                    </tr>
                </thead>
                <tbody>{tasks.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .written()
}

fn played(history: Vec<Played>, seat: &Seat) -> Markup {
    if history.is_empty() {
        return view! {
            <p class="quiet">
                {format!("Nothing among the latest {} decisions.", text::grouped(LOOKED_AT.into()))}
            </p>
        }
        .written();
    }
    let row = |one: Played| {
        let mark = match one.ended {
            Some((outcome, _)) => view! { <OutcomeMark outcome /> }.written(),
            None => view! { <StateMark state=scheduler::TaskState::InProgress /> }.written(),
        };
        let took = one
            .ended
            .map(|(_, at)| words::duration(at.since(one.granted_at)));
        view! {
            <tr>
                <td>{mark}</td>
                <td class="wide card-head">
                    {title_link(seat.path(&format!("tasks/{}", one.task)), &one.title)}
                    {one.error.map(|error| cause(&error, &format!("{}-{}", one.task, one.granted_at.0)))}
                </td>
                <td class="number quiet" data-label="Took">{took}</td>
                <td class="number quiet" data-label="Begun"><Moment at=one.granted_at now=seat.now /></td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-labelledby="history">
            <table class="rows cards">
                <thead>
                    <tr>
                        <th scope="col">"Ended"</th>
                        <th scope="col">"Task"</th>
                        <th scope="col" class="number">"Took"</th>
                        <th scope="col" class="number">"Begun"</th>
                    </tr>
                </thead>
                <tbody>{history.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .written()
}

fn facts(listed: &AgentListed, record: Option<&AgentRecord>, seat: &Seat) -> Markup {
    let card = &listed.agent.card;
    let list = |all: &[String], none: &'static str| {
        if all.is_empty() {
            none.to_owned()
        } else {
            all.join(", ")
        }
    };
    let done = record.map_or_else(
        || "nothing lately".to_owned(),
        |record| format!("{} of {} attempts", record.completed, record.ended),
    );
    let heard = match listed.agent.seen_at {
        Some(at) => view! { <Moment at now=seat.now /> }.written(),
        None => "never".written(),
    };
    view! {
        <section class="panel" aria-labelledby="card">
            <h2 id="card">"Its card"</h2>
            <dl class="facts">
                <dt>"Load"</dt>
                <dd>{load_mark(listed.running, card.max_concurrency)}</dd>
                <dt>"Can do"</dt>
                <dd>{list(&card.capabilities, "work that asks for nothing")}</dd>
                <dt>"Models"</dt>
                <dd>{list(&card.models, "any")}</dd>
                <dt>"Completed"</dt>
                <dd>{done}</dd>
                <dt>"Cost today"</dt>
                <dd>{amount(listed.spent_microusd, Unit::Microusd)}</dd>
                <dt>"Last heard"</dt>
                <dd>{heard}</dd>
            </dl>
        </section>
    }
    .written()
}
