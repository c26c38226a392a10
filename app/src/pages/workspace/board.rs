//! The board: the newest tasks of each state, and how many there are.

use leptos::prelude::*;
use scheduler::TaskState;
use store::read::TaskListed;

use crate::access::Seat;
use crate::components::mark::StateMark;
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::pages::counts::Counts;
use crate::text;

/// The columns, from left to right; where nothing has to be looked at, that one is left out.
pub const COLUMNS: [TaskState; 6] = [
    TaskState::Backlog,
    TaskState::Pending,
    TaskState::InProgress,
    TaskState::InReview,
    TaskState::Done,
    TaskState::Failed,
];

/// The board.
pub fn board(columns: &[Vec<TaskListed>], counts: &Counts, seat: &Seat) -> Markup {
    let column = |(state, tasks): (&TaskState, &Vec<TaskListed>)| {
        let list = seat.path(&format!("tasks?state={}", state.as_str()));
        let count = counts.of(*state);
        let cards = tasks.iter().map(|task| card(task, seat)).collect_view();
        let more = count.unwrap_or(0).saturating_sub(tasks.len() as u64);
        let more = (more > 0).then(|| {
            view! { <a class="small" href=list.clone()>{format!("{} more", text::grouped(more))}</a> }
        });
        view! {
            <li class="board-column">
                <h3>
                    <a href=list.clone()><StateMark state=*state /></a>
                    " "
                    <span class="count">{count.map(text::grouped)}</span>
                </h3>
                <ul role="list" data-slots>{cards}</ul>
                {more}
            </li>
        }
    };
    let shown = COLUMNS
        .iter()
        .zip(columns)
        .filter(|(state, tasks)| **state != TaskState::InReview || !tasks.is_empty());
    let shown = shown.map(column).collect_view();
    view! {
        <section class="panel whole" aria-labelledby="board">
            <div class="panel-head">
                <h2 id="board">"Board"</h2>
                <a href=seat.path("tasks")>"All as a list"</a>
            </div>
            <ul class="board" role="list">{shown}</ul>
        </section>
    }
    .written()
}

fn card(task: &TaskListed, seat: &Seat) -> impl IntoView + use<> {
    let who = task.lease.as_ref().map(|lease| lease.agent_name.clone());
    let since = task
        .ended_at
        .or(task.lease.as_ref().map(|lease| lease.granted_at))
        .unwrap_or(task.created_at);
    view! {
        <li class="board-card" data-key=task.id.to_string()>
            {title_link(seat.path(&format!("tasks/{}", task.id)), &task.title)}
            <p class="quiet small">{who} " " <Moment at=since now=seat.now /></p>
        </li>
    }
}
