//! What the forms that make and change a task have in common: its fields, read and checked.

use scheduler::bounds::{
    DEPENDENCIES, DESCRIPTION_BYTES, MICROUSD, REQUIREMENTS, TITLE_CHARS, WORDS, name_fault,
};
use scheduler::{Class, Estimate, Priority, Requirement, TaskId, Time};

use super::{Form, Reader};
use crate::text;

/// The longest estimate, in minutes: a month.
const MOST_MINUTES: f64 = 44_640.0;

/// The fields of both forms.
#[derive(Debug)]
pub(super) struct Fields {
    pub title: String,
    pub description: String,
    pub class: Class,
    pub priority: Priority,
    pub due_at: Option<Time>,
    pub capabilities: Vec<String>,
    pub requires: Vec<Requirement>,
    pub estimate: Estimate,
    pub agent: Option<String>,
}

impl Fields {
    /// Reads them; what is wrong is noted at its field.
    pub fn read(form: &Form, read: &mut Reader<'_>) -> Self {
        let class = |word: &str| Class::ALL.into_iter().find(|one| text::class(*one) == word);
        let capabilities = read.words("capabilities");
        let fits = capabilities.len() <= WORDS
            && capabilities.iter().all(|word| name_fault(word).is_none());
        read.that(
            fits,
            "capabilities",
            "Words of 1 to 100 characters, apart by commas; 64 at most.",
        );
        Self {
            title: read.line("title", TITLE_CHARS).to_owned(),
            description: read
                .optional("description", DESCRIPTION_BYTES)
                .unwrap_or_default(),
            class: read.choice("class", class).unwrap_or_default(),
            priority: read
                .choice("priority", text::priority_named)
                .unwrap_or_default(),
            due_at: read.date("due_at"),
            capabilities,
            requires: requires(form, read),
            estimate: estimate(read),
            agent: name(read, "agent"),
        }
    }
}

/// A name that may be left out.
pub(super) fn name(read: &mut Reader<'_>, field: &str) -> Option<String> {
    let name = read.optional(field, usize::MAX)?;
    read.that(
        name_fault(&name).is_none(),
        field,
        "A name has 1 to 100 characters.",
    );
    Some(name)
}

/// The resources stand in the form with an amount each; an empty one means that none is taken.
fn requires(form: &Form, read: &mut Reader<'_>) -> Vec<Requirement> {
    let (names, amounts) = (form.all("resource[]"), form.all("amount[]"));
    let mut requires = Vec::new();
    for (at, (name, amount)) in names.iter().zip(amounts).enumerate() {
        match amount.trim() {
            "" | "0" => {}
            amount => match amount.parse() {
                Ok(amount) => requires.push(Requirement {
                    resource: name.clone(),
                    amount,
                }),
                Err(_) => read.fault(&amount_field(at), "A whole number from 0, or nothing."),
            },
        }
    }
    requires.sort_unstable();
    requires.dedup_by(|one, other| one.resource == other.resource);
    read.that(
        requires.len() <= REQUIREMENTS,
        "amount[]",
        "A task may take 32 resources at most.",
    );
    requires
}

/// How a fault names one of the amounts.
pub(crate) fn amount_field(at: usize) -> String {
    format!("amount[{at}]")
}

fn estimate(read: &mut Reader<'_>) -> Estimate {
    let number = "A whole number from 0, or nothing.";
    let dollars = bounded(read, "cost", MICROUSD as f64 / 1e6);
    let minutes = bounded(read, "minutes", MOST_MINUTES);
    Estimate {
        model: name(read, "model"),
        input_tokens: read.optional_value("input_tokens", number),
        output_tokens: read.optional_value("output_tokens", number),
        cost_microusd: dollars.map(|dollars| (dollars * 1e6).round() as u64),
        duration_ms: minutes.map(|minutes| (minutes * 60_000.0).round() as u32),
    }
}

fn bounded(read: &mut Reader<'_>, field: &str, most: f64) -> Option<f64> {
    let words = format!("A number from 0 to {most}, or nothing.");
    let value: f64 = read.optional_value(field, &words)?;
    let fits = (0.0..=most).contains(&value);
    read.that(fits, field, &words);
    fits.then_some(value)
}

/// Tasks as people paste them: identifiers or addresses, apart by spaces, commas or lines.
pub(super) fn named_tasks(form: &Form, read: &mut Reader<'_>, field: &str) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    let words = form.get(field).split([' ', ',', '\n', '\r', '\t']);
    for word in words.filter(|word| !word.is_empty()) {
        let id = word.split(['?', '#']).next().unwrap_or_default();
        match id.rsplit('/').next().unwrap_or_default().parse() {
            Ok(id) if tasks.contains(&id) => {}
            Ok(id) => tasks.push(id),
            Err(_) => {
                read.fault(field, "Each is the address or the identifier of a task.");
                break;
            }
        }
    }
    read.that(
        tasks.len() <= DEPENDENCIES,
        field,
        "A task may wait for 256 others at most.",
    );
    tasks
}
