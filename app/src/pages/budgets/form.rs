//! The form that sets a budget.

use leptos::prelude::*;
use scheduler::{BudgetScope, BudgetSpec, Unit, Window};

use crate::access::Seat;
use crate::acts::limits::NEW;
use crate::components::act_form::ActForm;
use crate::markup::{Markup, Written};

/// For a new budget, and whether it was just refused; `None` for a reader who may not.
pub fn new_budget(seat: &Seat, agents: &[String]) -> Option<(bool, Markup)> {
    let form = ActForm::new("set_budget", seat)?.with("is", NEW);
    let name = form.field("name", "Name").required().line();
    let scope = form
        .field("scope", "Counts the spending of")
        .holding("workspace")
        .choice(&[
            ("workspace", "the whole workspace"),
            ("agent", "one agent"),
            ("model", "one model"),
            ("task_tree", "a task and all split from it"),
        ]);
    let of = form.field("of", "Which agent, model or task");
    let of = of
        .hint("Leave it empty for the whole workspace.")
        .line_of(agents);
    let unit = form.field("unit", "Counts").holding("microusd");
    let unit = unit.choice(&[("microusd", "dollars"), ("tokens", "tokens")]);
    let numbers = numbers(&form, None);
    let fields = view! {
        <p class="quiet">
            "Money or tokens per window. What it counts is reserved before work starts, and settled as usage is reported."
        </p>
        {name}
        {scope}
        {of}
        {unit}
        {numbers}
    };
    Some((form.was_refused(), form.show("Create", fields)))
}

/// With how it is set now. A budget keeps its scope and unit.
pub fn edit_budget(seat: &Seat, id: String, spec: &BudgetSpec) -> Option<(bool, Markup)> {
    let form = ActForm::new("set_budget", seat)?
        .id(id)
        .with("name", spec.name.clone());
    let (scope, of) = match &spec.scope {
        BudgetScope::Workspace => ("workspace", String::new()),
        BudgetScope::Agent(agent) => ("agent", agent.to_string()),
        BudgetScope::Model(model) => ("model", model.clone()),
        BudgetScope::TaskTree(task) => ("task_tree", task.to_string()),
        BudgetScope::Thinking => ("thinking", String::new()),
        BudgetScope::Experiment(_) => return None,
    };
    let unit = match spec.unit {
        Unit::Microusd => "microusd",
        Unit::Tokens => "tokens",
    };
    let form = form.with("scope", scope).with("of", of).with("unit", unit);
    let numbers = numbers(&form, Some(spec));
    Some((form.was_refused(), form.show("Set the budget", numbers)))
}

fn numbers(form: &ActForm, spec: Option<&BudgetSpec>) -> Markup {
    let limit = spec.map_or_else(String::new, |spec| match spec.unit {
        Unit::Microusd => (spec.limit as f64 / 1e6).to_string(),
        Unit::Tokens => spec.limit.to_string(),
    });
    let hint = "In whole dollars and cents, or tokens.";
    let limit = form
        .field("limit", "Limit")
        .holding(limit)
        .hint(hint)
        .required()
        .line();
    let window = spec.map_or("day", |spec| match spec.window {
        Window::FiveHours => "5h",
        Window::Day => "day",
        Window::Week => "week",
        Window::Month => "month",
        Window::Total => "total",
    });
    let window = form.field("window", "Over").holding(window).choice(&[
        ("5h", "5 hours"),
        ("day", "a day (UTC)"),
        ("week", "a week from Monday"),
        ("month", "a calendar month"),
        ("total", "all time"),
    ]);
    let soft = spec.map_or(80.0, |spec| (spec.soft_at * 1_000.0).round() / 10.0);
    let soft = form
        .field("soft", "Warn at, in per cent")
        .holding(soft.to_string())
        .line();
    view! { <div class="field-row">{limit} {window} {soft}</div> }.written()
}
