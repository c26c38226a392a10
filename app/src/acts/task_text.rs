//! Making a task, and changing what it says and needs.

use leptos::prelude::*;
use scheduler::bounds::ATTEMPTS;
use scheduler::{CreateTasks, EditTask, Needs, NewTask, Refusal, Reply, Request, TaskId};
use uuid::Uuid;

use super::task_fields::{Fields, name, named_tasks};
use super::{Answer, Desk, Done, Form, Refused};

/// Makes a task.
#[server(endpoint = "create_task")]
pub async fn create_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = create(&form).await;
    form.answer(done).await
}

/// Changes a waiting task's text, how it is ranked, or what it needs.
#[server(endpoint = "change_task")]
pub async fn change_task(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = edit(&form).await;
    form.answer(done).await
}

async fn create(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("create_task", form).await?;
    let task = new_task(form)?;
    let request = Request::CreateTasks(CreateTasks {
        tasks: vec![task],
        facts: Vec::new(),
    });
    let made = match desk.ask("", request).await? {
        Ok(Reply::Created { tasks }) => tasks.first().map(|task| task.id),
        Err(Refusal::NeedFacts { tasks }) => return Err(unknown(form, &tasks)),
        answer => answer.map(|_| None)?,
    };
    let to = made.map_or_else(|| "tasks".to_owned(), |id| format!("tasks/{id}"));
    Ok(Done::new("Handed in. Below is where it stands.").to(desk.seat.path(&to)))
}

/// Marks the fields that name tasks which are not of this workspace.
fn unknown(form: &Form, tasks: &[TaskId]) -> Refused {
    let mut read = form.read();
    for field in ["depends_on", "parent"] {
        let named = named_tasks(form, &mut read, field);
        let known = !named.iter().any(|task| tasks.contains(task));
        read.that(known, field, "This is no task of this workspace.");
    }
    read.done().err().unwrap_or_else(Refused::not_found)
}

fn new_task(form: &Form) -> Result<NewTask, Refused> {
    let mut read = form.read();
    let fields = Fields::read(form, &mut read);
    let kind = name(&mut read, "kind");
    let not_before = read.date("not_before");
    let max_attempts: u16 = read.value("max_attempts", "A whole number from 1 to 100.");
    read.that(
        ATTEMPTS.contains(&max_attempts),
        "max_attempts",
        "A whole number from 1 to 100.",
    );
    let lease_minutes: u32 = read.value("lease_minutes", "A whole number from 1 to 1440.");
    read.that(
        (1..=1440).contains(&lease_minutes),
        "lease_minutes",
        "A whole number from 1 to 1440.",
    );
    let depends_on = named_tasks(form, &mut read, "depends_on");
    let parent = named_tasks(form, &mut read, "parent").into_iter().next();
    let payload = payload(form, &mut read);
    let needs_review = read.ticked("needs_review");
    read.done()?;
    Ok(NewTask {
        id: TaskId(Uuid::now_v7()),
        title: fields.title,
        description: fields.description,
        payload,
        reference: None,
        needs: Needs {
            kind: kind.unwrap_or_else(|| "general".to_owned()),
            class: fields.class,
            capabilities: fields.capabilities,
            requires: fields.requires,
            agent: fields.agent,
            estimate: fields.estimate,
            max_attempts,
            lease_ms: lease_minutes * 60_000,
            needs_review,
        },
        priority: fields.priority,
        due_at: fields.due_at,
        not_before,
        depends_on,
        parent,
    })
}

/// The author's own data: a JSON object or nothing.
fn payload(form: &Form, read: &mut super::Reader<'_>) -> Option<serde_json::Value> {
    let text = form.get("payload");
    if text.is_empty() {
        return None;
    }
    let value = serde_json::from_str(text)
        .ok()
        .filter(serde_json::Value::is_object);
    read.that(
        value.is_some() && !text.contains("\\u0000"),
        "payload",
        "This takes a JSON object, like {\"region\": \"eu\"}.",
    );
    value
}

async fn edit(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("change_task", form).await?;
    let mut read = form.read();
    let task: TaskId = read.id("task");
    let version: u32 = read.id("version");
    let fields = Fields::read(form, &mut read);
    read.done()?;
    let stored = desk.seat.store().task(desk.seat.workspace, task).await?;
    let stored = stored.ok_or_else(Refused::not_found)?;
    let (was, needs) = (&stored.task, &stored.task.needs);
    // Of a form sent twice the second finds the version moved on; its answer is remembered.
    if was.version != version && !desk.was_done().await? {
        return Err(Refusal::VersionConflict {
            current: was.version,
        }
        .into());
    }
    let request = EditTask {
        task,
        priority: changed(fields.priority, &was.priority),
        due_at: changed(fields.due_at, &was.due_at),
        class: changed(fields.class, &needs.class),
        estimate: changed(fields.estimate, &needs.estimate),
        capabilities: changed(fields.capabilities, &needs.capabilities),
        requires: changed(fields.requires, &needs.requires),
        agent: changed(fields.agent, &needs.agent).map(Option::unwrap_or_default),
        title: changed(fields.title, &was.title),
        description: changed(fields.description, &stored.description),
        version,
    };
    desk.submit(Request::EditTask(request)).await?;
    let back = desk.seat.path(&format!("tasks/{task}"));
    Ok(Done::new("Changed.").to(back))
}

fn changed<T: PartialEq>(new: T, old: &T) -> Option<T> {
    (new != *old).then_some(new)
}
