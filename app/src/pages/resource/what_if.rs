//! "With 6 slots instead of 4": answered by the core before anything is changed.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::bounds::{SLOTS, is_refill};
use scheduler::{
    Outlook, PutResource, Query, Request, ResourceKind, ResourceView, TaskCourse, TaskId, Time,
    View, WhatIf, words,
};

use super::super::Asked;
use crate::access::{PageError, Seat};
use crate::acts::limits::may_change;
use crate::components::act_form::ActForm;
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::islands::what_if::WhatIfSlider;
use crate::markup::{Markup, Written};
use crate::text;

/// Tasks shown with when they would start.
const SHOWN: usize = 8;

/// A limit that was asked about, and what would follow.
pub struct Supposition {
    kind: ResourceKind,
    /// Or why there is none.
    answer: Result<Box<Outlook>, &'static str>,
}

impl Supposition {
    /// Tasks to be named.
    pub fn tasks(&self) -> impl Iterator<Item = TaskId> {
        let moved = self.answer.iter().flat_map(|outlook| moved(outlook));
        moved.map(|course| course.task)
    }
}

/// The tasks that are shown: those that would start at another time.
fn moved(outlook: &Outlook) -> impl Iterator<Item = &TaskCourse> {
    let moved = outlook.tasks.iter().filter(|course| course.differs());
    moved.take(SHOWN)
}

/// Asks the core about the limit in the address, if there is one.
pub async fn suppose(
    seat: &Seat,
    resource: &ResourceView,
    asked: &Asked,
) -> Result<Option<Supposition>, PageError> {
    // The answer is as of its moment: an open page keeps it until somebody asks again.
    let Some(wanted) = wanted(&resource.spec.kind, asked).filter(|_| !asked.again()) else {
        return Ok(None);
    };
    let kind = match wanted {
        Ok(kind) => kind,
        Err(fault) => {
            return Ok(Some(Supposition {
                kind: resource.spec.kind.clone(),
                answer: Err(fault),
            }));
        }
    };
    let change = PutResource {
        id: resource.spec.id,
        name: resource.spec.name.clone(),
        pool_wide: resource.spec.workspace.is_none(),
        kind: kind.clone(),
        adaptive: resource.spec.adaptive,
    };
    let query = Query::WhatIf {
        actor: asked.actor()?,
        changes: vec![Request::PutResource(change)],
    };
    match seat.ask(query).await? {
        View::WhatIf { answer } => {
            let answer = match answer {
                WhatIf::Outlook(outlook) => Ok(outlook),
                WhatIf::Refused { .. } => Err("Such a limit cannot be set."),
            };
            Ok(Some(Supposition { kind, answer }))
        }
        _ => Err(PageError::Broken),
    }
}

/// The limit that the address asks about, or what is wrong with it.
fn wanted(now: &ResourceKind, asked: &Asked) -> Option<Result<ResourceKind, &'static str>> {
    let slots = |text: String| match text.parse() {
        Ok(slots) if slots <= SLOTS => Ok(ResourceKind::Slots { slots }),
        _ => Err("Slots are a whole number, 10,000 at most."),
    };
    let bucket = |refill: String, capacity: u32| {
        let capacity = asked
            .param("capacity")
            .map_or(Ok(capacity), |text| text.parse());
        match (capacity, refill.parse()) {
            (Ok(capacity @ 1..), Ok(refill_per_s)) if is_refill(refill_per_s) => {
                Ok(ResourceKind::Bucket {
                    capacity,
                    refill_per_s,
                })
            }
            _ => {
                Err("A bucket holds a whole number of at least 1, and refills by a number above 0.")
            }
        }
    };
    match now {
        ResourceKind::Slots { .. } => asked.param("slots").map(slots),
        ResourceKind::Bucket { capacity, .. } => asked
            .param("refill_per_s")
            .map(|refill| bucket(refill, *capacity)),
    }
}

/// The question, and below it the answer.
pub fn panel(
    resource: &ResourceView,
    supposed: Option<Supposition>,
    titles: &HashMap<TaskId, String>,
    here: &str,
    seat: &Seat,
) -> Markup {
    let wanted = supposed
        .as_ref()
        .map_or(&resource.spec.kind, |one| &one.kind);
    let fields = fields(&resource.spec.kind, wanted);
    let answer = supposed.map(|supposed| match supposed.answer {
        Ok(outlook) => answer(resource, &supposed.kind, &outlook, titles, seat),
        Err(fault) => view! { <p class="fault">{fault}</p> }.written(),
    });
    view! {
        <section class="panel" aria-labelledby="what-if-head">
            <h2 id="what-if-head">"What if"</h2>
            <form id="what-if-form" class="what-if" method="get" action=here.to_owned()>
                {fields}
                <button class="button">"Ask"</button>
            </form>
            <div id="what-if" role="status">{answer}</div>
        </section>
    }
    .written()
}

