//! What people say of decisions.

use engine::EngineError;
use leptos::prelude::*;
use scheduler::bounds::NOTE_BYTES;
use store::read::{Review, ReviewedOnce, Verdict};

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
    let once = desk.once();
    let answer = |_: &Review| Ok::<_, Refused>(once.clone());
    match store
        .review_once(workspace, decision, &review, answer)
        .await?
    {
        ReviewedOnce::Before(before) if before.request_hash != once.request_hash => {
            return Err(EngineError::IdempotencyMismatch.into());
        }
        ReviewedOnce::Now(_) | ReviewedOnce::Before(_) => {}
        ReviewedOnce::NoSuchDecision => return Err(Refused::not_found()),
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
