//! Acts on one task.

use leptos::prelude::*;
use scheduler::bounds::{BOOSTED_FOR, NOTE_BYTES, boost_end_fault, points_fault};
use scheduler::{Act, Boost, Overrule, Reply, Request, Span, TaskId, TaskState, words};

use super::{Answer, Desk, Done, Form, Refused};

/// Keeps a waiting task from starting until it is released.
#[server(endpoint = "hold_task")]
pub async fn hold_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        let (task, _) = overrule("hold_task", Act::Hold, &form).await?;
        Ok(
            Done::new("Held. Nothing starts it until somebody releases it.")
                .undo("release_task", &[("task", task.to_string())]),
        )
    };
    let done = done.await;
    form.answer(done).await
}

/// Lets a held task go on waiting for its turn; accepts the result of one in review.
#[server(endpoint = "release_task")]
pub async fn release_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        let (task, state) = overrule("release_task", Act::Release, &form).await?;
        Ok(match state {
            Some(TaskState::Done) => Done::new("The result is accepted, and the task is done."),
            _ => Done::new("Released. It waits for its turn like any other.")
                .undo("hold_task", &[("task", task.to_string())]),
        })
    };
    let done = done.await;
    form.answer(done).await
}

/// Ends a task for good.
#[server(endpoint = "cancel_task")]
pub async fn cancel_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        overrule("cancel_task", Act::Cancel, &form).await?;
        Ok(Done::new(
            "Cancelled. If an agent was at it, it is told to stop.",
        ))
    };
    let done = done.await;
    form.answer(done).await
}

/// Gives a failed or cancelled task all its attempts anew; sends back the result of one in review.
#[server(endpoint = "retry_task")]
pub async fn retry_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        overrule("retry_task", Act::Retry, &form).await?;
        // Asked first is who sends a result back.
        Ok(Done::new(if form.get("asked").is_empty() {
            "It waits for its turn again, with all its attempts."
        } else {
            "Sent back. It waits for its turn again."
        }))
    };
    let done = done.await;
    form.answer(done).await
}

/// Raises or lowers a task's score, or pins it before everything else, for a while.
#[server(endpoint = "boost_task")]
pub async fn boost_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = boost(&form).await;
    form.answer(done).await
}

/// Takes a boost or a pin away before it ends by itself.
#[server(endpoint = "unboost_task")]
pub async fn unboost_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        overrule("unboost_task", Act::Boost, &form).await?;
        Ok(Done::new(
            "The boost is taken away. It waits by its own score again.",
        ))
    };
    let done = done.await;
    form.answer(done).await
}

async fn boost(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("boost_task", form).await?;
    let mut read = form.read();
    let task: TaskId = read.id("task");
    let push = read.choice("score_delta", |push| match push {
        "pin" => Some(None),
        points => points.parse().ok().map(Some),
    });
    let minutes: u32 = read.value("minutes", "Choose one of these.");
    let lasts = Span::from_secs(i64::from(minutes) * 60);
    let reason = read.optional("reason", NOTE_BYTES);
    let words = format!("A boost lasts {} at most.", words::duration(BOOSTED_FOR));
    let end = desk.seat.now + lasts;
    read.that(
        boost_end_fault(desk.seat.now, end).is_none(),
        "minutes",
        &words,
    );
    let pushed = push.flatten().unwrap_or_default();
    read.that(
        points_fault(pushed).is_none(),
        "score_delta",
        "Choose one of these.",
    );
    read.that(
        reason.is_some(),
        "reason",
        "Say why: others will read it in the decision.",
    );
    read.done()?;
    let push = push.flatten();
    let boost = Boost {
        score_delta: push,
        expires_at: end,
    };
    let request = Overrule {
        boost: Some(boost),
        ..overruling(task, Act::Boost, reason)
    };
    desk.submit(Request::Overrule(request)).await?;
    let until = words::duration(lasts);
    let words = match push {
        None => format!("Pinned before everything else for {until}."),
        Some(points) if points < 0 => format!("Pushed down by {} points for {until}.", -points),
        Some(points) => format!("Pushed up by {points} points for {until}."),
    };
    Ok(Done::new(words).undo("unboost_task", &[("task", task.to_string())]))
}

/// Does it, and says to which task and in what state that left it.
async fn overrule(
    name: &str,
    act: Act,
    form: &Form,
) -> Result<(TaskId, Option<TaskState>), Refused> {
    let desk = Desk::open(name, form).await?;
    let mut read = form.read();
    let task = read.id("task");
    let reason = read.optional("reason", NOTE_BYTES);
    read.done()?;
    if act == Act::Hold && form.get("asked").is_empty() {
        not_running(&desk, task).await?;
    }
    let request = Request::Overrule(overruling(task, act, reason));
    let state = match desk.submit(request).await? {
        Reply::Task { state, .. } => Some(state),
        _ => None,
    };
    Ok((task, state))
}

/// A form that has not asked whether to take an agent's work away does not.
pub(super) async fn not_running(desk: &Desk, task: TaskId) -> Result<(), Refused> {
    if state_of(desk, task).await? == Some(TaskState::InProgress) {
        return Err(Refused::because(
            "An agent is at work on it by now, and what it has done so far would be lost. Hold it on its own page if you mean that.",
        ));
    }
    Ok(())
}

/// Results are accepted one by one, by who has looked at them.
pub(super) async fn not_in_review(desk: &Desk, task: TaskId) -> Result<(), Refused> {
    if state_of(desk, task).await? == Some(TaskState::InReview) {
        return Err(Refused::because(
            "Its result is in review: open it to accept the result or to send it back.",
        ));
    }
    Ok(())
}

async fn state_of(desk: &Desk, task: TaskId) -> Result<Option<TaskState>, Refused> {
    let stored = desk.seat.store().task(desk.seat.workspace, task).await?;
    Ok(stored.map(|stored| stored.task.state))
}

/// A request for an act on a task that takes nothing but a reason.
pub(super) fn overruling(task: TaskId, act: Act, reason: Option<String>) -> Overrule {
    Overrule {
        task,
        act,
        reason,
        boost: None,
        handoff: None,
        facts: Vec::new(),
    }
}
