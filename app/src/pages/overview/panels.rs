//! The overview's panels: what runs, and what there is room for.

use leptos::prelude::*;
use scheduler::ResourceView;
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::gauge::{level as stands, resource_meter};
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Leased tasks: what, by whom, since when, how far.
pub fn running(tasks: Vec<TaskListed>, seat: &Seat) -> Markup {
    if tasks.is_empty() {
        return view! { <div class="steady" data-slots><p class="quiet">"No agent is at work."</p></div> }
            .written();
    }
    let row = |task: TaskListed| {
        let lease = task.lease.as_ref();
        let progress = lease.and_then(|lease| lease.progress);
        let percent = progress.map(|done| format!("{} %", (done * 100.0).round()));
        view! {
            <tr data-key=task.id.to_string()>
                <td class="wide card-head">
                    {title_link(seat.path(&format!("tasks/{}", task.id)), &task.title)}
                </td>
                <td data-label="By">{lease.map(|lease| lease.agent_name.clone())}</td>
                <td class="number" data-label="Progress">{percent}</td>
                <td class="number quiet" data-label="Since">
                    {lease.map(|lease| view! { <Moment at=lease.granted_at now=seat.now /> })}
                </td>
            </tr>
        }
    };
    view! {
        <div class="scroll steady" data-slots tabindex="0" role="group" aria-labelledby="running">
            <table class="rows cards">
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
    .written()
}

/// A gauge for each resource.
pub fn resources(resources: Vec<ResourceView>, seat: &Seat) -> Markup {
    if resources.is_empty() {
        return view! {
            <p class="quiet">
                "No shared limit is set. " <a href=seat.path("resources")>"Say what is scarce"</a>
                ", and no agent runs into it any more."
            </p>
        }
        .written();
    }
    let gauge = |resource: ResourceView| gauge(&resource, seat);
    view! { <ul class="gauges" role="list">{resources.into_iter().map(gauge).collect_view()}</ul> }
        .written()
}

fn gauge(resource: &ResourceView, seat: &Seat) -> Markup {
    let name = resource.spec.name.clone();
    let href = seat.path(&format!("resources/{}", text::escaped(&name)));
    let waiting = match resource.waiting_tasks {
        0 => String::new(),
        tasks => format!(", {} wait", text::grouped(tasks.into())),
    };
    // In one line either way: what stands below stays where it is.
    let words = match resource.closed_until {
        Some(until) => view! {
            <span class="gauge-words tier-needs-you">"closed, opens " <Moment at=until now=seat.now /></span>
        }
        .written(),
        None => view! { <span class="gauge-words">{stands(resource)} {waiting}</span> }.written(),
    };
    view! {
        <li data-key=resource.spec.name.clone()>
            <div class="gauge-head">
                <a class="gauge-name" href=href>{name}</a>
                {words}
            </div>
            {resource_meter(resource)}
        </li>
    }
    .written()
}
