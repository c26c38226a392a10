//! What people say of decisions.

use leptos::prelude::*;
use scheduler::bounds::NOTE_BYTES;
use store::read::{Review, Verdict};

use super::{Answer, Desk, Done, Form, Refused};

/// Says whether one would have decided the same. Saying it again with the same words adds nothing.
#[server(endpoint = "review_decision")]
pub async fn review_decision(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = review(&form).await;
    form.answer(done).await
}

async fn review(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("review_decision", form).await?;
    let mut read = form.read();
    let decision = read.id("decision");
    let verdict = read.choice("verdict", verdict);
    let note = read.optional("note", NOTE_BYTES);
    read.done()?;
    let (store, workspace) = (desk.seat.store(), desk.seat.workspace);
    let review = Review {
        reviewer: desk.actor(),
        verdict: verdict.unwrap_or(Verdict::Agree),
        note,
        at: desk.seat.now,
    };
    let said = store.reviews(workspace, decision).await?;
    let before = said.iter().rfind(|one| one.reviewer == review.reviewer);
    let again = before.is_some_and(|one| one.verdict == review.verdict && one.note == review.note);
    if !again && !store.review(workspace, decision, &review).await? {
        return Err(Refused::not_found());
    }
    Ok(Done::new(match review.verdict {
        Verdict::Agree => "Noted: you would have decided the same.",
        Verdict::Disagree => "Noted: you would have decided otherwise.",
    }))
}

fn verdict(word: &str) -> Option<Verdict> {
    match word {
        "agree" => Some(Verdict::Agree),
        "disagree" => Some(Verdict::Disagree),
        _ => None,
    }
}
