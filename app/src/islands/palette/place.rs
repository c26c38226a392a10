//! Where the reader was on a page they come back to.
//!
//! A browser brings back how far a page was scrolled, but no focus; whoever uses the keyboard would
//! begin at its head. So the link by which a page is left is kept with its entry in the history.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement};

/// Keeps the link that is pressed, if it is one of the page's own part.
pub fn keep(pressed: &Element) -> Result<(), JsValue> {
    let link = pressed.closest("main a[href]")?;
    match link.and_then(|link| link.get_attribute("href")) {
        Some(href) => window().history()?.replace_state(&href.into(), ""),
        None => Ok(()),
    }
}

/// Goes to the link by which this page was left, unless the focus is somewhere already.
pub fn resume() -> Result<(), JsValue> {
    let Some(href) = window().history()?.state()?.as_string() else {
        return Ok(());
    };
    let anywhere = document()
        .active_element()
        .is_some_and(|at| at.local_name() != "body");
    if anywhere {
        return Ok(());
    }
    let links = document().query_selector_all("main a[href]")?;
    let links = (0..links.length()).filter_map(|at| links.get(at)?.dyn_into::<HtmlElement>().ok());
    let mut left_by = links.filter(|link| link.get_attribute("href").as_ref() == Some(&href));
    left_by.next().map_or(Ok(()), |link| link.focus())
}
