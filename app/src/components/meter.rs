//! Bars: drawn by the server, each with its numbers in words beside it.

use leptos::prelude::*;

use crate::markup::{Markup, Written};

/// A part of a bar.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its share of the whole, 0 to 1.
    pub share: f64,
    /// The class that colours it.
    pub class: &'static str,
}

/// Parts from left to right, perhaps with a line across at a share of the whole. The words that
/// stand beside it say the same, so assistive technology is spared the picture.
#[component]
pub fn Meter(parts: Vec<Part>, #[prop(optional_no_strip)] line: Option<f64>) -> Markup {
    let mut left = 0.0;
    let rects: Vec<_> = parts
        .into_iter()
        .filter_map(|part| {
            let (x, width) = (left, part.share.min(1.0 - left));
            left += width.max(0.0);
            (width > 0.0).then(|| {
                view! { <rect class=part.class x=percent(x) width=percent(width) height="100%" /> }
            })
        })
        .collect();
    let line = line.map(|at| {
        let x = percent(at.clamp(0.0, 1.0));
        view! { <line class="meter-line" x1=x.clone() x2=x y1="0" y2="100%" /> }
    });
    view! {
        <svg class="meter" width="100%" height="8" aria-hidden="true">
            <rect class="meter-ground" width="100%" height="100%" />
            {rects}
            {line}
        </svg>
    }
    .written()
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
