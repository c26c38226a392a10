//! The palette's dialog: opened by a key, filled by the server, walked by arrows.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DomParser, Event, EventTarget, HtmlDialogElement, HtmlElement, HtmlInputElement, KeyboardEvent,
    Response, SupportedType,
};

use super::{keys, place};

/// Nothing is asked for until nobody has typed for so long.
const PAUSE: Duration = Duration::from_millis(90);

/// Listens for keys, for as long as the page is open.
pub fn listen() {
    // Without a history there is nothing to come back to.
    let _ = place::resume();
    on(&document(), "click", |event| {
        if let Some(pressed) = event.target().and_then(|at| at.dyn_into().ok()) {
            let _ = place::keep(&pressed);
        }
    });
    on(&document(), "keydown", |event| {
        if let Some(key) = event.dyn_ref::<KeyboardEvent>() {
            // A page without the palette has nothing to open.
            let _ = keys::pressed(key);
        }
    });
    let Some(palette) = by_id::<HtmlDialogElement>("palette") else {
        return;
    };
    let typed = Rc::new(Cell::new(0_u32));
    on(&palette, "input", move |_| {
        let turn = typed.get().wrapping_add(1);
        typed.set(turn);
        let typed = Rc::clone(&typed);
        set_timeout(
            move || {
                if typed.get() == turn {
                    spawn_local(async move {
                        // What cannot be asked for now is asked for at the next letter.
                        let _ = fill(&typed, turn).await;
                    });
                }
            },
            PAUSE,
        );
    });
    let dialog = palette.clone();
    on(&palette, "keydown", move |event| {
        let Some(key) = event.dyn_ref::<KeyboardEvent>() else {
            return;
        };
        if key.key() == "Escape" {
            // Left to the browser, the first one would only empty the field.
            key.prevent_default();
            dialog.close();
        }
        let _ = walk(key);
    });
    // A press beside the dialog closes it.
    on(&palette, "click", |event| {
        if let Some(dialog) = event
            .target()
            .and_then(|at| at.dyn_into::<HtmlDialogElement>().ok())
        {
            dialog.close();
        }
    });
    on(&document(), "click", |event| {
        let opener = event
            .target()
            .and_then(|at| at.dyn_into::<web_sys::Element>().ok())
            .and_then(|at| at.closest("[data-palette]").ok().flatten());
        if opener.is_some() && open().is_ok() {
            event.prevent_default();
        }
    });
}

/// The listener lives as long as the page: there are a handful.
fn on(target: &EventTarget, event: &str, act: impl Fn(Event) + 'static) {
    let listener = Closure::<dyn Fn(Event)>::new(act).into_js_value();
    // It fails for listeners that are no functions only.
    let _ = target.add_event_listener_with_callback(event, listener.unchecked_ref());
}

pub fn by_id<T: JsCast>(id: &str) -> Option<T> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Opens the palette with everything in it.
pub fn open() -> Result<(), JsValue> {
    let palette = by_id::<HtmlDialogElement>("palette").ok_or(JsValue::NULL)?;
    if palette.open() {
        return Ok(());
    }
    palette.show_modal()?;
    if let Some(input) = input() {
        input.select();
        input.dispatch_event(&bubbling("input")?)?;
    }
    Ok(())
}

fn bubbling(name: &str) -> Result<Event, JsValue> {
    let how = web_sys::EventInit::new();
    how.set_bubbles(true);
    Event::new_with_event_init_dict(name, &how)
}

fn input() -> Option<HtmlInputElement> {
    document()
        .query_selector("#palette input")
        .ok()??
        .dyn_into()
        .ok()
}

/// Asks the page that finds, and takes over what it found.
async fn fill(typed: &Cell<u32>, turn: u32) -> Result<(), JsValue> {
    let (Some(input), Some(place)) = (input(), by_id::<HtmlElement>("palette-found")) else {
        return Ok(());
    };
    let action = input.form().map(|form| form.action()).unwrap_or_default();
    let words = web_sys::js_sys::encode_uri_component(&input.value());
    let asked = window().fetch_with_str(&format!("{action}?q={}", String::from(words)));
    let response: Response = JsFuture::from(asked).await?.dyn_into()?;
    let text = JsFuture::from(response.text()?).await?;
    let text = text.as_string().unwrap_or_default();
    if typed.get() != turn {
        return Ok(());
    }
    let fresh = DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)?;
    let Some(found) = fresh.get_element_by_id("found") else {
        return Ok(());
    };
    found.remove_attribute("id")?;
    place.replace_children_with_node_1(&found);
    Ok(())
}

/// Down and up go from the field to what was found and through it; Enter takes the first.
fn walk(key: &KeyboardEvent) -> Result<(), JsValue> {
    let links = document().query_selector_all("#palette-found a[href]")?;
    let at = |at: u32| {
        links
            .get(at)
            .and_then(|node| node.dyn_into::<HtmlElement>().ok())
    };
    let focused = document().active_element();
    let here = (0..links.length()).find(|&place| {
        let link = at(place);
        link.is_some() && link.map(HtmlElement::into) == focused
    });
    let next = match (key.key().as_str(), here) {
        ("ArrowDown", None) => Some(0),
        ("ArrowDown", Some(here)) => Some(here + 1),
        ("ArrowUp", Some(0)) => {
            key.prevent_default();
            return input().map_or(Ok(()), |input| input.focus());
        }
        ("ArrowUp", Some(here)) => Some(here - 1),
        ("Enter", None) => {
            if let Some(first) = at(0) {
                key.prevent_default();
                first.click();
            }
            None
        }
        _ => None,
    };
    if let Some(link) = next.and_then(at) {
        key.prevent_default();
        link.focus()?;
    }
    Ok(())
}
