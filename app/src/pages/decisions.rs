//! The list of decisions: newest first, by kind, by whom and what they are about, and by time.

pub mod filters;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::DecisionKind;
use store::read::{DecisionListed, Listed, Page};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::decision_line::{Around, decision_lines, kept_lines};
use crate::components::export::export;
use crate::components::pager::Pager;
use crate::components::snippets::hand_in_a_task;
use crate::markup::{Markup, Written};
use crate::text;
use filters::{Filters, Known};

/// Rows of a page.
const ROWS: u32 = 50;

/// The kinds that are made so far, the commonest first.
const KINDS: [DecisionKind; 9] = [
    DecisionKind::Dispatch,
    DecisionKind::NotYet,
    DecisionKind::Override,
    DecisionKind::Throttle,
    DecisionKind::Budget,
    DecisionKind::Fuse,
    DecisionKind::Expiry,
    DecisionKind::Reprioritise,
    DecisionKind::Policy,
];

/// All decisions of a workspace.
#[component]
pub fn Decisions() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    filters: Filters,
    known: Known,
    inside: bool,
    next: Option<String>,
    decisions: Vec<DecisionListed>,
    /// Decisions that the page shows and that are no longer among these.
    kept: Vec<DecisionListed>,
    around: Around,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let filters = Filters::of(&|name| asked.param(name))?;
    let after = asked
        .param("after")
        .map(|id| id.parse().map_err(|_| PageError::Unfit))
        .transpose()?;
    let known = Known::of(&seat).await;
    let (store, workspace) = (seat.store(), seat.workspace);
    let page = Page { limit: ROWS, after };
    let listed = match filters.store(&seat, &known).await? {
        Some(filter) => store.decisions(workspace, &filter, page).await?,
        None => Listed {
            items: Vec::new(),
            next: None,
        },
    };
    let kept = asked.kept(listed.items.iter().map(|listed| listed.decision.id.0));
    let kept = store.decisions_by_id(workspace, &kept).await?;
    let tasks: Vec<_> = listed
        .items
        .iter()
        .chain(&kept)
        .filter_map(|listed| listed.decision.task)
        .collect();
    let around = Around {
        slug: seat.slug.clone(),
        titles: store.titles(workspace, &tasks).await?,
        now: seat.now,
        name_task: true,
        of_task: None,
    };
    Ok(Data {
        filters,
        known,
        inside: after.is_some(),
        next: listed.next.map(|id| id.to_string()),
        decisions: listed.items,
        kept,
        around,
        seat,
    })
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        filters,
        known,
        inside,
        next,
        decisions,
        kept,
        around,
    } = data;
    let base = seat.path("decisions");
    let tab = |kind: Option<DecisionKind>| {
        let current = (kind == filters.kind).then_some("page");
        let href = filters::address(&filters.of_kind(kind), &base);
        view! { <a href=href aria-current=current>{kind.map_or("all", text::kind)}</a> }
    };
    let tabs: Vec<_> = std::iter::once(None)
        .chain(KINDS.map(Some))
        .map(tab)
        .collect();
    let list = filters::address(&filters, &base);
    let lines = if decisions.is_empty() {
        empty(&filters, next.is_some(), &seat)
    } else {
        decision_lines(decisions, &around)
    };
    let kept = kept_lines(kept, &around);
    view! {
        <Title text=format!("Decisions · {}", seat.name) />
        <header class="page-head page-head-row">
            <div>
                <h1>"Decisions"</h1>
                <p class="quiet">
                    "What Baton and people decided, each with the reasons it was made from. Nothing here is ever changed."
                </p>
            </div>
            {export(&base, &filters.pairs())}
        </header>
        {filters::form(&filters, &base, &known)}
        <nav class="tabs" aria-label="Kinds">
            {tabs}
        </nav>
        <div id="lines" tabindex="-1" data-live data-hold=if inside { "inside" } else { "open" }>
            {lines}
            {kept}
            <Pager list inside next />
        </div>
    }
    .written()
}

fn empty(filters: &Filters, goes_on: bool, seat: &Seat) -> Markup {
    if goes_on {
        return view! {
            <p class="empty">"No decision fits among those looked at so far. There are older ones."</p>
        }
        .written();
    }
    if filters.is_reversed() {
        return view! { <p class="empty">"No decision can fit: the time ends before it begins."</p> }
            .written();
    }
    if !filters.pairs().is_empty() {
        let all = seat.path("decisions");
        return view! {
            <p class="empty">
                "No decision fits. Another kind or other words may find it, or look at " <a href=all>"all decisions"</a> "."
            </p>
        }
        .written();
    }
    view! {
        <section class="panel first-steps">
            <h2>"Nothing has been decided yet"</h2>
            <p>
                "The first decision is made when an agent asks for work. " <a href=seat.path("tasks/new")>"Hand in a task"</a>
                " for it, or have a program do it:"
            </p>
            {hand_in_a_task(&seat.slug)}
        </section>
    }
    .written()
}
