//! What has happened to a task: its attempts, and the decisions about it.

use leptos::prelude::*;
use scheduler::{Unit, words};
use store::read::{AttemptListed, DecisionListed};

use crate::components::amount::amount;
use crate::components::cause::cause;
use crate::components::decision_line::{Around, decision_lines};
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;

/// Attempts that ended, then decisions, newest first.
pub fn timeline(
    attempts: Vec<AttemptListed>,
    decisions: Vec<DecisionListed>,
    around: &Around,
) -> Markup {
    let ended = (!attempts.is_empty()).then(|| table(attempts, around));
    let decided = if decisions.is_empty() {
        view! { <p class="quiet">"Nothing has been decided of it yet."</p> }.written()
    } else {
        decision_lines(decisions, around)
    };
    view! {
        <section data-key="story" class="panel" aria-labelledby="story">
            <h2 id="story">"Timeline"</h2>
            {decided}
        </section>
        {ended}
    }
    .written()
}

fn table(attempts: Vec<AttemptListed>, around: &Around) -> Markup {
    let (slug, now) = (around.slug.clone(), around.now);
    let row = |listed: AttemptListed| {
        let attempt = listed.attempt;
        let href = format!("/w/{slug}/decisions/{}", attempt.decision);
        let tokens = text::grouped(listed.input_tokens + listed.output_tokens);
        let key = attempt.lease.to_string();
        let error = attempt.error.map(|error| cause(&error, &key));
        view! {
            <tr data-key=key>
                <th scope="row" class="number">{attempt.epoch}</th>
                <td data-label="By">{listed.agent_name}</td>
                <td class="wide card-head"><a href=href>{text::outcome(attempt.outcome)}</a> {error}</td>
                <td class="number" data-label="Took">{words::duration(attempt.ended_at.since(attempt.granted_at))}</td>
                <td class="number" data-label="Tokens">{tokens}</td>
                <td class="number" data-label="Cost">{amount(listed.cost_microusd, Unit::Microusd)}</td>
                <td class="number quiet" data-label="Ended"><Moment at=attempt.ended_at now /></td>
            </tr>
        }
    };
    let rows = attempts.into_iter().map(row).collect_view();
    view! {
        <section data-key="attempts" class="panel" aria-labelledby="attempts">
            <h2 id="attempts">"Attempts"</h2>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="attempts">
                <table class="rows cards">
                    <thead>
                        <tr>
                            <th scope="col" class="number">"No."</th>
                            <th scope="col">"Agent"</th>
                            <th scope="col">"How it ended"</th>
                            <th scope="col" class="number">"Took"</th>
                            <th scope="col" class="number">"Tokens"</th>
                            <th scope="col" class="number">"Cost"</th>
                            <th scope="col" class="number">"Ended"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .written()
}
