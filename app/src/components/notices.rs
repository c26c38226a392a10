//! What an act led to, told on the page its author is sent to.

use leptos::prelude::*;

use super::act_form::ActForm;
use crate::acts::Said;
use crate::acts::permission::TABLE;
use crate::markup::{Markup, Written};

/// The place of the notice; empty when there is nothing to tell.
#[component]
pub fn Notices() -> Markup {
    let said = Said::of_request();
    let outcome = said
        .as_ref()
        .map(|said| if said.done { "done" } else { "refused" });
    // A refused form that is still there says so itself, and the style hides it here.
    let told = said.map(|said| {
        let undo = undo(&said);
        let class = if said.done {
            "notice-card"
        } else {
            "notice-card notice-refused"
        };
        view! {
            <div class=class>
                <p>{said.words}</p>
                {undo}
            </div>
        }
    });
    view! {
        <div id="notices" class="notices" role="status" tabindex="-1" data-act-region data-outcome=outcome>
            {told}
        </div>
    }
    .written()
}

fn undo(said: &Said) -> Option<Markup> {
    let undo = said.undo.as_ref()?;
    let act = TABLE.iter().find(|one| one.act == undo.act)?.act;
    let mut form = ActForm::outside(act, &said.ws).id("undo").class("act-undo");
    for (name, value) in &undo.fields {
        form = form.with(name, value);
    }
    Some(form.show_with(view! { <button class="plain">"Undo"</button> }))
}
