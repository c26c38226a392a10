//! The bounds of what people and agents may write, the same wherever they write it.

use std::ops::RangeInclusive;

use crate::Span;

/// The longest title, in characters.
pub const TITLE_CHARS: usize = 200;
/// The longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 64 << 10;
/// The longest name of anything, in characters.
pub const NAME_CHARS: usize = 100;
/// The longest note, reason or error, in bytes.
pub const NOTE_BYTES: usize = 8 << 10;
/// Tasks in one request.
pub const BATCH: usize = 1_000;
/// Resource requirements of one task.
pub const REQUIREMENTS: usize = 32;
/// Dependencies of one task.
pub const DEPENDENCIES: usize = 256;
/// Capabilities or models of a task or an agent.
pub const WORDS: usize = 64;

/// Points that a boost may add or take.
pub const BOOST_POINTS: i32 = 100_000;
/// Attempts a task may have.
pub const ATTEMPTS: RangeInclusive<u16> = 1..=100;
/// Money of one estimate or report, in millionths of a dollar: a million dollars. Sums of these stay
/// far from what Postgres can count.
pub const MICROUSD: u64 = 1_000_000_000_000;
/// How long one act may close a resource.
pub const CLOSED_FOR: Span = Span::from_secs(30 * 86_400);
/// Slots of one resource: they are numbered rows.
pub const SLOTS: u32 = 10_000;
/// The limit of one budget, in either unit.
pub const BUDGET_LIMIT: u64 = 1_000_000_000_000_000;

/// The longest slug, in characters.
pub const SLUG_CHARS: usize = 63;
/// What [`is_slug`] lets pass, for the sentences that say so.
pub const SLUG_WORDS: &str =
    "1 to 63 lower-case letters, digits and hyphens, and no hyphen at the beginning";

/// What is wrong with the points of a boost, if anything is.
pub fn points_fault(points: i32) -> Option<String> {
    let fits = (-BOOST_POINTS..=BOOST_POINTS).contains(&points);
    (!fits).then(|| format!("must be from -{BOOST_POINTS} to {BOOST_POINTS}"))
}

/// Whether it can stand for a workspace in addresses; the database holds the same rule.
pub fn is_slug(text: &str) -> bool {
    (1..=SLUG_CHARS).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// What is wrong with a name, if anything is.
pub fn name_fault(name: &str) -> Option<String> {
    let length = name.chars().count();
    let fits = (1..=NAME_CHARS).contains(&length)
        && name.trim() == name
        && !name.chars().any(char::is_control);
    (!fits).then(|| format!("must have 1 to {NAME_CHARS} characters, none of them invisible"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_plain_and_begins_with_no_hyphen() {
        let longest = "a".repeat(SLUG_CHARS);
        for good in ["a", "7", "team-2", "a-", longest.as_str()] {
            assert!(is_slug(good), "{good}");
        }
        let too_long = "a".repeat(SLUG_CHARS + 1);
        for bad in [
            "",
            "-a",
            "Team",
            "a b",
            "a_b",
            "ä",
            "a/b",
            too_long.as_str(),
        ] {
            assert!(!is_slug(bad), "{bad}");
        }
        assert!(SLUG_WORDS.contains(&format!("1 to {SLUG_CHARS} ")));
    }
}
