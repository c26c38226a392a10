//! Why something waits, in a colleague's words.

use super::numbers::{amount, count, duration, exact_money, ordinal, plain};
use crate::{
    Blocker, BudgetSpec, CloseReason, Code, Eta, EtaMethod, Position, TaskState, Time, Unit,
    Verdict,
};

/// What a code means, when nothing more is known.
#[must_use]
pub const fn code(code: Code) -> &'static str {
    match code {
        Code::Misconfigured => "something it needs is not set up",
        Code::NeedsApproval => "a person has to release it",
        Code::NeverFits => "it needs more than there ever is",
        Code::BudgetExhausted => "the budget is spent",
        Code::FuseBlown => "a fuse has blown",
        Code::NoEligibleAgent => "no agent can do this",
        Code::DependencyFailed => "a task it waits for has failed",
        Code::DependencyPending => "other tasks have to finish first",
        Code::RateLimited => "the rate limit is used up for the moment",
        Code::NoFreeSlot => "all slots are taken",
        Code::BudgetWindow => "the budget is used up until its window turns",
        Code::ProviderBackoff => "what it needs is closed for a while",
        Code::AgentsOffline => "the agents that can do this are not online",
        Code::AgentsBusy => "no agent that can do this is free",
        Code::LowerPriority => "others go first",
        Code::FairShare => "it is another workspace's turn",
        Code::ReservedForOther => "capacity is being saved up for a larger task",
        Code::NotBefore => "its time has not come",
        Code::RetryBackoff => "it waits before the next attempt",
        Code::Evaluating => "it has only just arrived",
    }
}

/// One blocker in a clause without a capital or full stop, numbers included.
#[must_use]
pub fn blocker(blocker: &Blocker, now: Time) -> String {
    let name = blocker.resource.as_deref().unwrap_or("a resource");
    let clause = match blocker.code {
        Code::Misconfigured if blocker.unblocks_when == Some(crate::Unblock::EstimateGiven) => {
            format!("the budget “{name}” counts it, and nobody has estimated what it uses")
        }
        Code::Misconfigured => format!("it needs “{name}”, and no such resource is defined"),
        Code::NeedsApproval if blocker.unblocks_when == Some(crate::Unblock::ResultReviewed) => {
            "its result waits for a person's look".to_owned()
        }
        Code::NeverFits => {
            let (need, limit) = (
                number(blocker, blocker.need),
                number(blocker, blocker.limit),
            );
            let most = if blocker.limit.unwrap_or_default() > 0.0 {
                format!("there are never more than {limit}")
            } else {
                "there is never any".to_owned()
            };
            format!("it needs {need} of “{name}”, and {most}")
        }
        Code::BudgetExhausted => format!(
            "the budget “{name}” cannot cover it: {}",
            of_limit(blocker, "left")
        ),
        Code::BudgetWindow => format!("the budget “{name}” has {}", of_limit(blocker, "free")),
        Code::RateLimited => format!("“{name}” has {}", of_limit(blocker, "tokens")),
        Code::NoFreeSlot => format!("“{name}” has {}", of_limit(blocker, "slots free")),
        Code::ProviderBackoff => match blocker.closed_because {
            Some(CloseReason::Provider) => {
                format!("“{name}” is closed, as its provider refused a call")
            }
            Some(CloseReason::Person) => format!("“{name}” is closed, as a person asked"),
            None => format!("“{name}” is closed"),
        },
        Code::ReservedForOther => {
            format!("“{name}” is being saved up for a larger task that has waited long")
        }
        Code::FairShare => format!("at “{name}” it is another workspace's turn"),
        Code::NoEligibleAgent => no_agent(blocker),
        Code::AgentsOffline => agents(blocker, "online", ("is not online", "are not online")),
        Code::AgentsBusy => {
            let full = ("takes no more now", "take no more now");
            agents(blocker, "asking for work", full)
        }
        Code::LowerPriority => {
            let waits = blocker
                .resource
                .as_ref()
                .map_or_else(String::new, |budget| {
                    format!(", and the first waits for the budget “{budget}”")
                });
            format!("{} before it{waits}", goes(blocker.have))
        }
        Code::DependencyPending
            if blocker.unblocks_when == Some(crate::Unblock::ResultReviewed) =>
        {
            let work = count_of(blocker.need, "task");
            format!("the work it waits for is done ({work}), but for a person's look at the result")
        }
        Code::DependencyPending if blocker.unblocks_when == Some(crate::Unblock::TaskReleased) => {
            let work = count_of(blocker.need, "task");
            format!("the work it waits for ({work}) is held until a person releases it")
        }
        Code::DependencyPending => format!("{} to finish first", has(blocker.need)),
        Code::DependencyFailed => {
            format!(
                "{} it waits for failed or was cancelled",
                count_of(blocker.need, "task")
            )
        }
        Code::NotBefore => "it was asked not to start yet".to_owned(),
        Code::RetryBackoff => "it waits before its next attempt".to_owned(),
        other => code(other).to_owned(),
    };
    let when = blocker
        .eta
        .map(|eta| soon(blocker.code, eta, now))
        .unwrap_or_default();
    clause + &when
}

