//! What is shared and limited: every resource, how it stands, and who waits for it.

mod form;

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Query, ResourceId, ResourceView, View};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::act_form::asking;
use crate::components::export::export;
use crate::components::gauge::{closed, level, limit, resource_meter};
use crate::components::moment::Moment;
use crate::components::snippets::set_limits;
use crate::lists;
use crate::markup::{Markup, Written};
use crate::text;

pub use form::limit_form;

/// All resources of a workspace.
#[component]
pub fn Resources() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    resources: Vec<ResourceView>,
    refusals: HashMap<ResourceId, u64>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let (resources, refusals) = lists::resources(&seat).await?;
    Ok(Data {
        seat,
        resources,
        refusals,
    })
}

/// The resources this workspace can use, as they stand.
pub async fn all(seat: &Seat) -> Result<Vec<ResourceView>, PageError> {
    match seat.ask(Query::Resources).await? {
        View::Resources { resources } => Ok(resources),
        _ => Err(PageError::Broken),
    }
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        resources,
        refusals,
    } = data;
    let lead = lead(&resources);
    let export = (!resources.is_empty()).then(|| export(&seat.path("resources"), &[]));
    let none_yet = resources.is_empty();
    let nothing = none_yet.then(|| teach(&seat));
    let rows = resources
        .into_iter()
        .map(|resource| {
            let refused = refusals.get(&resource.spec.id).copied().unwrap_or(0);
            row(&resource, refused, &seat)
        })
        .collect_view();
    let create = limit_form(&seat, None).map(|(refused, form)| {
        let form = asking("New resource", refused || none_yet, form);
        view! { <div class="create">{form}</div> }
    });
    view! {
        <Title text=format!("Resources · {}", seat.name) />
        <div class="with-aside">
            <header class="page-head page-head-row">
                <div>
                    <p class="eyebrow">"Resources"</p>
                    <h1 id="resources-lead" class="lead" data-live>{lead}</h1>
                </div>
                {export}
            </header>
            {create}
            <div class="column">
                {nothing}
                <ul id="resources" class="limits" role="list" data-live data-act-region>{rows}</ul>
            </div>
        </div>
    }
    .written()
}

fn lead(resources: &[ResourceView]) -> String {
    let shut = |resource: &&ResourceView| resource.closed_until.is_some();
    let holding = resources
        .iter()
        .filter(|resource| resource.waiting_tasks > 0);
    let waiting: u32 = holding.clone().map(|resource| resource.waiting_tasks).sum();
    match (resources.len(), resources.iter().filter(shut).count()) {
        (0, _) => "No shared limit is set.".to_owned(),
        (all, 0) if waiting == 0 => match all {
            1 => "The one limit lets everything through.".to_owned(),
            2 => "Both limits let everything through.".to_owned(),
            all => format!("All {all} limits let everything through."),
        },
        (_, shut) => {
            let held = match holding.count() {
                0 => "Nothing waits for a limit".to_owned(),
                1 => format!("{} for one limit", wait(waiting)),
                limits => format!("{} for {limits} limits", wait(waiting)),
            };
            let closed = match shut {
                0 => String::new(),
                1 => "; one is closed".to_owned(),
                shut => format!("; {shut} are closed"),
            };
            format!("{held}{closed}.")
        }
    }
}

fn wait(tasks: u32) -> String {
    let verb = if tasks == 1 { "waits" } else { "wait" };
    format!("{} {verb}", text::count(tasks.into(), "task"))
}

fn row(resource: &ResourceView, refused: u64, seat: &Seat) -> Markup {
    let name = resource.spec.name.clone();
    let href = seat.path(&format!("resources/{}", text::escaped(&name)));
    let waits = (resource.waiting_tasks > 0).then(|| {
        let lanes = text::count(resource.waiting_lanes.into(), "lane");
        view! { <span>{format!("{} in {lanes}", wait(resource.waiting_tasks))}</span> }
    });
    let refused = (refused > 0).then(|| {
        let times = text::count(refused, "time");
        view! { <span class="tone-bad">{format!("refused {times} in the last hour")}</span> }
    });
    let full = resource.refills_at.map(|at| {
        view! { <span>"full " <Moment at now=seat.now /></span> }
    });
    let shared = resource.spec.workspace.is_none().then(|| {
        view! { <span class="tag">"shared by the pool"</span> }
    });
    let (said, limited) = (level(resource), limit(&resource.spec.kind));
    let (shut, meter, key) = (
        closed(resource, seat.now),
        resource_meter(resource),
        name.clone(),
    );
    view! {
        <li class="panel limit" data-key=key>
            <div class="gauge-head">
                <h2 class="gauge-name"><a href=href>{name}</a></h2>
                <span class="gauge-words">{said}</span>
            </div>
            {meter}
            {shut}
            <p class="gauge-foot quiet"><span>{limited}</span> {shared} {full} {waits} {refused}</p>
        </li>
    }
    .written()
}

fn teach(seat: &Seat) -> Markup {
    let limits = [
        (
            "resources/google_search_api",
            r#"{"kind":"bucket","capacity":100,"refill_per_s":1}"#,
        ),
        ("resources/opus", r#"{"kind":"slots","slots":2}"#),
    ];
    view! {
        <section class="panel first-steps">
            <h2>"Say what is scarce"</h2>
            <p>
                "A rate limit of a provider, or a model that serves two calls at once. Tasks name what they require, and no agent runs into it any more. Use the form here, or a manager's key:"
            </p>
            {set_limits(&seat.slug, &limits)}
            <p class="quiet">"A task asks for it with " <code>"\"requires\":[{\"resource\":\"opus\",\"amount\":1}]"</code> "."</p>
        </section>
    }
    .written()
}
