//! The list of decisions: newest first, by kind.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::DecisionKind;
use store::read::{DecisionFilter, DecisionListed, Page};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::decision_line::{Around, decision_lines};
use crate::components::pager::Pager;
use crate::text;

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
    kind: Option<DecisionKind>,
    inside: bool,
    next: Option<String>,
    decisions: Vec<DecisionListed>,
    around: Around,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let kind = asked
        .param("kind")
        .map(|word| named(&word).ok_or(PageError::NotFound))
        .transpose()?;
    let after = asked
        .param("after")
        .map(|id| id.parse().map_err(|_| PageError::NotFound))
        .transpose()?;
    let filter = DecisionFilter {
        kind,
        ..DecisionFilter::default()
    };
    let (store, workspace) = (seat.store(), seat.workspace);
    let listed = store
        .decisions(workspace, &filter, Page { limit: ROWS, after })
        .await?;
    let tasks: Vec<_> = listed
        .items
        .iter()
        .filter_map(|listed| listed.decision.task)
        .collect();
    let around = Around {
        slug: seat.slug.clone(),
        titles: store.titles(workspace, &tasks).await?,
        now: seat.now,
        name_task: true,
    };
    Ok(Data {
        kind,
        inside: after.is_some(),
        next: listed.next.map(|id| id.to_string()),
        decisions: listed.items,
        around,
        seat,
    })
}

fn named(word: &str) -> Option<DecisionKind> {
    DecisionKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == word)
}

fn show(data: Data) -> AnyView {
    let Data {
        seat,
        kind: chosen,
        inside,
        next,
        decisions,
        around,
    } = data;
    let base = seat.path("decisions");
    let address = |kind: Option<DecisionKind>| match kind {
        Some(kind) => format!("{base}?kind={}", kind.as_str()),
        None => base.clone(),
    };
    let tab = |kind: Option<DecisionKind>| {
        let current = (kind == chosen).then_some("page");
        view! { <a href=address(kind) aria-current=current>{kind.map_or("all", text::kind)}</a> }
    };
    let tabs: Vec<_> = std::iter::once(None)
        .chain(KINDS.map(Some))
        .map(tab)
        .collect();
    let list = address(chosen);
    let lines = if decisions.is_empty() {
        view! { <p class="empty">"No such decision has been made yet."</p> }.into_any()
    } else {
        decision_lines(decisions, &around)
    };
    view! {
        <Title text=format!("Decisions · {}", seat.name) />
        <header class="page-head">
            <h1>"Decisions"</h1>
            <p class="quiet">"What Baton and people decided, each with the reasons it was made from. Nothing here is ever changed."</p>
        </header>
        <nav class="tabs" aria-label="Kinds">
            {tabs}
        </nav>
        <div id="lines" data-live data-hold>
            {lines}
            <Pager list inside next />
        </div>
    }
    .into_any()
}
