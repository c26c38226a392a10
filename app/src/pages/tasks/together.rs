//! The bar of what can be done with all chosen tasks at once; it comes into view with the first.

use leptos::prelude::*;
use scheduler::TaskState;

use crate::access::Seat;
use crate::components::act_form::ActForm;
use crate::components::mark::StateMark;
use crate::markup::Markup;

/// The form that the boxes of the rows belong to.
pub const FORM: &str = "together";

/// The bar; absent for those who may only read.
pub fn bar(seat: &Seat) -> Option<Markup> {
    // With scripts the marks of all chosen rows change at once; what did not go comes back as it was.
    let chosen = "tr:has(input[form=together]:checked) .row-state";
    // Results are accepted or sent back one by one: theirs stay as they are.
    let but_reviewed =
        "tr:not(:has(.state-in-review)):has(input[form=together]:checked) .row-state";
    let then = |state| view! { <StateMark state /> };
    let form = ActForm::new("change_tasks", seat)?
        .id(FORM)
        .class("together")
        .becomes_with("hold", chosen, then(TaskState::Backlog))
        .becomes_with("release", but_reviewed, then(TaskState::Pending))
        .becomes_with("retry", but_reviewed, then(TaskState::Pending))
        .becomes_with("cancel", chosen, then(TaskState::Cancelled));
    let press = |act: &'static str, words: &'static str| {
        view! { <button class="button" name="act" value=act>{words}</button> }
    };
    Some(form.show_with(view! {
        <span class="together-words">"With the chosen tasks:"</span>
        {press("hold", "Hold")}
        {press("release", "Release")}
        {press("retry", "Retry")}
        <details class="asking">
            <summary class="button">"Cancel"</summary>
            <div class="asking-panel">
                <p>"Running ones are told to stop, and what they have done so far is lost."</p>
                <button class="button button-grave" name="act" value="cancel">
                    "Cancel the chosen tasks"
                </button>
            </div>
        </details>
    }))
}
