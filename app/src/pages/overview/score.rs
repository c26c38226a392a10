//! Who is at work: the last minutes of every agent, and what they hold now.

use leptos::prelude::*;
use scheduler::{Span, Time};
use store::StoreError;
use store::read::{AgentListed, TaskListed};

use crate::access::Seat;
use crate::components::ensemble::{Bar, Player, ensemble, span};
use crate::markup::{Markup, Written};
use crate::pages::agents::href;
use crate::text;

/// How far back, by how many decisions and leases at most.
const BACK: Span = Span::from_secs(900);
const DECISIONS: u32 = 1_000;
const LEASES: u32 = 240;
/// Staves at most.
const STAVES: usize = 14;

/// What there is to draw.
#[derive(Debug)]
pub struct Played {
    agents: Vec<AgentListed>,
    leases: Vec<store::read::Played>,
    /// How far back the leases reach, when there were too many for all.
    known_from: Option<Time>,
}

impl Played {
    /// From the workspace's latest dispatches.
    pub async fn load(seat: &Seat) -> Result<Self, StoreError> {
        let (store, workspace) = (seat.store(), seat.workspace);
        let (agents, leases) = futures::try_join!(
            store.agents(workspace, seat.now),
            store.played(workspace, None, seat.now - BACK, DECISIONS, LEASES),
        )?;
        let all = leases.len() < LEASES as usize;
        Ok(Self {
            known_from: leases.last().filter(|_| !all).map(|lease| lease.granted_at),
            agents,
            leases,
        })
    }
}

/// Those of the bars that the latest dispatches gave.
fn recent_only(bars: &[Bar], from: Time) -> Vec<Bar> {
    let recent = bars.iter().filter(|bar| bar.from >= from);
    recent.cloned().collect()
}

/// The panel; nothing where there is no agent yet.
pub fn score(played: Played, running: &[TaskListed], seat: &Seat) -> Option<Markup> {
    if played.agents.is_empty() {
        return None;
    }
    // What was given long ago and still runs is not among the latest dispatches.
    let from = played.known_from.unwrap_or(seat.now - BACK);
    let long = running.iter().filter_map(|task| {
        let lease = task
            .lease
            .as_ref()
            .filter(|lease| lease.granted_at < from)?;
        Some(Bar {
            agent: lease.agent,
            title: task.title.clone(),
            from: lease.granted_at,
            ended: None,
        })
    });
    let recent = played.leases.into_iter().map(|lease| Bar {
        agent: lease.agent,
        title: lease.title,
        from: lease.granted_at,
        ended: lease.ended,
    });
    let bars: Vec<_> = recent.chain(long).collect();
    let players: Vec<_> = played
        .agents
        .iter()
        .filter(|listed| {
            let of_agent = |bar: &Bar| bar.agent == listed.agent.card.id;
            let was_there = listed.agent.seen_at.is_some_and(|at| at >= seat.now - BACK);
            was_there || bars.iter().any(of_agent)
        })
        .map(|listed| Player {
            agent: listed.agent.card.id,
            href: href(seat, &listed.agent.card.name),
            name: listed.agent.card.name.clone(),
        })
        .collect();
    let span = match played.known_from {
        Some(from) => span(&recent_only(&bars, from), false, seat.now),
        None => span(&bars, true, seat.now),
    };
    let drawn = ensemble(&players, bars, span, seat.now, STAVES).unwrap_or_else(|| {
        let words = match played.agents.len() {
            1 => "The one agent has held no task in the last quarter of an hour.".to_owned(),
            agents => format!(
                "None of the {} agents has held a task in the last quarter of an hour.",
                text::grouped(agents as u64)
            ),
        };
        view! { <p class="quiet">{words}</p> }.written()
    });
    Some(
        view! {
            <section class="panel whole" aria-labelledby="score">
                <div class="panel-head">
                    <h2 id="score">"Agents at work"</h2>
                    <a href=seat.path("agents")>"All agents"</a>
                </div>
                {drawn}
            </section>
        }
        .written(),
    )
}
