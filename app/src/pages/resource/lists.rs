//! Who holds a resource, and who waits for it.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{AgentId, ResourceKind, ResourceView, TaskId, Waiting};

use crate::access::Seat;
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Leases and permits that hold slots.
pub fn holders(
    resource: &ResourceView,
    titles: &HashMap<TaskId, String>,
    agents: &HashMap<AgentId, String>,
    seat: &Seat,
) -> Markup {
    let row = |holder: &scheduler::Holder| {
        let agent = holder.agent.and_then(|id| agents.get(&id)).map(|name| {
            let href = seat.path(&format!("agents/{}", text::escaped(name)));
            view! { <a class="quiet" href=href>{name.clone()}</a> }
        });
        let what = match holder.task {
            Some(task) => {
                let title = titles
                    .get(&task)
                    .cloned()
                    .unwrap_or_else(|| "a task".to_owned());
                title_link(seat.path(&format!("tasks/{task}")), &title)
            }
            None if holder.permit.is_some() => view! { <span>"a permit"</span> }.written(),
            None => view! { <span class="quiet">"another workspace"</span> }.written(),
        };
        let amount = (holder.amount > 1).then(|| format!("{} of them", holder.amount));
        let lease = holder.lease.map(|lease| lease.to_string());
        let key = lease.or_else(|| holder.permit.map(|permit| permit.to_string()));
        view! {
            <li data-key=key>
                <span class="holder-what">{what}</span>
                <span class="quiet">{agent} " " {amount}</span>
            </li>
        }
    };
    let rows = resource.holders.iter().map(row).collect_view();
    let none = match resource.spec.kind {
        _ if !resource.holders.is_empty() => None,
        ResourceKind::Slots { .. } => Some("Nobody: every slot is free."),
        ResourceKind::Bucket { .. } => {
            Some("What is taken from a bucket is used up, not held; it refills with time.")
        }
    };
    view! {
        <h2 id="holds">"Holds it"</h2>
        {none.map(|words| view! { <p class="quiet">{words}</p> })}
        <ul class="related holders" role="list" data-slots>{rows}</ul>
    }
    .written()
}

/// Tasks of this workspace, in the order in which they get their turn.
pub fn waitlist(
    resource: &ResourceView,
    waiting: Vec<Waiting>,
    titles: &HashMap<TaskId, String>,
    seat: &Seat,
) -> Markup {
    let all = resource.waiting_tasks;
    if waiting.is_empty() {
        return view! {
            <h2 id="waits">"Waits for it"</h2>
            <p class="quiet">"Nothing waits here."</p>
        }
        .written();
    }
    let more = all.saturating_sub(waiting.len() as u32);
    let more = (more > 0).then(|| {
        view! { <p class="quiet">{format!("and {} more, in the order of their lanes", text::grouped(more.into()))}</p> }
    });
    let row = |(place, one): (usize, Waiting)| {
        let title = titles
            .get(&one.task)
            .cloned()
            .unwrap_or_else(|| "a task".to_owned());
        let starts = starts(&one, resource, seat);
        view! {
            <tr data-key=one.task.to_string()>
                <td class="row-turn number quiet" data-label="Turn">{place + 1}</td>
                <td class="wide card-head">{title_link(seat.path(&format!("tasks/{}", one.task)), &title)}</td>
                <td class="number" data-label="Takes">{text::grouped(one.amount.into())}</td>
                <td class="number" data-label="Starts">{starts}</td>
            </tr>
        }
    };
    let rows = waiting.into_iter().enumerate().map(row).collect_view();
    view! {
        <div class="panel-head">
            <h2 id="waits">"Waits for it"</h2>
            <span class="quiet">{text::count(all.into(), "task")}</span>
        </div>
        <div class="scroll" tabindex="0" role="group" aria-labelledby="waits">
            <table class="rows cards">
                <thead>
                    <tr>
                        <th scope="col" class="number">"Turn"</th>
                        <th scope="col">"Task"</th>
                        <th scope="col" class="number">"Takes"</th>
                        <th scope="col" class="number">"Starts"</th>
                    </tr>
                </thead>
                <tbody data-hold>{rows}</tbody>
            </table>
        </div>
        {more}
    }
    .written()
}

/// When its turn comes; where the resource is closed for longer than that, when it opens.
fn starts(waiting: &Waiting, resource: &ResourceView, seat: &Seat) -> Option<Markup> {
    let now = seat.now;
    let expected = waiting.eta.map(|eta| eta.p50);
    let opens = resource
        .closed_until
        .filter(|opens| expected.is_none_or(|expected| expected <= *opens));
    if let Some(at) = opens {
        return Some(view! { <span>"once it opens, " <Moment at now /></span> }.written());
    }
    let eta = waiting.eta?;
    let found = text::method(eta.method);
    Some(view! { <span title=found><Moment at=eta.p50 now /></span> }.written())
}
