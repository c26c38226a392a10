//! The picture of a chart.

use std::fmt::Write as _;

use leptos::prelude::*;
use scheduler::Time;

use super::{Frame, Rule, Series, Shape};
use crate::markup::{Markup, Written};
use crate::text;

/// Shapes stretch with the page, in a square of 100 by 100; each instant can be pointed at.
pub(super) fn drawing(
    id: &str,
    label: String,
    frame: &Frame,
    series: &[Series],
    rules: &[Rule],
) -> Markup {
    let hatch = format!("{id}-hatch");
    let grid = [25.0, 50.0, 75.0].map(|y| {
        view! { <line class="chart-grid" x1="0" x2="100" y1=y y2=y /> }
    });
    let shapes = series
        .iter()
        .map(|one| shape(one, frame, &hatch))
        .collect_view();
    let rules = rules
        .iter()
        .map(|rule| {
            let y = frame.y(rule.at);
            view! { <line class="chart-rule" x1="0" x2="100" y1=y y2=y /> }
        })
        .collect_view();
    let now = (frame.now > frame.from && frame.now < frame.to).then(|| {
        let x = frame.x(frame.now);
        view! { <line class="chart-now" x1=x x2=x y1="0" y2="100" /> }
    });
    view! {
        <svg class="chart-plot" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label=label>
            <defs>
                <pattern id=hatch.clone() width="1.2" height="6" patternUnits="userSpaceOnUse">
                    <path class="chart-hatch" d="M0 6L1.2 0" />
                </pattern>
            </defs>
            {grid.collect_view()}
            {shapes}
            {rules}
            {now}
            {pointed(frame, series)}
        </svg>
    }
    .written()
}

fn shape(series: &Series, frame: &Frame, hatch: &str) -> Markup {
    let class = series.tone.class();
    let line = path(series, frame);
    match series.shape {
        Shape::Dashes | Shape::Dots => {
            let class = format!("chart-line {} {class}", series.shape.class());
            view! { <path class=class d=line /> }.written()
        }
        Shape::Area => {
            let (area, below) = (format!("chart-area {class}"), area(series, frame));
            let class = format!("chart-line {class}");
            view! {
                <path class=area d=below />
                <path class=class d=line />
            }
            .written()
        }
        Shape::Bars => {
            let bars = bars(series, frame);
            let class = format!("chart-bar {class}");
            view! {
                <path class=class d=bars.clone() />
                <path d=bars fill=format!("url(#{hatch})") />
            }
            .written()
        }
    }
}

impl Shape {
    fn class(self) -> &'static str {
        match self {
            Self::Dots => "chart-dots",
            Self::Dashes => "chart-dashes",
            Self::Area | Self::Bars => "",
        }
    }
}

/// Runs of points without a gap.
fn runs(series: &Series) -> impl Iterator<Item = &[(Time, f64)]> {
    series
        .points
        .chunk_by(|before, after| after.0.since(before.0) <= series.gap)
}

fn path(series: &Series, frame: &Frame) -> String {
    let mut path = String::new();
    for run in runs(series) {
        trace(&mut path, run, frame);
    }
    path
}

fn trace(path: &mut String, run: &[(Time, f64)], frame: &Frame) {
    for (place, &(at, value)) in run.iter().enumerate() {
        let step = if place == 0 { 'M' } else { 'L' };
        // Writing to a string cannot fail.
        let _ = write!(path, "{step}{:.2} {:.2}", frame.x(at), frame.y(value));
    }
    if let [(at, value)] = run {
        let _ = write!(path, "L{:.2} {:.2}", frame.x(*at) + 0.4, frame.y(*value));
    }
}

fn area(series: &Series, frame: &Frame) -> String {
    let mut path = String::new();
    for run in runs(series) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        trace(&mut path, run, frame);
        let _ = write!(path, "V100H{:.2}Z", frame.x(first.0).min(frame.x(last.0)));
    }
    path
}

/// A bar reaches from its instant to where the next may stand, and never vanishes.
fn bars(series: &Series, frame: &Frame) -> String {
    let mut path = String::new();
    for &(at, value) in series.points.iter().filter(|(_, value)| *value > 0.0) {
        let (left, right) = (frame.x(at), frame.x(at + series.gap));
        let width = ((right - left) * 0.8).max(0.5);
        let _ = write!(
            path,
            "M{left:.2} 100V{:.2}h{width:.2}V100Z",
            frame.y(value).min(97.0)
        );
    }
    path
}

/// What stood at each instant, told where it is pointed at.
fn pointed(frame: &Frame, series: &[Series]) -> Markup {
    let Some(first) = series.iter().max_by_key(|one| one.points.len()) else {
        return ().written();
    };
    let width = 100.0 / first.points.len().max(1) as f64;
    first
        .points
        .iter()
        .map(|&(at, _)| {
            let values = series.iter().filter_map(|one| {
                let found = one.points.binary_search_by_key(&at, |&(at, _)| at).ok()?;
                Some(format!("{} {}", one.name, frame.measure.said(one.points[found].1)))
            });
            let said = values.collect::<Vec<_>>().join(", ");
            view! {
                <rect class="chart-point" x=format!("{:.2}", frame.x(at) - width / 2.0) y="0" width=format!("{width:.2}") height="100">
                    <title>{format!("{}: {said}", text::clock(at, frame.now))}</title>
                </rect>
            }
        })
        .collect_view()
        .written()
}

/// A piece of a series, for the legend.
pub(super) fn swatch(series: &Series) -> Markup {
    let tone = series.tone.class();
    let mark = match series.shape {
        Shape::Dashes | Shape::Dots => {
            let class = format!("chart-line {} {tone}", series.shape.class());
            view! { <path class=class d="M0 5H18" /> }.written()
        }
        Shape::Area => {
            let (area, line) = (format!("chart-area {tone}"), format!("chart-line {tone}"));
            view! {
                <path class=area d="M0 2H18V10H0Z" />
                <path class=line d="M0 2H18" />
            }
            .written()
        }
        Shape::Bars => {
            let class = format!("chart-bar {tone}");
            view! { <path class=class d="M1 10V4H5V10ZM7 10V0H11V10ZM13 10V6H17V10Z" /> }.written()
        }
    };
    view! {
        <svg class="chart-swatch" viewBox="0 0 18 10" width="18" height="10" aria-hidden="true">
            {mark}
        </svg>
    }
    .written()
}