fn fields(now: &ResourceKind, wanted: &ResourceKind) -> Markup {
    match (now, wanted) {
        (ResourceKind::Slots { slots: now }, ResourceKind::Slots { slots }) => {
            let most = f64::from((now * 2).max(8).max(*slots));
            let label = format!("Slots, instead of {now}");
            view! {
                <label for="what-if-main">{label}</label>
                <input id="what-if-main" type="number" name="slots" min="0" value=*slots required />
                <WhatIfSlider most value=f64::from(*slots) step=1.0 />
            }
            .written()
        }
        (
            ResourceKind::Bucket {
                capacity: had,
                refill_per_s: now,
            },
            ResourceKind::Bucket {
                capacity,
                refill_per_s,
            },
        ) => {
            let most = (now * 4.0).max(*refill_per_s);
            let label = format!("Refill a second, instead of {}", text::number(*now));
            let size = format!("Capacity, instead of {}", text::grouped((*had).into()));
            view! {
                <label for="what-if-main">{label}</label>
                <input id="what-if-main" type="number" name="refill_per_s" min="0" step="any"
                    value=refill_per_s.to_string() required />
                <WhatIfSlider most value=*refill_per_s step=most / 40.0 />
                <label for="what-if-capacity">{size}</label>
                <input id="what-if-capacity" type="number" name="capacity" min="1" value=*capacity required />
            }
            .written()
        }
        _ => ().written(),
    }
}

fn answer(
    resource: &ResourceView,
    kind: &ResourceKind,
    outlook: &Outlook,
    titles: &HashMap<TaskId, String>,
    seat: &Seat,
) -> Markup {
    let headline = words::outlook(outlook);
    let left_out = (outlook.left_out > 0).then(|| {
        let (played, left) = (text::grouped(outlook.played.into()), text::grouped(outlook.left_out.into()));
        view! { <p class="quiet">{format!("The first {played} were simulated; {left} more wait behind them.")}</p> }
    });
    let tasks = tasks(outlook, titles, seat);
    let (at, counts) = (outlook.at, counts(outlook));
    let make_it_so = make_it_so(resource, kind, seat);
    view! {
        <p class="reasoning">{headline}</p>
        {counts}
        {tasks}
        {left_out}
        <p class="quiet small">"As of " <Moment at now=seat.now /> ", " {words::PLAYED} "."</p>
        {make_it_so}
    }
    .written()
}

/// What waits, by reason, in both courses.
fn counts(outlook: &Outlook) -> Option<Markup> {
    let count = |course: &scheduler::Course, code| {
        let found = course.waiting.iter().find(|one| one.code == code);
        found.map_or(0, |one| one.tasks)
    };
    let mut codes: Vec<_> = outlook
        .as_it_is
        .waiting
        .iter()
        .chain(&outlook.changed.waiting)
        .collect();
    codes.sort_by_key(|one| (one.tier, one.code));
    codes.dedup_by_key(|one| one.code);
    let rows = codes.into_iter().map(|one| {
        let (before, after) = (
            count(&outlook.as_it_is, one.code),
            count(&outlook.changed, one.code),
        );
        view! {
            <tr>
                <th scope="row">{text::code(one.code)}</th>
                <td class="number quiet">{text::grouped(before.into())}</td>
                <td class="number">{text::grouped(after.into())}</td>
            </tr>
        }
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| {
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"What waits, and for what"</th>
                        <th scope="col" class="number">"as it is"</th>
                        <th scope="col" class="number">"then"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .written()
    })
}

/// The next tasks that would start at another time, and when in both courses.
fn tasks(outlook: &Outlook, titles: &HashMap<TaskId, String>, seat: &Seat) -> Option<Markup> {
    let at = |at: Option<Time>| match at {
        Some(at) if at <= outlook.at => view! { "at once" }.written(),
        Some(at) => view! { <Moment at now=seat.now /> }.written(),
        None => view! { "not foreseen" }.written(),
    };
    let row = |course: &TaskCourse| {
        let title = titles
            .get(&course.task)
            .cloned()
            .unwrap_or_else(|| "a task".to_owned());
        view! {
            <tr>
                <td class="wide">{title_link(seat.path(&format!("tasks/{}", course.task)), &title)}</td>
                <td class="number quiet">{at(course.as_it_is)}</td>
                <td class="number">{at(course.changed)}</td>
            </tr>
        }
    };
    let rows: Vec<_> = moved(outlook).map(row).collect();
    (!rows.is_empty()).then(|| {
        view! {
            <div class="scroll" tabindex="0" role="group" aria-label="What would start at another time">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Would start"</th>
                            <th scope="col" class="number">"as it is"</th>
                            <th scope="col" class="number">"then"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .written()
    })
}

/// The very change that was asked about.
fn make_it_so(resource: &ResourceView, kind: &ResourceKind, seat: &Seat) -> Option<Markup> {
    if *kind == resource.spec.kind || !may_change(seat, &resource.spec) {
        return None;
    }
    let form = ActForm::new("set_resource", seat)?.id("make-it-so");
    let form = form.with("name", resource.spec.name.clone());
    let form = match kind {
        ResourceKind::Slots { slots } => {
            form.with("kind", "slots").with("slots", slots.to_string())
        }
        ResourceKind::Bucket {
            capacity,
            refill_per_s,
        } => form
            .with("kind", "bucket")
            .with("capacity", capacity.to_string())
            .with("refill_per_s", refill_per_s.to_string()),
    };
    let form = match resource.spec.adaptive {
        Some(adaptive) => form
            .with("adaptive_min", adaptive.min.to_string())
            .with("adaptive_max", adaptive.max.to_string()),
        None => form,
    };
    Some(form.show("Make it so", ()))
}
