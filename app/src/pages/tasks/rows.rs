//! One task a row, and what lies behind the row that is open.

use leptos::prelude::*;
use scheduler::{Blocker, Explanation, TaskId, TaskState};
use store::read::TaskListed;

use super::together::FORM;
use crate::access::Seat;
use crate::components::mark::{StateMark, glyph, tier_path};
use crate::components::moment::Moment;
use crate::components::title::title_link;
use crate::markup::{Markup, Written};
use crate::text;

/// What a row needs of its page.
pub struct Around<'a> {
    pub seat: &'a Seat,
    /// The list with its filters and cursor, without an open row.
    pub list: &'a str,
    /// The row that is open.
    pub open: Option<TaskId>,
    /// Whether tasks can be chosen.
    pub choose: bool,
    /// The state that the list is narrowed to.
    pub state: Option<TaskState>,
    /// Whether when a task is due stands where else stands since when it is as it is.
    pub due: bool,
}

/// A row, and below it what it opens to.
pub fn row(task: &TaskListed, explanation: Option<&Explanation>, around: &Around<'_>) -> Markup {
    let seat = around.seat;
    let id = task.id.to_string();
    let since = task
        .ended_at
        .or(task.lease.as_ref().map(|lease| lease.granted_at))
        .unwrap_or(task.created_at);
    let moment = task.due_at.filter(|_| around.due).unwrap_or(since);
    let kind = (!task.needs.kind.is_empty())
        .then(|| view! { <span class="quiet small">{task.needs.kind.clone()}</span> });
    let urgent = task.priority >= scheduler::Priority::High;
    let open = around.open == Some(task.id);
    let choose = around.choose.then(|| {
        let label = format!("Choose {}", task.title);
        view! {
            <input type="checkbox" name="task[]" value=id.clone() form=FORM aria-label=label />
        }
    });
    let left = around.state.is_some_and(|state| state != task.state);
    let class = match (open, left) {
        (true, _) => Some("row-open"),
        (false, true) => Some("row-left"),
        (false, false) => None,
    };
    let opened = open.then(|| opened(task, explanation, seat));
    view! {
        <tr data-key=id.clone() class=class>
            <td class="row-choice">{choose} {opener(task, open, around.list)}</td>
            <td class="row-state"><StateMark state=task.state /></td>
            <td class="wide">
                <span id=format!("title-{id}")>
                    {title_link(seat.path(&format!("tasks/{id}")), &task.title)}
                </span>
                " "
                {kind}
            </td>
            <td class="row-why">{why(task, explanation)}</td>
            <td class=if urgent { "row-priority strong" } else { "row-priority quiet" }>
                {text::priority(task.priority)}
            </td>
            <td class="row-attempts number quiet">
                {format!("{} of {}", task.attempts, task.needs.max_attempts)}
            </td>
            <td class="row-since number quiet"><Moment at=moment now=seat.now /></td>
        </tr>
        {opened}
    }
    .written()
}

/// The link that opens a row in place, or closes it: a place in the address, so it can be shared.
fn opener(task: &TaskListed, open: bool, list: &str) -> Markup {
    let join = if list.contains('?') { '&' } else { '?' };
    let (id, list) = (task.id, list.to_owned());
    let (page, label) = if open {
        (list, "Close the row")
    } else {
        (format!("{list}{join}open={id}"), "Open the row")
    };
    // Either way the reader goes on at this row.
    let href = format!("{page}#row-{id}");
    let turned = if open { "opener opener-open" } else { "opener" };
    view! {
        <a
            id=format!("row-{id}")
            class=turned
            href=href
            aria-label=label
            aria-describedby=format!("title-{id}")
            aria-expanded=open.to_string()
        >
            {glyph("M5 2.5 11.5 8 5 13.5Z")}
        </a>
    }
    .written()
}

/// Who has it, the worst of what holds it, or why it ended.
fn why(task: &TaskListed, explanation: Option<&Explanation>) -> Markup {
    let worst: Option<&Blocker> = explanation.and_then(|found| found.blockers.first());
    match (&task.lease, worst) {
        (Some(lease), _) => view! { <span>{lease.agent_name.clone()}</span> }.written(),
        (None, Some(blocker)) => {
            let class = format!("mark tier-{}", text::tier_class(blocker.tier));
            let at = blocker
                .resource
                .clone()
                .map(|name| view! { <span class="quiet">{name}</span> });
            view! {
                <span class=class>
                    {glyph(tier_path(blocker.tier))} <span>{text::reason(blocker)}</span>
                </span>
                " "
                {at}
            }
            .written()
        }
        (None, None) => stands(task),
    }
}

/// What is to be said of a task that neither runs nor is held by a limit.
fn stands(task: &TaskListed) -> Markup {
    let words = match task.state {
        TaskState::Pending => "next in line",
        TaskState::InReview => "waits for a look",
        TaskState::Backlog => "until somebody releases it",
        TaskState::Failed => return ended(task, "no error was given"),
        TaskState::Cancelled => return ended(task, "no reason was given"),
        TaskState::Done => return by(task),
        TaskState::InProgress => return ().written(),
    };
    view! { <span class="quiet">{words}</span> }.written()
}

/// The agent that did it.
fn by(task: &TaskListed) -> Markup {
    let name = task.ended_by.clone();
    name.map(|name| view! { <span class="quiet">"by " {name}</span> })
        .written()
}

/// The last line of why it ended; the rest is on its page.
fn ended(task: &TaskListed, otherwise: &'static str) -> Markup {
    let because = task.ended_because.as_deref().map(str::trim);
    match because.filter(|because| !because.is_empty()) {
        Some(line) => view! {
            <span class="row-because quiet" dir="auto" title=line.to_owned()>{line.to_owned()}</span>
        }
        .written(),
        None => view! { <span class="quiet">{otherwise}</span> }.written(),
    }
}

/// Enough to know whether the task's own page is worth the way.
fn opened(task: &TaskListed, explanation: Option<&Explanation>, seat: &Seat) -> Markup {
    let headline =
        explanation.map(|found| view! { <p class="strong">{found.headline.clone()}</p> });
    let place = explanation
        .and_then(|found| found.position)
        .map(|place| format!("{} of {} in its lane. ", place.rank, place.of));
    let needs: Vec<_> = task
        .needs
        .requires
        .iter()
        .map(|need| format!("{} of {}", need.amount, need.resource))
        .collect();
    let needs = (!needs.is_empty()).then(|| format!("Takes {}. ", needs.join(", ")));
    let due = task
        .due_at
        .map(|due| view! { "Due " <Moment at=due now=seat.now /> ". " });
    view! {
        <tr data-key=format!("{}-open", task.id) class="row-opened">
            <td colspan="7">
                {headline}
                <p class="quiet">
                    {place} {needs} {due} "Handed in by " {text::actor(&task.created_by)} ", "
                    <Moment at=task.created_at now=seat.now /> "."
                </p>
            </td>
        </tr>
    }
    .written()
}
