//! The state of things a decision was made on.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{
    Blocker, BudgetFact, Considered, Decision, DispatchFacts, Facts, LaneFacts, NotYetFacts,
    ResourceFact, TaskId, Time, words,
};

use crate::access::Seat;
use crate::components::amount::amount;
use crate::components::mark::TierMark;
use crate::components::meter::{Meter, Part};
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Panels for the kinds of decisions that rest on more than their own words.
pub fn moment(decision: &Decision, titles: &HashMap<TaskId, String>, seat: &Seat) -> Markup {
    match &decision.facts {
        Facts::Dispatch(facts) => dispatch(facts, decision.task, titles, seat),
        Facts::NotYet(facts) => not_yet(facts, decision.at),
        _ => ().written(),
    }
}

fn dispatch(
    facts: &DispatchFacts,
    task: Option<TaskId>,
    titles: &HashMap<TaskId, String>,
    seat: &Seat,
) -> Markup {
    let limited = !facts.resources.is_empty() || !facts.budgets.is_empty();
    let resources = limited.then(|| {
        view! {
            <section class="panel" aria-labelledby="resources">
                <h2 id="resources">"Limits at that moment"</h2>
                <ul class="gauges" role="list">
                    {facts.resources.iter().map(|fact| resource(fact, seat)).collect_view()}
                    {facts.budgets.iter().map(budget).collect_view()}
                </ul>
            </section>
        }
    });
    view! {
        {resources}
        {considered(&facts.considered, task, titles, seat)}
    }
    .written()
}

fn resource(fact: &ResourceFact, seat: &Seat) -> Markup {
    let limit = fact.limit.max(f64::EPSILON);
    let before = (limit - fact.available).max(0.0) / limit;
    let said = format!(
        "{} taken, {} of {} were free",
        fact.taken,
        text::number(fact.available),
        text::number(fact.limit)
    );
    let parts = vec![
        Part {
            share: before,
            class: "part-used",
        },
        Part {
            share: f64::from(fact.taken) / limit,
            class: "part-taken",
        },
    ];
    view! {
        <li>
            <div class="gauge-head">
                <a class="gauge-name" href=seat.path(&format!("resources/{}", fact.name))>
                    {fact.name.clone()}
                </a>
                <span class="gauge-words">{said}</span>
            </div>
            <Meter parts />
        </li>
    }
    .written()
}

fn budget(fact: &BudgetFact) -> Markup {
    let limit = fact.limit.max(1) as f64;
    let amount = |value| amount(value, fact.unit);
    let said = view! {
        {amount(fact.taken)} " reserved, " {amount(fact.settled)} " of " {amount(fact.limit)} " were spent"
    };
    let parts = vec![
        Part {
            share: fact.settled as f64 / limit,
            class: "part-used",
        },
        Part {
            share: fact.reserved as f64 / limit,
            class: "part-reserved",
        },
        Part {
            share: fact.taken as f64 / limit,
            class: "part-taken",
        },
    ];
    view! {
        <li>
            <div class="gauge-head">
                <span class="gauge-name">{fact.name.clone()}</span>
                <span class="gauge-words">{said}</span>
            </div>
            <Meter parts />
        </li>
    }
    .written()
}

fn considered(
    others: &[Considered],
    task: Option<TaskId>,
    titles: &HashMap<TaskId, String>,
    seat: &Seat,
) -> Markup {
    if others.is_empty() {
        return view! {
            <section class="panel" aria-labelledby="considered">
                <h2 id="considered">"What else was considered"</h2>
                <p class="quiet">"Nothing: no other lane had work for this agent."</p>
            </section>
        }
        .written();
    }
    let row = |other: &Considered| {
        let title = titles
            .get(&other.task)
            .cloned()
            .unwrap_or_else(|| "another task".to_owned());
        let at = other
            .resource
            .clone()
            .map(|name| view! { " " <span class="quiet">{name}</span> });
        let now = task.map(|task| {
            let href = seat.path(&format!("compare?this={task}&that={}", other.task));
            view! { <a class="quiet small" href=href>"Side by side now"</a> }
        });
        view! {
            <tr>
                <td class="wide card-head">
                    {title_link(seat.path(&format!("tasks/{}", other.task)), &title)}
                </td>
                <td data-label="Why not">{text::code(other.why_not)} {at}</td>
                <td>{now}</td>
            </tr>
        }
    };
    view! {
        <section class="panel" aria-labelledby="considered">
            <h2 id="considered">"What else was considered"</h2>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="considered">
                <table class="rows cards">
                    <thead>
                        <tr>
                            <th scope="col">"Head of another lane"</th>
                            <th scope="col">"Why it did not go"</th>
                            <th scope="col"><span class="visually-hidden">"Compare"</span></th>
                        </tr>
                    </thead>
                    <tbody>{others.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .written()
}

/// What held it, as it stood then.
fn not_yet(facts: &NotYetFacts, at: Time) -> Markup {
    let line = |blocker: &Blocker| {
        view! {
            <li class="blocker">
                <TierMark tier=blocker.tier />
                <p>{text::sentence(&words::blocker(blocker, at), blocker.resource.as_deref())}</p>
            </li>
        }
    };
    view! {
        <section class="panel" aria-labelledby="blockers">
            <h2 id="blockers">"What held it"</h2>
            <ul class="blockers" role="list">{facts.blockers.iter().map(line).collect_view()}</ul>
        </section>
    }
    .written()
}

/// The lane a decision was about, for the side of its page.
pub fn lane(facts: &Facts) -> Option<Markup> {
    match facts {
        Facts::Dispatch(facts) => Some(lane_panel(&facts.lane)),
        Facts::NotYet(facts) => Some(lane_panel(&facts.lane)),
        _ => None,
    }
}

fn lane_panel(lane: &LaneFacts) -> Markup {
    let requires: Vec<_> = lane
        .requires
        .iter()
        .map(|need| format!("{} of {}", need.amount, need.resource))
        .collect();
    let facts = [
        ("Class", text::class(lane.class).to_owned()),
        ("Capabilities", lane.capabilities.join(", ")),
        ("Needs", requires.join(", ")),
        ("Model", lane.model.clone().unwrap_or_default()),
        ("Only for", lane.agent.clone().unwrap_or_default()),
        ("Waiting in it", text::count(lane.waiting.into(), "task")),
    ];
    let rows: Vec<_> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <dt>{name}</dt> <dd>{value}</dd> })
        .collect();
    view! {
        <section class="panel" aria-labelledby="lane">
            <h2 id="lane">"Its lane"</h2>
            <dl class="facts">{rows}</dl>
        </section>
    }
    .written()
}
