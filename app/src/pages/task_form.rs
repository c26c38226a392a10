//! The pages on which a task is written: a new one, or one that waits and is changed.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Query, TaskId, TaskState, View};
use store::read::TaskDetail;

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::acts::amount_field;
use crate::components::act_form::ActForm;
use crate::markup::{Markup, Written};
use crate::text;

/// The importance an author may state.
const PRIORITIES: [(&str, &str); 4] = [
    ("urgent", "Urgent"),
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
];
/// What kind of work it is to the scheduler.
const CLASSES: [(&str, &str); 5] = [
    ("directive", "Directive: an instruction to one agent"),
    ("strategic", "Strategic: an experiment with success metrics"),
    ("ordinary", "Ordinary"),
    ("routine", "Routine: recurring watch work"),
    ("exploratory", "Exploratory: only with capacity left over"),
];

/// A new task.
#[component]
pub fn NewTaskPage() -> impl IntoView {
    loaded(load_new(Asked::now()), show)
}

/// A waiting task, to be changed.
#[component]
pub fn EditTaskPage() -> impl IntoView {
    loaded(load_edit(Asked::now()), show)
}

/// What the form can offer to choose from, and what it begins with.
struct Data {
    seat: Seat,
    task: Option<TaskDetail>,
    resources: Vec<String>,
    agents: Vec<String>,
    capabilities: Vec<String>,
    depends_on: String,
    parent: String,
}

async fn load_new(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    if !seat.may("create_task") {
        return Err(PageError::ReadsOnly);
    }
    let data = load(seat, None).await?;
    Ok(Data {
        depends_on: asked.param("after").unwrap_or_default(),
        parent: asked.param("parent").unwrap_or_default(),
        ..data
    })
}

async fn load_edit(asked: Asked) -> Result<Data, PageError> {
    let id: TaskId = asked.id()?;
    let seat = asked.seat().await?;
    if !seat.may("change_task") {
        return Err(PageError::ReadsOnly);
    }
    let task = seat.store().task(seat.workspace, id).await?;
    let task = task.ok_or(PageError::NotFound)?;
    load(seat, Some(task)).await
}

