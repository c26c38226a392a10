//! What of a page that was asked for again is shown.

use leptos::prelude::*;
use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, DomParser, Element, SupportedType};

use super::morph::morph;
use super::relative::relate;

/// What was left as it is, because the pointer is on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Lists.
    pub regions: u32,
    /// Rows that would be new in them.
    pub new: u32,
}

/// A page as it was sent, with its instants as they are shown.
pub fn parse(text: &str) -> Result<Document, JsValue> {
    let fresh = DomParser::new()?.parse_from_string(text, SupportedType::TextHtml)?;
    relate(&fresh);
    Ok(fresh)
}

/// Takes over what differs, and says what had to be left. What the reader asked for leaves nothing.
pub fn bring(shown: &Document, fresh: &Document, asked: bool) -> Result<Held, JsValue> {
    let regions = shown.query_selector_all(if asked {
        "[data-live], [data-act-region]"
    } else {
        "[data-live]"
    })?;
    let mut held = Held::default();
    for region in (0..regions.length()).filter_map(|at| regions.get(at)) {
        let region: Element = region.dyn_into()?;
        let Some(new) = fresh.get_element_by_id(&region.id()) else {
            continue;
        };
        if region.is_equal_node(Some(&new)) {
            continue;
        }
        if !asked && region.matches("[data-hold]:hover")? {
            in_place(&region, &new)?;
            held.regions += u32::from(!region.is_equal_node(Some(&new)));
            held.new += rows(&new)?
                .iter()
                .filter(|row| find(&region, row).is_none())
                .count() as u32;
        } else {
            morph(&region, &new)?;
        }
    }
    if shown.title() != fresh.title() {
        shown.set_title(&fresh.title());
    }
    Ok(held)
}

/// Whether the pointer is on a list whose rows must not move, or on the button that lets them.
pub fn is_pointed_at() -> bool {
    let pointed_at = document().query_selector("[data-hold]:hover, .live-new:hover");
    pointed_at.is_ok_and(|at| at.is_some())
}

/// Brings each row up to date where it stands: none comes, goes or moves.
fn in_place(region: &Element, new: &Element) -> Result<(), JsValue> {
    for row in rows(new)? {
        if let Some(shown) = find(region, &row) {
            morph(&shown, &row)?;
        }
    }
    Ok(())
}

fn rows(region: &Element) -> Result<Vec<Element>, JsValue> {
    let rows = region.query_selector_all("[data-key]")?;
    (0..rows.length())
        .filter_map(|at| rows.get(at))
        .map(|row| row.dyn_into().map_err(JsValue::from))
        .collect()
}

/// The row of the same key.
fn find(region: &Element, row: &Element) -> Option<Element> {
    let key = row.get_attribute("data-key")?;
    rows(region)
        .ok()?
        .into_iter()
        .find(|shown| shown.get_attribute("data-key").as_deref() == Some(&key))
}
