//! What made a score, as a bar and in words.

use leptos::prelude::*;
use scheduler::{Factor, FactorName, Span, words};

use super::meter::{Meter, Part};
use crate::markup::{Markup, Written};
use crate::text;

/// Points from one end of the bar to the other: as far as a score goes before class, age and boost.
const WHOLE: f64 = 1_000.0;

/// The bar over all factors, then one row for each: name, what was measured, points.
#[component]
pub fn Factors(factors: Vec<Factor>) -> Markup {
    let total: f64 = factors.iter().map(|factor| factor.effect).sum();
    // The class's band is a thousand points and more, and the same for the whole lane: in the bar it
    // would hide everything that tells tasks apart.
    let parts: Vec<_> = factors
        .iter()
        .filter(|factor| factor.name != FactorName::Class && factor.effect > 0.0)
        .map(|factor| Part {
            share: factor.effect / WHOLE,
            class: class(factor.name),
        })
        .collect();
    let scale = if parts.iter().map(|part| part.share).sum::<f64>() > 1.0 {
        "The bar ends at 1,000 points; these go beyond it."
    } else {
        "The whole bar is 1,000 points."
    };
    let row = |factor: Factor| {
        let swatch = match factor.name {
            FactorName::Class => "swatch swatch-none".to_owned(),
            name => format!("swatch {}", class(name)),
        };
        let pinned = factor.name == FactorName::Pin;
        let points = if pinned {
            "before all".to_owned()
        } else {
            signed(factor.effect)
        };
        view! {
            <tr>
                <th scope="row">
                    <svg class=swatch viewBox="0 0 8 8" width="8" height="8" aria-hidden="true">
                        <rect width="8" height="8" rx="1.5" />
                    </svg>
                    {text::factor(factor.name)}
                </th>
                <td class="quiet">{measured(&factor)}</td>
                <td class="number">{points}</td>
            </tr>
        }
    };
    view! {
        <Meter parts />
        <p class="quiet small">{scale}</p>
        <div class="scroll" tabindex="0" role="group" aria-label="What made the score">
            <table class="factors">
                <thead class="visually-hidden">
                    <tr>
                        <th scope="col">"Factor"</th>
                        <th scope="col">"Measured"</th>
                        <th scope="col">"Points"</th>
                    </tr>
                </thead>
                <tbody>{factors.into_iter().map(row).collect_view()}</tbody>
                <tfoot>
                    <tr>
                        <th scope="row">"Together"</th>
                        <td></td>
                        <td class="number">{text::number(total)}</td>
                    </tr>
                </tfoot>
            </table>
        </div>
    }
    .written()
}

fn signed(points: f64) -> String {
    let points = (points * 100.0).round() / 100.0;
    if points > 0.0 {
        format!("+{}", text::number(points))
    } else {
        text::number(points)
    }
}

/// What was measured, in the factor's own unit.
fn measured(factor: &Factor) -> String {
    let value = factor.value;
    match factor.name {
        FactorName::StatedPriority => {
            let words = ["low", "medium", "high", "urgent"];
            words
                .get(value as usize)
                .copied()
                .unwrap_or("unknown")
                .to_owned()
        }
        FactorName::Unblocks => text::count((value.exp2() - 1.0).round() as u64, "task"),
        FactorName::CriticalPath => {
            let minutes = text::number((value.exp2() - 1.0).round());
            format!("{minutes} min of work")
        }
        FactorName::DueDate if value >= 1.0 => "due now or past".to_owned(),
        FactorName::DueDate => format!("{} % near", text::number((value * 100.0).round())),
        // Hours are recorded to the thousandth: what is younger was just made.
        FactorName::Age if value < 0.001 => "just made when scored".to_owned(),
        FactorName::Age => {
            let age = Span::from_millis((value * 3_600_000.0) as i64);
            format!("{} old when scored", words::duration(age))
        }
        FactorName::Class => "its band; not in the bar".to_owned(),
        FactorName::Boost => "by a person".to_owned(),
        FactorName::Pin => "a person pinned it".to_owned(),
    }
}

fn class(name: FactorName) -> &'static str {
    match name {
        FactorName::StatedPriority => "hue-1",
        FactorName::Unblocks => "hue-2",
        FactorName::CriticalPath => "hue-3",
        FactorName::DueDate => "hue-4",
        FactorName::Class | FactorName::Age => "hue-6",
        FactorName::Boost | FactorName::Pin => "hue-5",
    }
}
