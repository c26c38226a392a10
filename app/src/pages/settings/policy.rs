//! The policy: the numbers people may turn, and the versions there were.

use leptos::prelude::*;
use scheduler::{Policy, PolicyRow, UnknownCostMode};

use crate::access::Seat;
use crate::components::act_form::ActForm;
use crate::components::moment::Moment;
use crate::markup::{Markup, Written};
use crate::text;

/// A number of the policy: its name in forms, what it is, and its value.
type Number = (&'static str, &'static str, String);

/// Numbers of a part of the policy: the form names its fields as the policy does.
macro_rules! numbers {
    ($part:expr, $($name:ident: $label:literal),+ $(,)?) => {
        vec![$((stringify!($name), $label, $part.$name.to_string())),+]
    };
}

/// The same of milliseconds, which people read as seconds.
macro_rules! seconds {
    ($part:expr, $($name:ident: $label:literal),+ $(,)?) => {
        vec![$((stringify!($name), $label, (f64::from($part.$name) / 1e3).to_string())),+]
    };
}

/// The form for those who may, the numbers for the others, and the history.
pub fn panel(policies: &[PolicyRow], seat: &Seat) -> Markup {
    let Some(now) = policies.first() else {
        return ().written();
    };
    let body = match ActForm::new("put_policy", seat) {
        Some(form) => put(form, now),
        None => numbers(&now.policy),
    };
    view! {
        <section class="panel" id="policy" data-act-region aria-labelledby="policy-head">
            <div class="panel-head">
                <h2 id="policy-head">"Policy"</h2>
                <p class="quiet small">
                    {format!("version {}, put in force ", now.version)}
                    <Moment at=now.at now=seat.now />
                </p>
            </div>
            {body}
            {history(policies, seat)}
        </section>
    }
    .written()
}

fn groups(policy: &Policy) -> [(&'static str, &'static str, Vec<Number>); 5] {
    let bands = numbers!(policy.class_bands,
        directive: "Directive",
        strategic: "Strategic",
        ordinary: "Ordinary",
        routine: "Routine",
        exploratory: "Exploratory",
    );
    let ageing = numbers!(policy, ageing_per_hour: "Points an hour of age");
    let unknown = &policy.unknown_cost;
    [
        (
            "Fuses",
            "Hard limits that refuse, so that no agent runs away with the team.",
            numbers!(policy.fuses,
                max_delegation_depth: "Parents above a task",
                max_children: "Tasks split from one",
                max_pending: "Unfinished tasks",
                agent_creates_per_minute: "Creates of an agent, a minute",
            ),
        ),
        (
            "Order",
            "Points that a class adds to a task's score, and that an hour of waiting adds.",
            [bands, ageing].concat(),
        ),
        (
            "Shares",
            "What is left for others, here and in the other workspaces of the pool.",
            [
                numbers!(policy,
                    fair_share_weight: "Weight among workspaces",
                    exploratory_headroom: "Share exploratory work leaves free, 0 to 1",
                ),
                seconds!(policy, reserve_after_ms: "A resource saves up after, seconds"),
            ]
            .concat(),
        ),
        (
            "Retries",
            "How long a failed task rests: twice as long each time, up to the most.",
            seconds!(policy.retries,
                base_ms: "First rest, seconds",
                max_ms: "Longest rest, seconds",
            ),
        ),
        (
            "Unknown cost",
            "What is reserved for a task nobody estimated, until its kind has a history.",
            vec![
                (
                    "default_tokens",
                    "Tokens",
                    unknown.default_tokens.to_string(),
                ),
                (
                    "default_microusd",
                    "Dollars",
                    (unknown.default_microusd as f64 / 1e6).to_string(),
                ),
            ],
        ),
    ]
}

fn put(form: ActForm, now: &PolicyRow) -> Markup {
    // Before any field: by the version a field knows whether others changed it meanwhile.
    let form = form.with("version", now.version.to_string());
    let mode = match now.policy.unknown_cost.mode {
        UnknownCostMode::Reserve => "reserve",
        UnknownCostMode::Refuse => "refuse",
    };
    let group = |(name, hint, numbers): (&'static str, &'static str, Vec<Number>)| {
        let fields = numbers
            .into_iter()
            .map(|(name, label, value)| form.field(name, label).holding(value).required().line())
            .collect_view();
        view! {
            <fieldset class="field-group">
                <legend>{name}</legend>
                <p class="hint">{hint}</p>
                <div class="field-row">{fields}</div>
            </fieldset>
        }
    };
    let groups = groups(&now.policy).map(group).collect_view();
    let mode = form
        .field("mode", "Without an estimate")
        .holding(mode)
        .choice(&[
            (
                "reserve",
                "reserve the default, learn from the kind's history",
            ),
            ("refuse", "refuse to start until there is one"),
        ]);
    let fields = view! {
        {groups}
        {mode}
    };
    form.show("Put in force", fields)
}

/// The numbers that a workspace's own page shows.
const CHIEF: [&str; 5] = [
    "max_pending",
    "max_children",
    "max_delegation_depth",
    "ageing_per_hour",
    "fair_share_weight",
];

/// Those numbers under the names they have here.
pub fn chief(policy: &Policy) -> Markup {
    let all = groups(policy).into_iter();
    let all = all.flat_map(|(_, _, numbers)| numbers);
    listed(all.filter(|(name, ..)| CHIEF.contains(name)))
}

fn numbers(policy: &Policy) -> Markup {
    let all = groups(policy).into_iter();
    listed(all.flat_map(|(_, _, numbers)| numbers))
}

fn listed(numbers: impl IntoIterator<Item = Number>) -> Markup {
    let read = |value: String| value.parse().map_or(value, text::number);
    let rows = numbers
        .into_iter()
        .map(|(_, label, value)| view! { <dt>{label}</dt> <dd>{read(value)}</dd> })
        .collect_view();
    view! { <dl class="facts">{rows}</dl> }.written()
}

fn history(policies: &[PolicyRow], seat: &Seat) -> Markup {
    let versions = policies.windows(2).map(|pair| {
        let changes = changes(&pair[1].policy, &pair[0].policy);
        view! {
            <li>
                <span class="strong">{format!("Version {}", pair[0].version)}</span>
                <span class="quiet">{changes.join("; ")}</span>
                <span class="quiet small"><Moment at=pair[0].at now=seat.now /></span>
            </li>
        }
    });
    let versions: Vec<_> = versions.collect();
    if versions.is_empty() {
        return view! { <p class="quiet small">"It has not been changed yet. Every version will stand here."</p> }
            .written();
    }
    view! {
        <details>
            <summary>"Versions before"</summary>
            <ul class="related" role="list">{versions}</ul>
        </details>
    }
    .written()
}

/// What differs, in words: `Unfinished tasks 5000 → 9000`.
fn changes(before: &Policy, after: &Policy) -> Vec<String> {
    let flat = |policy: &Policy| {
        groups(policy)
            .into_iter()
            .flat_map(|(_, _, numbers)| numbers)
    };
    let mut changes: Vec<_> = flat(before)
        .zip(flat(after))
        .filter(|(before, after)| before.2 != after.2)
        .map(|(before, after)| format!("{} {} → {}", before.1, before.2, after.2))
        .collect();
    if before.unknown_cost.mode != after.unknown_cost.mode {
        changes.push("what happens without an estimate".to_owned());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_says_what_it_changed() {
        let before = Policy::default();
        let mut after = before.clone();
        after.fuses.max_pending = 9_000;
        assert_eq!(changes(&before, &after), ["Unfinished tasks 5000 → 9000"]);
    }
}
