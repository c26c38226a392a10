//! Limits as people set them: resources and budgets, and resources closed and opened by hand.

use leptos::prelude::*;
use scheduler::bounds::{BUDGET_LIMIT, CLOSED_FOR, NOTE_BYTES, SLOTS, is_refill, name_fault};
use scheduler::{
    Adaptive, AgentId, BudgetScope, BudgetView, PutBudget, PutResource, Query, Request,
    ResourceKind, ResourceSpec, Span, TaskId, Unit, View, Window,
};
use store::accounts::WorkspaceRole;

use super::{Answer, Desk, Done, Form, Reader, Refused};
use crate::access::Seat;

/// What the forms that make something anew say in `is`.
pub const NEW: &str = "new";
const TAKEN: &str = "There is one of this name: change that, or choose another name.";

/// Makes a resource, or changes its limit.
#[server(endpoint = "set_resource")]
pub async fn set_resource(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = put_resource(&form).await;
    form.answer(done).await
}

/// Lets nothing through a resource for a while.
#[server(endpoint = "close_resource")]
pub async fn close_resource(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = close(&form).await;
    form.answer(done).await
}

/// Opens a resource again, whoever closed it.
#[server(endpoint = "reopen_resource")]
pub async fn reopen_resource(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = reopen(&form).await;
    form.answer(done).await
}

/// Makes a budget, or changes it.
#[server(endpoint = "set_budget")]
pub async fn set_budget(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = put_budget(&form).await;
    form.answer(done).await
}

async fn put_resource(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("set_resource", form).await?;
    let mut read = form.read();
    let name = read.name("name").to_owned();
    let kind = kind(&mut read, form);
    let adaptive = adaptive(&mut read, &kind);
    // What this very form has made when it was sent before is not another.
    let known = known(&desk, &name).await?;
    let known = known.filter(|spec| spec.id.0 != desk.id());
    if form.get("is") == NEW {
        read.that(known.is_none(), "name", TAKEN);
    }
    read.done()?;
    if let Some(spec) = &known {
        changed_by(&desk, spec)?;
    }
    let pool_wide = known.as_ref().is_some_and(|spec| spec.workspace.is_none());
    let request = PutResource {
        id: desk.id().into(),
        name: name.clone(),
        pool_wide,
        kind,
        adaptive,
    };
    desk.submit(Request::PutResource(request)).await?;
    let path = desk
        .seat
        .path(&format!("resources/{}", crate::text::escaped(&name)));
    Ok(match known {
        Some(_) => Done::new(format!("“{name}” has its new limit.")).to(path),
        None => Done::new(format!(
            "“{name}” is there. Tasks that require it wait for it now."
        ))
        .to(path),
    })
}

async fn close(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("close_resource", form).await?;
    let mut read = form.read();
    let resource = resource(&mut read);
    let minutes = read.value::<u32>("minutes", "This takes whole minutes, 1 at least.");
    let closed_for = Span::from_secs(i64::from(minutes) * 60);
    let fits = minutes > 0 && closed_for <= CLOSED_FOR;
    read.that(fits, "minutes", "This takes 1 minute to 30 days.");
    let reason = read.line("reason", 1_000).to_owned();
    read.done()?;
    of_pool_for_admins(&desk, &resource).await?;
    let request = scheduler::CloseResource {
        resource: resource.clone(),
        until: Some(desk.seat.now + closed_for),
        reason: Some(reason),
    };
    desk.submit(Request::CloseResource(request)).await?;
    let done = Done::new("Closed. Nothing new is let through; what runs goes on.");
    Ok(done.undo("reopen_resource", &[("name", resource)]))
}

async fn reopen(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("reopen_resource", form).await?;
    let mut read = form.read();
    let resource = resource(&mut read);
    let reason = read.optional("reason", NOTE_BYTES);
    read.done()?;
    of_pool_for_admins(&desk, &resource).await?;
    let until = None;
    let request = scheduler::CloseResource {
        resource,
        until,
        reason,
    };
    desk.submit(Request::CloseResource(request)).await?;
    Ok(Done::new(
        "Open again. What waited for it goes on as it fits.",
    ))
}

/// The name of the resource that the page is about.
fn resource(read: &mut Reader<'_>) -> String {
    let name = read.own("name", |name| {
        name_fault(name).is_none().then_some(name.to_owned())
    });
    name.unwrap_or_default()
}

async fn put_budget(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("set_budget", form).await?;
    let (store, workspace) = (desk.seat.store(), desk.seat.workspace);
    let agent = store.agent_called(workspace, form.get("of")).await?;
    let task = task_named(&desk, form.get("of")).await?;
    let mut read = form.read();
    let name = read.name("name").to_owned();
    if form.get("is") == NEW
        && let View::Budgets { budgets } = desk.seat.ask(Query::Budgets).await?
    {
        let is_other = |view: &BudgetView| view.row.spec.id.0 != desk.id();
        let is_taken = |view: &BudgetView| view.row.spec.name == name && is_other(view);
        read.that(!budgets.iter().any(is_taken), "name", TAKEN);
    }
    let scope = scope(&mut read, form, agent, task).unwrap_or(BudgetScope::Workspace);
    let unit = read.choice("unit", unit).unwrap_or(Unit::Tokens);
    let limit = limit(&mut read, unit);
    let window = read.choice("window", window).unwrap_or(Window::Day);
    let soft = read
        .optional_value::<f64>("soft", "This takes a percentage.")
        .unwrap_or(80.0);
    read.that(
        soft > 0.0 && soft <= 100.0,
        "soft",
        "This takes a percentage above 0 and at most 100.",
    );
    read.done()?;
    let request = PutBudget {
        id: desk.id().into(),
        name: name.clone(),
        scope,
        unit,
        limit,
        window,
        soft_at: soft / 100.0,
        used: 0,
    };
    desk.submit(Request::PutBudget(request)).await?;
    let words = if form.get("is") == NEW {
        format!("“{name}” counts from now on.")
    } else {
        format!("“{name}” is changed.")
    };
    Ok(Done::new(words).to(desk.seat.path("budgets")))
}

