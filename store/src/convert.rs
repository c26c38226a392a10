//! Between the core's types and what Postgres stores.

use scheduler::{AttemptOutcome, Class, Priority, Time};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{Deserialize, DeserializeOwned, IntoDeserializer};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::StoreError;

/// One of the contract's words (`in_progress`, `urgent` …) as the enum it stands for.
pub(crate) fn from_word<'a, T: Deserialize<'a>>(
    what: &'static str,
    word: &'a str,
) -> Result<T, StoreError> {
    let deserializer: StrDeserializer<'a, WordError> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|error| corrupt(what, &error))
}

/// The word an enum without data is stored as.
pub(crate) fn to_word<T: Serialize>(value: &T) -> String {
    to_json(value).trim_matches('"').to_owned()
}

/// A value as JSON text. The core's types have string keys and finite numbers, so this cannot fail;
/// a type that could would be stored as `null`.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    to_json_in(64, value)
}

/// The same, with room for so many bytes to begin with.
pub(crate) fn to_json_in<T: Serialize>(bytes: usize, value: &T) -> String {
    let mut text = Vec::with_capacity(bytes);
    let written = serde_json::to_writer(&mut text, value).ok();
    written
        .and_then(|()| String::from_utf8(text).ok())
        .unwrap_or_else(|| "null".to_owned())
}

/// Reads JSON text.
pub(crate) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| corrupt(what, &error))
}

/// Reads a JSON column.
pub(crate) fn from_value<T: DeserializeOwned>(
    what: &'static str,
    value: serde_json::Value,
) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|error| corrupt(what, &error))
}

pub(crate) fn corrupt(what: &'static str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what,
        detail: error.to_string().into(),
    }
}

/// A stored number that is never negative.
pub(crate) fn unsigned<N, U>(what: &'static str, number: N) -> Result<U, StoreError>
where
    U: TryFrom<N>,
    U::Error: std::fmt::Display,
{
    U::try_from(number).map_err(|error| corrupt(what, &error))
}

/// Amounts beyond 2^63 do not occur; they are stored as that.
pub(crate) fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

pub(crate) fn date(at: Option<Time>) -> Option<OffsetDateTime> {
    at.map(Time::to_datetime)
}

pub(crate) fn instant(at: Option<OffsetDateTime>) -> Option<Time> {
    at.map(Time::from)
}

/// The identifier that equal texts share: half of their SHA-256.
pub(crate) fn content_id(text: &str) -> Uuid {
    let hash = Sha256::digest(text.as_bytes());
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    Uuid::from_bytes(half)
}

/// Postgres' text form of an array of identifiers.
pub(crate) fn id_array(ids: impl Iterator<Item = Uuid>) -> String {
    let mut text = String::from("{");
    for (index, id) in ids.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
    }
    text.push('}');
    text
}

pub(crate) const fn priority_word(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Medium => "medium",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}

pub(crate) const fn class_word(class: Class) -> &'static str {
    match class {
        Class::Exploratory => "exploratory",
        Class::Routine => "routine",
        Class::Ordinary => "ordinary",
        Class::Strategic => "strategic",
        Class::Directive => "directive",
    }
}

pub(crate) const fn outcome_word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Completed => "completed",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Throttled => "throttled",
        AttemptOutcome::Released => "released",
        AttemptOutcome::Expired => "expired",
        AttemptOutcome::Revoked => "revoked",
    }
}