async fn load(seat: Seat, task: Option<TaskDetail>) -> Result<Data, PageError> {
    let (resources, agents) = futures::join!(
        seat.ask(Query::Resources),
        seat.store().agents(seat.workspace, seat.now)
    );
    let resources = match resources {
        Ok(View::Resources { resources }) => resources,
        _ => Vec::new(),
    };
    let mut resources: Vec<_> = resources.into_iter().map(|one| one.spec.name).collect();
    let needed = task.iter().flat_map(|task| &task.task.needs.requires);
    resources.extend(needed.map(|need| need.resource.clone()));
    resources.sort_unstable();
    resources.dedup();
    let agents = agents?;
    let mut capabilities: Vec<_> = agents
        .iter()
        .flat_map(|listed| listed.agent.card.capabilities.iter().cloned())
        .collect();
    capabilities.sort_unstable();
    capabilities.dedup();
    Ok(Data {
        seat,
        task,
        resources,
        agents: agents
            .into_iter()
            .map(|listed| listed.agent.card.name)
            .collect(),
        capabilities,
        depends_on: String::new(),
        parent: String::new(),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "a page is handed its data")]
fn show(data: Data) -> Markup {
    let (act, title, button) = if data.task.is_some() {
        ("change_task", "Edit a task", "Save")
    } else {
        ("create_task", "New task", "Hand it in")
    };
    let seat = &data.seat;
    let back = match &data.task {
        Some(task) => seat.path(&format!("tasks/{}", task.task.id)),
        None => seat.path("tasks"),
    };
    let mut form = ActForm::outside(act, &seat.slug);
    if let Some(task) = &data.task {
        form = form
            .with("task", task.task.id.to_string())
            .with("version", task.task.version.to_string());
    }
    let opens = form.was_refused();
    // Whoever was refused because it began meanwhile keeps what they typed.
    if let Some(state) = data.task.as_ref().map(|task| task.task.state)
        && !matches!(state, TaskState::Backlog | TaskState::Pending)
        && !opens
    {
        return no_longer(state, title, back);
    }
    let fields = view! {
        {first_fields(&form, &data)}
        <details class="more" open=opens>
            <summary>"More: limits, estimates, dates"</summary>
            <div class="more-fields">
                {resources(&form, &data)}
                {estimates(&form, &data)}
                {dates(&form, &data)}
                {data.task.is_none().then(|| only_new(&form, &data))}
            </div>
        </details>
    }
    .written();
    view! {
        <Title text=title />
        <div id="task-form" data-act-region class="narrow">
            <header class="page-head">
                <p class="eyebrow"><a href=back>"Back"</a></p>
                <h1>{title}</h1>
            </header>
            <section class="panel">{form.show(button, fields)}</section>
        </div>
    }
    .written()
}

/// Why there is no form for a task that does not wait.
fn no_longer(state: TaskState, title: &'static str, back: String) -> Markup {
    let then = match state {
        TaskState::InProgress => "Hold it on its page first, or let its agent end it.",
        TaskState::InReview => "Accept its result on its page, or send it back first.",
        _ => "What is to be done anew is a new task, or this one once it is retried on its page.",
    };
    let words = format!(
        "It is {}, and only a task that waits can be edited. {then}",
        text::state(state)
    );
    view! {
        <Title text=title />
        <div id="task-form" class="narrow">
            <header class="page-head">
                <p class="eyebrow"><a href=back.clone()>"Back"</a></p>
                <h1>{title}</h1>
            </header>
            <section class="panel">
                <p>{words}</p>
                <p><a class="button" href=back>"To the task"</a></p>
            </section>
        </div>
    }
    .written()
}

fn first_fields(form: &ActForm, data: &Data) -> Markup {
    let task = data.task.as_ref();
    let needs = task.map(|task| &task.task.needs);
    let title = task.map(|task| task.task.title.clone());
    let description = task.map(|task| task.description.clone());
    let priority = task.map_or("medium", |task| text::priority(task.task.priority));
    let class = needs.map_or("ordinary", |needs| text::class(needs.class));
    let capabilities = needs.map(|needs| needs.capabilities.join(", "));
    let agent = needs.and_then(|needs| needs.agent.clone());
    view! {
        {form.field("title", "Title").holding(title.unwrap_or_default()).required().line()}
        {form
            .field("description", "Description")
            .hint("What the agent needs to know. Agents read it as text.")
            .holding(description.unwrap_or_default())
            .area(6)}
        <div class="field-row">
            {form.field("priority", "Priority").holding(priority).choice(&PRIORITIES)}
            {form.field("class", "Class").holding(class).choice(&CLASSES)}
        </div>
        <div class="field-row">
            {form
                .field("capabilities", "Capabilities it takes")
                .hint("Apart by commas. Empty: any agent may do it.")
                .holding(capabilities.unwrap_or_default())
                .line_of(&data.capabilities)}
            {form
                .field("agent", "Only for one agent")
                .hint("Its name. Empty: whoever can.")
                .holding(agent.unwrap_or_default())
                .line_of(&data.agents)}
        </div>
    }
    .written()
}

/// An amount for each resource there is.
fn resources(form: &ActForm, data: &Data) -> Markup {
    let needs = data.task.as_ref().map(|task| &task.task.needs);
    let typed = form.typed("amount[]");
    let row = |(at, name): (usize, &String)| {
        let id = format!("amount-{at}");
        let needed = needs.and_then(|needs| {
            let need = needs.requires.iter().find(|need| need.resource == *name)?;
            Some(need.amount.to_string())
        });
        let value = typed.get(at).cloned().or(needed);
        let fault = form.fault(&amount_field(at));
        let (invalid, fault_id) = (fault.as_ref().map(|_| "true"), format!("{id}-fault"));
        let described = fault.as_ref().map(|_| fault_id.clone());
        view! {
            <label for=id.clone()>{name.clone()}</label>
            <input type="hidden" name="resource[]" value=name.clone() />
            <input id=id name="amount[]" inputmode="numeric" value=value autocomplete="off"
                aria-describedby=described aria-invalid=invalid />
            {fault.map(|fault| view! { <p class="field-fault" id=fault_id>{fault}</p> })}
        }
    };
    let rows = data.resources.iter().enumerate().map(row).collect_view();
    let none = data.resources.is_empty().then(|| {
        view! { <p class="quiet">"No resource is defined in this workspace yet."</p> }
    });
    let fault = form
        .fault("amount[]")
        .map(|fault| view! { <p class="field-fault">{fault}</p> });
    view! {
        <fieldset class="amounts">
            <legend>"Takes while it runs"</legend>
            {none}
            {rows}
            {fault}
        </fieldset>
    }
    .written()
}

fn estimates(form: &ActForm, data: &Data) -> Markup {
    let estimate = data
        .task
        .as_ref()
        .map(|task| task.task.needs.estimate.clone())
        .unwrap_or_default();
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    let cost = estimate
        .cost_microusd
        .map(|cost| (cost as f64 / 1e6).to_string());
    let minutes = estimate
        .duration_ms
        .map(|ms| (Duration::from_millis(ms.into()).as_secs_f64() / 60.0).to_string());
    view! {
        <fieldset>
            <legend>"Expected to use"</legend>
            <div class="field-row">
                {form.field("model", "Model").holding(estimate.model.unwrap_or_default()).line()}
                {form.field("input_tokens", "Tokens in").holding(number(estimate.input_tokens)).line()}
                {form.field("output_tokens", "Tokens out").holding(number(estimate.output_tokens)).line()}
                {form.field("cost", "Dollars").holding(cost.unwrap_or_default()).line()}
                {form.field("minutes", "Minutes").holding(minutes.unwrap_or_default()).line()}
            </div>
        </fieldset>
    }
    .written()
}

fn dates(form: &ActForm, data: &Data) -> Markup {
    let due = data.task.as_ref().and_then(|task| task.task.due_at);
    let not_before = data.task.is_none().then(|| {
        form.field("not_before", "Not before")
            .hint("In UTC.")
            .time()
    });
    view! {
        <div class="field-row">
            {form
                .field("due_at", "Due")
                .hint("In UTC.")
                .holding(due.map(text::control_time).unwrap_or_default())
                .time()}
            {not_before}
        </div>
    }
    .written()
}

/// What can be said only once.
fn only_new(form: &ActForm, data: &Data) -> Markup {
    view! {
        {form
            .field("depends_on", "Waits for these tasks")
            .hint("Their addresses or identifiers, one a line.")
            .holding(data.depends_on.clone())
            .area(2)}
        <div class="field-row">
            {form
                .field("parent", "Split from")
                .hint("The address or identifier of a task.")
                .holding(data.parent.clone())
                .line()}
            {form.field("kind", "Kind").hint("Durations are learnt by it.").holding("general").line()}
        </div>
        <div class="field-row">
            {form.field("max_attempts", "Attempts").holding("3").line()}
            {form
                .field("lease_minutes", "Minutes a lease lasts")
                .hint("Without a word from its agent.")
                .holding("1")
                .line()}
        </div>
        {form
            .field("payload", "Payload")
            .hint("A JSON object, given to the agent as it is.")
            .area(3)}
        {form.field("needs_review", "Somebody looks at the result before it is done").tick()}
    }
    .written()
}
