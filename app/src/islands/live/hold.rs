//! Lists whose rows stay where they are: what somebody reads, or is about to press, never moves by
//! itself.
//!
//! In `data-hold` rows are brought up to date where they stand, and what is new is counted until the
//! reader wants it. Rows that are no longer among those that came may still be sent along, within
//! `data-kept`; what is not is marked. `data-hold="open"` says that nothing stands below, so that rows
//! which come after the last may come; `data-hold="inside"` that it is not the list's beginning, where
//! nothing is new. In `data-slots` a new row takes the place of one that is gone.

use std::cell::Cell;

use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element};

use super::New;
use super::morph::{Lists, Whole, morph};

/// A row that is no longer there, and whose place is kept.
const GONE: &str = "data-gone";

/// Keeps the rows of lists in their places, and counts those that would be new.
#[derive(Default)]
pub struct Hold {
    new: Cell<New>,
}

impl Hold {
    /// What was not shown so far.
    pub fn new_rows(&self) -> New {
        self.new.get()
    }

    fn count(&self, rows: usize, of: usize) {
        let so_far = self.new.get();
        self.new.set(New {
            rows: so_far.rows + rows as u32,
            or_more: so_far.or_more || (rows > 0 && rows == of),
            ..so_far
        });
    }

    /// Nothing takes another's place while the pointer or the focus is there.
    fn slots(&self, list: &Element, shown: &[Row], coming: &[Row]) -> Result<(), JsValue> {
        let mut new = coming.iter().filter(|row| find(shown, &row.key).is_none());
        let used = list.matches(":hover, :focus-within")?;
        for row in shown {
            if let Some(next) = find(coming, &row.key) {
                morph(&row.element, &next.element, &Whole)?;
            } else if let Some(next) = (!used).then(|| new.next()).flatten() {
                let next = next.element.clone_node_with_deep(true)?;
                row.element.replace_with_with_node_1(&next)?;
            } else {
                row.element.set_attribute(GONE, "")?;
            }
        }
        let (left, free) = (new.count(), coming.len().saturating_sub(shown.len()));
        self.count(left.min(free), 0);
        if left > free {
            let so_far = self.new.get();
            self.new.set(New {
                in_use: true,
                ..so_far
            });
        }
        Ok(())
    }
}

impl Lists for Hold {
    fn keep(&self, list: &Element, fresh: &Element) -> Result<bool, JsValue> {
        let hold = list.get_attribute("data-hold");
        let slots = list.has_attribute("data-slots");
        if hold.is_none() && !slots {
            return Ok(false);
        }
        let shown = rows(list, "[data-key]")?;
        let coming = rows(fresh, "[data-key]:not([data-kept] *)")?;
        if shown.is_empty() || (slots && coming.is_empty()) {
            return Ok(false);
        }
        if slots {
            self.slots(list, &shown, &coming)?;
            return Ok(true);
        }
        let same = shown.len() <= coming.len()
            && shown
                .iter()
                .zip(&coming)
                .all(|(shown, coming)| shown.key == coming.key);
        if same && (hold.as_deref() == Some("open") || shown.len() == coming.len()) {
            return Ok(false);
        }
        let kept = rows(fresh, "[data-kept] [data-key]")?;
        in_place(&shown, &coming, &kept)?;
        if hold.as_deref() != Some("inside") {
            let new = coming.iter().filter(|row| find(&shown, &row.key).is_none());
            self.count(new.count(), coming.len());
        }
        Ok(true)
    }
}

/// The keys of the rows whose lists hold, as the server is told what is shown.
pub fn held(page: &Element) -> Result<String, JsValue> {
    let rows = rows(page, "[data-hold] [data-key]")?;
    let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
    Ok(keys.join(","))
}

fn in_place(shown: &[Row], coming: &[Row], kept: &[Row]) -> Result<(), JsValue> {
    for row in shown {
        match find(coming, &row.key).or_else(|| find(kept, &row.key)) {
            Some(next) => morph(&row.element, &next.element, &Whole)?,
            None => row.element.set_attribute(GONE, "")?,
        }
    }
    Ok(())
}

/// Whether the pointer or the focus is where rows would take others' places.
pub fn is_in_use(page: &Document) -> bool {
    let used = page.query_selector("[data-slots]:is(:hover, :focus-within)");
    used.is_ok_and(|used| used.is_some())
}

struct Row {
    key: String,
    element: Element,
}

fn rows(list: &Element, which: &str) -> Result<Vec<Row>, JsValue> {
    let rows = list.query_selector_all(which)?;
    let mut found = Vec::new();
    for row in (0..rows.length()).filter_map(|at| rows.get(at)) {
        let element: Element = row.dyn_into()?;
        if let Some(key) = element.get_attribute("data-key") {
            found.push(Row { key, element });
        }
    }
    Ok(found)
}

fn find<'a>(rows: &'a [Row], key: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.key == key)
}