/// `it is for scout, and scout does not say that it can do search`, or whom or what there is none for.
fn no_agent(blocker: &Blocker) -> String {
    let is_there = blocker.have > Some(0.0);
    match blocker.agents.first() {
        Some(agent) if is_there => {
            format!(
                "it is for {agent}, and {agent} does not say that it {}",
                lacked(blocker)
            )
        }
        Some(agent) => format!("it is for {agent}, and no agent of that name is registered"),
        None if blocker.resource.is_none() => "no agent is registered".to_owned(),
        None => format!("no agent that {} is registered", lacked(blocker)),
    }
}

/// `can do search`, `has the model “opus”`, or both.
fn lacked(blocker: &Blocker) -> String {
    let what = blocker.resource.as_deref().unwrap_or("this");
    match &blocker.model {
        Some(model) if model == what => format!("has the model “{model}”"),
        Some(model) => format!("can do {what} and has the model “{model}”"),
        None => format!("can do {what}"),
    }
}

/// `the agents that can do this are not online: scout, ranger and 2 more`, by the verb for one and for
/// several; or how many there are, where none is named.
fn agents(blocker: &Blocker, unnamed: &str, (one, several): (&str, &str)) -> String {
    let all = blocker.have.unwrap_or(0.0) as usize;
    if blocker.agents.is_empty() {
        let agents = count_of(blocker.have, "agent");
        return format!("{agents} can do this, and none is {unnamed}");
    }
    let (agents, do_so) = if all == 1 {
        ("agent", one)
    } else {
        ("agents", several)
    };
    let named = names(&blocker.agents, all);
    let said = format!("the {agents} that can do this {do_so}: {named}");
    match blocker.draining.len() {
        0 => said,
        n if n == all => said + " (draining)",
        n => format!("{said} ({} draining)", names(&blocker.draining, n)),
    }
}

