//! What of a page that was asked for again is shown.

use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::{Function, Reflect};
use web_sys::{Document, DomParser, Element};

use super::New;
use super::hold::Hold;
use super::morph::{Lists, Whole, morph};
use super::relative::relate;
use super::room::Rooms;

/// How much is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bring {
    /// What moves nothing: the reader asked for nothing.
    Quietly,
    /// What is new in lists too: the reader wants it, or has not been looking.
    New,
    /// The answer to an act of the reader's.
    Answer,
}

/// A page as it was sent, with its instants as they are shown.
pub fn parse(text: &JsValue) -> Result<Document, JsValue> {
    let parser = DomParser::new()?;
    // By its name, for the typed call would take all of the page into this program's memory and back.
    let parse: Function = Reflect::get(&parser, &"parseFromString".into())?.dyn_into()?;
    let fresh: Document = parse
        .call2(&parser, text, &"text/html".into())?
        .dyn_into()?;
    relate(&fresh);
    Ok(fresh)
}

/// Takes over what differs, and says what is new and was left.
pub fn bring(shown: &Document, fresh: &Document, how: Bring) -> Result<New, JsValue> {
    let hold = Hold::default();
    match how {
        Bring::Quietly => {
            let rooms = Rooms::taken(shown)?;
            regions(shown, fresh, "[data-live]", &hold)?;
            rooms.keep(shown)?;
        }
        Bring::New => regions(shown, fresh, "[data-live]", &Whole)?,
        Bring::Answer => regions(shown, fresh, "[data-live], [data-act-region]", &Whole)?,
    }
    if shown.title() != fresh.title() {
        shown.set_title(&fresh.title());
    }
    Ok(hold.new_rows())
}

fn regions(
    shown: &Document,
    fresh: &Document,
    which: &str,
    lists: &impl Lists,
) -> Result<(), JsValue> {
    let regions = shown.query_selector_all(which)?;
    for region in (0..regions.length()).filter_map(|at| regions.get(at)) {
        let region: Element = region.dyn_into()?;
        if let Some(new) = fresh.get_element_by_id(&region.id()) {
            morph(&region, &new, lists)?;
        }
    }
    Ok(())
}
