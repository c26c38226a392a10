//! How a resource went: its level, what waited, and its provider's refusals.

use leptos::prelude::*;
use scheduler::{ResourceKind, ResourceView, Span, Time};
use store::history::ResourcePoint;

use crate::components::chart::{Frame, Measure, Rule, Series, Shape, Tone, chart, round_up};
use crate::markup::{Markup, Written};
use crate::text;

/// How far back one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    Hour,
    Day,
    Week,
}

const RANGES: [Range; 3] = [Range::Hour, Range::Day, Range::Week];

impl Range {
    /// By its name in the address; an hour unless it is one.
    pub fn named(name: Option<&str>) -> Self {
        let found = RANGES.into_iter().find(|range| Some(range.name()) == name);
        found.unwrap_or(Self::Hour)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    const fn span(self) -> Span {
        Span::from_secs(match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
        })
    }

    /// What one point stands for: some sixty or a hundred a chart.
    pub const fn step(self) -> Span {
        Span::from_secs(match self {
            Self::Hour => 60,
            Self::Day => 900,
            Self::Week => 7_200,
        })
    }

    /// Where it begins, at a whole step.
    pub fn from(self, now: Time) -> Time {
        self.step().floor(now - self.span())
    }
}

/// The charts, and the ranges to choose from.
pub fn charts(
    resource: &ResourceView,
    range: Range,
    points: &[ResourcePoint],
    refusals: &[(Time, u64)],
    here: &str,
    now: Time,
) -> Markup {
    let tab = |other: Range| {
        let href = format!("{here}?range={}", other.name());
        let current = (other == range).then_some("true");
        view! { <a href=href aria-current=current>{other.name()}</a> }
    };
    let tabs = RANGES.map(tab).collect_view();
    let frame = |top: f64| Frame {
        from: range.from(now),
        to: now,
        now,
        top,
        measure: Measure::Count,
    };
    let body = if points.is_empty() {
        view! { <p class="quiet">"Its history begins within ten seconds, and is kept for a week."</p> }.written()
    } else {
        view! {
            {levels(resource, range, points, frame)}
            {waits(range, points, frame)}
        }
        .written()
    };
    view! {
        <div class="panel-head">
            <h2 id="history-head">"The last " {range.name()}</h2>
            <nav class="ranges" aria-label="How far back">{tabs}</nav>
        </div>
        {body}
        {refused(range, refusals, frame)}
    }
    .written()
}

fn levels(
    resource: &ResourceView,
    range: Range,
    points: &[ResourcePoint],
    frame: impl Fn(f64) -> Frame,
) -> Markup {
    let gap = Span(range.step().0 * 3);
    let most = points
        .iter()
        .map(|point| point.limit)
        .fold(resource.limit, f64::max);
    let of =
        |value: fn(&ResourcePoint) -> f64| points.iter().map(move |point| (point.at, value(point)));
    let (name, label, series) = match resource.spec.kind {
        ResourceKind::Slots { .. } => {
            let used = points.iter().map(|point| point.in_use).max().unwrap_or(0);
            (
                "Slots in use",
                format!("Slots in use, at most {used} at once."),
                vec![Series {
                    name: "in use",
                    points: of(|point| point.in_use.into()).collect(),
                    shape: Shape::Area,
                    tone: Tone::Main,
                    gap,
                }],
            )
        }
        ResourceKind::Bucket { .. } => {
            let least = points
                .iter()
                .map(|point| point.lowest)
                .fold(f64::INFINITY, f64::min);
            let label = format!(
                "What was left in the bucket, at least {}.",
                text::number(least)
            );
            (
                "Level",
                label,
                vec![
                    Series {
                        name: "left",
                        points: of(|point| point.level).collect(),
                        shape: Shape::Area,
                        tone: Tone::Main,
                        gap,
                    },
                    Series {
                        name: "least",
                        points: of(|point| point.lowest).collect(),
                        shape: Shape::Dashes,
                        tone: Tone::Quiet,
                        gap,
                    },
                ],
            )
        }
    };
    let rules = vec![Rule {
        at: resource.limit,
        name: "limit".to_owned(),
    }];
    view! {
        <h3>{name}</h3>
        {chart("level", label, &frame(round_up(most)), &series, &rules)}
    }
    .written()
}

fn waits(range: Range, points: &[ResourcePoint], frame: impl Fn(f64) -> Frame) -> Markup {
    let known: Vec<(Time, f64)> = points
        .iter()
        .filter_map(|point| Some((point.at, f64::from(point.waiting?))))
        .collect();
    let given = points
        .iter()
        .map(|point| (point.at, point.given as f64))
        .collect();
    let most = |points: &[(Time, f64)]| points.iter().map(|&(_, value)| value).fold(1.0, f64::max);
    let given = Series {
        name: "given",
        points: given,
        shape: Shape::Area,
        tone: Tone::Main,
        gap: Span(range.step().0 * 3),
    };
    let waiting = Series {
        name: "waiting",
        points: known,
        shape: Shape::Dashes,
        tone: Tone::Wait,
        gap: Span(range.step().0 * 3),
    };
    let top = round_up(most(&given.points).max(most(&waiting.points)));
    let label = format!(
        "What was given, and at most {} tasks waiting.",
        text::number(most(&waiting.points))
    );
    let series = if waiting.points.is_empty() {
        vec![given]
    } else {
        vec![given, waiting]
    };
    view! {
        <h3>"Given and waiting"</h3>
        {chart("flow", label, &frame(top), &series, &[])}
    }
    .written()
}

fn refused(range: Range, refusals: &[(Time, u64)], frame: impl Fn(f64) -> Frame) -> Markup {
    let all: u64 = refusals.iter().map(|&(_, count)| count).sum();
    if all == 0 {
        return view! {
            <h3>"Refusals (429)"</h3>
            <p class="quiet">"Its provider refused nothing."</p>
        }
        .written();
    }
    let most = refusals.iter().map(|&(_, count)| count).max().unwrap_or(1);
    let series = vec![Series {
        name: "refused",
        points: refusals
            .iter()
            .map(|&(at, count)| (at, count as f64))
            .collect(),
        shape: Shape::Bars,
        tone: Tone::Bad,
        gap: range.step(),
    }];
    let label = format!("Its provider refused {}.", text::count(all, "call"));
    view! {
        <h3>"Refusals (429)"</h3>
        {chart("refusals", label, &frame(round_up(most as f64)), &series, &[])}
    }
    .written()
}
