//! From the press of a button to the page that comes back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, Element, HtmlElement, HtmlFormElement, RequestInit, Response, SubmitEvent,
};

use super::submission::{Preview, body};
use crate::islands::live::morph::{Whole, morph};
use crate::islands::live::{Bring, bring, parse};

/// While it is sent, a form is busy, and presses are ignored.
const BUSY: &str = "aria-busy";
/// The status that a form gets when its sender's session has ended.
const SIGNED_OUT: u16 = 401;

/// Hears every form of an act that is submitted, for as long as the page is open.
pub fn listen() {
    let heard = Closure::<dyn Fn(SubmitEvent)>::new(|event: SubmitEvent| {
        let form = event
            .target()
            .and_then(|at| at.dyn_into::<HtmlFormElement>().ok());
        let Some(form) = form.filter(|form| form.has_attribute("data-act")) else {
            return;
        };
        event.prevent_default();
        if form.has_attribute(BUSY) {
            return;
        }
        // Setting an attribute of this name cannot fail.
        let _ = form.set_attribute(BUSY, "true");
        let pressed = event
            .submitter()
            .and_then(|pressed| pressed.dyn_into().ok());
        let body = body(&form, pressed.as_ref());
        let preview = Preview::show(&form, pressed.as_ref());
        spawn_local(async move {
            if answered(&form, &body).await.is_err() {
                preview.take_back();
                unheard();
            }
            let _ = form.remove_attribute(BUSY);
        });
    });
    let heard = heard.into_js_value();
    // It fails for listeners that are no functions only.
    let _ = document().add_event_listener_with_callback("submit", heard.unchecked_ref());
}

/// Sends, and shows the page that comes back.
async fn answered(form: &HtmlFormElement, body: &str) -> Result<(), JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    request.set_body(&body.into());
    let headers = web_sys::Headers::new()?;
    headers.set("accept", "text/html")?;
    headers.set("content-type", "application/x-www-form-urlencoded")?;
    request.set_headers(&headers);
    let sent = window().fetch_with_str_and_init(&form.action(), &request);
    let response: Response = JsFuture::from(sent).await?.dyn_into()?;
    if response.status() == SIGNED_OUT {
        // Sent as without scripts, it leads to a page to sign in on that carries what was typed.
        return form.submit();
    }
    if response.status() >= 500 || !response.redirected() {
        return Err(JsValue::NULL);
    }
    let url = response.url();
    if page_of(&url) != page_of(&window().location().href()?) {
        return window().location().assign(&url);
    }
    let fresh = parse(&JsFuture::from(response.text()?).await?)?;
    show(form, &fresh)
}

/// An address without what was told there.
fn page_of(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let kept: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("said="))
        .collect();
    format!("{path}?{}", kept.join("&"))
}

/// Takes the answer over: everything that lives, the notice, and this form's own state.
fn show(form: &HtmlFormElement, fresh: &Document) -> Result<(), JsValue> {
    let done = fresh
        .get_element_by_id("notices")
        .and_then(|notices| notices.get_attribute("data-outcome"))
        .is_some_and(|outcome| outcome == "done");
    if done {
        form.reset();
        if let Some(asking) = form.closest("details.asking")? {
            asking.remove_attribute("open")?;
        }
    }
    let answered = fresh.get_element_by_id(&form.id());
    if let Some(answered) = &answered {
        renew(form, answered)?;
    }
    bring(&document(), fresh, Bring::Answer)?;
    // Wherever it stands: what is wrong with its fields is told at them.
    if let Some(answered) = answered {
        morph(form, &answered, &Whole)?;
    }
    say_once(form)?;
    focus(form, done)
}

/// What the form says of itself is not said in the notice too, also not when a live page takes the
/// form's words away later.
fn say_once(form: &HtmlFormElement) -> Result<(), JsValue> {
    if form.query_selector(":scope > .fault")?.is_some()
        && let Some(notices) = document().get_element_by_id("notices")
    {
        notices.set_text_content(None);
    }
    Ok(())
}

/// What is sent next is another act, not this one again.
fn renew(form: &HtmlFormElement, answered: &Element) -> Result<(), JsValue> {
    let once = |form: &Element| form.query_selector("input[name=once]");
    if let (Some(here), Some(there)) = (once(form)?, once(answered)?) {
        here.set_attribute("value", &there.get_attribute("value").unwrap_or_default())?;
    }
    Ok(())
}

/// Where the keyboard goes on: at what has to be mended, or where it was if that is still there.
fn focus(form: &HtmlFormElement, done: bool) -> Result<(), JsValue> {
    let wrong = form.query_selector("[aria-invalid=true]")?;
    let lost = document()
        .active_element()
        .is_none_or(|at| at.local_name() == "body");
    let to = match wrong {
        Some(wrong) if !done => Some(wrong),
        _ if lost => document().get_element_by_id("notices"),
        _ => None,
    };
    match to.and_then(|to| to.dyn_into::<HtmlElement>().ok()) {
        Some(to) => {
            unfold(&to)?;
            to.focus()
        }
        None => Ok(()),
    }
}

/// Opens whatever hides an element.
fn unfold(hidden: &Element) -> Result<(), JsValue> {
    while let Some(folded) = hidden.closest("details:not([open])")? {
        folded.set_attribute("open", "")?;
    }
    Ok(())
}

/// Nothing came back. The form can be sent again as it is: what was done is not done twice.
fn unheard() {
    let Some(notices) = document().get_element_by_id("notices") else {
        return;
    };
    notices.set_text_content(None);
    if let Ok(card) = document().create_element("div") {
        card.set_class_name("notice-card notice-refused");
        card.set_text_content(Some(
            "Baton did not answer, so everything is shown as it was. Try again: it will not be done twice.",
        ));
        // It can be appended: it has just been made.
        let _ = notices.append_child(&card);
    }
}
