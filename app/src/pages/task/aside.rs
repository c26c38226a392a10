//! A task's facts: its lease, what it needs, what it hangs together with, its author's text.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{Span, TaskId, Unit, words};
use store::read::{LeaseListed, TaskDetail, TaskListed};

use crate::access::Seat;
use crate::components::amount::amount;
use crate::components::mark::StateMark;
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// The panels beside the story. What comes and goes with each attempt stands last.
pub fn aside(
    detail: &TaskDetail,
    children: Vec<TaskListed>,
    others: &HashMap<TaskId, TaskListed>,
    seat: &Seat,
) -> Markup {
    let pick = |ids: &[TaskId]| {
        ids.iter()
            .filter_map(|id| others.get(id).cloned())
            .collect::<Vec<_>>()
    };
    let parent: Vec<_> = detail.task.parent.into_iter().collect();
    view! {
        {needs(&detail.task)}
        {list("Waits for", pick(&detail.depends_on), seat)}
        {list("Wait for it", pick(&detail.dependents), seat)}
        {list("Split from", pick(&parent), seat)}
        {list("Split into", children, seat)}
        {detail.task.lease.as_ref().map(|lease| lease_panel(lease, seat))}
    }
    .written()
}

fn lease_panel(lease: &LeaseListed, seat: &Seat) -> Markup {
    let grants: Vec<_> = lease
        .grants
        .iter()
        .map(|grant| format!("{} of {}", grant.amount, grant.name))
        .collect();
    let grants = if grants.is_empty() {
        "nothing limited".to_owned()
    } else {
        grants.join(", ")
    };
    view! {
        <section data-key="lease" class="panel" aria-labelledby="lease">
            <h2 id="lease">"Lease"</h2>
            <dl class="facts">
                <dt>"Agent"</dt>
                <dd>{lease.agent_name.clone()}</dd>
                <dt>"Given"</dt>
                <dd>
                    <a href=seat.path(&format!("decisions/{}", lease.decision))>
                        <Moment at=lease.granted_at now=seat.now />
                    </a>
                </dd>
                <dt>"Runs out"</dt>
                <dd><Moment at=lease.expires_at now=seat.now /></dd>
                <dt>"Epoch"</dt>
                <dd>{lease.epoch}</dd>
                <dt>"Holds"</dt>
                <dd>{grants}</dd>
            </dl>
        </section>
    }
    .written()
}

fn needs(task: &TaskListed) -> Markup {
    let needs = &task.needs;
    let estimate = &needs.estimate;
    let requires: Vec<_> = needs
        .requires
        .iter()
        .map(|need| format!("{} of {}", need.amount, need.resource))
        .collect();
    let tokens = match (estimate.input_tokens, estimate.output_tokens) {
        (None, None) => None,
        (read, written) => Some(format!(
            "{} in, {} out",
            text::grouped(read.unwrap_or(0).into()),
            text::grouped(written.unwrap_or(0).into())
        )),
    };
    let time = estimate
        .duration_ms
        .map(|ms| words::duration(Span::from_millis(ms.into())));
    let cost = estimate
        .cost_microusd
        .map(|cost| amount(cost, Unit::Microusd));
    let fact = |text: Option<String>| text.map(Written::written);
    let facts = [
        ("Class", fact(Some(text::class(needs.class).to_owned()))),
        ("Agents that can", fact(some(needs.capabilities.join(", ")))),
        ("Only for", fact(needs.agent.clone())),
        ("Needs", fact(some(requires.join(", ")))),
        ("Model", fact(estimate.model.clone())),
        ("Tokens expected", fact(tokens)),
        ("Cost expected", cost),
        ("Time expected", fact(time)),
        (
            "Attempts",
            fact(Some(format!("{} of {}", task.attempts, needs.max_attempts))),
        ),
        (
            "A lease lasts",
            fact(Some(words::duration(Span::from_millis(
                needs.lease_ms.into(),
            )))),
        ),
    ];
    let rows: Vec<_> = facts
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| view! { <dt>{name}</dt> <dd>{value}</dd> }))
        .collect();
    view! {
        <section data-key="needs" class="panel" aria-labelledby="needs">
            <h2 id="needs">"What it needs"</h2>
            <dl class="facts">{rows}</dl>
        </section>
    }
    .written()
}

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn list(name: &'static str, tasks: Vec<TaskListed>, seat: &Seat) -> Option<Markup> {
    let line = |task: TaskListed| {
        let href = seat.path(&format!("tasks/{}", task.id));
        view! {
            <li data-key=task.id.to_string()>
                <StateMark state=task.state />
                {title_link(href, &task.title)}
            </li>
        }
    };
    (!tasks.is_empty()).then(|| {
        view! {
            <section data-key=name class="panel">
                <h2>{name}</h2>
                <ul class="related" role="list">{tasks.into_iter().map(line).collect_view()}</ul>
            </section>
        }
        .written()
    })
}

/// What its author wrote, as text.
pub fn text(detail: &TaskDetail) -> Option<Markup> {
    let description = some(detail.description.clone())
        .map(|text| view! { <p class="prose" dir="auto">{text}</p> });
    let payload = detail.payload.as_ref().map(|payload| {
        let json = serde_json::to_string_pretty(payload).unwrap_or_default();
        view! {
            <details>
                <summary>"Payload"</summary>
                <pre tabindex="0"><code>{json}</code></pre>
            </details>
        }
    });
    (description.is_some() || payload.is_some()).then(|| {
        view! {
            <section data-key="text" class="panel" aria-labelledby="text">
                <h2 id="text">"From its author"</h2>
                {description}
                {payload}
            </section>
        }
        .written()
    })
}
