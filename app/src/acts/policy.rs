//! The policy of a workspace, changed as a whole: each change is a new version and a decision.

use leptos::prelude::*;
use scheduler::{ClassBands, Fuses, Policy, Reply, Request, Retries, UnknownCost, UnknownCostMode};

use super::form::Reader;
use super::{Answer, Desk, Done, Form, Refused};
use crate::text;

/// What a number of 32 bits holds at most.
const MOST: i64 = u32::MAX as i64;
/// Points that a class may add or take.
const BAND: i64 = 1_000_000;
/// The longest rest, in seconds, and the dearest guess, in dollars.
const MOST_SECONDS: f64 = 4e6;
const MOST_DOLLARS: f64 = 1e6;

/// Puts a policy in force in place of the version its author saw.
#[server(endpoint = "put_policy")]
pub async fn put_policy(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = put(&form).await;
    form.answer(done).await
}

async fn put(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("put_policy", form).await?;
    let (store, workspace) = (desk.seat.store(), desk.seat.workspace);
    let before = store.policy(workspace).await?;
    let before = before.ok_or_else(Refused::not_found)?;
    let mut read = form.read();
    let version = read.id("version");
    let policy = laid_over(before.policy, &mut read);
    read.done()?;
    let put = scheduler::PutPolicy {
        policy,
        version: Some(version),
    };
    Ok(Done::new(
        match desk.submit(Request::PutPolicy(put)).await? {
            Reply::Policy { version: same } if same == version => {
                format!("Nothing differs from version {same}, which stays in force.")
            }
            _ => format!("Version {} is in force.", version + 1),
        },
    ))
}

/// The policy with what the form says in place of what it had.
fn laid_over(before: Policy, read: &mut Reader<'_>) -> Policy {
    let refuse = read.choice("mode", |word| match word {
        "reserve" => Some(UnknownCostMode::Reserve),
        "refuse" => Some(UnknownCostMode::Refuse),
        _ => None,
    });
    let fuses = Fuses {
        max_delegation_depth: whole(read, "max_delegation_depth", 0, u16::MAX.into()),
        max_pending: whole(read, "max_pending", 1, MOST),
        max_children: whole(read, "max_children", 0, MOST),
        agent_creates_per_minute: whole(read, "agent_creates_per_minute", 0, MOST),
    };
    let mut band = |field: &str| whole(read, field, -BAND, BAND);
    let class_bands = ClassBands {
        exploratory: band("exploratory"),
        routine: band("routine"),
        ordinary: band("ordinary"),
        strategic: band("strategic"),
        directive: band("directive"),
    };
    Policy {
        fuses,
        class_bands,
        ageing_per_hour: number(read, "ageing_per_hour", 0.01, 100_000.0),
        fair_share_weight: number(read, "fair_share_weight", 0.001, 1_000.0),
        exploratory_headroom: headroom(read),
        reserve_after_ms: milliseconds(read, "reserve_after_ms", 0.0),
        retries: retries(read),
        unknown_cost: UnknownCost {
            mode: refuse.unwrap_or_default(),
            default_tokens: whole(read, "default_tokens", 0, 1_000_000_000_000),
            default_microusd: scaled(number(read, "default_microusd", 0.0, MOST_DOLLARS), 1e6),
        },
        ..before
    }
}

/// A whole number of a range, which is said where it is left.
fn whole<T: TryFrom<i64> + Default>(read: &mut Reader<'_>, field: &str, from: i64, to: i64) -> T {
    let said = |end: i64| text::number(end as f64);
    let words = format!(
        "This takes a whole number from {} to {}.",
        said(from),
        said(to)
    );
    let value: i64 = read.value(field, &words);
    read.that((from..=to).contains(&value), field, &words);
    T::try_from(value).unwrap_or_default()
}

/// A number of a range, which is said where it is left.
fn number(read: &mut Reader<'_>, field: &str, from: f64, to: f64) -> f64 {
    let said = text::number;
    let words = format!("This takes a number from {} to {}.", said(from), said(to));
    let value: f64 = read.value(field, &words);
    read.that((from..=to).contains(&value), field, &words);
    value
}

/// What exploratory work leaves free, all but all.
fn headroom(read: &mut Reader<'_>) -> f64 {
    let words = "This takes a share from 0 up to below 1, like 0.2.";
    let share: f64 = read.value("exploratory_headroom", words);
    read.that((0.0..1.0).contains(&share), "exploratory_headroom", words);
    share
}

fn retries(read: &mut Reader<'_>) -> Retries {
    let base_ms = milliseconds(read, "base_ms", 0.001);
    let max_ms = milliseconds(read, "max_ms", 0.001);
    let words = "This takes no less than the first rest.";
    read.that(max_ms >= base_ms, "max_ms", words);
    Retries { base_ms, max_ms }
}

/// People write seconds.
fn milliseconds(read: &mut Reader<'_>, field: &str, least: f64) -> u32 {
    scaled(number(read, field, least, MOST_SECONDS), 1e3) as u32
}

/// A number of a unit as so many parts of it, which is what is stored.
fn scaled(value: f64, parts: f64) -> u64 {
    (value * parts).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_out_of_its_range_says_the_range() {
        let fields = [
            ("mode", "reserve"),
            ("max_delegation_depth", "5"),
            ("max_pending", "-1"),
            ("max_children", "256"),
            ("agent_creates_per_minute", "1000"),
            ("exploratory", "0"),
            ("routine", "2000000"),
            ("ordinary", "2000"),
            ("strategic", "3000"),
            ("directive", "4000"),
            ("ageing_per_hour", "0"),
            ("fair_share_weight", "NaN"),
            ("exploratory_headroom", "1"),
            ("reserve_after_ms", "30"),
            ("base_ms", "9"),
            ("max_ms", "3"),
            ("default_tokens", "4000"),
            ("default_microusd", "0.02"),
        ];
        let pairs = fields.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let form: Form = pairs.into_iter().collect();
        let mut read = form.read();
        laid_over(Policy::default(), &mut read);
        let Err(Refused::Faults(faults)) = read.done() else {
            panic!("refused");
        };
        let told = faults
            .iter()
            .map(|fault| (fault.field.as_str(), fault.words.as_str()));
        let expected = [
            (
                "max_pending",
                "This takes a whole number from 1 to 4,294,967,295.",
            ),
            (
                "routine",
                "This takes a whole number from −1,000,000 to 1,000,000.",
            ),
            (
                "ageing_per_hour",
                "This takes a number from 0.01 to 100,000.",
            ),
            (
                "fair_share_weight",
                "This takes a number from 0.001 to 1,000.",
            ),
            (
                "exploratory_headroom",
                "This takes a share from 0 up to below 1, like 0.2.",
            ),
            ("max_ms", "This takes no less than the first rest."),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
