//! The bounds of what clients send, collected so that one answer names every fault.

use crate::problem::{Fault, Problem};

pub use scheduler::bounds::{
    BATCH, DEPENDENCIES, DESCRIPTION_BYTES, NAME_CHARS, NOTE_BYTES, REQUIREMENTS, WORDS,
    date_fault, is_blank, name_fault, title_fault,
};

/// The longest address of a person, in bytes.
pub const EMAIL_BYTES: usize = 254;

/// Whether somebody can be written to there, as far as its form tells.
pub fn is_email(text: &str) -> bool {
    text.len() <= EMAIL_BYTES
        && !text.contains(char::is_whitespace)
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Collects faults under a JSON pointer.
#[derive(Debug, Default)]
pub struct Check {
    faults: Vec<Fault>,
    base: String,
}

impl Check {
    /// A check of a whole body.
    pub fn new() -> Self {
        Self::default()
    }

    /// What follows is found at `pointer`.
    pub fn under(&mut self, pointer: String) {
        self.base = pointer;
    }

    /// Notes a fault unless `holds`.
    pub fn that(&mut self, holds: bool, pointer: &str, detail: impl Into<String>) {
        if !holds {
            let pointer = format!("{}{pointer}", self.base);
            self.faults.push(Fault {
                pointer,
                detail: detail.into(),
            });
        }
    }

    /// Notes a fault if there is one.
    pub fn fault(&mut self, fault: Option<impl Into<String>>, pointer: &str) {
        if let Some(detail) = fault {
            self.that(false, pointer, detail);
        }
    }

    /// One line that people read.
    pub fn title(&mut self, title: &str) {
        self.fault(title_fault(title), "/title");
    }

    /// When a task is due or may begin.
    pub fn date(&mut self, at: Option<scheduler::Time>, pointer: &str) {
        self.fault(at.and_then(date_fault), pointer);
    }

    /// Why, where it must be said.
    pub fn reason(&mut self, reason: &str) {
        self.that(!is_blank(reason), "/reason", "must say why");
        self.text(Some(reason), "/reason", NOTE_BYTES);
    }

    /// A word or name.
    pub fn name(&mut self, name: &str, pointer: &str) {
        self.fault(name_fault(name), pointer);
    }

    /// A name that may be absent.
    pub fn optional_name(&mut self, name: Option<&str>, pointer: &str) {
        if let Some(name) = name {
            self.name(name, pointer);
        }
    }

    /// A list of words.
    pub fn words(&mut self, words: &[String], pointer: &str) {
        self.that(
            words.len() <= WORDS,
            pointer,
            format!("may have at most {WORDS} entries"),
        );
        for (at, word) in words.iter().enumerate().take(WORDS) {
            self.name(word, &format!("{pointer}/{at}"));
        }
    }

    /// Free text of bounded size that may be absent.
    pub fn text(&mut self, text: Option<&str>, pointer: &str, bytes: usize) {
        let fits = text.is_none_or(|text| text.len() <= bytes);
        self.that(fits, pointer, format!("may have at most {bytes} bytes"));
    }

    /// Amounts of resources, each named once.
    pub fn requirements(&mut self, requires: &[scheduler::Requirement], pointer: &str) {
        let fits = requires.len() <= REQUIREMENTS;
        self.that(
            fits,
            pointer,
            format!("may have at most {REQUIREMENTS} entries"),
        );
        for (at, requirement) in requires.iter().enumerate().take(REQUIREMENTS) {
            let resource = format!("{pointer}/{at}/resource");
            self.name(&requirement.resource, &resource);
            self.that(
                requirement.amount > 0,
                &format!("{pointer}/{at}/amount"),
                "must be at least 1",
            );
            let twice = requires[..at]
                .iter()
                .any(|other| other.resource == requirement.resource);
            self.that(!twice, &resource, "is named twice");
        }
    }

    /// All is well, or a problem with every fault.
    pub fn done(self) -> Result<(), Problem> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.faults))
        }
    }
}