fn kind(read: &mut Reader<'_>, form: &Form) -> ResourceKind {
    if form.get("kind") == "slots" {
        let slots = read.value::<u32>("slots", "This takes a whole number from 0.");
        read.that(slots <= SLOTS, "slots", "This takes 10,000 at most.");
        return ResourceKind::Slots { slots };
    }
    read.choice("kind", |word| (word == "bucket").then_some(()));
    let capacity = read.value::<u32>("capacity", "This takes a whole number from 0.");
    read.that(capacity > 0, "capacity", "A bucket holds at least 1.");
    let refill_per_s = read.value::<f64>("refill_per_s", "This takes a number, like 0.5.");
    read.that(
        is_refill(refill_per_s),
        "refill_per_s",
        "This takes a number above 0, a billion at most.",
    );
    ResourceKind::Bucket {
        capacity,
        refill_per_s,
    }
}

/// Both ends or neither.
fn adaptive(read: &mut Reader<'_>, kind: &ResourceKind) -> Option<Adaptive> {
    let words = "This takes a number.";
    let min = read.optional_value::<f64>("adaptive_min", words);
    let max = read.optional_value::<f64>("adaptive_max", words);
    let both = min.is_some() == max.is_some();
    read.that(both, "adaptive_max", "Give both ends, or neither.");
    let (min, max) = min.zip(max)?;
    let ends = Adaptive { min, max };
    if let Some((end, fault)) = ends.fault(kind) {
        read.fault(&format!("adaptive_{end}"), format!("This {fault}."));
    }
    Some(ends)
}

async fn known(desk: &Desk, name: &str) -> Result<Option<ResourceSpec>, Refused> {
    let View::Resources { resources } = desk.seat.ask(Query::Resources).await? else {
        return Err(Refused::not_found());
    };
    let specs = resources.into_iter().map(|view| view.spec);
    Ok(specs.into_iter().find(|spec| spec.name == name))
}

async fn of_pool_for_admins(desk: &Desk, name: &str) -> Result<(), Refused> {
    let spec = known(desk, name).await?.ok_or_else(Refused::not_found)?;
    changed_by(desk, &spec)
}

/// Whether whoever sits there may change a resource, if they may change resources at all: what every
/// workspace of a pool shares is not one manager's to change.
pub(crate) fn may_change(seat: &Seat, resource: &ResourceSpec) -> bool {
    resource.workspace.is_some() || seat.role >= WorkspaceRole::Admin
}

fn changed_by(desk: &Desk, resource: &ResourceSpec) -> Result<(), Refused> {
    if may_change(&desk.seat, resource) {
        return Ok(());
    }
    Err(Refused::forbidden(
        "Other workspaces share this resource: changing it takes an admin.".to_owned(),
    ))
}

/// The task of the workspace with that identifier, over or not.
async fn task_named(desk: &Desk, id: &str) -> Result<Option<TaskId>, Refused> {
    let Ok(task) = id.parse() else {
        return Ok(None);
    };
    let (store, workspace) = (desk.seat.store(), desk.seat.workspace);
    let known = store.titles(workspace, &[task]).await?;
    Ok(known.contains_key(&task).then_some(task))
}

fn scope(
    read: &mut Reader<'_>,
    form: &Form,
    agent: Option<AgentId>,
    task: Option<TaskId>,
) -> Option<BudgetScope> {
    let of = form.get("of");
    let scope = match form.get("scope") {
        "agent" => agent.map(BudgetScope::Agent),
        "model" => name_fault(of)
            .is_none()
            .then(|| BudgetScope::Model(of.to_owned())),
        "task_tree" => task.map(BudgetScope::TaskTree),
        "thinking" => Some(BudgetScope::Thinking),
        _ => Some(BudgetScope::Workspace),
    };
    read.that(
        scope.is_some(),
        "of",
        "This names no agent, model or task here.",
    );
    scope
}

fn unit(word: &str) -> Option<Unit> {
    match word {
        "microusd" => Some(Unit::Microusd),
        "tokens" => Some(Unit::Tokens),
        _ => None,
    }
}

fn window(word: &str) -> Option<Window> {
    match word {
        "5h" => Some(Window::FiveHours),
        "day" => Some(Window::Day),
        "week" => Some(Window::Week),
        "month" => Some(Window::Month),
        "total" => Some(Window::Total),
        _ => None,
    }
}

/// Money is written in dollars.
fn limit(read: &mut Reader<'_>, unit: Unit) -> u64 {
    let written = read.value::<f64>("limit", "This takes a number.");
    let limit = match unit {
        Unit::Microusd => written * 1e6,
        Unit::Tokens => written,
    };
    let fits = (0.0..=BUDGET_LIMIT as f64).contains(&limit);
    read.that(
        fits,
        "limit",
        "This takes a number from 0 on, and no fortune.",
    );
    limit.round() as u64
}
