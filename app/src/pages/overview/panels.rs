//! The overview's panels: what runs, and what there is room for.

use leptos::prelude::*;
use scheduler::{ResourceKind, ResourceView};
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::meter::{Meter, Part};
use crate::components::moment::Moment;
use crate::text;

/// Leased tasks: what, by whom, since when, how far.
pub fn running(tasks: Vec<TaskListed>, seat: &Seat) -> AnyView {
    if tasks.is_empty() {
        return view! { <p class="quiet">"No agent is at work."</p> }.into_any();
    }
    let row = |task: TaskListed| {
        let lease = task.lease.as_ref();
        let progress = lease.and_then(|lease| lease.progress);
        let percent = progress.map(|done| format!("{} %", (done * 100.0).round()));
        view! {
            <tr data-key=task.id.to_string()>
                <td class="wide">
                    <a href=seat.path(&format!("tasks/{}", task.id))>{task.title}</a>
                </td>
                <td>{lease.map(|lease| lease.agent_name.clone())}</td>
                <td class="number">{percent}</td>
                <td class="number quiet">
                    {lease.map(|lease| view! { <Moment at=lease.granted_at now=seat.now /> })}
                </td>
            </tr>
        }
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-labelledby="running">
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Task"</th>
                        <th scope="col">"Agent"</th>
                        <th scope="col" class="number">"Progress"</th>
                        <th scope="col" class="number">"Since"</th>
                    </tr>
                </thead>
                <tbody>{tasks.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A gauge for each resource.
pub fn resources(resources: Vec<ResourceView>, seat: &Seat) -> AnyView {
    if resources.is_empty() {
        return view! {
            <p class="quiet">
                "No shared limit is set. Declare one, and no agent will run into it: " <code>"PUT /api/v1/resources/{name}"</code>
            </p>
        }
        .into_any();
    }
    let gauge = |resource: ResourceView| gauge(&resource, seat);
    view! { <ul class="gauges" role="list">{resources.into_iter().map(gauge).collect_view()}</ul> }
        .into_any()
}

fn gauge(resource: &ResourceView, seat: &Seat) -> AnyView {
    let limit = resource.limit.max(f64::EPSILON);
    let used = (limit - resource.available).clamp(0.0, limit);
    let (class, words) = match resource.spec.kind {
        ResourceKind::Slots { .. } => (
            level(used / limit),
            format!(
                "{} of {} in use",
                resource.in_use,
                text::number(resource.limit)
            ),
        ),
        ResourceKind::Bucket { refill_per_s, .. } => (
            level(used / limit),
            format!(
                "{} of {} left, {} a second",
                text::number(resource.available.floor()),
                text::number(resource.limit),
                text::number(refill_per_s)
            ),
        ),
    };
    let closed = resource.closed_until.map(|until| {
        view! {
            <p class="mark tier-needs-you">
                <span>"closed, opens " <Moment at=until now=seat.now /></span>
            </p>
        }
    });
    let waiting = (resource.waiting_tasks > 0)
        .then(|| view! { <span class="quiet">{format!(", {} wait", text::grouped(resource.waiting_tasks.into()))}</span> });
    view! {
        <li data-key=resource.spec.name.clone()>
            <div class="gauge-head">
                <span class="gauge-name">{resource.spec.name.clone()}</span>
                <span class="gauge-words">{words} {waiting}</span>
            </div>
            <Meter parts=vec![Part { share: used / limit, class }] />
            {closed}
        </li>
    }
    .into_any()
}

/// How full a bar is, as the class that colours it.
pub fn level(share: f64) -> &'static str {
    if share >= 0.995 {
        "part-full"
    } else {
        "part-used"
    }
}
