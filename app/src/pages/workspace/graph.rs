//! What waits for what, drawn from left to right: a column for each step, a line from what has to be
//! done to what then may start.

use std::collections::HashMap;

use leptos::prelude::*;
use scheduler::TaskId;
use store::read::{Edge, TaskListed};

use super::state_class;
use crate::access::Seat;
use crate::markup::{Markup, Written};
use crate::text;

const STEP: usize = 240;
const ROW: usize = 44;
const BOX_WIDTH: usize = 200;
const BOX_HEIGHT: usize = 32;
/// Rounds in which rows move towards the rows they are joined to.
const ROUNDS: usize = 4;

/// A task's place: the step it comes in, and its row there.
type Places = HashMap<TaskId, (usize, usize)>;

/// The graph with its table behind, or a word that there is none.
pub fn graph(edges: &[Edge], tasks: &[TaskListed], seat: &Seat) -> Markup {
    if edges.is_empty() {
        return view! {
            <section class="panel" aria-labelledby="graph">
                <h2 id="graph">"What waits for what"</h2>
                <p class="quiet">
                    "No open task depends on another. A task that names others in " <code>"depends_on"</code>
                    " starts when those are done, and stands here with them."
                </p>
            </section>
        }
        .written();
    }
    let places = places(edges);
    let steps = places.values().map(|place| place.0).max().unwrap_or(0) + 1;
    let rows = places.values().map(|place| place.1).max().unwrap_or(0) + 1;
    let (width, height) = (steps * STEP - (STEP - BOX_WIDTH), rows * ROW);
    let titles: HashMap<_, _> = tasks
        .iter()
        .map(|task| (task.id, task.title.clone()))
        .collect();
    let lines = edges.iter().map(|edge| line(edge, &places)).collect_view();
    let boxes = tasks
        .iter()
        .filter_map(|task| Some(node(task, *places.get(&task.id)?, seat)))
        .collect_view();
    let behind = behind(edges, &titles);
    view! {
        <section class="panel" aria-labelledby="graph">
            <h2 id="graph">"What waits for what"</h2>
            <div class="scroll graph-box" tabindex="0" role="group" aria-labelledby="graph">
                <svg class="graph" width=width height=height viewBox=format!("0 0 {width} {height}")>
                    {lines}
                    {boxes}
                </svg>
            </div>
            {behind}
        </section>
    }
    .written()
}

/// The same in words, for those who do not see the drawing.
fn behind(edges: &[Edge], titles: &HashMap<TaskId, String>) -> Markup {
    let title = |task: TaskId| {
        titles
            .get(&task)
            .cloned()
            .unwrap_or_else(|| "a task".to_owned())
    };
    let row = |edge: &Edge| {
        view! {
            <tr>
                <td class="wide">{title(edge.task)}</td>
                <td class="wide">{title(edge.on)}</td>
            </tr>
        }
    };
    view! {
        <details>
            <summary class="small">"As a table"</summary>
            <div class="scroll" tabindex="0" role="group" aria-label="What waits for what, as a table">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Task"</th>
                            <th scope="col">"Waits for"</th>
                        </tr>
                    </thead>
                    <tbody>{edges.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
    .written()
}

/// A task comes one step after the last of what it waits for; within a step, near what it is joined to.
fn places(edges: &[Edge]) -> Places {
    let mut step: HashMap<TaskId, usize> = HashMap::new();
    for edge in edges {
        step.entry(edge.on).or_insert(0);
        step.entry(edge.task).or_insert(0);
    }
    // There is no cycle, so this settles after as many rounds as there are tasks.
    for _ in 0..step.len() {
        let mut moved = false;
        for edge in edges {
            let after = step[&edge.on] + 1;
            if step[&edge.task] < after {
                step.insert(edge.task, after);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    let last = step.values().copied().max().unwrap_or(0);
    let mut columns = vec![Vec::new(); last + 1];
    for (task, step) in &step {
        columns[*step].push(*task);
    }
    for column in &mut columns {
        column.sort_unstable_by_key(|task| task.0);
    }
    let mut row = rows_of(&columns);
    for _ in 0..ROUNDS {
        for column in &mut columns {
            column.sort_by(|a, b| middle(*a, edges, &row).total_cmp(&middle(*b, edges, &row)));
        }
        row = rows_of(&columns);
    }
    step.into_iter()
        .map(|(task, step)| (task, (step, row[&task])))
        .collect()
}

fn rows_of(columns: &[Vec<TaskId>]) -> HashMap<TaskId, usize> {
    let placed = columns.iter().flat_map(|column| column.iter().enumerate());
    placed.map(|(row, task)| (*task, row)).collect()
}

/// The middle of the rows that a task is joined to, else its own.
fn middle(task: TaskId, edges: &[Edge], row: &HashMap<TaskId, usize>) -> f64 {
    let joined = edges.iter().filter_map(|edge| match task {
        _ if edge.task == task => Some(edge.on),
        _ if edge.on == task => Some(edge.task),
        _ => None,
    });
    let rows: Vec<f64> = joined.map(|other| row[&other] as f64).collect();
    if rows.is_empty() {
        row[&task] as f64
    } else {
        rows.iter().sum::<f64>() / rows.len() as f64
    }
}

fn line(edge: &Edge, places: &Places) -> Option<Markup> {
    let (from, to) = (places.get(&edge.on)?, places.get(&edge.task)?);
    let (x1, y1) = (from.0 * STEP + BOX_WIDTH, from.1 * ROW + BOX_HEIGHT / 2 + 2);
    let (x2, y2) = (to.0 * STEP, to.1 * ROW + BOX_HEIGHT / 2 + 2);
    let bend = (x2 - x1) / 2;
    let path = format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend);
    Some(view! { <path class="graph-line" d=path /> }.written())
}

fn node(task: &TaskListed, (step, row): (usize, usize), seat: &Seat) -> Markup {
    let (x, y) = (step * STEP, row * ROW + 2);
    let class = format!("graph-node {}", state_class(task.state));
    let said = format!("{}, {}", task.title, text::state(task.state));
    view! {
        <a href=seat.path(&format!("tasks/{}", task.id))>
            <g class=class>
                <title>{said}</title>
                <rect x=x + 1 y=y width=BOX_WIDTH - 2 height=BOX_HEIGHT rx="6" />
                <circle cx=x + 14 cy=y + BOX_HEIGHT / 2 r="4" />
                <foreignObject x=x + 26 y=y width=BOX_WIDTH - 34 height=BOX_HEIGHT>
                    <div class="graph-title" dir="auto">{task.title.clone()}</div>
                </foreignObject>
            </g>
        </a>
    }
    .written()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(number: u128) -> TaskId {
        TaskId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn a_task_stands_right_of_everything_it_waits_for() {
        let edge = |task_number, on| Edge {
            task: task(task_number),
            on: task(on),
        };
        let places = places(&[edge(3, 2), edge(2, 1), edge(3, 1)]);
        assert_eq!([1, 2, 3].map(|number| places[&task(number)].0), [0, 1, 2]);
    }
}
