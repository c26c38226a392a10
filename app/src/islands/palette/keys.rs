//! What keys do on a page.

use std::cell::Cell;

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::Date;
use web_sys::{Element, HtmlDialogElement, HtmlElement, KeyboardEvent};

use super::browser::{by_id, open};

/// `g` waits so long for the letter that says where.
const GO_MS: f64 = 1_500.0;
/// Rows that j and k go through: those of tables and lists in the page's own part.
const ROWS: &str = "main tbody tr, main .decision, main [data-row]";

thread_local! {
    /// When `g` was pressed last.
    static GO: Cell<f64> = const { Cell::new(0.0) };
}

/// Acts on a key, if it means something here.
pub fn pressed(key: &KeyboardEvent) -> Result<(), JsValue> {
    let name = key.key();
    if (key.ctrl_key() || key.meta_key()) && name.eq_ignore_ascii_case("k") {
        key.prevent_default();
        return open();
    }
    if key.default_prevented() || !may_act(key)? {
        return Ok(());
    }
    let going = Date::now() - GO.get() < GO_MS;
    GO.set(0.0);
    if going && follow(&name)? {
        key.prevent_default();
        return Ok(());
    }
    match name.as_str() {
        "g" => GO.set(Date::now()),
        "/" => {
            key.prevent_default();
            search()?;
        }
        "?" => {
            if let Some(help) = by_id::<HtmlDialogElement>("key-help") {
                help.show_modal()?;
            }
        }
        "." => {
            press(".live-new")?;
        }
        "j" => step(1)?,
        "k" => step(-1)?,
        "Escape" => leave()?,
        _ => {}
    }
    Ok(())
}

/// Single keys act where nobody types, no dialog is open, and the reader wants them.
fn may_act(key: &KeyboardEvent) -> Result<bool, JsValue> {
    let wanted = document()
        .document_element()
        .and_then(|root| root.get_attribute("data-keys"));
    let modified = key.ctrl_key() || key.meta_key() || key.alt_key();
    let typing = match key.target().and_then(|at| at.dyn_into::<Element>().ok()) {
        Some(at) => at
            .closest("input, textarea, select, [contenteditable]")?
            .is_some(),
        None => false,
    };
    let busy = document().query_selector("dialog[open]")?.is_some();
    Ok(wanted.as_deref() != Some("off") && !modified && !typing && !busy)
}

/// Goes to the place of that letter.
fn follow(letter: &str) -> Result<bool, JsValue> {
    let one = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase());
    if !one {
        return Ok(false);
    }
    press(&format!("[data-go={letter}]"))
}

/// Presses what is there of that kind, and says whether anything is.
fn press(which: &str) -> Result<bool, JsValue> {
    let found = document().query_selector(which)?;
    let found = found.and_then(|found| found.dyn_into::<HtmlElement>().ok());
    if let Some(found) = &found {
        found.click();
    }
    Ok(found.is_some())
}

/// The page's own search, else the palette.
fn search() -> Result<(), JsValue> {
    let own = document().query_selector("main input[type=search]")?;
    match own.and_then(|own| own.dyn_into::<HtmlElement>().ok()) {
        Some(own) => own.focus(),
        None => open(),
    }
}

/// Moves to the next row or the one before, and brings it into view.
fn step(by: i32) -> Result<(), JsValue> {
    let rows = document().query_selector_all(ROWS)?;
    let mut links: Vec<HtmlElement> = Vec::new();
    for row in (0..rows.length()).filter_map(|at| rows.get(at)) {
        let link = row.unchecked_into::<Element>().query_selector("a[href]")?;
        links.extend(link.and_then(|link| link.dyn_into().ok()));
    }
    let focused = document().active_element();
    let here = links
        .iter()
        .position(|link| focused.as_ref() == Some(link.as_ref()));
    let next = match (here, by) {
        (None, _) => 0,
        (Some(here), 1) => here + 1,
        (Some(here), _) => here.saturating_sub(1),
    };
    links.get(next).map_or(Ok(()), HtmlElement::focus)
}

/// Closes the row that is open, else leaves the one where the focus is.
fn leave() -> Result<(), JsValue> {
    if press("main .opener-open")? {
        return Ok(());
    }
    match document().active_element() {
        Some(at) => at.dyn_into::<HtmlElement>()?.blur(),
        None => Ok(()),
    }
}
