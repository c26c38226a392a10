//! The bounds of what people and agents may write, the same wherever they write it.

use std::ops::RangeInclusive;

use crate::{Span, Time};

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

/// When a task may be due or begin at the earliest: no plan is from before this century.
const EARLIEST: Time = Time::from_millis(946_684_800_000);
/// And before when: 2100.
const LATEST: Time = Time::from_millis(4_102_444_800_000);

/// Points that a boost may add or take.
pub const BOOST_POINTS: i32 = 100_000;
/// How long a boost or a pin may last.
pub const BOOSTED_FOR: Span = Span::from_secs(31 * 86_400);
/// Attempts a task may have.
pub const ATTEMPTS: RangeInclusive<u16> = 1..=100;
/// Money of one estimate or report, in millionths of a dollar: a million dollars. Sums of these stay
/// far from what Postgres can count.
pub const MICROUSD: u64 = 1_000_000_000_000;
/// How long one act may close a resource.
pub const CLOSED_FOR: Span = Span::from_secs(30 * 86_400);
/// How long a provider's word may close a resource: a person may close it for longer.
pub const TOLD_MS: u32 = 86_400_000;
/// Slots of one resource: they are numbered rows.
pub const SLOTS: u32 = 10_000;
/// What a bucket refills a second at most.
const REFILL_PER_S: f64 = 1e9;
/// The limit of one budget, in either unit.
pub const BUDGET_LIMIT: u64 = 1_000_000_000_000_000;

/// The longest slug, in characters.
pub const SLUG_CHARS: usize = 63;
/// What [`is_slug`] lets pass, for the sentences that say so.
pub const SLUG_WORDS: &str =
    "1 to 63 lower-case letters, digits and hyphens, and no hyphen at the beginning";

/// Whether a bucket can refill so much a second.
pub const fn is_refill(per_s: f64) -> bool {
    per_s >= crate::bucket::MIN_REFILL_PER_S && per_s <= REFILL_PER_S
}

/// Whether a character shows nothing and takes no space: marks of format and direction, joiners,
/// selectors, fillers.
pub const fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether nothing of a text can be seen: such a title, name or reason is none.
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|letter| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
}

/// What is wrong with the time at which a task is due or may begin, if anything is.
pub fn date_fault(at: Time) -> Option<&'static str> {
    (at < EARLIEST || at >= LATEST).then_some("must lie in the years 2000 to 2099")
}

/// What is wrong with a title, if anything is.
pub fn title_fault(title: &str) -> Option<String> {
    let fits = !is_blank(title) && title.chars().count() <= TITLE_CHARS;
    if !fits {
        let fault = format!("must have 1 to {TITLE_CHARS} characters, and one to see among them");
        return Some(fault);
    }
    title
        .contains(['\n', '\r'])
        .then(|| "must be one line".to_owned())
}

/// What is wrong with the points of a boost, if anything is.
pub fn points_fault(points: i32) -> Option<String> {
    let fits = (-BOOST_POINTS..=BOOST_POINTS).contains(&points);
    (!fits).then(|| format!("must be from -{BOOST_POINTS} to {BOOST_POINTS}"))
}

/// What is wrong with the end of a boost or a pin, if anything is.
pub fn boost_end_fault(now: Time, end: Time) -> Option<&'static str> {
    (end <= now || end > now + BOOSTED_FOR).then_some("must lie ahead, by 31 days at most")
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
        && !is_blank(name)
        && name.trim() == name
        // A path would lead elsewhere.
        && ![".", ".."].contains(&name)
        && !name.chars().any(char::is_control);
    (!fits).then(|| {
        format!(
            "must have 1 to {NAME_CHARS} characters, none of them invisible, and not be . or .."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_is_blank_and_what_shows_something_is_not() {
        for blank in [
            "",
            " \t",
            "\u{200b}\u{202e}",
            "\u{feff} \u{2800}",
            "\u{e0041}\u{ad}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
            assert!(name_fault(blank).is_some(), "{blank:?}");
            assert!(title_fault(blank).is_some(), "{blank:?}");
        }
        for seen in ["a", "\u{202e}a", "می\u{200c}خواهم", "👩\u{200d}🚀", "0"] {
            assert!(!is_blank(seen), "{seen:?}");
            assert!(title_fault(seen).is_none(), "{seen:?}");
        }
    }

    #[test]
    fn a_task_is_due_in_this_century() {
        let at = |year: i64| Time::from_millis((year - 1970) * 31_556_952_000);
        for (year, fits) in [
            (1, false),
            (1999, false),
            (2001, true),
            (2099, true),
            (2101, false),
        ] {
            assert_eq!(date_fault(at(year)).is_none(), fits, "{year}");
        }
    }

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
