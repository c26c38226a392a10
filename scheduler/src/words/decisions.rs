//! Decisions in words.

use serde_json::Value;

use super::numbers::{amount, count, duration, instant, ordinal, plain};
use super::waits;
use crate::{
    Act, Actor, BudgetEvent, BudgetFacts, Decision, DispatchFacts, ExpiryEvent, ExpiryFacts,
    Factor, FactorName, Facts, Fuse, NotYetFacts, OverrideFacts, ResourceKind, Span, TaskState,
    ThrottleEvent, ThrottleFacts, ValueChange,
};

/// What was decided, in one line.
#[must_use]
pub fn headline(decision: &Decision) -> String {
    let at = decision.at;
    match &decision.facts {
        Facts::Dispatch(facts) => format!("Given to {}, attempt {}", facts.agent, facts.attempt),
        Facts::NotYet(facts) => match facts
            .blockers
            .iter()
            .min_by_key(|blocker| (blocker.tier, blocker.code))
        {
            Some(worst) => format!("Not yet: {}", waits::blocker(worst, at)),
            None => "Not yet".to_owned(),
        },
        Facts::Fuse(facts) => format!(
            "Refused by a fuse: {}",
            fuse(facts.fuse, facts.limit, facts.count)
        ),
        Facts::Budget(facts) => budget(facts),
        Facts::Throttle(facts) => throttle(facts, decision),
        Facts::Override(facts) => format!(
            "{} by {}{}",
            overruled(facts),
            actor(&decision.actor),
            parts(&facts.changes)
        ),
        Facts::Policy(facts) => {
            format!(
                "Policy version {} by {}: {} changed",
                facts.version,
                actor(&decision.actor),
                count(facts.changes.len() as u64, "value")
            )
        }
        Facts::Expiry(facts) => expiry(facts),
        Facts::Reprioritise(facts) => {
            format!(
                "Moved {} in its lane",
                if facts.to > facts.from {
                    "forward"
                } else {
                    "back"
                }
            )
        }
    }
}

/// A state in a word.
#[must_use]
pub const fn state(state: TaskState) -> &'static str {
    match state {
        TaskState::Backlog => "held",
        TaskState::Pending => "waiting",
        TaskState::InProgress => "running",
        TaskState::InReview => "in review",
        TaskState::Done => "done",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "cancelled",
    }
}

/// Why, in a few sentences.
#[must_use]
pub fn reasoning(decision: &Decision) -> String {
    match &decision.facts {
        Facts::Dispatch(facts) => dispatch(facts),
        Facts::NotYet(facts) => not_yet(facts, decision),
        Facts::Fuse(facts) => format!(
            "The workspace's policy allows at most {}; this request would have made {}. Nothing was created.",
            facts.limit, facts.count
        ),
        Facts::Budget(facts) => format!(
            "{} settled and {} reserved of {}.{}",
            amount(facts.settled, facts.unit),
            amount(facts.reserved, facts.unit),
            amount(facts.limit, facts.unit),
            facts
                .resets_at
                .map(|at| format!(" The window turns at {}.", instant(at)))
                .unwrap_or_default()
        ),
        Facts::Throttle(facts) => throttle_reasoning(facts, decision),
        Facts::Override(facts) => {
            let reason = facts.reason.as_deref().map_or_else(
                || "No reason was given.".to_owned(),
                |reason| format!("Reason given: {reason}"),
            );
            let lease = if facts.ended_lease.is_some() {
                " The lease it ran under was ended."
            } else {
                ""
            };
            if facts.act == Act::Edit {
                return changed(&facts.changes);
            }
            let (from, to) = (state(facts.from), state(facts.to));
            let moved = if from == to {
                format!("The task stayed {from}.")
            } else {
                format!("The task went from {from} to {to}.")
            };
            format!("{moved}{lease} {reason}")
        }
        Facts::Policy(facts) if facts.changes.is_empty() => {
            "Nothing changed but the version.".to_owned()
        }
        Facts::Policy(facts) => changed(&facts.changes),
        Facts::Expiry(facts) => expiry_reasoning(facts),
        Facts::Reprioritise(facts) => format!("Its score is made of: {}.", factors(&facts.factors)),
    }
}

fn dispatch(facts: &DispatchFacts) -> String {
    let mut text = format!(
        "It was the best of {} in its lane after {} of waiting: {}.",
        count(u64::from(facts.lane.waiting.max(1)), "task"),
        duration(Span::from_millis(facts.waited_ms as i64)),
        factors(&facts.factors)
    );
    for resource in &facts.resources {
        text.push_str(&format!(
            " It took {} of “{}”, which had {} of {}.",
            plain(resource.taken.into()),
            resource.name,
            plain(resource.available),
            plain(resource.limit)
        ));
    }
    for budget in &facts.budgets {
        let free = budget
            .limit
            .saturating_sub(budget.settled + budget.reserved);
        text.push_str(&format!(
            " {} were reserved in the budget “{}”, which had {} free.",
            amount(budget.taken, budget.unit),
            budget.name,
            amount(free, budget.unit)
        ));
    }
    if facts.resources.is_empty() && facts.budgets.is_empty() {
        text.push_str(" It needs no limited resource and no budget counts it.");
    }
    text.push_str(&others(facts));
    text
}

