//! One act on several tasks of a list.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use leptos::prelude::*;
use scheduler::{Act, Request, TaskId};

use super::tasks::{not_in_review, not_running, overruling};
use super::{Answer, Desk, Done, Form, Refused};
use crate::text::count;

/// Tasks of one list at most.
const MOST: usize = 200;

/// Holds, releases, cancels or retries each task that was chosen. Those that refuse
/// it are left as they are, and counted by their reason; so are those at work when others are held,
/// and those in review when others are released or retried.
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
        async move {
            match act {
                Act::Hold => not_running(desk, task).await?,
                Act::Release | Act::Retry => not_in_review(desk, task).await?,
                _ => {}
            }
            desk.submit_part(&task.to_string(), request).await
        }
    });
    let answers = futures::future::join_all(requests).await;
    sum_up(answers, words)
}

/// What became of each: how many it was done with, and why it was not done with the others.
fn sum_up<T>(answers: Vec<Result<T, Refused>>, words: &str) -> Result<Done, Refused> {
    let all = answers.len();
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    let done = count((all - refused.len()) as u64, "task");
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for one in &refused {
        *reasons.entry(one.words()).or_default() += 1;
    }
    let reasons = match refused.first() {
        None => return Ok(Done::new(format!("{done} {words}."))),
        Some(only) if refused.len() == all && reasons.len() == 1 => return Err(only.clone()),
        Some(_) => told(reasons),
    };
    let left = refused.len();
    if left == all {
        return Err(Refused::because(format!("No task was changed. {reasons}")));
    }
    Ok(Done::new(format!(
        "{done} {words}, {left} left as they were. {reasons}"
    )))
}

/// Each reason with how many it holds for, the commonest first.
fn told(reasons: BTreeMap<String, u64>) -> String {
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, times)| Reverse(*times));
    let each = |(words, times): (String, u64)| format!("{}: {words}", count(times, "task"));
    reasons.into_iter().map(each).collect::<Vec<_>>().join(" ")
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
