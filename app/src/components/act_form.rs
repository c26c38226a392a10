//! The form of an act: what it posts, what it keeps when it is refused, what it shows at once.

use leptos::prelude::*;
use uuid::Uuid;

use super::field::{Field, Versioned};
use crate::access::Seat;
use crate::acts::Said;
use crate::markup::{Markup, Written};

/// What elements show from the moment a form is sent.
struct Becomes {
    /// Only when the button of this value was pressed; empty for any.
    button: &'static str,
    selector: String,
    view: Markup,
}

/// A form on its way to being shown. See [`crate::acts`] for the recipe.
pub struct ActForm {
    act: &'static str,
    id: String,
    ws: String,
    hidden: Vec<(String, String)>,
    becomes: Vec<Becomes>,
    said: Option<Said>,
    grave: bool,
    class: &'static str,
}

impl ActForm {
    /// The form of an act in the workspace of that seat; `None` when its holder may not.
    pub fn new(act: &'static str, seat: &Seat) -> Option<Self> {
        seat.may(act).then(|| Self::outside(act, &seat.slug))
    }

    /// The form of an act for which the page has found out by itself that its reader may.
    pub fn outside(act: &'static str, ws: &str) -> Self {
        Self {
            act,
            id: act.to_owned(),
            ws: ws.to_owned(),
            hidden: Vec::new(),
            becomes: Vec::new(),
            said: Said::of_request(),
            grave: false,
            class: "act",
        }
    }

    /// Tells it from others of the same act on the page. Letters, digits, `-` and `_`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// A value that is posted and not shown.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    /// With scripts: what the elements of that selector show from the moment the form is sent.
    #[must_use]
    pub fn becomes(self, selector: &str, view: impl IntoView + 'static) -> Self {
        self.becomes_with("", selector, view)
    }

    /// The same, when the button of that value is pressed.
    #[must_use]
    pub fn becomes_with(
        mut self,
        button: &'static str,
        selector: &str,
        view: impl IntoView + 'static,
    ) -> Self {
        self.becomes.push(Becomes {
            button,
            selector: selector.to_owned(),
            view: view.written(),
        });
        self
    }

    /// Its button warns: this cannot be taken back.
    #[must_use]
    pub fn grave(mut self) -> Self {
        self.grave = true;
        self
    }

    /// Another class than `act`, which is a column of fields.
    #[must_use]
    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// Whether this form was just refused, so that what surrounds it opens.
    pub fn was_refused(&self) -> bool {
        self.refusal().is_some()
    }

    fn refusal(&self) -> Option<&Said> {
        self.said
            .as_ref()
            .filter(|said| !said.done && said.form == self.id)
    }

    /// What was typed under a name that may stand several times, when it was refused.
    pub fn typed(&self, name: &str) -> Vec<String> {
        let typed = self.refusal().map(|said| said.typed.all(name).to_vec());
        typed.unwrap_or_default()
    }

    /// What is wrong with a field that is shown in another way than by [`ActForm::field`].
    pub fn fault(&self, name: &str) -> Option<String> {
        self.refusal()?.fault(name).map(str::to_owned)
    }

    /// A field, with what was typed and what is wrong with it.
    pub fn field(&self, name: &'static str, label: &'static str) -> Field {
        let refusal = self.refusal();
        let version = self.hidden.iter().find(|(name, _)| name == "version");
        let typed = |name: &str| refusal.map(|said| said.typed.get(name).to_owned());
        let versioned = version.map(|(_, now)| {
            let moved_on = typed("version").is_some_and(|version| version != *now);
            Versioned::new(moved_on, typed(&format!("seen-{name}")).unwrap_or_default())
        });
        Field {
            id: format!("{}-{}", self.id, name.trim_end_matches("[]")),
            name,
            label,
            hint: None,
            value: refusal.map(|said| said.typed.get(name).to_owned()),
            fault: refusal.and_then(|said| said.fault(name)).map(str::to_owned),
            required: false,
            versioned,
        }
    }

    /// The whole form, with its fields and one button.
    pub fn show(self, button: &'static str, fields: impl IntoView) -> Markup {
        let class = if self.grave {
            "button button-grave"
        } else {
            "button button-main"
        };
        let button = view! { <button class=class>{button}</button> };
        self.show_with(view! {
            {fields.written()}
            {button.written()}
        })
    }

    /// The whole form around all that it has, buttons too.
    pub fn show_with(self, inside: impl IntoView) -> Markup {
        let refusal = self.refusal().map(|said| {
            view! { <p class="fault" role="alert">{said.words.clone()}</p> }
        });
        let Self {
            act,
            id,
            ws,
            hidden,
            becomes,
            class,
            ..
        } = self;
        let own = [
            ("ws", ws),
            ("once", Uuid::new_v4().simple().to_string()),
            ("form", id.clone()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        let hidden = own.into_iter().chain(hidden);
        let hidden = hidden
            .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
            .collect_view();
        let becomes = becomes
            .into_iter()
            .map(|shown| {
                let button = Some(shown.button).filter(|button| !button.is_empty());
                view! {
                    <template data-at=shown.selector data-button=button>
                        {shown.view}
                    </template>
                }
            })
            .collect_view();
        view! {
            // The key keeps a live page from making one form out of another, one-time name and all.
            <form
                id=id.clone()
                data-key=id
                class=class
                method="post"
                action=format!("/api/pages/{act}")
                data-act
            >
                {hidden}
                {becomes}
                {refusal}
                {inside.written()}
            </form>
        }
        .written()
    }
}

/// A button that opens what it takes to be sure: the form of an act that cannot be taken back.
pub fn asking(button: &'static str, opens: bool, form: Markup) -> Markup {
    view! {
        // Whether it is open stays with it, so a live page must not take one for another.
        <details class="asking" data-key=button open=opens>
            <summary class="button">{button}</summary>
            <div class="asking-panel">{form}</div>
        </details>
    }
    .written()
}
