//! The stream, and when the page is asked for again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::Date;
use web_sys::{
    Document, DomParser, Element, EventSource, Response, SupportedType, VisibilityState,
};

use super::Mark;
use super::morph::morph;
use super::relative::relate;

/// The least time between two looks at the server.
const GAP_MS: f64 = 250.0;
/// Part of the time that may go into looking: a slow server is asked less often.
const REST: f64 = 4.0;
/// After a look that failed.
const RETRY_MS: f64 = 2_000.0;
/// The server says something at least every five seconds.
const STALE_MS: f64 = 12_000.0;
/// How long a stream that was refused stays closed.
const REOPEN_MS: f64 = 5_000.0;

struct Page {
    address: String,
    source: RefCell<Option<EventSource>>,
    heard_ms: Cell<f64>,
    opened_ms: Cell<f64>,
    /// Something changed that the page does not show yet.
    behind: Cell<bool>,
    held: Cell<bool>,
    looking: Cell<bool>,
    planned: Cell<bool>,
    next_look_ms: Cell<f64>,
    mark: RwSignal<Mark>,
    paused: RwSignal<bool>,
}

/// Opens the stream and keeps the page up to date for as long as it is open.
pub fn start(address: String, mark: RwSignal<Mark>, paused: RwSignal<bool>) {
    let page = Rc::new(Page {
        address,
        source: RefCell::new(None),
        heard_ms: Cell::new(Date::now()),
        opened_ms: Cell::new(0.0),
        behind: Cell::new(false),
        held: Cell::new(false),
        looking: Cell::new(false),
        planned: Cell::new(false),
        next_look_ms: Cell::new(0.0),
        mark,
        paused,
    });
    relate(&document());
    open(&page);
    let ticking = Rc::clone(&page);
    set_interval(move || tick(&ticking), Duration::from_secs(1));
    let seen = Rc::clone(&page);
    on(&document(), "visibilitychange", move || plan(&seen));
    Effect::new(move || {
        if !page.paused.get() {
            plan(&page);
        }
        page.show();
    });
}

fn open(page: &Rc<Page>) {
    page.opened_ms.set(Date::now());
    let Ok(source) = EventSource::new(&page.address) else {
        return;
    };
    let changed = Rc::clone(page);
    let change = move || {
        changed.heard_ms.set(Date::now());
        changed.behind.set(true);
        plan(&changed);
    };
    // What changed between the page's making and now is seen by looking once.
    on(&source, "open", change.clone());
    on(&source, "change", change);
    let beating = Rc::clone(page);
    on(&source, "beat", move || beating.heard_ms.set(Date::now()));
    page.source.replace(Some(source));
}

/// The listener lives as long as the page: there are a handful, made once a stream.
fn on(target: &web_sys::EventTarget, event: &str, act: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(act).into_js_value();
    // It fails for listeners that are no functions only.
    let _ = target.add_event_listener_with_callback(event, listener.unchecked_ref());
}

fn tick(page: &Rc<Page>) {
    let now = Date::now();
    let closed = page
        .source
        .borrow()
        .as_ref()
        .is_none_or(|source| source.ready_state() == EventSource::CLOSED);
    if closed && now - page.opened_ms.get() > REOPEN_MS {
        open(page);
        // A session that has ended is noticed by looking.
        page.behind.set(true);
    }
    if is_visible() {
        relate(&document());
        plan(page);
    }
    page.show();
}

/// Looks as soon as it may, if there is anything to see and anybody who sees it.
fn plan(page: &Rc<Page>) {
    let idle = !page.behind.get() || page.looking.get() || page.planned.get();
    if idle || page.paused.get_untracked() || !is_visible() {
        return;
    }
    page.planned.set(true);
    let wait_ms = (page.next_look_ms.get() - Date::now()).max(0.0);
    let page = Rc::clone(page);
    set_timeout(
        move || {
            page.planned.set(false);
            spawn_local(look(page));
        },
        Duration::from_millis(wait_ms as u64),
    );
}

