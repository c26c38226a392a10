//! What a form sent, and how it is read: every field's fault is found before anything is done.

use std::collections::BTreeMap;
use std::str::FromStr;

use scheduler::Time;
use scheduler::bounds::{NAME_CHARS, date_fault, is_blank, name_fault};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

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
    /// What the page itself put in cannot be used: no field of its reader's is at fault.
    incomplete: bool,
}

impl Form {
    // The brackets of a name that may stand several times are not part of it once it is read.
    fn sent(&self, name: &str) -> Option<&Sent> {
        self.0.get(name.trim_end_matches("[]"))
    }

    /// What was sent under that name, without the spaces around it; empty when there is nothing to see.
    pub fn get(&self, name: &str) -> &str {
        match self.sent(name) {
            Some(Sent::One(text)) if !is_blank(text) => text.trim(),
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
            incomplete: false,
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

/// A form as a browser sends it.
impl FromIterator<(String, String)> for Form {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        let mut form = Self::default();
        for (name, text) in pairs {
            let Some(many) = name.strip_suffix("[]") else {
                form.0.insert(name, Sent::One(text));
                continue;
            };
            let all = form.0.entry(many.to_owned());
            if let Sent::Many(all) = all.or_insert_with(|| Sent::Many(Vec::new())) {
                all.push(text);
            }
        }
        form
    }
}

impl<'a> Reader<'a> {
    /// Notes a fault of a field; its first one is told.
    pub fn fault(&mut self, field: &str, words: impl Into<String>) {
        if self.faults.iter().all(|fault| fault.field != field) {
            self.faults.push(Fault {
                field: field.to_owned(),
                words: words.into(),
            });
        }
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

    /// What the page put into the form.
    pub fn own<T>(&mut self, field: &str, named: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let own = named(self.form.get(field));
        self.incomplete |= own.is_none();
        own
    }

    /// An identifier that the page put into the form.
    pub fn id<T: FromStr + Default>(&mut self, field: &str) -> T {
        let own = self.own(field, |id| id.parse().ok());
        own.unwrap_or_default()
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

    /// When a task is due or may begin: a time in UTC, as a browser's own control writes it; `None`
    /// when left empty.
    pub fn date(&mut self, field: &str) -> Option<Time> {
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
        if let Some(fault) = read.and_then(date_fault) {
            self.fault(field, format!("This {fault}."));
        }
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
        if self.incomplete {
            Err(Refused::incomplete())
        } else if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Refused::Faults(self.faults))
        }
    }
}

/// A time as a browser's own control writes it, in UTC, or as programs do.
pub(crate) fn utc(text: &str) -> Option<Time> {
    let minutes = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let read = PrimitiveDateTime::parse(text, &minutes)
        .or_else(|_| PrimitiveDateTime::parse(text, &seconds))
        .map(PrimitiveDateTime::assume_utc)
        .or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    Some(read.ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        fields.iter().map(owned).collect()
    }

    #[test]
    fn every_fault_is_told_at_its_field() {
        let form = form(&[
            ("title", " \u{200b} "),
            ("due", "tomorrow"),
            ("confirm", "nearly"),
        ]);
        let mut read = form.read();
        read.line("title", 10);
        read.date("due");
        read.confirmed("confirm", "acme");
        read.fault("due", "not this too");
        let Err(Refused::Faults(faults)) = read.done() else {
            panic!("refused");
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["title", "due", "confirm"]);
    }

    #[test]
    fn what_the_page_put_in_marks_no_field_of_its_reader_s() {
        let form = form(&[("task", "none"), ("title", "")]);
        let mut read = form.read();
        read.line("title", 10);
        read.id::<scheduler::TaskId>("task");
        assert_eq!(read.done(), Err(Refused::incomplete()));
    }

    #[test]
    fn a_browser_s_time_is_read_as_utc() {
        let form = form(&[("at", "2030-01-31T09:30"), ("long_ago", "0001-01-01T00:00")]);
        let mut read = form.read();
        assert_eq!(read.date("at").unwrap().as_millis(), 1_896_082_200_000);
        read.date("long_ago");
        assert!(matches!(read.done(), Err(Refused::Faults(one)) if one[0].field == "long_ago"));
    }

    #[test]
    fn what_the_page_put_in_is_not_what_was_typed() {
        let sent = form(&[("once", "1"), ("ws", "a"), ("form", "f"), ("title", "t")]);
        assert_eq!(sent.typed(), form(&[("title", "t")]));
    }
}
