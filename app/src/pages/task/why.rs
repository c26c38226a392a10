//! Why not yet: the headline, every blocker as a picture, the place in the lane, what would help.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{
    Blocker, BudgetView, Code, Eta, Explanation, Holder, TaskId, Tier, Time, Unit, Verdict, words,
};
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::mark::{StateMark, TierMark};
use crate::components::meter::{Meter, Part};
use crate::components::moment::Moment;
use crate::components::stave::Place;
use crate::text;

/// What a blocker's picture needs of the page.
struct Near<'a> {
    budgets: &'a [BudgetView],
    others: &'a HashMap<TaskId, TaskListed>,
    seat: &'a Seat,
}

/// The panel of a task that waits.
pub fn why(
    explanation: &Explanation,
    budgets: &[BudgetView],
    others: &HashMap<TaskId, TaskListed>,
    seat: &Seat,
) -> AnyView {
    let near = Near {
        budgets,
        others,
        seat,
    };
    let tiers = [
        Tier::NeedsYou,
        Tier::OtherWork,
        Tier::Capacity,
        Tier::Turn,
        Tier::Time,
        Tier::None,
    ];
    let groups: Vec<_> = tiers
        .into_iter()
        .filter_map(|tier| group(tier, explanation, &near))
        .collect();
    let place = explanation.position.filter(|place| place.of > 1).map(|place| {
        view! {
            <div class="place-row">
                <Place rank=place.rank of=place.of />
                <p>
                    <strong>{format!("{} of {}", text::grouped(place.rank.into()), text::grouped(place.of.into()))}</strong>
                    " in its lane, in order of rank"
                </p>
            </div>
        }
    });
    let decision = explanation.decision_id.map(|id| {
        view! { <a href=seat.path(&format!("decisions/{id}"))>"The decision behind it"</a> }
    });
    let title = if explanation.verdict == Verdict::NotYet {
        "Why not yet"
    } else {
        "What is next"
    };
    view! {
        <section class="panel why" aria-labelledby="why">
            <p class="eyebrow">{title}</p>
            <h2 id="why" class="headline">{explanation.headline.clone()}</h2>
            {groups}
            {place}
            <p class="quiet small">
                {decision} " Found " <Moment at=explanation.evaluated_at now=seat.now /> "; looked at again "
                <Moment at=explanation.recheck_at now=seat.now /> " at the latest."
            </p>
        </section>
    }
    .into_any()
}

/// The panel while the conductor cannot be asked.
pub fn unknown() -> AnyView {
    view! {
        <section class="panel why" aria-labelledby="why">
            <p class="eyebrow">"Why not yet"</p>
            <h2 id="why" class="headline">"The conductor of this workspace is changing hands."</h2>
            <p>"The reason is back in a moment. Nothing is lost, and its place is kept."</p>
        </section>
    }
    .into_any()
}

fn group(tier: Tier, explanation: &Explanation, near: &Near<'_>) -> Option<AnyView> {
    let blockers: Vec<_> = explanation
        .blockers
        .iter()
        .filter(|blocker| blocker.tier == tier)
        .map(|held| blocker(held, explanation.evaluated_at, near))
        .collect();
    (!blockers.is_empty()).then(|| {
        view! {
            <div class="blockers">
                <h3><TierMark tier /></h3>
                <ul role="list">{blockers}</ul>
            </div>
        }
        .into_any()
    })
}

fn blocker(blocker: &Blocker, found_at: Time, near: &Near<'_>) -> AnyView {
    let clause = words::blocker(blocker, found_at);
    let since = blocker.since.map(|since| {
        view! { <span class="quiet">"since " <Moment at=since now=near.seat.now /></span> }
    });
    let unblocks = blocker.unblocks_when.map(|when| {
        view! { <p>"It goes on when " {text::unblock(when)} "." {eta(blocker.eta, near.seat)}</p> }
    });
    let actions: Vec<_> = blocker
        .actions
        .iter()
        .map(|&action| text::action(action))
        .collect();
    let actions = (!actions.is_empty())
        .then(|| view! { <p class="quiet">"What would help: " {actions.join(", ")} "."</p> });
    view! {
        <li class="blocker">
            <p class="blocker-head"><strong>{sentence(&clause, blocker.resource.as_deref())}</strong> " " {since}</p>
            {picture(blocker, near)}
            {holders(blocker, near)}
            {tasks(blocker, near)}
            {unblocks}
            {actions}
        </li>
    }
    .into_any()
}

