//! The policy of a workspace, changed as a whole: each change is a new version and a decision.

use leptos::prelude::*;
use scheduler::{ClassBands, Fuses, Policy, Reply, Request, Retries, UnknownCost, UnknownCostMode};

use super::form::Reader;
use super::{Answer, Desk, Done, Form, Refused};

const WHOLE: &str = "This takes a whole number.";
const NUMBER: &str = "This takes a number.";
const SECONDS: &str = "This takes seconds: a number from 0, 4 000 000 at most.";
const DOLLARS: &str = "This takes dollars: a number from 0, 9 000 000 at most.";

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
    let version = read.value("version", WHOLE);
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
    Policy {
        fuses: Fuses {
            max_delegation_depth: read.value("max_delegation_depth", WHOLE),
            max_pending: read.value("max_pending", WHOLE),
            max_children: read.value("max_children", WHOLE),
            agent_creates_per_minute: read.value("agent_creates_per_minute", WHOLE),
        },
        class_bands: ClassBands {
            exploratory: read.value("exploratory", WHOLE),
            routine: read.value("routine", WHOLE),
            ordinary: read.value("ordinary", WHOLE),
            strategic: read.value("strategic", WHOLE),
            directive: read.value("directive", WHOLE),
        },
        ageing_per_hour: read.value("ageing_per_hour", NUMBER),
        fair_share_weight: read.value("fair_share_weight", NUMBER),
        exploratory_headroom: read.value("exploratory_headroom", NUMBER),
        reserve_after_ms: milliseconds(read, "reserve_after_ms"),
        retries: Retries {
            base_ms: milliseconds(read, "base_ms"),
            max_ms: milliseconds(read, "max_ms"),
        },
        unknown_cost: UnknownCost {
            mode: refuse.unwrap_or_default(),
            default_tokens: read.value("default_tokens", WHOLE),
            default_microusd: scaled(read, "default_microusd", 1e6, (9e6, DOLLARS)),
        },
        ..before
    }
}

/// People write seconds.
fn milliseconds(read: &mut Reader<'_>, field: &str) -> u32 {
    scaled(read, field, 1e3, (4e6, SECONDS)) as u32
}

/// A number of a unit that is `parts` of what is stored, up to `most`.
fn scaled(read: &mut Reader<'_>, field: &str, parts: f64, (most, words): (f64, &str)) -> u64 {
    let value: f64 = read.value(field, words);
    let fits = (0.0..=most).contains(&value);
    read.that(fits, field, words);
    if fits {
        (value * parts).round() as u64
    } else {
        0
    }
}
