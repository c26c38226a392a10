//! One act on several tasks of a list.

use leptos::prelude::*;
use scheduler::{Act, Request, TaskId};

use super::tasks::overruling;
use super::{Answer, Desk, Done, Form, Refused};

/// Tasks of one list at most.
const MOST: usize = 200;

/// Holds, releases, cancels or retries each task that was chosen. Those whose state does not go with
/// it are left as they are, and counted.
#[server(endpoint = "change_tasks")]
pub async fn change_tasks(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = change(&form).await;
    form.answer(done).await
}

async fn change(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("change_tasks", form).await?;
    let mut read = form.read();
    let chosen = read.choice("act", named);
    let tasks: Vec<TaskId> = form
        .all("task[]")
        .iter()
        .filter_map(|id| id.parse().ok())
        .collect();
    read.done()?;
    if tasks.is_empty() || tasks.len() > MOST {
        return Err(Refused::because(
            "Choose from 1 to 200 tasks, then what to do with them.",
        ));
    }
    let Some((act, words)) = chosen else {
        return Err(Refused::because("Choose what to do with them."));
    };
    let requests = tasks.iter().map(|&task| {
        let request = Request::Overrule(overruling(task, act, None));
        let desk = &desk;
        async move { desk.submit_part(&task.to_string(), request).await }
    });
    let answers = futures::future::join_all(requests).await;
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    let left = answers.len() - done;
    // When nothing at all was done, the first reason says more than a count.
    if done == 0
        && let Some(Err(refused)) = answers.into_iter().next()
    {
        return Err(refused);
    }
    let several = crate::text::count(done as u64, "task");
    Ok(Done::new(match left {
        0 => format!("{several} {words}."),
        _ => format!(
            "{several} {words}; {left} left as they were, because their state does not go with it."
        ),
    }))
}

/// The acts that make sense for many at once, with what is said when they are done.
fn named(word: &str) -> Option<(Act, &'static str)> {
    match word {
        "hold" => Some((Act::Hold, "held")),
        "release" => Some((Act::Release, "released")),
        "cancel" => Some((Act::Cancel, "cancelled")),
        "retry" => Some((Act::Retry, "waiting again")),
        _ => None,
    }
}