/// `scout, ranger, clerk and 2 more`.
fn names(named: &[String], all: usize) -> String {
    let first: Vec<_> = named.iter().take(3).map(String::as_str).collect();
    match all.saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// `500 of 2,500 tokens free and this takes 1,000`.
fn of_limit(blocker: &Blocker, state: &str) -> String {
    let (have, need) = have_and_need(blocker);
    let limit = number(blocker, blocker.limit);
    let leaves = blocker.leaves.map_or_else(String::new, |leaves| {
        format!(
            " and leaves {} to work that is not exploratory",
            plain(leaves)
        )
    });
    format!("{have} of {limit} {state} and this takes {need}{leaves}")
}

/// Both as they are read, or exactly where they would read the same: then what was rounded holds it.
fn have_and_need(blocker: &Blocker) -> (String, String) {
    let said = |value| number(blocker, value);
    let (have, need) = (said(blocker.have), said(blocker.need));
    if have == need && blocker.have != blocker.need && blocker.unit == Some(Unit::Microusd) {
        let exact = |value: Option<f64>| exact_money(value.unwrap_or(0.0).max(0.0) as u64);
        return (exact(blocker.have), exact(blocker.need));
    }
    (have, need)
}

fn number(blocker: &Blocker, value: Option<f64>) -> String {
    let value = value.unwrap_or(0.0);
    match blocker.unit {
        Some(unit) => amount(value.max(0.0) as u64, unit),
        None => plain(value),
    }
}

/// The headline of an explanation: the worst blocker first, then how many more there are.
#[must_use]
pub fn explanation(
    state: TaskState,
    verdict: Verdict,
    blockers: &[Blocker],
    place: Option<Position>,
    now: Time,
) -> String {
    match (verdict, state) {
        (Verdict::Running, _) => "It is running.".to_owned(),
        (Verdict::Ended, TaskState::Done) => "It is done.".to_owned(),
        (Verdict::Ended, TaskState::Cancelled) => "It was cancelled.".to_owned(),
        (Verdict::Ended, _) => "It has failed.".to_owned(),
        (Verdict::Dispatching, _) => "It goes to the next agent that asks for work.".to_owned(),
        (Verdict::NotYet, TaskState::InReview) => {
            "Its result waits for a person's look.".to_owned()
        }
        (Verdict::NotYet, TaskState::Backlog) => {
            "It is held until a person releases it.".to_owned()
        }
        (Verdict::NotYet, _) => waiting(blockers, place, now),
    }
}

fn waiting(blockers: &[Blocker], place: Option<Position>, now: Time) -> String {
    let Some(worst) = blockers.first() else {
        return "It has only just arrived.".to_owned();
    };
    let mut text = format!("Not yet: {}", blocker(worst, now));
    if let Some(Position { rank, of }) =
        place.filter(|place| place.of > 1 && worst.code != Code::LowerPriority)
    {
        text.push_str(&format!("; it is {} of {of} in its lane", ordinal(rank)));
    }
    text.push('.');
    let more = match blockers.len() - 1 {
        0 => return text,
        1 => " There is one more reason".to_owned(),
        more => format!(" There are {more} more reasons"),
    };
    format!("{text}{more}{}.", longest(blockers, worst, now))
}

/// When all that holds it has let go, where that is later than what was said of the worst.
fn longest(blockers: &[Blocker], worst: &Blocker, now: Time) -> String {
    let last = blockers.iter().filter_map(|blocker| blocker.eta);
    let last = last.max_by_key(|eta| eta.p50).map(|eta| eta.p50);
    match (last, worst.eta) {
        (Some(last), Some(first)) if last > first.p50.max(now) => {
            let span = duration(last.since(now));
            format!(", and it is expected to start in about {span}")
        }
        _ => String::new(),
    }
}

/// Said to an agent whose lease spends of a budget that is used up.
pub(crate) fn budget_stop(budget: &BudgetSpec, settled: u64) -> String {
    let (settled, limit) = (
        amount(settled, budget.unit),
        amount(budget.limit, budget.unit),
    );
    format!(
        "the budget {} is spent: {settled} of {limit}; finish or stop",
        budget.name
    )
}

/// When it is over, as said after its clause.
fn soon(code: Code, eta: Eta, now: Time) -> String {
    if eta.p50 <= now {
        return "; expected now".to_owned();
    }
    let span = duration(eta.p50.since(now));
    let about = match eta.method {
        EtaMethod::Exact => "",
        EtaMethod::Simulated => "about ",
    };
    match code {
        Code::ProviderBackoff | Code::NotBefore | Code::RetryBackoff => {
            format!(", for another {span}")
        }
        _ => format!("; expected in {about}{span}"),
    }
}

fn count_of(number: Option<f64>, thing: &str) -> String {
    count(number.unwrap_or(0.0) as u64, thing)
}

fn goes(number: Option<f64>) -> String {
    let verb = if number == Some(1.0) { "goes" } else { "go" };
    format!("{} {verb}", count_of(number, "task"))
}

fn has(number: Option<f64>) -> String {
    let verb = if number == Some(1.0) { "has" } else { "have" };
    format!("{} {verb}", count_of(number, "task"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_sentence() {
        assert!(Code::ALL.iter().all(|&each| !code(each).is_empty()));
    }

    #[test]
    fn sums_that_would_read_the_same_are_told_exactly() {
        let blocker = |have: f64| -> Blocker {
            serde_json::from_value(serde_json::json!({
                "code": "budget_exhausted", "tier": "needs_you", "unit": "microusd",
                "have": have, "need": 501_000.0, "limit": 1_000_000.0,
            }))
            .unwrap()
        };
        assert_eq!(
            of_limit(&blocker(498_000.0), "left"),
            "$0.498000 of $1.00 left and this takes $0.501000"
        );
        assert_eq!(
            of_limit(&blocker(120_000.0), "left"),
            "$0.12 of $1.00 left and this takes $0.50"
        );
    }

    #[test]
    fn places_are_counted_as_people_count() {
        assert_eq!(
            [1, 2, 3, 4, 11, 22, 113].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "22nd", "113th"]
        );
    }
}
