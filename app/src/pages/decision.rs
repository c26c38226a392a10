//! One decision: what was decided, why, on which state of things, and what came of it.

mod facts;
mod reviews;

use std::collections::HashMap;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{AttemptOutcome, DecisionId, Facts, TaskId, words};
use store::read::{DecisionListed, Outcome, Reviewed};

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::factors::Factors;
use crate::components::mark::{KindMark, StateMark};
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// One decision.
#[component]
pub fn DecisionPage() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    listed: DecisionListed,
    titles: HashMap<TaskId, String>,
    reviews: Vec<Reviewed>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let id: DecisionId = asked.id()?;
    let seat = asked.seat().await?;
    let listed = seat
        .store()
        .decision(seat.workspace, id)
        .await?
        .ok_or(PageError::NotFound)?;
    let considered: &[_] = match &listed.decision.facts {
        Facts::Dispatch(facts) => &facts.considered,
        _ => &[],
    };
    let blocking = match &listed.decision.facts {
        Facts::NotYet(facts) => facts.blockers.as_slice(),
        _ => &[],
    };
    let mut tasks: Vec<_> = considered.iter().map(|other| other.task).collect();
    tasks.extend(
        blocking
            .iter()
            .flat_map(|blocker| blocker.tasks.iter().copied()),
    );
    tasks.extend(listed.decision.task);
    let (titles, reviews) = futures::try_join!(
        seat.store().titles(seat.workspace, &tasks),
        seat.store().reviews(seat.workspace, id),
    )?;
    Ok(Data {
        seat,
        listed,
        titles,
        reviews,
    })
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        listed,
        titles,
        reviews,
    } = data;
    let decision = &listed.decision;
    let headline = words::headline(decision);
    let task = decision.task.map(|task| {
        let title = titles
            .get(&task)
            .cloned()
            .unwrap_or_else(|| "a task".to_owned());
        view! { <span>"about " {title_link(seat.path(&format!("tasks/{task}")), &title)}</span> }
    });
    let factors = match &decision.facts {
        Facts::Dispatch(facts) => facts.factors.clone(),
        Facts::Reprioritise(facts) => facts.factors.clone(),
        _ => Vec::new(),
    };
    let factors = (!factors.is_empty()).then(|| {
        view! {
            <section class="panel" aria-labelledby="factors">
                <h2 id="factors">"What spoke for it"</h2>
                <Factors factors />
            </section>
        }
    });
    let repeats =
        (listed.repeats > 0).then(|| format!("met again {}", text::count(listed.repeats, "time")));
    let raw = serde_json::to_string_pretty(&decision.facts).unwrap_or_default();
    view! {
        <Title text=headline.clone() />
        <div id="decision" data-live class="with-aside">
            <header class="page-head">
                <p class="eyebrow"><a href=seat.path("decisions")>"Decisions"</a></p>
                <h1>{headline}</h1>
                <p class="marks">
                    <KindMark kind=decision.kind() />
                    <span><Moment at=decision.at now=seat.now /></span>
                    {task}
                </p>
            </header>
            <div class="column">
                <section class="panel why" aria-labelledby="reasoning">
                    <p class="eyebrow" id="reasoning">"Reasoning"</p>
                    <p class="reasoning">{words::reasoning(decision)}</p>
                </section>
                {factors}
                {facts::moment(decision, &titles, &seat)}
                <details class="panel raw">
                    <summary>"The facts as they were recorded"</summary>
                    <pre tabindex="0"><code>{raw}</code></pre>
                </details>
            </div>
            <div class="column column-side">
                {came_of_it(&listed, &seat)}
                {reviews::reviews(decision.id, reviews, &seat)}
                {facts::lane(&decision.facts)}
                <section class="panel" aria-labelledby="by">
                    <h2 id="by">"Decided by"</h2>
                    <dl class="facts">
                        <dt>"Who"</dt>
                        <dd>{text::actor(&decision.actor)}</dd>
                        <dt>"Policy"</dt>
                        <dd>"version " {decision.policy_version}</dd>
                        <dt>"When"</dt>
                        <dd>{text::date_and_clock(decision.at)}</dd>
                        {repeats.map(|repeats| view! { <dt>"Verdict"</dt> <dd>{repeats}</dd> })}
                        <dt>"Identifier"</dt>
                        <dd class="identifier">{decision.id.to_string()}</dd>
                    </dl>
                </section>
            </div>
        </div>
    }
    .written()
}

/// What came of a dispatch, or that it still runs.
fn came_of_it(listed: &DecisionListed, seat: &Seat) -> Option<Markup> {
    let Facts::Dispatch(facts) = &listed.decision.facts else {
        return None;
    };
    let inner = match &listed.outcome {
        None => view! { <p>{facts.agent.clone()} " is at work on it."</p> }.written(),
        Some(Outcome {
            outcome,
            at,
            state,
            error,
        }) => {
            let took = words::duration(at.since(listed.decision.at));
            let words = match outcome {
                AttemptOutcome::Completed => format!("{} completed it in {took}.", facts.agent),
                other => format!("{}, after {took}.", text::capital(text::outcome(*other))),
            };
            view! {
                <p class="strong">{words}</p>
                <p class="marks"><StateMark state=*state /> <Moment at=*at now=seat.now /></p>
                {error.clone().map(|error| view! { <pre tabindex="0"><code>{error}</code></pre> })}
            }
            .written()
        }
    };
    Some(
        view! {
            <section class="panel" aria-labelledby="outcome">
                <h2 id="outcome">"What came of it"</h2>
                {inner}
            </section>
        }
        .written(),
    )
}
