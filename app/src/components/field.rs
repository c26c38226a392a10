//! One field of a form: its label, its control, a hint, and what is wrong with it.

use leptos::prelude::*;

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
    /// Whether what the form is about was changed while somebody typed.
    pub(super) moved_on: bool,
    /// What it holds by now, where that is not what was typed.
    pub(super) by_now: Option<String>,
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
        if self.moved_on && self.value.as_ref().is_some_and(|typed| *typed != value) {
            self.by_now = Some(value);
        } else {
            self.value.get_or_insert(value);
        }
        self
    }

    /// Must be filled.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A line of text.
    pub fn line(self) -> AnyView {
        self.input("text")
    }

    /// A line that takes any of `known` or something else.
    pub fn line_of(self, known: &[String]) -> AnyView {
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
    pub fn number(self) -> AnyView {
        self.input("number")
    }

    /// A date and a time, in UTC.
    pub fn time(self) -> AnyView {
        self.input("datetime-local")
    }

    /// Several lines of text.
    pub fn area(self, rows: u8) -> AnyView {
        let (id, name) = (self.id.clone(), self.name);
        let value = self.value.as_deref().map(area_text);
        let (described, invalid, required) = (self.described(), self.invalid(), self.required);
        self.around(view! {
            <textarea id=id name=name rows=rows.to_string() required=required
                aria-describedby=described aria-invalid=invalid>{value}</textarea>
        })
    }

    /// One of some values, each with the words that stand for it.
    pub fn choice(self, options: &[(&'static str, &'static str)]) -> AnyView {
        let chosen = self.value.clone().unwrap_or_default();
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
    pub fn tick(self) -> AnyView {
        let ticked = self.value.as_deref().is_some_and(|value| !value.is_empty());
        let (id, name, label) = (self.id.clone(), self.name, self.label);
        view! {
            <label class="field-tick" for=id.clone()>
                <input id=id.clone() type="checkbox" name=name value="on" checked=ticked />
                <span>{label}</span>
            </label>
        }
        .into_any()
    }

    fn input(self, kind: &'static str) -> AnyView {
        let (id, name, value) = (self.id.clone(), self.name, self.value.clone());
        let (described, invalid, required) = (self.described(), self.invalid(), self.required);
        self.around(view! {
            <input id=id type=kind name=name value=value required=required
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
        let by_now = self.by_now.as_ref().map(|_| format!("{}-now", self.id));
        let all: Vec<_> = [fault, by_now, hint].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }

    fn around(self, control: impl IntoView) -> AnyView {
        let Self {
            id,
            label,
            hint,
            fault,
            by_now,
            ..
        } = self;
        let [hint_id, fault_id, now_id] = ["hint", "fault", "now"].map(|of| format!("{id}-{of}"));
        let hint = hint.map(|hint| view! { <p class="hint" id=hint_id>{hint}</p> });
        let fault = fault.map(|fault| view! { <p class="field-fault" id=fault_id>{fault}</p> });
        let by_now = by_now.map(|text| {
            let text = if text.is_empty() {
                "nothing".to_owned()
            } else {
                text
            };
            view! { <p class="field-by-now" id=now_id>"By now it says: " {text}</p> }
        });
        view! {
            <div class="field">
                <label for=id>{label}</label>
                {control.into_any()}
                {fault}
                {by_now}
                {hint}
            </div>
        }
        .into_any()
    }
}

/// What stands in a text area: it is written into the page as it is, and of its text a browser drops
/// a first line break.
fn area_text(text: &str) -> String {
    format!("\n{}", raw(text))
}
