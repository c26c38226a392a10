//! Acts on one task.

use leptos::prelude::*;
use scheduler::bounds::NOTE_BYTES;
use scheduler::{Act, Overrule, Request, TaskId};

use super::{Answer, Desk, Done, Form, Refused};

/// Keeps a waiting task from starting until it is released.
#[server(endpoint = "hold_task")]
pub async fn hold_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        let task = overrule("hold_task", Act::Hold, &form).await?;
        Ok(
            Done::new("Held. Nothing starts it until somebody releases it.")
                .undo("release_task", &[("task", task.to_string())]),
        )
    };
    let done = done.await;
    form.answer(done).await
}

/// Lets a held task go on waiting for its turn.
#[server(endpoint = "release_task")]
pub async fn release_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        let task = overrule("release_task", Act::Release, &form).await?;
        Ok(Done::new("Released. It starts as soon as it can.")
            .undo("hold_task", &[("task", task.to_string())]))
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

/// Gives a failed or cancelled task all its attempts anew.
#[server(endpoint = "retry_task")]
pub async fn retry_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = async {
        overrule("retry_task", Act::Retry, &form).await?;
        Ok(Done::new(
            "It waits for its turn again, with all its attempts.",
        ))
    };
    let done = done.await;
    form.answer(done).await
}

async fn overrule(name: &str, act: Act, form: &Form) -> Result<TaskId, Refused> {
    let desk = Desk::open(name, form).await?;
    let mut read = form.read();
    let task = read.id("task");
    let reason = read.optional("reason", NOTE_BYTES);
    read.done()?;
    let request = Overrule {
        task,
        act,
        reason,
        boost: None,
        handoff: None,
        facts: Vec::new(),
    };
    desk.submit(Request::Overrule(request)).await?;
    Ok(task)
}