fn eta(eta: Option<Eta>, seat: &Seat) -> Option<AnyView> {
    let Eta { p50, p90, method } = eta?;
    let later = (p90 != p50).then(|| {
        view! { ", and " <Moment at=p90 now=seat.now /> " if it goes slowly" }
    });
    Some(
        view! {
            " Expected "
            <Moment at=p50 now=seat.now />
            {later}
            <span class="quiet">" (" {text::method(method)} ")"</span>
            "."
        }
        .into_any(),
    )
}

/// Have, need and limit as a bar: what there is, and a line at what it takes.
fn picture(blocker: &Blocker, near: &Near<'_>) -> Option<AnyView> {
    let counted = matches!(
        blocker.code,
        Code::RateLimited
            | Code::NoFreeSlot
            | Code::NeverFits
            | Code::BudgetExhausted
            | Code::BudgetWindow
    );
    let (have, need, limit) = (
        blocker.have?,
        blocker.need?,
        blocker.limit.filter(|_| counted)?,
    );
    let whole = limit.max(need).max(f64::EPSILON);
    let unit = blocker
        .resource
        .as_deref()
        .and_then(|name| unit(blocker.code, name, near.budgets));
    let said = |value: f64| match unit {
        Some(unit) => words::amount(value.max(0.0) as u64, unit),
        None => text::number(value),
    };
    let parts = vec![Part {
        share: have.max(0.0) / whole,
        class: "part-have",
    }];
    Some(
        view! {
            <div class="have-need">
                <Meter parts line=Some(need / whole) />
                <p class="quiet small">
                    <span class="key-have">{said(have)} " there"</span>
                    <span class="key-need">{said(need)} " needed"</span>
                    <span>{said(limit)} " at most"</span>
                </p>
            </div>
        }
        .into_any(),
    )
}

fn unit(code: Code, name: &str, budgets: &[BudgetView]) -> Option<Unit> {
    if !matches!(code, Code::BudgetExhausted | Code::BudgetWindow) {
        return None;
    }
    budgets
        .iter()
        .find(|budget| budget.row.spec.name == name)
        .map(|budget| budget.row.spec.unit)
}

fn holders(blocker: &Blocker, near: &Near<'_>) -> Option<AnyView> {
    let holder = |holder: &Holder| {
        let task = holder.task.and_then(|id| near.others.get(&id));
        match task {
            Some(task) => {
                let agent = task
                    .lease
                    .as_ref()
                    .map(|lease| format!("{}, ", lease.agent_name));
                let amount = holder.amount;
                view! {
                    <li>
                        {link(task, near.seat)} <span class="quiet">" " {agent} {amount} " held"</span>
                    </li>
                }
                .into_any()
            }
            None => view! { <li class="quiet">"another workspace, " {holder.amount} " held"</li> }
                .into_any(),
        }
    };
    (!blocker.holders.is_empty()).then(|| {
        view! {
            <div class="holders">
                <p class="quiet small">"Held by"</p>
                <ul role="list">{blocker.holders.iter().map(holder).collect_view()}</ul>
            </div>
        }
        .into_any()
    })
}

fn tasks(blocker: &Blocker, near: &Near<'_>) -> Option<AnyView> {
    let named: Vec<_> = blocker
        .tasks
        .iter()
        .filter_map(|id| near.others.get(id))
        .map(|task| view! { <li><StateMark state=task.state /> " " {link(task, near.seat)}</li> })
        .collect();
    (!named.is_empty()).then(|| view! { <ul class="holders" role="list">{named}</ul> }.into_any())
}

fn link(task: &TaskListed, seat: &Seat) -> impl IntoView + use<> {
    view! { <a href=seat.path(&format!("tasks/{}", task.id))>{task.title.clone()}</a> }
}

/// With a capital and a full stop; a name at its beginning stays as it is written.
fn sentence(clause: &str, name: Option<&str>) -> String {
    if name.is_some_and(|name| clause.starts_with(name)) {
        return format!("{clause}.");
    }
    let mut chars = clause.chars();
    let first: String = chars
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}
