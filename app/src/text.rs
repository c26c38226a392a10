//! Words and numbers that only pages need. What explains a decision is the core's
//! ([`scheduler::words`]).

use scheduler::{
    Action, Actor, AttemptOutcome, Blocker, Class, Code, DecisionKind, EtaMethod, FactorName,
    Health, Priority, TaskState, Tier, Time, Unblock, Window,
};
use time::macros::format_description;

pub use scheduler::words::state;

/// An address with a query of names and values.
pub fn address(path: &str, pairs: &[(&str, String)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    if pairs.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

/// Whose move it is.
pub fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::NeedsYou => "Needs you",
        Tier::OtherWork => "Other work",
        Tier::Capacity => "Capacity",
        Tier::Turn => "Turn",
        Tier::Time => "Time",
        Tier::None => "Just arrived",
    }
}

/// A tier's name as it stands in class names.
pub fn tier_class(tier: Tier) -> &'static str {
    match tier {
        Tier::NeedsYou => "needs-you",
        Tier::OtherWork => "other-work",
        Tier::Capacity => "capacity",
        Tier::Turn => "turn",
        Tier::Time => "time",
        Tier::None => "none",
    }
}

/// A reason to wait, in two or three words.
pub fn code(code: Code) -> &'static str {
    match code {
        Code::Misconfigured => "not set up",
        Code::NeedsApproval => "held",
        Code::NeverFits => "never fits",
        Code::BudgetExhausted => "beyond the budget",
        Code::FuseBlown => "fuse blown",
        Code::NoEligibleAgent => "no agent for it",
        Code::DependencyFailed => "dependency failed",
        Code::DependencyPending => "on other work",
        Code::RateLimited => "rate-limited",
        Code::NoFreeSlot => "no free slot",
        Code::BudgetWindow => "budget reserved",
        Code::ProviderBackoff => "closed for now",
        Code::AgentsOffline => "agents offline",
        Code::AgentsBusy => "no agent free",
        Code::LowerPriority => "behind others",
        Code::FairShare => "others' turn",
        Code::ReservedForOther => "saved for another",
        Code::NotBefore => "not before its time",
        Code::RetryBackoff => "before a retry",
        Code::Evaluating => "just arrived",
    }
}

/// Why one task is where it is, in as many words: a result in review waits for another act than a task
/// that is held.
pub fn reason(blocker: &Blocker) -> &'static str {
    match blocker.unblocks_when {
        Some(Unblock::ResultReviewed) => state(TaskState::InReview),
        _ => code(blocker.code),
    }
}

/// So many tasks wait for that reason: `21 rate-limited`.
pub fn waiting_for(reason: Code, number: u32) -> String {
    match reason {
        _ if reason.tier() == Tier::NeedsYou => {
            format!(
                "{number} {} you",
                if number == 1 { "needs" } else { "need" }
            )
        }
        Code::NoFreeSlot => format!("{number} for a free slot"),
        Code::BudgetWindow => format!("{number} for a budget"),
        Code::ProviderBackoff => format!("{number} for what is closed"),
        Code::AgentsOffline | Code::AgentsBusy => format!("{number} for an agent"),
        Code::LowerPriority | Code::FairShare | Code::ReservedForOther => {
            format!(
                "{number} for {} turn",
                if number == 1 { "its" } else { "their" }
            )
        }
        Code::NotBefore | Code::RetryBackoff => {
            format!(
                "{number} for {} time",
                if number == 1 { "its" } else { "their" }
            )
        }
        other => format!("{number} {}", code(other)),
    }
}

