//! What the reader may do with this task, as its state allows.

use leptos::prelude::*;
use scheduler::TaskState::{self, Backlog, Cancelled, Failed, InProgress, InReview, Pending};
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::act_form::{ActForm, asking};
use crate::components::mark::StateMark;
use crate::markup::{Markup, Written};

/// For how long a boost may be given.
const SPANS: [(&str, &str); 6] = [
    ("15", "a quarter of an hour"),
    ("60", "an hour"),
    ("240", "four hours"),
    ("1440", "a day"),
    ("10080", "a week"),
    ("43200", "thirty days"),
];
/// How far a boost may push. What goes before everything else is chosen on purpose only.
const PUSHES: [(&str, &str); 6] = [
    ("2000", "Up by 2,000 points: more than a class"),
    (PUSH, "Up by 500 points"),
    ("100", "Up by 100 points"),
    ("-100", "Down by 100 points"),
    ("-500", "Down by 500 points"),
    ("pin", "Pin it before everything else"),
];
/// How far it pushes unless something else is chosen.
const PUSH: &str = "500";

/// What an act does to a task that runs.
const STOPS: &str =
    "An agent is at work on it. It is told to stop, and what it has done so far is lost.";

/// The row of buttons below the task's title; absent for a reader who may do nothing. It stays when
/// there is nothing left to do, for what stands below it stays where it is.
pub fn acts(task: &TaskListed, seat: &Seat) -> Option<Markup> {
    let id = task.id.to_string();
    let state = task.state;
    let press = |act: &'static str, words: &'static str, then: TaskState| {
        let form = ActForm::new(act, seat)?
            .class("act-press")
            .with("task", &id);
        let form = form.becomes("#task-state", view! { <StateMark state=then /> });
        Some(form.show_with(view! { <button class="button">{words}</button> }))
    };
    let first = match state {
        Pending => press("hold_task", "Hold", Backlog),
        InProgress => ask_first(
            ("hold_task", "Hold", "Hold this task"),
            Backlog,
            STOPS,
            task,
            seat,
        ),
        Backlog => press("release_task", "Release", Pending),
        InReview => press("release_task", "Accept the result", TaskState::Done),
        Failed | Cancelled => press("retry_task", "Retry", Pending),
        TaskState::Done => None,
    };
    let again = (state == InReview).then(|| send_back(task, seat)).flatten();
    let waits = matches!(state, Backlog | Pending);
    let boost = waits.then(|| boost(task, seat)).flatten();
    let edit = (waits && seat.may("change_task")).then(|| {
        view! { <a class="button" href=seat.path(&format!("tasks/{id}/edit"))>"Edit"</a> }
    });
    let cancel = (!state.is_terminal()).then(|| cancel(task, seat)).flatten();
    let over = (state == TaskState::Done && seat.may("hold_task"))
        .then(|| view! { <p class="quiet">"Nothing is left to do here."</p> });
    let any = first.is_some() || boost.is_some() || cancel.is_some() || over.is_some();
    any.then(|| {
        view! {
            <div class="acts" role="group" aria-label="What you can do">
                {first} {again} {edit} {boost} {cancel} {over}
            </div>
        }
        .written()
    })
}

fn boost(task: &TaskListed, seat: &Seat) -> Option<Markup> {
    let id = task.id.to_string();
    if task.boost.is_some() {
        let form = ActForm::new("unboost_task", seat)?
            .class("act-press")
            .with("task", id);
        let words = view! { <button class="button">"Take the boost away"</button> };
        return Some(form.show_with(words));
    }
    let form = ActForm::new("boost_task", seat)?.with("task", id);
    let opens = form.was_refused();
    let fields = view! {
        <div class="field-row">
            {form.field("score_delta", "How far").holding(PUSH).choice(&PUSHES)}
            {form.field("minutes", "For how long").holding("60").choice(&SPANS)}
        </div>
        {form
            .field("reason", "Why")
            .hint("Kept with the decision, for whoever asks later.")
            .required()
            .line()}
    };
    Some(asking(
        "Boost or pin",
        opens,
        form.show("Change its rank", fields),
    ))
}

fn cancel(task: &TaskListed, seat: &Seat) -> Option<Markup> {
    let words = ("cancel_task", "Cancel", "Cancel this task");
    let warns = if task.lease.is_some() {
        STOPS
    } else {
        "It will not be started. What waits for it goes on waiting until it is retried or edited."
    };
    ask_first(words, Cancelled, warns, task, seat)
}

/// Another attempt instead of the result that is in review.
fn send_back(task: &TaskListed, seat: &Seat) -> Option<Markup> {
    let words = ("retry_task", "Send back", "Send this result back");
    let warns =
        "The result is set aside, and the task waits for its turn again with all its attempts.";
    ask_first(words, Pending, warns, task, seat)
}

/// An act, by its name, its button and the words that confirm it, that says first what it takes away.
fn ask_first(
    (act, button, confirm): (&'static str, &'static str, &'static str),
    then: TaskState,
    warns: &'static str,
    task: &TaskListed,
    seat: &Seat,
) -> Option<Markup> {
    let form = ActForm::new(act, seat)?
        .grave()
        .with("task", task.id.to_string())
        .with("asked", "yes")
        .becomes("#task-state", view! { <StateMark state=then /> });
    let opens = form.was_refused();
    let fields = view! {
        <p>{warns}</p>
        {form.field("reason", "Why").hint("Optional; kept with the decision.").line()}
    };
    Some(asking(button, opens, form.show(confirm, fields)))
}
