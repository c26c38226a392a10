//! What a form sent, and how it is read: every field's fault is found before anything is done.

use std::collections::BTreeMap;
use std::str::FromStr;

use scheduler::Time;
use scheduler::bounds::{NAME_CHARS, name_fault};
use serde::{Deserialize, Serialize};
use time::PrimitiveDateTime;
use time::macros::format_description;

use super::Refused;

/// The fields of a form, by name. A name that ends in `[]` may stand several times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Form(BTreeMap<String, Sent>);

/// What was sent under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Sent {
    One(String),
    Many(Vec<String>),
}

/// A field that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its name in the form.
    pub field: String,
    /// What it must be.
    pub words: String,
}

/// Reads a form and collects what is wrong with it.
#[derive(Debug)]
pub struct Reader<'a> {
    form: &'a Form,
    faults: Vec<Fault>,
}

impl Form {
    // The brackets of a name that may stand several times are not part of it once it is read.
    fn sent(&self, name: &str) -> Option<&Sent> {
        self.0.get(name.trim_end_matches("[]"))
    }

    /// What was sent under that name, without the spaces around it; empty when nothing was.
    pub fn get(&self, name: &str) -> &str {
        match self.sent(name) {
            Some(Sent::One(text)) => text.trim(),
            _ => "",
        }
    }

    /// Everything sent under that name, which is written with `[]` in the form.
    pub fn all(&self, name: &str) -> &[String] {
        match self.sent(name) {
            Some(Sent::Many(all)) => all,
            Some(Sent::One(one)) => std::slice::from_ref(one),
            None => &[],
        }
    }

    /// Begins to read.
    pub fn read(&self) -> Reader<'_> {
        Reader {
            form: self,
            faults: Vec::new(),
        }
    }

    /// What a person typed: the form without what the page put in for itself.
    pub(super) fn typed(&self) -> Self {
        let own = |name: &str| matches!(name, "once" | "ws" | "form");
        let fields = self.0.iter().filter(|(name, _)| !own(name));
        Self(
            fields
                .map(|(name, sent)| (name.clone(), sent.clone()))
                .collect(),
        )
    }
}

impl<'a> Reader<'a> {
    /// Notes a fault of a field.
    pub fn fault(&mut self, field: &str, words: impl Into<String>) {
        self.faults.push(Fault {
            field: field.to_owned(),
            words: words.into(),
        });
    }

    /// Notes a fault of a field unless `holds`.
    pub fn that(&mut self, holds: bool, field: &str, words: &str) {
        if !holds {
            self.fault(field, words);
        }
    }

    /// A line that must be there, of so many characters at most.
    pub fn line(&mut self, field: &str, most_chars: usize) -> &'a str {
        let text = self.form.get(field);
        let fits = (1..=most_chars).contains(&text.chars().count());
        if !fits {
            self.fault(field, format!("This takes 1 to {most_chars} characters."));
        }
        text
    }

    /// A name that must be there.
    pub fn name(&mut self, field: &str) -> &'a str {
        let name = self.form.get(field);
        let words = format!("This takes a name of 1 to {NAME_CHARS} characters.");
        self.that(name_fault(name).is_none(), field, &words);
        name
    }

    /// Text of at most so many bytes; `None` when nothing was written.
    pub fn optional(&mut self, field: &str, most_bytes: usize) -> Option<String> {
        let text = self.form.get(field);
        if text.len() > most_bytes {
            self.fault(
                field,
                format!("This is too long: {most_bytes} bytes at most."),
            );
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A value that must be there, in the form its type is written in.
    pub fn value<T: FromStr + Default>(&mut self, field: &str, words: &str) -> T {
        let parsed = self.form.get(field).parse();
        parsed.unwrap_or_else(|_| {
            self.fault(field, words);
            T::default()
        })
    }

    /// A value that may be left out.
    pub fn optional_value<T: FromStr>(&mut self, field: &str, words: &str) -> Option<T> {
        let text = self.form.get(field);
        if text.is_empty() {
            return None;
        }
        let parsed = text.parse().ok();
        self.that(parsed.is_some(), field, words);
        parsed
    }

    /// An identifier that the page put into the form.
    pub fn id<T: FromStr + Default>(&mut self, field: &str) -> T {
        self.value(field, "This names nothing. Load the page again.")
    }

    /// One of the words that stand for a value.
    pub fn choice<T>(&mut self, field: &str, named: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let chosen = named(self.form.get(field));
        self.that(chosen.is_some(), field, "Choose one of these.");
        chosen
    }

    /// Whether a box was ticked.
    pub fn ticked(&self, field: &str) -> bool {
        !self.form.get(field).is_empty()
    }

    /// A time in UTC, as a browser's own control writes it; `None` when left empty.
    pub fn time(&mut self, field: &str) -> Option<Time> {
        let text = self.form.get(field);
        if text.is_empty() {
            return None;
        }
        let read = utc(text);
        self.that(
            read.is_some(),
            field,
            "This takes a date and a time, like 2030-01-31T09:00.",
        );
        read
    }

    /// Words apart by commas or spaces, each once, in order.
    pub fn words(&mut self, field: &str) -> Vec<String> {
        let text = self.form.get(field);
        let mut words: Vec<String> = text
            .split([',', '\n'])
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    /// What must be typed as it stands before the gravest acts.
    pub fn confirmed(&mut self, field: &str, wanted: &str) {
        if self.form.get(field) != wanted {
            self.fault(
                field,
                format!("Type {wanted} to confirm that this is meant."),
            );
        }
    }

    /// All is well, or every fault.
    pub fn done(self) -> Result<(), Refused> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Refused::Faults(self.faults))
        }
    }
}

/// A time in UTC, as a browser's own control writes it.
pub(crate) fn utc(text: &str) -> Option<Time> {
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let read = PrimitiveDateTime::parse(text, &minutes)
        .or_else(|_| PrimitiveDateTime::parse(text, &seconds));
    Some(read.ok()?.assume_utc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        let one = |text: &str| Sent::One(text.to_owned());
        Form(
            fields
                .iter()
                .map(|(name, text)| ((*name).to_owned(), one(text)))
                .collect(),
        )
    }

    #[test]
    fn every_fault_is_told_at_its_field() {
        let form = form(&[("title", "  "), ("due", "tomorrow"), ("confirm", "nearly")]);
        let mut read = form.read();
        read.line("title", 10);
        read.time("due");
        read.confirmed("confirm", "acme");
        let Err(Refused::Faults(faults)) = read.done() else {
            panic!("refused");
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["title", "due", "confirm"]);
    }

    #[test]
    fn a_browser_s_time_is_read_as_utc() {
        let form = form(&[("at", "2030-01-31T09:30")]);
        let at = form.read().time("at").unwrap();
        assert_eq!(at.as_millis(), 1_896_082_200_000);
    }

    #[test]
    fn what_the_page_put_in_is_not_what_was_typed() {
        let sent = form(&[("once", "1"), ("ws", "a"), ("form", "f"), ("title", "t")]);
        assert_eq!(sent.typed(), form(&[("title", "t")]));
    }
}
