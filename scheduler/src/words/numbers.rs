//! Numbers as people read them.

use crate::{Span, Time, Unit};

/// In millionths of a dollar.
const CENT: u64 = 10_000;
const DOLLAR: u64 = 1_000_000;

/// An amount of a budget: `$1.25`, `$0.0012` or `12,000 tokens`. Money to the cent, and what is less than
/// a cent by the two digits that say something.
#[must_use]
pub fn amount(value: u64, unit: Unit) -> String {
    match (unit, to_read(value)) {
        (Unit::Tokens, _) => format!("{} tokens", grouped(value)),
        (Unit::Microusd, small) if !small.is_multiple_of(CENT) => {
            exact_money(small).trim_end_matches('0').to_owned()
        }
        (Unit::Microusd, whole) => {
            let cents = whole / CENT;
            format!("${}.{:02}", grouped(cents / 100), cents % 100)
        }
    }
}

/// Money to the last millionth: `$1,234.567890`.
#[must_use]
pub fn exact_money(value: u64) -> String {
    format!("${}.{:06}", grouped(value / DOLLAR), value % DOLLAR)
}

/// Whether [`amount`] says another sum than this.
#[must_use]
pub fn is_rounded(value: u64, unit: Unit) -> bool {
    unit == Unit::Microusd && to_read(value) != value
}

/// Money as it is read, still in millionths.
fn to_read(value: u64) -> u64 {
    let step = match value {
        CENT.. => CENT,
        _ => 10_u64.pow(value.max(10).ilog10() - 1),
    };
    value.saturating_add(step / 2) / step * step
}

/// A span in its largest fitting unit: `0.9 s`, `12 s`, `3 min`, `2 h 5 min`, `4 d`, `5 months`.
#[must_use]
pub fn duration(span: Span) -> String {
    let ms = span.as_millis_ceil().max(0);
    let (secs, mins, hours) = (
        (ms + 500) / 1_000,
        (ms + 30_000) / 60_000,
        (ms + 1_800_000) / 3_600_000,
    );
    match ms {
        0 => "0 s".to_owned(),
        1..950 => format!("0.{} s", ((ms + 50) / 100).max(1)),
        950..120_000 => format!("{secs} s"),
        120_000..7_200_000 => format!("{mins} min"),
        7_200_000..86_400_000 if mins % 60 > 0 => format!("{} h {} min", mins / 60, mins % 60),
        7_200_000..172_800_000 => format!("{hours} h"),
        172_800_000..8_640_000_000 => format!("{} d", (hours + 12) / 24),
        8_640_000_000..63_113_904_000 => format!("{} months", (hours + 365) / 730),
        _ => format!(
            "{} years",
            grouped(((hours + 4_383) / 8_766).unsigned_abs())
        ),
    }
}

/// An instant to the minute: `21 Nov 2026, 00:49 UTC`.
pub(super) fn instant(at: Time) -> String {
    let format = time::macros::format_description!(
        "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
    );
    at.to_datetime().format(format).unwrap_or_default()
}

/// With commas between thousands.
pub(super) fn grouped(value: u64) -> String {
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

/// A measure without a tail of zeros: `4`, `0.5`, `1,200`.
pub(super) fn plain(value: f64) -> String {
    if value < 0.0 {
        return format!("−{}", plain(-value));
    }
    if value.fract() == 0.0 {
        return grouped(value as u64);
    }
    // What is small keeps two digits that say something.
    let places = if (1e-9..0.1).contains(&value) {
        (1.0 - value.log10().floor()) as usize
    } else {
        2
    };
    format!("{value:.places$}")
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// `1 task`, `2 tasks`.
pub(super) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

/// `1st`, `2nd`, `11th`.
pub(super) fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_like_money_and_tokens() {
        let read = [
            0,
            1,
            1_234,
            9_999,
            12_930,
            412_345,
            1_250_000,
            1_234_567_890_000,
        ]
        .map(|value| amount(value, Unit::Microusd));
        assert_eq!(
            read,
            [
                "$0.00",
                "$0.000001",
                "$0.0012",
                "$0.01",
                "$0.01",
                "$0.41",
                "$1.25",
                "$1,234,567.89"
            ]
        );
        assert_eq!(amount(12_000, Unit::Tokens), "12,000 tokens");
        assert_eq!(exact_money(1_234_567_890), "$1,234.567890");
        let rounded = [0, 1_200, 1_234, 10_000, 10_001].map(|v| is_rounded(v, Unit::Microusd));
        assert_eq!(rounded, [false, false, true, false, true]);
    }

    #[test]
    fn instants_read_to_the_minute() {
        assert_eq!(
            instant(Time(1_795_222_150_000_000)),
            "21 Nov 2026, 00:49 UTC"
        );
    }

    #[test]
    fn spans_read_in_their_largest_unit() {
        let read = [
            0,
            7,
            835,
            950,
            12_000,
            185_000,
            7_500_000,
            259_200_000,
            12_960_000_000,
            218_073_600_000,
        ]
        .map(|ms| duration(Span::from_millis(ms)));
        assert_eq!(
            read,
            [
                "0 s",
                "0.1 s",
                "0.8 s",
                "1 s",
                "12 s",
                "3 min",
                "2 h 5 min",
                "3 d",
                "5 months",
                "7 years"
            ]
        );
    }
}
