//! One resource: how it stands, who holds it, who waits, how it went, and what another limit would do.

mod history;
mod lists;
mod what_if;

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{AgentId, Query, ResourceView, TaskId, View, Waiting};
use store::history::ResourcePoint;
use store::read::{DecisionFilter, DecisionListed, Page};

use super::resources::{all, limit_form};
use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::acts::limits::may_change;
use crate::components::act_form::{ActForm, asking};
use crate::components::decision_line::{Around, decision_lines};
use crate::components::gauge::{closed, level, limit, resource_meter};
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;
use history::Range;
use what_if::Supposition;

/// Tasks of the waitlist that are shown.
const WAITING: u32 = 25;
/// Decisions about it that are shown.
const DECISIONS: u32 = 6;

/// One resource.
#[component]
pub fn ResourcePage() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    resource: ResourceView,
    waiting: Vec<Waiting>,
    titles: HashMap<TaskId, String>,
    agents: HashMap<AgentId, String>,
    range: Range,
    points: Vec<ResourcePoint>,
    refusals: Vec<(scheduler::Time, u64)>,
    decisions: Vec<DecisionListed>,
    supposition: Option<Supposition>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let name = asked.name();
    let resources = all(&seat).await?.into_iter();
    let resource = own_first(resources.filter(|one| one.spec.name == name).collect());
    let resource = resource.ok_or(PageError::NotFound)?;
    let range = Range::named(asked.param("range").as_deref());
    let (id, from, step) = (resource.spec.id, range.from(seat.now), range.step());
    let waitlist = Query::Waitlist {
        resource: name,
        limit: WAITING,
    };
    let filter = DecisionFilter {
        resource: Some(id),
        kind: Some(scheduler::DecisionKind::Throttle),
        ..DecisionFilter::default()
    };
    let page = Page {
        limit: DECISIONS,
        after: None,
    };
    let store = seat.store();
    let (waiting, agents, points, refusals, decisions, supposition) = futures::try_join!(
        seat.ask(waitlist),
        seat.ask(Query::Agents),
        async { Ok(store.resource_history(id, from, step).await?) },
        async { Ok(store.refusal_history(id, from, step).await?) },
        async { Ok(store.decisions(seat.workspace, &filter, page).await?) },
        what_if::suppose(&seat, &resource, &asked),
    )?;
    let (View::Waitlist { waiting }, View::Agents { agents }) = (waiting, agents) else {
        return Err(PageError::Broken);
    };
    let held = resource.holders.iter().filter_map(|holder| holder.task);
    let supposed = supposition.iter().flat_map(Supposition::tasks);
    let tasks: Vec<TaskId> = held
        .chain(waiting.iter().map(|one| one.task))
        .chain(supposed)
        .collect();
    Ok(Data {
        titles: store.titles(seat.workspace, &tasks).await?,
        agents: agents
            .into_iter()
            .map(|agent| (agent.id, agent.name))
            .collect(),
        decisions: decisions.items,
        seat,
        resource,
        waiting,
        range,
        points,
        refusals,
        supposition,
    })
}

/// A workspace's own resource hides the pool's of the same name.
fn own_first(mut named: Vec<ResourceView>) -> Option<ResourceView> {
    named.sort_by_key(|one| one.spec.workspace.is_none());
    named.into_iter().next()
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        resource,
        waiting,
        titles,
        agents,
        range,
        points,
        refusals,
        decisions,
        supposition,
    } = data;
    let name = resource.spec.name.clone();
    let here = seat.path(&format!("resources/{}", text::escaped(&name)));
    let charts = history::charts(&resource, range, &points, &refusals, &here, seat.now);
    let supposed = what_if::panel(&resource, supposition, &titles, &here, &seat);
    let around = Around {
        slug: seat.slug.clone(),
        titles: HashMap::new(),
        now: seat.now,
        name_task: false,
        of_task: None,
    };
    let edit = limit_form(&seat, Some(&resource.spec)).map(|(_, form)| {
        view! {
            <section class="panel" aria-labelledby="limit">
                <h2 id="limit">"Limit"</h2>
                {form}
            </section>
        }
    });
    let decided = (!decisions.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="decided">
                <h2 id="decided">"What was decided about it"</h2>
                {decision_lines(decisions, &around)}
            </section>
        }
    });
    view! {
        <Title text=format!("{name} · {}", seat.name) />
        <div class="with-aside">
            <header class="page-head">
                <p class="eyebrow"><a href=seat.path("resources")>"Resources"</a></p>
                <h1>{name}</h1>
            </header>
            <div class="column">
                <section id="gauge" class="panel" aria-label="Now" data-live data-act-region>
                    {gauge(&resource, &seat)}
                </section>
                {supposed}
                <section id="history" class="panel" aria-labelledby="history-head" data-live>{charts}</section>
                <section id="waitlist" class="panel" aria-labelledby="waits" data-live>
                    {lists::waitlist(&resource, waiting, &titles, &seat)}
                </section>
                {decided}
            </div>
            <div class="column column-side">
                <section id="holders" class="panel" aria-labelledby="holds" data-live>
                    {lists::holders(&resource, &titles, &agents, &seat)}
                </section>
                {edit}
                {by_hand(&resource, &seat)}
            </div>
        </div>
    }
    .written()
}

fn gauge(resource: &ResourceView, seat: &Seat) -> Markup {
    let full = resource.refills_at.map(|at| {
        view! { <span>"full " <Moment at now=seat.now /></span> }
    });
    let saves = resource.reserved_for.is_some().then(|| {
        view! { <span>"saving up for a larger task that has waited long"</span> }
    });
    let shared = resource.spec.workspace.is_none().then(|| {
        view! { <span>"shared with the other workspaces of the pool"</span> }
    });
    let adapts = resource.spec.adaptive.map(|adaptive| {
        let (min, max) = (text::number(adaptive.min), text::number(adaptive.max));
        view! { <span>{format!("adapts between {min} and {max}")}</span> }
    });
    view! {
        <p class="figure">{level(resource)}</p>
        {resource_meter(resource)}
        {closed(resource, seat.now)}
        <p class="gauge-foot quiet"><span>{limit(&resource.spec.kind)}</span> {full} {adapts} {saves} {shared}</p>
    }
    .written()
}

/// Close and reopen; `None` for a reader who may not.
fn by_hand(resource: &ResourceView, seat: &Seat) -> Option<Markup> {
    if !may_change(seat, &resource.spec) {
        return None;
    }
    let name = resource.spec.name.clone();
    let act = if resource.closed_until.is_some() {
        let form = ActForm::new("reopen_resource", seat)?.with("name", name);
        let why = form
            .field("reason", "Why")
            .hint("Kept with the decision.")
            .line();
        let opens = form.was_refused();
        asking("Open it again", opens, form.show("Open it now", why))
    } else {
        let form = ActForm::new("close_resource", seat)?.with("name", name);
        let minutes = form
            .field("minutes", "For how many minutes")
            .holding("60")
            .required()
            .number();
        let why = form
            .field("reason", "Why")
            .hint("Kept with the decision.")
            .required()
            .line();
        let opens = form.was_refused();
        let form = form
            .grave()
            .show("Close it for everyone", view! { {minutes} {why} });
        asking("Close it", opens, form)
    };
    let panel = view! {
        <section id="by-hand" class="panel" aria-labelledby="by-hand-head" data-act-region>
            <h2 id="by-hand-head">"By hand"</h2>
            <p class="quiet">"A closed resource lets nothing new through; what runs goes on."</p>
            {act}
        </section>
    };
    Some(panel.written())
}
