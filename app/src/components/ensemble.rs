//! Who is at work: a stave for each agent, a bar for each lease, from left to right in time up to now.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::{AgentId, AttemptOutcome, Span, Time};

use crate::markup::{Markup, Written};
use crate::text;

/// Leases of one agent drawn above each other at most; more than so many lie in the last line.
const VOICES: usize = 4;
/// What a voice takes of the height.
const VOICE: usize = 8;
/// Spans a score may show, the longest first.
const SPANS_S: [i32; 7] = [900, 300, 120, 60, 30, 10, 5];

/// A lease on the score.
#[derive(Clone, Debug)]
pub struct Bar {
    /// Whose.
    pub agent: AgentId,
    /// What it was for.
    pub title: String,
    /// When it was given.
    pub from: Time,
    /// How and when it ended; `None` while it runs.
    pub ended: Option<(AttemptOutcome, Time)>,
}

/// A player: its name, and where to read more.
#[derive(Clone, Debug)]
pub struct Player {
    /// Who.
    pub agent: AgentId,
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
}

/// The shortest span that every bar begins in; where older ones are not known (`all` is false), the
/// longest that is known as a whole.
pub fn span(bars: &[Bar], all: bool, now: Time) -> Span {
    let oldest = bars.iter().map(|bar| bar.from).min().unwrap_or(now);
    let age = now.since(oldest).as_secs_f64();
    let longest = f64::from(SPANS_S[0]);
    let fits = |seconds: &i32| {
        let seconds = f64::from(*seconds);
        if all {
            seconds >= age.min(longest)
        } else {
            seconds <= age
        }
    };
    let chosen = if all {
        SPANS_S.into_iter().rev().find(fits)
    } else {
        SPANS_S.into_iter().find(fits)
    };
    Span::from_secs(chosen.unwrap_or(SPANS_S[SPANS_S.len() - 1]).into())
}

/// The score of the players over the last `span`, the busiest of them; `None` if none has a bar in it.
pub fn ensemble(
    players: &[Player],
    bars: Vec<Bar>,
    span: Span,
    now: Time,
    most: usize,
) -> Option<Markup> {
    let from = now - span;
    let mut of_agent: HashMap<AgentId, Vec<Bar>> = HashMap::new();
    for bar in bars {
        if bar.ended.is_none_or(|(_, at)| at >= from) {
            of_agent.entry(bar.agent).or_default().push(bar);
        }
    }
    if of_agent.is_empty() {
        return None;
    }
    // Whose last bar has just left keeps its stave: the page does not move under the reader.
    let mut bars_of = |player: &Player| of_agent.remove(&player.agent).unwrap_or_default();
    let mut staves: Vec<_> = players
        .iter()
        .map(|player| (player, bars_of(player)))
        .collect();
    staves.sort_by_key(|(player, bars)| (std::cmp::Reverse(bars.len()), player.name.clone()));
    let left_out = staves.len().saturating_sub(most);
    staves.truncate(most);
    // In an order that stays, whoever plays how much.
    staves.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
    let rows = staves
        .into_iter()
        .map(|(player, bars)| stave(player, bars, from, span))
        .collect_view();
    let began = format!("{} ago", scheduler::words::duration(span));
    let more = (left_out > 0).then(|| {
        view! { <p class="quiet small">{format!("and {} with less to do", text::count(left_out as u64, "agent"))}</p> }
    });
    Some(
        view! {
            <div class="ensemble">
                <ul class="family" role="list">{rows}</ul>
                <p class="ensemble-axis">
                    <span>{began}</span>
                    <span>"now"</span>
                </p>
            </div>
            {more}
        }
        .written(),
    )
}

fn stave(player: &Player, mut bars: Vec<Bar>, from: Time, span: Span) -> Markup {
    bars.sort_by_key(|bar| bar.from);
    let running = bars.iter().filter(|bar| bar.ended.is_none()).count();
    let ended = bars.len() - running;
    let said = match (running, ended) {
        (0, _) => format!("{ended} ended"),
        (_, 0) => format!("{running} running"),
        _ => format!("{running} running, {ended} ended"),
    };
    let place =
        |at: Time| -> f64 { (at.since(from).as_secs_f64() / span.as_secs_f64()).clamp(0.0, 1.0) };
    let mut free_at = [0.0_f64; VOICES];
    let mut voices = 1;
    let mut drawn = Vec::with_capacity(bars.len());
    for bar in bars {
        let left = if bar.from < from {
            0.0
        } else {
            place(bar.from)
        };
        let right = bar.ended.map_or(1.0, |(_, at)| place(at));
        let voice = free_at
            .iter()
            .position(|free| *free <= left)
            .unwrap_or(VOICES - 1);
        free_at[voice] = right;
        voices = voices.max(voice + 1);
        drawn.push(note(&bar, left, right, voice));
    }
    let height = voices * VOICE + 6;
    view! {
        <li class="part">
            <a class="part-name" href=player.href.clone()>
                {player.name.clone()}
            </a>
            <span class="part-stave">
                <svg width="100%" height=height aria-hidden="true">
                    <line class="stave-line" x1="0" x2="100%" y1=height / 2 y2=height / 2 />
                    {drawn}
                </svg>
            </span>
            <span class="part-said">{said}</span>
        </li>
    }
    .written()
}

fn note(bar: &Bar, left: f64, right: f64, voice: usize) -> Markup {
    let (class, word) = match bar.ended {
        None => ("note-running", "running"),
        Some((AttemptOutcome::Completed, _)) => {
            ("note-done", text::outcome(AttemptOutcome::Completed))
        }
        Some((outcome, _)) => ("note-undone", text::outcome(outcome)),
    };
    let width = (right - left).max(0.006);
    view! {
        <rect
            class=class
            x=percent(left.min(1.0 - width))
            width=percent(width)
            y=voice * VOICE + 4
            height=VOICE - 2
            rx="3"
        >
            <title>{format!("{}, {word}", bar.title)}</title>
        </rect>
    }
    .written()
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_shows_all_it_knows_and_no_more() {
        let now = Time::from_millis(1_000_000_000);
        let begun = |seconds| Bar {
            agent: AgentId(uuid::Uuid::nil()),
            title: String::new(),
            from: now - Span::from_secs(seconds),
            ended: None,
        };
        let shown = |seconds, all| span(&[begun(seconds), begun(1)], all, now);
        assert_eq!(shown(70, true), Span::from_secs(120));
        assert_eq!(shown(70, false), Span::from_secs(60));
        assert_eq!(shown(5_000, true), Span::from_secs(900));
        assert_eq!(shown(1, false), Span::from_secs(5));
    }
}
