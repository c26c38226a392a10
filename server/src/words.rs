//! What the readers of JSON and query strings say was wrong, in the interface's own words.

/// A reader's message as somebody who has never seen this program's source understands it.
pub fn plain(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("{} is missing", unquoted(rest));
    }
    if let Some(rest) = message.strip_prefix("duplicate field ") {
        return format!("{} stands twice", unquoted(rest));
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return match rest.split_once(", expected ") {
            Some((name, known)) => {
                format!(
                    "{} is not known here; known: {}",
                    unquoted(name),
                    choices(known)
                )
            }
            None => format!("{} is not known here", unquoted(first(rest))),
        };
    }
    if let Some((_, known)) = message
        .strip_prefix("unknown variant ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("must be one of: {}", choices(known));
    }
    if let Some((_, expected)) = message
        .strip_prefix("invalid ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        return format!("must be {}", wanted(expected));
    }
    parsed(message).unwrap_or(message).to_owned()
}

/// What those say that read a value out of text.
fn parsed(message: &str) -> Option<&'static str> {
    const NUMBERS: [&str; 5] = [
        "invalid digit",
        "number too large",
        "number too small",
        "cannot parse integer",
        "number would be zero",
    ];
    const TIMES: [&str; 4] = [
        "the '",
        "a character literal",
        "unexpected trailing characters",
        "not enough information",
    ];
    let begins = |with: &[&str]| with.iter().any(|start| message.starts_with(start));
    if begins(&NUMBERS) {
        Some("must be a whole number of at least 0, and not too large")
    } else if message.starts_with("UUID parsing failed") {
        Some("must be a UUID")
    } else if begins(&TIMES) || message.contains(" must be in the range ") {
        Some("must be a time like 2030-01-31T09:00:00Z")
    } else if message.starts_with("invalid float") {
        Some("must be a number")
    } else if message.starts_with("provided string was not") {
        Some("must be true or false")
    } else {
        None
    }
}

/// The kind of value that was wanted.
fn wanted(expected: &str) -> String {
    let kind = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number of at least 0, and not too large",
        "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number, and not too large",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a borrowed string" | "a character" => "a string",
        "a sequence" => "an array",
        "a UUID string" => "a UUID",
        "a map" => "an object",
        other if other.starts_with("struct ") || other.contains("tagged enum ") => "an object",
        other if other.contains("enum ") || other.contains("variant") => "one of the known words",
        other if other.starts_with("a tuple") || other.starts_with("tuple") => "an array",
        other => other,
    };
    kind.to_owned()
}

/// The words between backticks as a plain list.
fn choices(known: &str) -> String {
    let named: Vec<_> = known.split('`').skip(1).step_by(2).collect();
    named.join(", ")
}

fn unquoted(name: &str) -> &str {
    name.trim_matches('`')
}

/// Up to the first comma.
fn first(text: &str) -> &str {
    text.split(',').next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_type_of_the_source_is_shown() {
        for (message, shown) in [
            (
                "invalid type: string \"x\", expected u64",
                "must be a whole number of at least 0",
            ),
            (
                "invalid value: integer `-1`, expected u16",
                "must be a whole number from 0 to 65535",
            ),
            (
                "invalid type: sequence, expected struct ThrottledBody",
                "must be an object",
            ),
            (
                "invalid type: integer `7`, expected a string",
                "must be a string",
            ),
            (
                "invalid type: map, expected an object or an array of objects",
                "must be an object or an array of objects",
            ),
            ("missing field `title`", "title is missing"),
            (
                "unknown field `titel`, expected one of `title`, `kind`",
                "titel is not known here; known: title, kind",
            ),
            (
                "unknown field `x`, there are no fields",
                "x is not known here",
            ),
            (
                "unknown variant `huge`, expected `low` or `high`",
                "must be one of: low, high",
            ),
            (
                "UUID parsing failed: invalid character: found `x` at 1",
                "must be a UUID",
            ),
            (
                "invalid digit found in string",
                "must be a whole number of at least 0, and not too large",
            ),
            (
                "the 'year' component could not be parsed",
                "must be a time like 2030-01-31T09:00:00Z",
            ),
        ] {
            assert_eq!(plain(message), shown, "{message}");
        }
    }
}
