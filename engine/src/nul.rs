//! The wall behind all doors: no command brings the one character that Postgres keeps in no text, which
//! would take down the whole batch it is written in.

use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Sees the escapes of the texts that pass.
#[derive(Debug, Default)]
struct Watch {
    found: bool,
}

impl Formatter for &mut Watch {
    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.found |= matches!(escape, CharEscape::AsciiControl(0));
        Ok(())
    }
}

/// Whether U+0000 stands in any text of it, however deep.
pub(crate) fn is_in(value: &impl Serialize) -> bool {
    let mut watch = Watch::default();
    let mut passes = Serializer::with_formatter(io::sink(), &mut watch);
    // Nothing is written that could fail; what cannot be read counts as what may not pass.
    let read = value.serialize(&mut passes).is_ok();
    !read || watch.found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_character_itself_is_found() {
        assert!(is_in(&json!({ "a": [{ "b": "x\u{0}" }] })));
        assert!(is_in(&json!({ "a\u{0}": 1 })));
        assert!(!is_in(&json!({ "a": "\\u0000", "b": "\u{1}\n", "c": 0 })));
    }
}
