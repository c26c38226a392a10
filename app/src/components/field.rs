//! One field of a form: its label, its control, a hint, and what is wrong with it.

use std::hash::{DefaultHasher, Hash, Hasher};

use leptos::prelude::*;

use crate::markup::{Markup, Written};
use crate::text::raw;

/// A field on its way to being shown, as one of the controls below.
#[derive(Debug)]
pub struct Field {
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: Option<&'static str>,
    /// What was typed, when it was refused.
    pub(super) value: Option<String>,
    pub(super) fault: Option<String>,
    pub(super) required: bool,
    /// Of a form about something that others may change meanwhile.
    pub(super) versioned: Option<Versioned>,
}

/// What tells who typed from who left a field alone, when both change one thing.
#[derive(Debug)]
pub(super) struct Versioned {
    moved_on: bool,
    seen: String,
    /// The mark of what it holds now.
    holds: String,
    /// What it holds by now, where somebody typed something else.
    by_now: Option<String>,
}

impl Versioned {
    /// Whether it was changed since the refused form was opened, and the mark of what the field held
    /// there.
    pub(super) const fn new(moved_on: bool, seen: String) -> Self {
        Self {
            moved_on,
            seen,
            holds: String::new(),
            by_now: None,
        }
    }
}

impl Field {
    /// A sentence below the control.
    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// What it holds before anybody has typed.
    #[must_use]
    pub fn holding(mut self, value: impl Into<String>) -> Self {
        let value = value.into();
        if let Some(versioned) = &mut self.versioned {
            versioned.holds = mark(&value);
            let typed = self.value.as_ref().filter(|typed| **typed != value);
            match typed {
                Some(typed) if versioned.moved_on && mark(typed) != versioned.seen => {
                    versioned.by_now = Some(value.clone());
                }
                // Left as it was: nobody wants the earlier words back.
                Some(_) if versioned.moved_on => self.value = None,
                _ => {}
            }
        }
        self.value.get_or_insert(value);
        self
    }

    /// Must be filled.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A line of text.
    pub fn line(self) -> Markup {
        self.input("text")
    }

    /// A line that takes any of `known` or something else.
    pub fn line_of(self, known: &[String]) -> Markup {
        let list = format!("{}-known", self.id);
        let options = known
            .iter()
            .map(|word| view! { <option value=word.clone()></option> })
            .collect_view();
        let (id, name, value) = (self.id.clone(), self.name, self.value.clone());
        let (described, invalid, required) = (self.described(), self.invalid(), self.required);
        let at = list.clone();
        self.around(view! {
            <input id=id name=name value=value list=at required=required
                aria-describedby=described aria-invalid=invalid autocomplete="off" />
            <datalist id=list>{options}</datalist>
        })
    }

    /// A whole number.
    pub fn number(self) -> Markup {
        self.input("number")
    }

    /// A date and a time, in UTC.
    pub fn time(self) -> Markup {
        self.input("datetime-local")
    }

    /// Several lines of text.
    pub fn area(self, rows: u8) -> Markup {
        let (id, name) = (self.id.clone(), self.name);
        let value = self.value.as_deref().map(area_text);
        let (described, invalid, required) = (self.described(), self.invalid(), self.required);
        self.around(view! {
            <textarea id=id dir="auto" name=name rows=rows.to_string() required=required
                aria-describedby=described aria-invalid=invalid>{value}</textarea>
        })
    }

    /// One of some values, each with the words that stand for it.
    pub fn choice(mut self, options: &[(&'static str, &'static str)]) -> Markup {
        let chosen = self.value.clone().unwrap_or_default();
        // Others' choice is told as it reads, not as it is sent.
        if let Some(by_now) = self.versioned.as_mut().and_then(|one| one.by_now.as_mut())
            && let Some((_, words)) = options.iter().find(|(value, _)| value == by_now)
        {
            (*words).clone_into(by_now);
        }
        let options = options
            .iter()
            .map(|(value, words)| {
                view! { <option value=*value selected=*value == chosen>{*words}</option> }
            })
            .collect_view();
        let (id, name) = (self.id.clone(), self.name);
        let (described, invalid) = (self.described(), self.invalid());
        self.around(view! {
            <select id=id name=name aria-describedby=described aria-invalid=invalid>{options}</select>
        })
    }

    /// A box to tick.
    pub fn tick(self) -> Markup {
        let ticked = self.value.as_deref().is_some_and(|value| !value.is_empty());
        let (id, name, label) = (self.id.clone(), self.name, self.label);
        view! {
            <label class="field-tick" for=id.clone()>
                <input id=id.clone() type="checkbox" name=name value="on" checked=ticked />
                <span>{label}</span>
            </label>
        }
        .written()
    }

    fn input(self, kind: &'static str) -> Markup {
        let (id, name, value) = (self.id.clone(), self.name, self.value.clone());
        let (described, invalid, required) = (self.described(), self.invalid(), self.required);
        self.around(view! {
            <input id=id dir="auto" type=kind name=name value=value required=required
                aria-describedby=described aria-invalid=invalid autocomplete="off" />
        })
    }

    fn invalid(&self) -> Option<&'static str> {
        self.fault.is_some().then_some("true")
    }

    /// The elements that say more about the control.
    fn described(&self) -> Option<String> {
        let hint = self.hint.map(|_| format!("{}-hint", self.id));
        let fault = self.fault.as_ref().map(|_| format!("{}-fault", self.id));
        let by_now = self.by_now().map(|_| format!("{}-now", self.id));
        let all: Vec<_> = [fault, by_now, hint].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn by_now(&self) -> Option<&str> {
        self.versioned.as_ref()?.by_now.as_deref()
    }

    fn around(self, control: impl IntoView) -> Markup {
        let by_now = self.by_now().map(|text| {
            let id = format!("{}-now", self.id);
            let text = if text.is_empty() { "nothing" } else { text };
            view! { <p class="field-by-now" id=id>"By now it says: " {text.to_owned()}</p> }
        });
        let seen = self.versioned.map(|versioned| {
            let name = format!("seen-{}", self.name);
            view! { <input type="hidden" name=name value=versioned.holds /> }
        });
        let Self {
            id,
            label,
            hint,
            fault,
            ..
        } = self;
        let (hint_id, fault_id) = (format!("{id}-hint"), format!("{id}-fault"));
        let hint = hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> });
        let fault = fault.map(|fault| view! { <p class="field-fault" id=fault_id>{fault}</p> });
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {control.written()}
                {fault}
                {by_now}
                {hint}
                {seen}
            </div>
        }
        .written()
    }
}

/// Tells one text from another, whichever line breaks a browser makes of them. A mark of another
/// release is none of this one's: then the field counts as typed in.
fn mark(text: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.replace('\r', "").hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// What stands in a text area: it is written into the page as it is, and of its text a browser drops
/// a first line break.
fn area_text(text: &str) -> String {
    format!("\n{}", raw(text))
}
