//! A line without axes, to stand beside the number it led to.

use std::fmt::Write as _;

use leptos::prelude::*;

/// Values at even distances, the latest last, drawn from 0 to `top`. The number and words beside it
/// say what it shows, so assistive technology is spared the picture.
#[component]
pub fn Spark(points: Vec<f64>, top: f64) -> AnyView {
    let step = 100.0 / points.len().saturating_sub(1).max(1) as f64;
    let mut line = String::new();
    for (place, value) in points.iter().enumerate() {
        let letter = if place == 0 { 'M' } else { 'L' };
        let y = 30.0 - (value / top.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) * 28.0;
        // Writing to a string cannot fail.
        let _ = write!(line, "{letter}{:.2} {y:.2}", place as f64 * step);
    }
    let below = format!("{line}V32H0Z");
    view! {
        <svg class="spark" viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true">
            <path class="chart-area tone-main" d=below />
            <path class="chart-line tone-main" d=line />
        </svg>
    }
    .into_any()
}
