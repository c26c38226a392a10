//! Room that stays: a part of the page marked `data-room` that has less to say than before keeps its
//! height, so that what stands below does not move under the reader's eyes. What it said before fades
//! in the room that is left: somebody may be reading it. The page that is loaded next, and what the
//! reader asks for, takes what it needs.

use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement};

/// What fades: the reasons for which a task waited.
const SAID: &str = ".blockers";
/// Less room than this is not worth it.
const LITTLE_PX: i32 = 64;

/// The parts as they are shown.
pub struct Rooms(Vec<Room>);

struct Room {
    id: String,
    height: i32,
    was: Option<Element>,
}

impl Rooms {
    pub fn taken(shown: &Document) -> Result<Self, JsValue> {
        let found = shown.query_selector_all("[data-room]")?;
        let mut rooms = Vec::new();
        for part in (0..found.length()).filter_map(|at| found.get(at)) {
            let part: HtmlElement = part.dyn_into()?;
            rooms.push(Room {
                id: part.id(),
                height: part.offset_height(),
                was: was(shown, &part)?,
            });
        }
        Ok(Self(rooms))
    }

    /// Gives the parts that became smaller the room they had.
    pub fn keep(self, shown: &Document) -> Result<(), JsValue> {
        for Room { id, height, was } in self.0 {
            let part = shown.get_element_by_id(&id);
            let Some(part) = part.and_then(|part| part.dyn_into::<HtmlElement>().ok()) else {
                continue;
            };
            let left = height - part.offset_height();
            if left > 0 {
                part.style()
                    .set_property("min-block-size", &format!("{height}px"))?;
            }
            if left > LITTLE_PX
                && let Some(was) = was
                && part.query_selector(SAID)?.is_none()
            {
                part.append_child(&was)?;
            }
        }
        Ok(())
    }
}

/// What the part said, or what fades in it already; it can be looked at only.
fn was(shown: &Document, part: &Element) -> Result<Option<Element>, JsValue> {
    if let Some(fading) = part.query_selector(".was")? {
        return Ok(Some(fading.clone_node_with_deep(true)?.dyn_into()?));
    }
    let said = part.query_selector_all(SAID)?;
    if said.length() == 0 {
        return Ok(None);
    }
    let was = shown.create_element("div")?;
    let marks = [
        ("class", "was"),
        ("data-key", "was"),
        ("aria-hidden", "true"),
        ("inert", ""),
    ];
    for (name, value) in marks {
        was.set_attribute(name, value)?;
    }
    let head = shown.create_element("p")?;
    head.set_text_content(Some("What held it before"));
    was.append_child(&head)?;
    for said in (0..said.length()).filter_map(|at| said.get(at)) {
        was.append_child(&said.clone_node_with_deep(true)?)?;
    }
    Ok(Some(was))
}
