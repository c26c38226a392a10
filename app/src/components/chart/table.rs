//! The numbers behind a chart.

use std::collections::BTreeMap;

use leptos::prelude::*;
use scheduler::Time;

use super::{Frame, Series};
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};

/// One row an instant, latest first, behind a summary.
pub(super) fn table(id: &str, frame: &Frame, series: &[Series]) -> Markup {
    let mut rows: BTreeMap<Time, Vec<Option<f64>>> = BTreeMap::new();
    for (place, one) in series.iter().enumerate() {
        for &(at, value) in &one.points {
            rows.entry(at).or_insert_with(|| vec![None; series.len()])[place] = Some(value);
        }
    }
    let heads = series
        .iter()
        .map(|one| view! { <th scope="col" class="number">{one.name}</th> })
        .collect_view();
    let rows = rows
        .into_iter()
        .rev()
        .map(|(at, values)| {
            let cells = values.into_iter().map(|value| {
                let said = value.map_or_else(|| "–".written(), |value| frame.measure.shown(value));
                view! { <td class="number">{said}</td> }
            });
            view! {
                <tr data-key=at.0.to_string()>
                    <th scope="row">
                        <Moment at now=frame.now />
                    </th>
                    {cells.collect_view()}
                </tr>
            }
        })
        .collect_view();
    let name = format!("{id}-table");
    view! {
        <details class="chart-table">
            <summary id=name.clone()>"The same as a table"</summary>
            <div class="scroll chart-scroll" tabindex="0" role="group" aria-labelledby=name>
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"When"</th>
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .written()
}