/// What has to happen, as a clause behind "when".
pub fn unblock(unblock: Unblock) -> &'static str {
    match unblock {
        Unblock::ResourceDefined => "the resource is defined",
        Unblock::LimitRaised => "the limit is raised",
        Unblock::TaskReleased => "a person releases the task",
        Unblock::ResultReviewed => "a person accepts the result or sends it back",
        Unblock::AgentRegistered => "an agent that can do it is registered",
        Unblock::AgentOnline => "such an agent comes online",
        Unblock::AgentFree => "an agent asks for work",
        Unblock::DependencyDone => "what it waits for is done",
        Unblock::DependencyRetried => "what failed is tried again",
        Unblock::BucketRefilled => "the bucket has refilled",
        Unblock::SlotFreed => "a slot is given back",
        Unblock::WindowReset => "the budget's window turns",
        Unblock::ReservationReturned => "running work gives back what it reserved",
        Unblock::ResourceReopened => "the resource opens again",
        Unblock::TurnCame => "its turn comes",
        Unblock::TimeReached => "its time comes",
        Unblock::EstimateGiven => "somebody gives an estimate",
    }
}

/// What can be done about a blocker.
pub fn action(action: Action) -> &'static str {
    match action {
        Action::DefineResource => "define the resource",
        Action::RaiseLimit => "raise the limit",
        Action::ReopenResource => "open the resource again",
        Action::RaiseBudget => "raise the budget",
        Action::ReleaseTask => "release the task",
        Action::AcceptResult => "accept the result",
        Action::SendBack => "send the result back",
        Action::RetryDependency => "retry what failed",
        Action::CancelTask => "cancel the task",
        Action::BoostTask => "boost the task",
        Action::RegisterAgent => "register an agent",
        Action::EditTask => "edit the task",
    }
}

/// How an expectation was found.
pub fn method(method: EtaMethod) -> &'static str {
    match method {
        EtaMethod::Exact => "exact, from the clock and the refill rate",
        EtaMethod::Simulated => "simulated from the leases held and the queue before it",
    }
}

/// A part of a score.
pub fn factor(name: FactorName) -> &'static str {
    match name {
        FactorName::StatedPriority => "Stated priority",
        FactorName::Unblocks => "Work that waits for it",
        FactorName::CriticalPath => "Chain of work behind it",
        FactorName::DueDate => "Due date",
        FactorName::Class => "Class",
        FactorName::Age => "Age",
        FactorName::Boost => "Boost",
        FactorName::Pin => "Pinned",
    }
}

/// The sort of a decision.
pub fn kind(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Dispatch => "dispatch",
        DecisionKind::NotYet => "not yet",
        DecisionKind::Reprioritise => "reprioritised",
        DecisionKind::Fuse => "fuse",
        DecisionKind::Budget => "budget",
        DecisionKind::Throttle => "throttle",
        DecisionKind::Guardian => "guardian",
        DecisionKind::Override => "override",
        DecisionKind::Approval => "approval",
        DecisionKind::Experiment => "experiment",
        DecisionKind::Policy => "policy",
        DecisionKind::Expiry => "expiry",
    }
}

/// How an attempt ended.
pub fn outcome(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Completed => "completed",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Throttled => "throttled by a provider",
        AttemptOutcome::Released => "given back",
        AttemptOutcome::Expired => "lease ran out",
        AttemptOutcome::Revoked => "taken back",
    }
}

/// How recently an agent was heard of.
pub fn health(health: Health) -> &'static str {
    match health {
        Health::Online => "online",
        Health::Late => "late",
        Health::Offline => "offline",
    }
}

/// What an author says of importance.
pub fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Medium => "medium",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}

/// The importance of that name.
pub fn priority_named(word: &str) -> Option<Priority> {
    let all = [
        Priority::Low,
        Priority::Medium,
        Priority::High,
        Priority::Urgent,
    ];
    all.into_iter().find(|one| priority(*one) == word)
}

/// A class in a word.
pub fn class(class: Class) -> &'static str {
    match class {
        Class::Exploratory => "exploratory",
        Class::Routine => "routine",
        Class::Ordinary => "ordinary",
        Class::Strategic => "strategic",
        Class::Directive => "directive",
    }
}