fn others(facts: &DispatchFacts) -> String {
    if facts.considered.is_empty() {
        return " No other lane had work for this agent.".to_owned();
    }
    let behind = facts
        .considered
        .iter()
        .filter(|other| other.why_not == crate::Code::LowerPriority)
        .count() as u64;
    let held = facts.considered.len() as u64 - behind;
    let mut text = String::new();
    if behind > 0 {
        text.push_str(&format!(
            " {} considered ranked lower.",
            count(behind, "other head")
        ));
    }
    if held > 0 {
        text.push_str(&format!(" {} could not start.", count(held, "other head")));
    }
    text
}

fn not_yet(facts: &NotYetFacts, decision: &Decision) -> String {
    let mut blockers: Vec<_> = facts.blockers.iter().collect();
    blockers.sort_by_key(|blocker| (blocker.tier, blocker.code));
    let clauses: Vec<String> = blockers
        .iter()
        .map(|blocker| waits::blocker(blocker, decision.at))
        .collect();
    let held = match facts.lane.waiting {
        0 => "the task".to_owned(),
        waiting => format!("the lane's {}", count(waiting.into(), "task")),
    };
    format!("This holds {held}: {}.", clauses.join("; "))
}

/// The factors that count, largest first.
fn factors(factors: &[Factor]) -> String {
    let mut parts: Vec<&Factor> = factors
        .iter()
        .filter(|factor| factor.effect.abs() >= 0.1 || factor.name == FactorName::Pin)
        .collect();
    parts.sort_by(|a, b| b.effect.abs().total_cmp(&a.effect.abs()));
    if parts.is_empty() {
        return "nothing speaks for it but its turn".to_owned();
    }
    parts.into_iter().map(factor).collect::<Vec<_>>().join(", ")
}

fn factor(factor: &Factor) -> String {
    let name = match factor.name {
        FactorName::StatedPriority => "stated priority",
        FactorName::Unblocks => "work that waits for it",
        FactorName::CriticalPath => "the chain of work behind it",
        FactorName::DueDate => "its due date",
        FactorName::Class => "its class",
        FactorName::Age => "its age",
        FactorName::Boost => "a person's boost",
        FactorName::Pin => return "a person pinned it".to_owned(),
    };
    let sign = if factor.effect < 0.0 { "−" } else { "+" };
    format!("{name} {sign}{}", plain(factor.effect.abs()))
}

/// What a fuse refuses.
pub(crate) fn fuse(fuse: Fuse, limit: u64, count: u64) -> String {
    match fuse {
        Fuse::DelegationDepth => format!("{count} levels of delegation, {limit} allowed"),
        Fuse::Children => format!("{count} tasks split from one, {limit} allowed"),
        Fuse::Pending => format!("{count} unfinished tasks, {limit} allowed"),
        Fuse::AgentCreates => {
            format!("{count} tasks created by one agent within a minute, {limit} allowed")
        }
        Fuse::Cycle if count == 1 => "a task would wait for itself".to_owned(),
        Fuse::Cycle => format!("{count} tasks wait for each other in a circle"),
    }
}

fn budget(facts: &BudgetFacts) -> String {
    let (name, limit) = (&facts.name, amount(facts.limit, facts.unit));
    match facts.event {
        BudgetEvent::Warned => {
            let so_far = amount(facts.settled.saturating_add(facts.reserved), facts.unit);
            format!("The budget “{name}” has passed its warning mark: {so_far} of {limit}")
        }
        BudgetEvent::Exhausted => format!("The budget “{name}” is spent: {limit}"),
        BudgetEvent::Set => format!("The budget “{name}” was set to {limit}"),
        BudgetEvent::Removed => format!("The budget “{name}” of {limit} was removed"),
    }
}

fn throttle(facts: &ThrottleFacts, decision: &Decision) -> String {
    let name = &facts.name;
    let span = facts.until.map(|until| duration(until.since(decision.at)));
    match (facts.event, span) {
        (ThrottleEvent::Refused, Some(span)) => {
            format!("{name} is closed to everyone for {span}: its provider refused a call")
        }
        (ThrottleEvent::Refused, None) => format!("{name}: its provider refused a call"),
        (ThrottleEvent::Lowered, _) => format!("{name} has less left than believed"),
        (ThrottleEvent::Closed, span) => {
            format!(
                "{name} was closed by {}{}",
                actor(&decision.actor),
                span.map(|span| format!(" for {span}")).unwrap_or_default()
            )
        }
        (ThrottleEvent::Reopened, _) => {
            format!("{name} was opened again by {}", actor(&decision.actor))
        }
        (ThrottleEvent::Set, _) => format!("{name} was set to {}", limit(&facts.limit)),
        (ThrottleEvent::Removed, _) => {
            format!("{name} was removed by {}", actor(&decision.actor))
        }
    }
}

