//! What a form sends, and what it shows before the answer is there.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast;
use web_sys::{
    Element, FormData, HtmlButtonElement, HtmlFormElement, HtmlTemplateElement, Node,
    UrlSearchParams,
};

/// The fields as a browser without scripts would send them, with the button that was pressed.
pub fn body(form: &HtmlFormElement, pressed: Option<&HtmlButtonElement>) -> String {
    let (Ok(data), Ok(fields)) = (FormData::new_with_form(form), UrlSearchParams::new()) else {
        return String::new();
    };
    for entry in data.entries().into_iter().flatten() {
        let pair = web_sys::js_sys::Array::from(&entry);
        if let (Some(name), Some(value)) = (pair.get(0).as_string(), pair.get(1).as_string()) {
            fields.append(&name, &value);
        }
    }
    if let Some(button) = pressed
        && !button.name().is_empty()
    {
        fields.append(&button.name(), &button.value());
    }
    fields.to_string().into()
}

/// What elements showed before a form's templates stood in for it.
pub struct Preview(Vec<(Element, Node)>);

impl Preview {
    /// Shows what the form says will be so when that button is pressed.
    pub fn show(form: &HtmlFormElement, pressed: Option<&HtmlButtonElement>) -> Self {
        let mut before = Vec::new();
        let Ok(templates) = form.query_selector_all("template[data-at]") else {
            return Self(before);
        };
        for at in 0..templates.length() {
            let Some(template) = templates
                .get(at)
                .and_then(|node| node.dyn_into::<HtmlTemplateElement>().ok())
            else {
                continue;
            };
            let button = template.get_attribute("data-button");
            if button.is_some() && button != pressed.map(HtmlButtonElement::value) {
                continue;
            }
            let selector = template.get_attribute("data-at").unwrap_or_default();
            let Ok(targets) = document().query_selector_all(&selector) else {
                continue;
            };
            for at in 0..targets.length() {
                let target = targets
                    .get(at)
                    .and_then(|node| node.dyn_into::<Element>().ok());
                if let Some(target) = target
                    && let Ok(kept) = target.clone_node_with_deep(true)
                {
                    replace(&target, &template.content());
                    before.push((target, kept));
                }
            }
        }
        Self(before)
    }

    /// Puts everything as it was.
    pub fn take_back(self) {
        for (target, kept) in self.0 {
            replace(&target, &kept);
        }
    }
}

/// Makes the children of one node copies of another's.
fn replace(target: &Element, source: &Node) {
    target.set_text_content(None);
    let children = source.child_nodes();
    for child in (0..children.length()).filter_map(|at| children.get(at)) {
        if let Ok(copy) = child.clone_node_with_deep(true) {
            // A fresh copy can be appended anywhere.
            let _ = target.append_child(&copy);
        }
    }
}
