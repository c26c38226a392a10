//! Asks the server for the page with the form's values, and takes over its answer.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::leptos_dom::helpers::{document, set_timeout, window};
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DomParser, Event, HtmlFormElement, HtmlInputElement, Response, SupportedType};

use crate::islands::live::morph::{Whole, morph};

/// A hand that moves asks no more often than this.
const REST: Duration = Duration::from_millis(120);

/// Listens to everything typed or moved in the form.
pub fn listen() {
    let asked = Rc::new(Cell::new(0_u32));
    let moved = move |event: Event| {
        follow(&event);
        let turn = asked.get().wrapping_add(1);
        asked.set(turn);
        let asked = Rc::clone(&asked);
        set_timeout(
            move || {
                if asked.get() == turn {
                    // Nothing came back: the button still asks.
                    spawn_local(async move { drop(answer(&asked, turn).await) });
                }
            },
            REST,
        );
    };
    let listener = Closure::<dyn Fn(Event)>::new(moved).into_js_value();
    if let Some(form) = form() {
        // It fails for listeners that are no functions only.
        let _ = form.add_event_listener_with_callback("input", listener.unchecked_ref());
    }
}

fn form() -> Option<HtmlFormElement> {
    document()
        .get_element_by_id("what-if-form")?
        .dyn_into()
        .ok()
}

/// The slider and the number are one.
fn follow(event: &Event) {
    let find = |selector: &str| {
        let found = document().query_selector(selector).ok().flatten()?;
        found.dyn_into::<HtmlInputElement>().ok()
    };
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    let (Some(slider), Some(number), Some(target)) =
        (find(".what-if-slider"), find("#what-if-main"), target)
    else {
        return;
    };
    if target == slider {
        number.set_value(&slider.value());
    } else if target == number {
        slider.set_value(&number.value());
    }
}

async fn answer(asked: &Cell<u32>, turn: u32) -> Result<(), JsValue> {
    let Some(form) = form().filter(HtmlFormElement::check_validity) else {
        return Ok(());
    };
    let fields = form.query_selector_all("input[name]")?;
    let mut query = Vec::new();
    for field in (0..fields.length()).filter_map(|at| fields.get(at)) {
        let field: HtmlInputElement = field.dyn_into()?;
        query.push(format!("{}={}", field.name(), field.value()));
    }
    let address = format!("{}?{}", form.action(), query.join("&"));
    let response = JsFuture::from(window().fetch_with_str(&address)).await?;
    let response: Response = response.dyn_into()?;
    if !response.ok() || response.redirected() || asked.get() != turn {
        return Ok(());
    }
    let text = JsFuture::from(response.text()?)
        .await?
        .as_string()
        .unwrap_or_default();
    let fresh = DomParser::new()?.parse_from_string(&text, SupportedType::TextHtml)?;
    let shown = document().get_element_by_id("what-if");
    if let (Some(shown), Some(fresh)) = (shown, fresh.get_element_by_id("what-if"))
        && asked.get() == turn
    {
        morph(&shown, &fresh, &Whole)?;
    }
    Ok(())
}