fn throttle_reasoning(facts: &ThrottleFacts, decision: &Decision) -> String {
    let mut text = match facts.event {
        ThrottleEvent::Refused => format!(
            "{} reported that the provider refused. Whoever asks now would be refused too, so nobody is sent before it opens again; no task loses an attempt.{}",
            actor(&decision.actor),
            match facts.refusals {
                0 | 1 => String::new(),
                times => format!(" It was the {} refusal in a row.", ordinal(times)),
            }
        ),
        ThrottleEvent::Lowered => format!(
            "{} read from the provider's answer that less is left. A provider's word can only lower what is believed available.",
            actor(&decision.actor)
        ),
        ThrottleEvent::Closed | ThrottleEvent::Reopened => {
            "A person's word goes before what is measured.".to_owned()
        }
        ThrottleEvent::Removed => {
            "Nothing held any of it. Whatever needs it is misconfigured until it is set again."
                .to_owned()
        }
        ThrottleEvent::Set => format!("From now on {} gives {}.", facts.name, limit(&facts.limit)),
    };
    if facts.believed < 1.0 {
        text.push_str(&format!(
            " For now {} % of its limit is believed.",
            plain((facts.believed * 100.0).round())
        ));
    }
    if let Some(reason) = &facts.reason {
        text.push_str(&format!(" Reason given: {reason}"));
    }
    text
}

fn limit(kind: &ResourceKind) -> String {
    match *kind {
        ResourceKind::Bucket {
            capacity,
            refill_per_s,
        } => {
            format!(
                "{} tokens, refilled by {} a second",
                plain(capacity.into()),
                plain(refill_per_s)
            )
        }
        ResourceKind::Slots { slots } => format!("{} at once", count(slots.into(), "slot")),
    }
}

/// Which parts of a task changed: `: title, due date`.
fn parts(changes: &[ValueChange]) -> String {
    let names = changes.iter().map(|change| {
        let part = change.pointer.split('/').nth(1);
        match part.unwrap_or_default() {
            "due_at" => "due date",
            "requires" => "resources",
            other => other,
        }
    });
    let mut names: Vec<_> = names.collect();
    names.dedup();
    if names.is_empty() {
        String::new()
    } else {
        format!(": {}", names.join(", "))
    }
}

/// What changed, with the values where they are known.
fn changed(changes: &[ValueChange]) -> String {
    let one = |change: &ValueChange| {
        let name = change.pointer.trim_start_matches('/');
        if change.from == change.to {
            return name.to_owned();
        }
        format!(
            "{name} from {} to {}",
            value(&change.from),
            value(&change.to)
        )
    };
    let all: Vec<_> = changes.iter().map(one).collect();
    format!("Changed: {}.", all.join("; "))
}

fn value(of: &Value) -> String {
    match of {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("“{text}”"),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(value).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, of)| format!("{name} {}", value(of)));
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => of.to_string(),
    }
}

fn overruled(facts: &OverrideFacts) -> String {
    match (facts.act, facts.boost) {
        (Act::Cancel, _) => "Cancelled".to_owned(),
        (Act::Hold, _) => "Held".to_owned(),
        (Act::Release, _) if facts.from == TaskState::InReview => "Accepted".to_owned(),
        (Act::Release, _) => "Released".to_owned(),
        (Act::Retry, _) if facts.from == TaskState::InReview => "Sent back".to_owned(),
        (Act::Retry, _) => "Set to be tried again".to_owned(),
        (Act::Edit, _) => "Edited".to_owned(),
        (Act::Handoff, _) => format!(
            "Handed over to {}",
            facts.to_agent.as_deref().unwrap_or("others")
        ),
        (
            Act::Boost,
            Some(crate::Boost {
                score_delta: Some(delta),
                expires_at,
            }),
        ) => {
            format!("Boosted by {delta} points until {}", instant(expires_at))
        }
        (
            Act::Boost,
            Some(crate::Boost {
                score_delta: None,
                expires_at,
            }),
        ) => format!("Pinned until {}", instant(expires_at)),
        (Act::Boost, None) => "Boost taken away".to_owned(),
    }
}

fn expiry(facts: &ExpiryFacts) -> String {
    match &facts.event {
        ExpiryEvent::Lease { agent, .. } if facts.to == TaskState::Failed => {
            format!("{agent}'s lease ran out, and with it the last attempt")
        }
        ExpiryEvent::Lease { agent, .. } => format!("{agent}'s lease ran out"),
        ExpiryEvent::Boost => "A boost has run out".to_owned(),
    }
}

fn expiry_reasoning(facts: &ExpiryFacts) -> String {
    match &facts.event {
        ExpiryEvent::Lease { .. } => format!(
            "The lease was neither renewed nor ended in time. That was attempt {} of {}.{}",
            facts.attempt,
            facts.max_attempts,
            facts
                .retry_at
                .map(|at| format!(" It may start again at {}.", instant(at)))
                .unwrap_or_default()
        ),
        ExpiryEvent::Boost => {
            "A person's push lasts only as long as was said; the task is ranked by its score again."
                .to_owned()
        }
    }
}

fn actor(actor: &Actor) -> &str {
    match actor {
        Actor::Scheduler => "Baton",
        Actor::Agent { name, .. } | Actor::User { name, .. } | Actor::Key { name, .. } => name,
    }
}
