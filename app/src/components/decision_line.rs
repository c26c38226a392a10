//! A decision in a list.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{Facts, TaskId, Time, words};
use store::read::DecisionListed;

use super::mark::KindMark;
use super::moment::Moment;
use super::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// What a list of decisions needs besides them.
#[derive(Clone, Debug)]
pub struct Around {
    /// The workspace's slug.
    pub slug: String,
    /// Titles of the tasks they are about.
    pub titles: HashMap<TaskId, String>,
    /// When the page was made.
    pub now: Time,
    /// Whether to name the task; not on its own page.
    pub name_task: bool,
    /// The task whose page it is.
    pub of_task: Option<TaskId>,
}

/// One line each, newest first.
pub fn decision_lines(decisions: Vec<DecisionListed>, around: &Around) -> Markup {
    let line = |listed: DecisionListed| decision_line(&listed, around);
    view! { <ol class="decisions" role="list">{decisions.into_iter().map(line).collect_view()}</ol> }
        .written()
}

/// Decisions that a page shows and that are no longer among those listed.
pub fn kept_lines(kept: Vec<DecisionListed>, around: &Around) -> Option<Markup> {
    (!kept.is_empty())
        .then(|| view! { <div hidden data-kept>{decision_lines(kept, around)}</div> }.written())
}

fn decision_line(listed: &DecisionListed, around: &Around) -> Markup {
    let decision = &listed.decision;
    let href = format!("/w/{}/decisions/{}", around.slug, decision.id);
    let task = decision.task.filter(|_| around.name_task).map(|task| {
        let href = format!("/w/{}/tasks/{task}", around.slug);
        let title = around
            .titles
            .get(&task)
            .cloned()
            .unwrap_or_else(|| "a task".to_owned());
        view! { <span class="decision-task">{title_link(href, &title)}</span> }
    });
    // A verdict is its lane's, and was found at the task that was first there then.
    let of_lane = around
        .of_task
        .is_some_and(|task| decision.task != Some(task));
    let of_lane = of_lane.then(|| view! { " " <span class="quiet">"(its lane)"</span> });
    let reason = match &decision.facts {
        Facts::Override(facts) => facts.reason.clone(),
        _ => None,
    };
    let reason = reason
        .map(|reason| view! { " " <span class="quiet" dir="auto">{format!("“{reason}”")}</span> });
    let again = (listed.repeats > 0).then(|| {
        let times = format!("met {} more", text::count(listed.repeats, "time"));
        view! { <span class="quiet">{times}</span> }
    });
    let outcome = listed.outcome.as_ref().map(|outcome| {
        view! { <span class="quiet">{text::outcome(outcome.outcome)}</span> }
    });
    view! {
        <li class="decision" data-key=decision.id.to_string()>
            <KindMark kind=decision.kind() />
            <span class="decision-words">
                <a href=href>{words::headline(decision)}</a>
                {task.map(|task| view! { " " {task} })} {of_lane} {reason}
            </span>
            <span class="decision-after">{again} {outcome} <Moment at=decision.at now=around.now /></span>
        </li>
    }
    .written()
}
