//! What people thought of a decision, and the reader's own say.

use leptos::prelude::*;
use scheduler::{Actor, DecisionId};
use store::read::{Review, Reviewed, Verdict};

use crate::access::{Seat, Visitor};
use crate::components::act_form::ActForm;
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;

/// What each reviewer thinks, and the form of those who may say something.
pub fn reviews(decision: DecisionId, reviews: Vec<Reviewed>, seat: &Seat) -> Markup {
    let form = form(decision, &reviews, seat);
    let none = (reviews.is_empty() && form.is_none())
        .then(|| view! { <p class="quiet">"Nobody has said anything."</p> });
    let said = (!reviews.is_empty()).then(|| {
        let lines = reviews
            .into_iter()
            .map(|reviewed| line(reviewed, seat))
            .collect_view();
        view! { <ul class="reviews" role="list">{lines}</ul> }
    });
    view! {
        <section class="panel" aria-labelledby="reviews">
            <h2 id="reviews">"Was it right?"</h2>
            {none}
            {said}
            {form}
        </section>
    }
    .written()
}

fn line(reviewed: Reviewed, seat: &Seat) -> Markup {
    let Reviewed { review, before } = reviewed;
    let class = match review.verdict {
        Verdict::Agree => "review review-agree",
        Verdict::Disagree => "review review-disagree",
    };
    let words = said(review.verdict);
    let earlier = |review: Review| {
        let note = review.note.map(|note| view! { ": " <bdi>{note}</bdi> });
        view! {
            <p class="quiet small">
                "Before: " {said(review.verdict)} " " <Moment at=review.at now=seat.now /> {note}
            </p>
        }
    };
    let before = before.into_iter().rev().map(earlier).collect_view();
    view! {
        <li class=class>
            <p>
                <strong>{text::actor(&review.reviewer)}</strong>
                " "
                {words}
                " "
                <span class="quiet"><Moment at=review.at now=seat.now /></span>
            </p>
            {review.note.map(|note| view! { <p class="note" dir="auto">{note}</p> })}
            {before}
        </li>
    }
    .written()
}

fn said(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agree => "agreed",
        Verdict::Disagree => "disagreed",
    }
}

fn form(decision: DecisionId, reviews: &[Reviewed], seat: &Seat) -> Option<Markup> {
    let form = ActForm::new("review_decision", seat)?.with("decision", decision.to_string());
    let own = Visitor::of_request().and_then(|visitor| {
        let mine = |reviewed: &&Reviewed| matches!(&reviewed.review.reviewer, Actor::User { id, .. } if *id == visitor.account);
        reviews.iter().find(mine).map(|reviewed| reviewed.review.verdict)
    });
    let pressed = |verdict| (own == Some(verdict)).then_some("true");
    let note = form
        .field("note", "A note")
        .hint("Optional. What you would have done, and why.")
        .line();
    Some(form.show_with(view! {
        {note}
        <div class="acts">
            <button class="button" name="verdict" value="agree" aria-pressed=pressed(Verdict::Agree)>
                "Agree"
            </button>
            <button class="button" name="verdict" value="disagree" aria-pressed=pressed(Verdict::Disagree)>
                "Disagree"
            </button>
        </div>
    }))
}