async fn look(page: Rc<Page>) {
    page.looking.set(true);
    page.behind.set(false);
    let began = Date::now();
    let seen = take_over().await;
    let now = Date::now();
    if let Ok(held) = seen {
        page.held.set(held);
        page.behind.set(page.behind.get() || held);
        page.next_look_ms
            .set(began + GAP_MS.max((now - began) * REST));
    } else {
        page.behind.set(true);
        page.next_look_ms.set(now + RETRY_MS);
    }
    page.looking.set(false);
    page.show();
    plan(&page);
}

/// Asks for this address again and takes over what differs; whether something had to be left.
async fn take_over() -> Result<bool, JsValue> {
    let location = window().location();
    let response = JsFuture::from(window().fetch_with_str(&location.href()?)).await?;
    let response: Response = response.dyn_into()?;
    if response.redirected() {
        // The session has ended: the server says where to go.
        location.reload()?;
        return Ok(false);
    }
    if response.status() >= 500 {
        return Err(JsValue::NULL);
    }
    let text = JsFuture::from(response.text()?)
        .await?
        .as_string()
        .unwrap_or_default();
    bring(&document(), &parse(&text)?, false)
}

/// A page as it was sent, with its instants as they are shown.
pub fn parse(text: &str) -> Result<Document, JsValue> {
    let fresh = DomParser::new()?.parse_from_string(text, SupportedType::TextHtml)?;
    relate(&fresh);
    Ok(fresh)
}

/// Takes over what differs; whether something had to be left. The answer to an act of one's own
/// leaves nothing.
pub fn bring(shown: &Document, fresh: &Document, answer: bool) -> Result<bool, JsValue> {
    let regions = shown.query_selector_all(if answer {
        "[data-live], [data-act-region]"
    } else {
        "[data-live]"
    })?;
    let mut held = false;
    for region in (0..regions.length()).filter_map(|at| regions.get(at)) {
        let region: Element = region.dyn_into()?;
        let Some(new) = fresh.get_element_by_id(&region.id()) else {
            continue;
        };
        if region.is_equal_node(Some(&new)) {
            continue;
        }
        let still = !answer && region.has_attribute("data-hold") && region.matches(":hover")?;
        if !still {
            morph(&region, &new)?;
        }
        held |= still;
        tell_news(shown, &region, still.then_some(&new))?;
    }
    if shown.title() != fresh.title() {
        shown.set_title(&fresh.title());
    }
    Ok(held)
}

/// Says beside a region that is held how many rows wait to be shown; nothing once it is not.
fn tell_news(shown: &Document, region: &Element, held: Option<&Element>) -> Result<(), JsValue> {
    let place = shown.query_selector(&format!("[data-news={:?}]", region.id()))?;
    let Some(place) = place else {
        return Ok(());
    };
    let Some(fresh) = held else {
        return place.set_attribute("hidden", "");
    };
    let rows = fresh.query_selector_all("[data-key]")?;
    let mut new = 0;
    for row in (0..rows.length()).filter_map(|at| rows.get(at)) {
        let key = row
            .dyn_ref::<Element>()
            .and_then(|row| row.get_attribute("data-key"));
        let known = region.query_selector(&format!("[data-key={:?}]", key.unwrap_or_default()))?;
        new += u32::from(known.is_none());
    }
    place.set_text_content(Some(&match new {
        0 => "Rows have changed; they are shown when the pointer leaves.".to_owned(),
        new => format!("{new} new; shown when the pointer leaves."),
    }));
    place.remove_attribute("hidden")
}

/// Whether anybody can see this tab.
fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

impl Page {
    fn show(&self) {
        let quiet_ms = Date::now() - self.heard_ms.get();
        let open = self
            .source
            .borrow()
            .as_ref()
            .is_some_and(|source| source.ready_state() == EventSource::OPEN);
        let mark = if self.paused.get_untracked() {
            Mark::Paused
        } else if quiet_ms > STALE_MS {
            Mark::Stale((quiet_ms / 1_000.0) as u32)
        } else if !open {
            Mark::Connecting
        } else if self.held.get() {
            Mark::Held
        } else {
            Mark::Live
        };
        if self.mark.get_untracked() != mark {
            self.mark.set(mark);
        }
    }
}
