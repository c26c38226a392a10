//! The demo: offered where there is nothing to see yet, and stopped where it runs.

use leptos::prelude::*;
use store::demo::Demo;

use crate::access::Visitor;
use crate::markup::{Markup, Written};

/// What the page of that workspace says of the demo, if it says anything. Only who may make
/// workspaces is offered its buttons.
pub fn demo_card(demo: Option<&Demo>, here: &str, is_empty: bool) -> Option<Markup> {
    let may = Visitor::of_request().is_some_and(|visitor| visitor.runs_the_house);
    match demo {
        Some(demo) if demo.slug == here => Some(running(demo, may)),
        Some(demo) if is_empty && may => Some(elsewhere(demo)),
        None if is_empty && may => Some(offer()),
        _ => None,
    }
}

fn offer() -> Markup {
    view! {
        <section class="panel demo-card" aria-labelledby="demo">
            <div>
                <h2 id="demo">"See it move first"</h2>
                <p>
                    "Fourteen simulated agents do the work of a real trace under real limits: a search API, a social network, a model with two slots, a budget. They have a workspace of their own, and stopping them leaves nothing behind."
                </p>
            </div>
            <form method="post" action="/demo/start">
                <button class="button button-main">"Start the demo"</button>
            </form>
        </section>
    }
    .written()
}

fn elsewhere(demo: &Demo) -> Markup {
    view! {
        <section class="panel demo-card" aria-labelledby="demo">
            <div>
                <h2 id="demo">"The demo is running"</h2>
                <p>"Simulated agents are at work in a workspace of their own."</p>
            </div>
            <a class="button button-main" href=format!("/?w={}", demo.slug)>
                "Watch it"
            </a>
        </section>
    }
    .written()
}

fn running(demo: &Demo, may: bool) -> Markup {
    let words = match (demo.closing, demo.alive) {
        (true, _) => "It is being taken away.",
        (_, false) => "Whoever ran it is gone. It is taken away in a moment.",
        _ => {
            "The agents and their provider are simulated; the limits, the decisions, and the tokens and arrivals of a real trace are not."
        }
    };
    let stop = (may && !demo.closing).then(|| {
        view! {
            <form method="post" action="/demo/stop">
                <button class="button">"Stop the demo"</button>
            </form>
        }
    });
    view! {
        <section class="panel demo-card" aria-labelledby="demo">
            <div>
                <h2 id="demo">"This is a demo"</h2>
                <p>{words}</p>
            </div>
            {stop}
        </section>
    }
    .written()
}
