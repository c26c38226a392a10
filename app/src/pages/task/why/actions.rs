//! What this reader may do about a blocker, right where it is explained.

use leptos::prelude::*;
use scheduler::{Action, Blocker, TaskId, TaskState};

use super::Near;
use crate::components::act_form::ActForm;
use crate::components::mark::StateMark;
use crate::components::title::title_begins;
use crate::markup::{Markup, Written};
use crate::text;

/// Buttons and links for what this reader may do; what only others may is said in words.
pub fn actions(blocker: &Blocker, task: TaskId, near: &Near<'_>) -> Option<Markup> {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    // What is done with a result stands below the title, right above it.
    let elsewhere = |action: &Action| {
        matches!(action, Action::AcceptResult | Action::SendBack) && near.seat.may("release_task")
    };
    for &action in blocker.actions.iter().filter(|action| !elsewhere(action)) {
        match offered(action, blocker, task, near) {
            Some(view) => own.push(view),
            None => others.push(text::action(action)),
        }
    }
    let others = (!others.is_empty()).then(|| {
        view! { <p class="quiet small">"Somebody else could " {others.join(", or ")} "."</p> }
    });
    let any = !own.is_empty() || others.is_some();
    any.then(|| {
        view! {
            <div class="acts" role="group" aria-label="What would help">{own}</div>
            {others}
        }
        .written()
    })
}

fn offered(action: Action, blocker: &Blocker, task: TaskId, near: &Near<'_>) -> Option<Markup> {
    let seat = near.seat;
    let name = blocker.resource.as_deref().unwrap_or_default();
    let link = |act: &'static str, href: String| {
        let words = text::capital(text::action(action));
        seat.may(act)
            .then(|| view! { <a class="button" href=href>{words}</a> }.written())
    };
    match action {
        Action::DefineResource => link("set_resource", seat.path("resources")),
        Action::RaiseLimit | Action::ReopenResource => {
            link("set_resource", seat.path(&format!("resources/{name}")))
        }
        Action::RaiseBudget => link("set_budget", seat.path("budgets")),
        Action::EditTask => link("change_task", seat.path(&format!("tasks/{task}/edit"))),
        // These open the forms below the title.
        Action::BoostTask => link("boost_task", "#boost_task".to_owned()),
        Action::CancelTask => link("cancel_task", "#cancel_task".to_owned()),
        Action::RegisterAgent => link("create_task", seat.path("agents")),
        Action::ReleaseTask => {
            let form = ActForm::new("release_task", seat)?
                .id("why-release")
                .class("act-press")
                .with("task", task.to_string())
                .becomes(
                    "#task-state",
                    view! { <StateMark state=TaskState::Pending /> },
                );
            Some(form.show_with(view! { <button class="button button-main">"Release it"</button> }))
        }
        Action::AcceptResult | Action::SendBack => None,
        Action::RetryDependency => retry(blocker, near),
    }
}

/// A button for each task that failed and is waited for.
fn retry(blocker: &Blocker, near: &Near<'_>) -> Option<Markup> {
    let failed = blocker.tasks.iter().filter_map(|id| near.others.get(id));
    let retryable =
        failed.filter(|task| matches!(task.state, TaskState::Failed | TaskState::Cancelled));
    let buttons: Vec<_> = retryable
        .filter_map(|task| {
            let form = ActForm::new("retry_task", near.seat)?
                .id(format!("retry-{}", task.id))
                .class("act-press")
                .with("task", task.id.to_string());
            let words = format!("Retry “{}”", title_begins(&task.title));
            Some(form.show_with(view! { <button class="button">{words}</button> }))
        })
        .collect();
    (!buttons.is_empty()).then(|| buttons.written())
}