/// Over what span a budget counts.
pub fn window(window: Window) -> &'static str {
    match window {
        Window::FiveHours => "per 5 hours",
        Window::Day => "per day",
        Window::Week => "per week",
        Window::Month => "per month",
        Window::Total => "in total",
    }
}

/// Who decided or asked.
pub fn actor(actor: &Actor) -> String {
    match actor {
        Actor::Scheduler => "Baton".to_owned(),
        Actor::Agent { name, .. } | Actor::User { name, .. } => name.clone(),
        Actor::Key { name, .. } => format!("key {name}"),
    }
}

/// An instant for machines.
pub fn machine_time(at: Time) -> String {
    at.to_string()
}

/// An instant as a browser's own control writes it, in UTC: with seconds where there are any, so that
/// a form sent as it stands changes nothing.
pub fn control_time(at: Time) -> String {
    let text: String = machine_time(at).chars().take(19).collect();
    text.strip_suffix(":00").map(str::to_owned).unwrap_or(text)
}

/// An instant for people, in UTC, without what is obvious.
pub fn clock(at: Time, now: Time) -> String {
    let (at, now) = (at.to_datetime(), now.to_datetime());
    let format = if at.date() == now.date() {
        format_description!("[hour]:[minute]:[second] UTC")
    } else if at.year() == now.year() {
        format_description!("[day padding:none] [month repr:short], [hour]:[minute] UTC")
    } else {
        format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute] UTC")
    };
    at.format(format).unwrap_or_default()
}

/// An instant for people, in UTC, to the second.
pub fn date_and_clock(at: Time) -> String {
    let format = format_description!(
        "[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC"
    );
    at.to_datetime().format(format).unwrap_or_default()
}

/// With a capital and a full stop; a name at its beginning stays as it is written.
pub fn sentence(clause: &str, name: Option<&str>) -> String {
    if name.is_some_and(|name| clause.starts_with(name)) {
        return format!("{clause}.");
    }
    format!("{}.", capital(clause))
}

/// With a capital.
pub fn capital(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    format!("{first}{}", chars.as_str())
}

/// The beginning of the UTC day.
pub fn midnight(now: Time) -> Time {
    now.to_datetime().replace_time(time::Time::MIDNIGHT).into()
}

/// With commas between thousands, and at most two decimals but for what is small.
pub fn number(value: f64) -> String {
    // What is small keeps two digits that say something.
    if (1e-9..0.1).contains(&value) {
        let places = (1.0 - value.log10().floor()) as usize;
        let digits = format!("{value:.places$}");
        return digits.trim_end_matches('0').to_owned();
    }
    let sign = if value < -0.004 { "−" } else { "" };
    let cents = (value.abs() * 100.0).round() as u64;
    let whole = grouped(cents / 100);
    match cents % 100 {
        0 => format!("{sign}{whole}"),
        rest if rest % 10 == 0 => format!("{sign}{whole}.{}", rest / 10),
        rest => format!("{sign}{whole}.{rest:02}"),
    }
}

/// With commas between thousands.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 task`, `2 tasks`.
pub fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// A text for the two places where the framework writes it into the page as it is: a text area and the
/// page's title.
pub fn raw(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Percent-encodes what a part of an address may not hold.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_at_most_two_decimals_and_their_sign() {
        assert_eq!(
            [1_234.0, 0.5, -2.25, 0.0, 0.001, 0.0567].map(number),
            ["1,234", "0.5", "−2.25", "0", "0.001", "0.057"]
        );
    }

    #[test]
    fn one_task_needs_and_two_need() {
        assert_eq!(waiting_for(Code::NeverFits, 1), "1 needs you");
        assert_eq!(waiting_for(Code::Misconfigured, 2), "2 need you");
    }

    #[test]
    fn today_is_said_without_its_date() {
        let now = Time::from_millis(1_763_661_600_000);
        assert_eq!(clock(now, now), "18:00:00 UTC");
        assert_eq!(
            clock(Time::from_millis(1_763_500_000_000), now),
            "18 Nov, 21:06 UTC"
        );
    }
}
