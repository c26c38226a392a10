//! The form that sets a limit.

use leptos::prelude::*;
use scheduler::{Adaptive, ResourceKind, ResourceSpec};

use crate::access::Seat;
use crate::acts::limits::{NEW, may_change};
use crate::components::act_form::ActForm;
use crate::markup::Markup;

/// For a new resource, or with how it is set now, and whether it was just refused; `None` for a reader
/// who may not.
pub fn limit_form(seat: &Seat, now: Option<&ResourceSpec>) -> Option<(bool, Markup)> {
    if now.is_some_and(|spec| !may_change(seat, spec)) {
        return None;
    }
    let form = ActForm::new("set_resource", seat)?;
    let form = match now {
        Some(spec) => form.with("name", spec.name.clone()),
        None => form.with("is", NEW),
    };
    let name = now.is_none().then(|| {
        form.field("name", "Name")
            .hint("As tasks require it, like google_search_api.")
            .required()
            .line()
    });
    let (slots, capacity, refill) = match now.map(|spec| &spec.kind) {
        Some(ResourceKind::Slots { slots }) => (slots.to_string(), String::new(), String::new()),
        Some(ResourceKind::Bucket {
            capacity,
            refill_per_s,
        }) => (
            String::new(),
            capacity.to_string(),
            refill_per_s.to_string(),
        ),
        None => (String::new(), String::new(), String::new()),
    };
    let kind = match now.map(|spec| &spec.kind) {
        Some(ResourceKind::Slots { .. }) => "slots",
        _ => "bucket",
    };
    let slots = form
        .field("slots", "Slots")
        .holding(slots)
        .hint("How many at once.")
        .number();
    let capacity = form
        .field("capacity", "Capacity")
        .holding(capacity)
        .hint("Tokens when full.")
        .number();
    let refill = form
        .field("refill_per_s", "Refill a second")
        .holding(refill)
        .hint("Like 0.5.")
        .line();
    let Adaptive { min, max } = now
        .and_then(|spec| spec.adaptive)
        .unwrap_or(Adaptive { min: 0.0, max: 0.0 });
    let held = |value: f64| {
        if value > 0.0 {
            value.to_string()
        } else {
            String::new()
        }
    };
    let least = form
        .field("adaptive_min", "Never below")
        .holding(held(min))
        .line();
    let most = form
        .field("adaptive_max", "Never above")
        .holding(held(max))
        .line();
    let chosen = form.field("kind", "Kind").holding(kind);
    let chosen = chosen.choice(&[
        ("bucket", "bucket: refills with time"),
        ("slots", "slots: held while work runs"),
    ]);
    let button = if now.is_some() {
        "Set the limit"
    } else {
        "Create"
    };
    let refused = form.was_refused();
    let opened = min > 0.0 || refused;
    let hint = now.is_none().then(|| {
        view! {
            <p class="quiet">
                "A bucket refills with time, as a rate limit does; slots are held while work runs."
            </p>
        }
    });
    let form = form.show(
        button,
        view! {
            {hint}
            {name}
            <div class="limit-kinds">
                {chosen}
                <div class="field-row kind-bucket">{capacity} {refill}</div>
                <div class="kind-slots">{slots}</div>
            </div>
            <details class="limit-more" open=opened>
                <summary>"Adapt when its provider keeps refusing"</summary>
                <p class="hint">"Baton lowers the refill (or the slots) after refusals and raises it again, between these two. Leave both empty for a fixed limit."</p>
                <div class="field-row">{least} {most}</div>
            </details>
        },
    );
    Some((refused, form))
}
