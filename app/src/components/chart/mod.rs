//! Charts over time: drawn by the server as SVG, with the same numbers in a table behind.
//!
//! Series are told apart by shape (area, dashes, dots, hatched bars) before colour. The drawing
//! stretches with the page; words stand outside it, so that they do not.
//!
//! ```text
//! chart("level", "…one sentence…".to_owned(), &frame, &series, &rules)
//! ```

mod drawing;
mod scale;
mod table;

use leptos::prelude::*;
use scheduler::{Time, Unit, words};

use super::amount::amount;
use crate::markup::{Markup, Written};
use crate::text;
use drawing::{drawing, swatch};
use scale::ticks;
use table::table;

pub use scale::round_up;

/// The span and height of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its left edge.
    pub from: Time,
    /// Its right edge.
    pub to: Time,
    /// When the page was made; marked if it lies within.
    pub now: Time,
    /// The value at the top.
    pub top: f64,
    /// What is measured.
    pub measure: Measure,
}

/// What values are, for their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Things that are counted.
    Count,
    /// What a budget counts.
    Amount(Unit),
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A line with a tinted area below.
    Area,
    /// A line alone, dashed.
    Dashes,
    /// A line alone, dotted.
    Dots,
    /// One bar a point.
    Bars,
}

/// What a series means, which gives it its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// What is there or was used.
    Main,
    /// What waits.
    Wait,
    /// What went wrong.
    Bad,
    /// What would be: a pace, a forecast, how it is now.
    Quiet,
}

/// Values over time, in order. Where two points are further apart than `gap`, nothing is known.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in legend and table.
    pub name: &'static str,
    /// When, and how much.
    pub points: Vec<(Time, f64)>,
    /// How it is drawn.
    pub shape: Shape,
    /// What it means.
    pub tone: Tone,
    /// The longest time that one point speaks for.
    pub gap: scheduler::Span,
}

/// A level line across, with its name.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where.
    pub at: f64,
    /// What it is.
    pub name: String,
}

impl Measure {
    /// A value in words.
    pub fn said(self, value: f64) -> String {
        match self {
            Self::Count => text::number(value),
            Self::Amount(unit) => words::amount(whole(value), unit),
        }
    }

    /// A value with its exact figure on hover.
    fn shown(self, value: f64) -> Markup {
        match self {
            Self::Count => text::number(value).written(),
            Self::Amount(unit) => amount(whole(value), unit),
        }
    }
}

impl Measure {
    /// A value beside an axis, as short as it can be.
    fn axis(self, value: f64) -> String {
        match self {
            Self::Amount(Unit::Tokens) => text::number(value.round()),
            Self::Count | Self::Amount(Unit::Microusd) => self.said(value),
        }
    }
}

/// What is counted in whole units.
fn whole(value: f64) -> u64 {
    value.max(0.0).round() as u64
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Main => "tone-main",
            Self::Wait => "tone-wait",
            Self::Bad => "tone-bad",
            Self::Quiet => "tone-quiet",
        }
    }
}

/// A chart, its legend and the table behind it. `id` is unique on the page; `label` says in a sentence
/// what there is to see.
pub fn chart(id: &str, label: String, frame: &Frame, series: &[Series], rules: &[Rule]) -> Markup {
    let legend = series
        .iter()
        .map(|one| {
            let last = one
                .points
                .last()
                .map(|&(_, value)| frame.measure.shown(value));
            view! {
                <li>
                    {swatch(one)} <span>{one.name}</span> <span class="chart-last">{last}</span>
                </li>
            }
        })
        .collect_view();
    let levels = [1.0, 0.5, 0.0].map(|share| {
        let said = frame.measure.axis(frame.top * share);
        view! { <span>{said}</span> }
    });
    let times = ticks(frame.from, frame.to)
        .into_iter()
        .map(|said| view! { <span>{said}</span> })
        .collect_view();
    let named = rules
        .iter()
        .map(|rule| {
            view! {
                <li>
                    <svg class="chart-swatch" viewBox="0 0 18 10" width="18" height="10" aria-hidden="true">
                        <line class="chart-rule" x1="0" x2="18" y1="5" y2="5" />
                    </svg>
                    <span>{rule.name.clone()}</span>
                    <span class="chart-last">{frame.measure.shown(rule.at)}</span>
                </li>
            }
        })
        .collect_view();
    view! {
        <figure class="chart">
            <ul class="chart-legend" role="list">
                {legend}
                {named}
            </ul>
            <div class="chart-body">
                <div class="chart-levels" aria-hidden="true">
                    {levels.collect_view()}
                </div>
                {drawing(id, label, frame, series, rules)}
                <div class="chart-times" aria-hidden="true">
                    {times}
                </div>
            </div>
            {table(id, frame, series)}
        </figure>
    }
    .written()
}
