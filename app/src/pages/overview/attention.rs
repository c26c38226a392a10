//! What only a person can move on: one line a lane and reason, with its first task.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{Code, Needed, Query, Summary, TaskId, TaskState, Tier, View};

use crate::access::{PageError, Seat};
use crate::components::mark::{glyph, tier_path};
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// Lines shown at most.
const LINES: usize = 5;

/// Tasks that need somebody.
#[derive(Debug, Default)]
pub struct Attention {
    lines: Vec<Line>,
    /// Tasks of which no line tells.
    others: u32,
}

#[derive(Debug)]
struct Line {
    needed: Needed,
    title: String,
}

impl Attention {
    /// What needs somebody, the most first; the conductor is asked only if there is any.
    pub async fn load(seat: &Seat, summary: Option<&Summary>) -> Result<Self, PageError> {
        let any = summary.is_some_and(|summary| {
            let mut tiers = summary.pending_by_tier.iter();
            tiers.any(|&(tier, count)| tier == Tier::NeedsYou && count > 0) || summary.in_review > 0
        });
        if !any {
            return Ok(Self::default());
        }
        let Ok(View::Needed { mut needed }) = seat.ask(Query::Needed).await else {
            return Ok(Self::default());
        };
        let untold = needed.split_off(needed.len().min(LINES));
        let tasks: Vec<TaskId> = needed.iter().map(|needed| needed.task).collect();
        let mut titles: HashMap<_, _> = seat.store().titles(seat.workspace, &tasks).await?;
        let named = |needed: Needed| Line {
            title: titles
                .remove(&needed.task)
                .unwrap_or_else(|| "a task".to_owned()),
            needed,
        };
        Ok(Self {
            lines: needed.into_iter().map(named).collect(),
            others: untold.iter().map(|needed| needed.wait.waiting).sum(),
        })
    }
}

/// Of tasks that a person has to move on, only results in review are not waiting to start.
fn reason(code: Code) -> &'static str {
    match code {
        Code::NeedsApproval => text::state(TaskState::InReview),
        code => text::code(code),
    }
}

/// The panel; it keeps its place where nobody is needed.
pub fn attention(Attention { lines, others }: Attention, seat: &Seat) -> Markup {
    if lines.is_empty() {
        return view! {
            <section class="panel" aria-labelledby="attention">
                <h2 id="attention">"Needs you"</h2>
                <div class="steady" data-slots><p class="quiet">"Nothing: everything goes on without you."</p></div>
            </section>
        }
        .written();
    }
    let line = |Line { needed, title }: Line| {
        let Needed { task, lane, wait } = needed;
        let others = wait.waiting.saturating_sub(1);
        let others = (others > 0).then(|| format!("and {others} more"));
        view! {
            <li class="needed" data-key=format!("{lane}-{}", wait.code.as_str())>
                <span class="mark tier-needs-you">
                    {glyph(tier_path(Tier::NeedsYou))} <span>{reason(wait.code)}</span>
                </span>
                <span class="needed-words">
                    {title_link(seat.path(&format!("tasks/{task}")), &title)}
                    " "
                    <span class="quiet">{others}</span>
                    <span class="needed-about">{wait.headline}</span>
                </span>
            </li>
        }
    };
    let lines = lines.into_iter().map(line).collect_view();
    let others = (others > 0).then(|| {
        let words = format!(
            "and {} for other reasons",
            text::count(others.into(), "more task")
        );
        view! { <li class="needed-rest"><a href=seat.path("tasks?state=pending")>{words}</a></li> }
    });
    view! {
        <section class="panel panel-needs-you" aria-labelledby="attention">
            <h2 id="attention">"Needs you"</h2>
            <div class="steady" data-slots><ul role="list">{lines} {others}</ul></div>
        </section>
    }
    .written()
}
