//! One thing that holds a task.

use leptos::prelude::*;
use scheduler::{Blocker, Code, Eta, Explanation, Holder, Span, words};
use store::read::TaskListed;

use super::Near;
use super::actions::actions;
use super::picture::{picture, wait};
use crate::access::Seat;
use crate::components::mark::StateMark;
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Instants that are closer read alike.
const APART: Span = Span::from_secs(30);

/// What holds it, since when, who has it, what has to happen, when, and what can be done.
pub fn blocker(blocker: &Blocker, explanation: &Explanation, near: &Near<'_>) -> Markup {
    let clause = words::blocker(blocker, explanation.evaluated_at);
    let since = blocker.since.map(|since| {
        view! { <span class="quiet">"began " <Moment at=since now=near.seat.now /></span> }
    });
    let unblocks = blocker.unblocks_when.map(|when| {
        view! { <p>"It goes on when " {text::unblock(when)} "." {eta(blocker.eta, near.seat)}</p> }
    });
    view! {
        <li class="blocker">
            <p class="blocker-head"><strong>{text::sentence(&clause, blocker.resource.as_deref())}</strong> " " {since}</p>
            {picture(blocker)}
            {wait(blocker, near.seat.now)}
            {holders(blocker, near)}
            {agents(blocker, near)}
            {tasks(blocker, near)}
            {unblocks}
            {actions(blocker, explanation.task_id, near)}
        </li>
    }
    .written()
}

fn eta(eta: Option<Eta>, seat: &Seat) -> Option<Markup> {
    let Eta { p50, p90, method } = eta?;
    let later = (p90.since(p50) >= APART).then(|| {
        view! { "; if it goes slowly: " <Moment at=p90 now=seat.now /> }
    });
    Some(
        view! {
            " "
            <span class="eta">"Expected: " <Moment at=p50 now=seat.now /> {later}</span>
            " "
            <span class="eta quiet">"(" {text::method(method)} ")."</span>
        }
        .written(),
    )
}

fn holders(blocker: &Blocker, near: &Near<'_>) -> Option<Markup> {
    let holder = |holder: &Holder| {
        let task = holder.task.and_then(|id| near.others.get(&id));
        match task {
            Some(task) => {
                let since = task.lease.as_ref().map(|lease| {
                    let agent = near.seat.path(&format!("agents/{}", lease.agent_name));
                    view! {
                        " by " <a href=agent>{lease.agent_name.clone()}</a> ", begun "
                        <Moment at=lease.granted_at now=near.seat.now />
                    }
                });
                view! {
                    <li>
                        {holder.amount} " by " {link(task, near.seat)}
                        <span class="quiet">{since}</span>
                    </li>
                }
                .written()
            }
            None => {
                view! { <li class="quiet">{holder.amount} " by another workspace"</li> }.written()
            }
        }
    };
    (!blocker.holders.is_empty()).then(|| {
        view! {
            <div class="holders">
                <p class="quiet small">"Who holds it"</p>
                <ul role="list">{blocker.holders.iter().map(holder).collect_view()}</ul>
            </div>
        }
        .written()
    })
}

fn agents(blocker: &Blocker, near: &Near<'_>) -> Option<Markup> {
    let agent = |name: &String| {
        let href = near.seat.path(&format!("agents/{}", text::escaped(name)));
        view! { <li><a href=href>{name.clone()}</a></li> }
    };
    if blocker.code == Code::NoEligibleAgent && blocker.have == Some(0.0) {
        return None;
    }
    let named = blocker.agents.iter().map(agent).collect_view();
    let who = match blocker.code {
        Code::AgentsOffline => "Who could do it, once online",
        Code::NoEligibleAgent => "Whom it is for",
        _ => "Who can do it",
    };
    (!blocker.agents.is_empty()).then(|| {
        view! {
            <div class="holders">
                <p class="quiet small">{who}</p>
                <ul role="list">{named}</ul>
            </div>
        }
        .written()
    })
}

fn tasks(blocker: &Blocker, near: &Near<'_>) -> Option<Markup> {
    let named: Vec<_> = blocker
        .tasks
        .iter()
        .filter_map(|id| near.others.get(id))
        .map(|task| view! { <li><StateMark state=task.state /> " " {link(task, near.seat)}</li> })
        .collect();
    (!named.is_empty()).then(|| view! { <ul class="holders" role="list">{named}</ul> }.written())
}

fn link(task: &TaskListed, seat: &Seat) -> Markup {
    title_link(seat.path(&format!("tasks/{}", task.id)), &task.title)
}
