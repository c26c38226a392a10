//! When the page is asked for again, and what of the answer is shown.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_bindgen::closure::Closure;
use leptos::wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::Date;
use web_sys::{Document, HtmlElement, MouseEvent, RequestInit, Response, VisibilityState};

use super::bring::{Bring, bring, parse};
use super::hold::{held, is_in_use};
use super::relative::relate;
use super::stream::Stream;
use super::{Mark, New, Switches};

/// The least time between two looks at the server while somebody is there; longer after nobody has
/// touched the page for so long.
const GAPS_MS: [(f64, f64); 3] = [(3_600_000.0, 5_000.0), (300_000.0, 1_000.0), (0.0, 200.0)];
/// How many times as long as a look took the next one waits, counted from its beginning: a slow server
/// is asked less often, and a device or a line on which looks take long is left in peace.
const REST: [(f64, f64); 2] = [(250.0, 12.0), (0.0, 4.0)];
/// After a look that failed.
const RETRY_MS: f64 = 2_000.0;
/// The server says something at least every five seconds.
const STALE_MS: f64 = 12_000.0;
/// A browser has six connections to a server, and pages hold one each: a look that waits so long for one
/// gets that of its own page.
const BLOCKED_MS: f64 = 5_000.0;
/// How long a page stays whose things are gone.
const GONE_AFTER: Duration = Duration::from_secs(2);
/// How long a hidden page keeps its stream.
const HIDDEN_MS: f64 = 10_000.0;

struct Page {
    stream: Rc<Stream>,
    /// Something changed that the page does not show yet.
    behind: Cell<bool>,
    /// What is new in lists is wanted: the reader asked for it, or was away.
    wanted: Cell<bool>,
    looking: Cell<bool>,
    /// When the look began that is under way.
    look_began_ms: Cell<f64>,
    planned: Cell<bool>,
    next_look_ms: Cell<f64>,
    touched_ms: Cell<f64>,
    hidden_ms: Cell<f64>,
    switches: Switches,
}

/// Opens the stream and keeps the page up to date for as long as it is open.
pub fn start(address: String, since: Option<String>, switches: Switches) {
    let page = Rc::new(Page {
        stream: Stream::new(address, since),
        behind: Cell::new(false),
        wanted: Cell::new(false),
        looking: Cell::new(false),
        look_began_ms: Cell::new(0.0),
        planned: Cell::new(false),
        next_look_ms: Cell::new(0.0),
        touched_ms: Cell::new(Date::now()),
        hidden_ms: Cell::new(Date::now()),
        switches,
    });
    relate(&document());
    let heard = Rc::downgrade(&page);
    page.stream.on_word(move |changed| {
        if let Some(page) = heard.upgrade() {
            page.behind.set(page.behind.get() || changed);
            plan(&page);
            page.mark();
        }
    });
    page.stream.open();
    let ticking = Rc::clone(&page);
    set_interval(move || tick(&ticking), Duration::from_secs(1));
    hear(&page);
    let asking = Rc::clone(&page);
    Effect::new(move |before: Option<u32>| {
        let asked = switches.asked.get();
        if before.is_some_and(|before| before != asked) {
            asking.wanted.set(true);
            spawn_local(look(Rc::clone(&asking)));
        }
        asked
    });
    Effect::new(move |before: Option<bool>| {
        let paused = switches.paused.get();
        if !paused {
            // Whoever goes on wants what came meanwhile.
            page.wanted.set(page.wanted.get() || before == Some(true));
            plan(&page);
        }
        page.mark();
        paused
    });
}

/// What the reader does: comes back, moves the pointer, presses a key. Heard as long as the page is
/// there.
fn hear(page: &Rc<Page>) {
    let seen = Rc::clone(page);
    on("visibilitychange", move || {
        seen.hidden_ms.set(Date::now());
        seen.touched_ms.set(Date::now());
        tick(&seen);
    });
    for touch in ["mouseover", "keydown", "scroll", "touchstart"] {
        let touched = Rc::clone(page);
        on(touch, move || touched.touched_ms.set(Date::now()));
    }
}

fn on(event: &str, act: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(act).into_js_value();
    // It fails for listeners that are no functions only.
    let _ = document().add_event_listener_with_callback(event, listener.unchecked_ref());
}

fn tick(page: &Rc<Page>) {
    page.stream.tidy();
    if is_visible() {
        if page.looks_for_ms() > BLOCKED_MS {
            page.stream.rest();
        } else {
            page.stream.open();
        }
        // A session that has ended is noticed by looking.
        if page.stream.is_failing() && page.stream.quiet_ms() > STALE_MS {
            page.behind.set(true);
        }
        relate(&document());
        if page.switches.new.get_untracked().in_use && !is_in_use(&document()) {
            page.behind.set(true);
        }
        plan(page);
    } else if Date::now() - page.hidden_ms.get() > HIDDEN_MS {
        page.stream.close();
        page.wanted.set(true);
    }
    page.mark();
}

/// Looks as soon as it may, if there is anything to see and anybody who sees it.
fn plan(page: &Rc<Page>) {
    let idle = !page.behind.get() || page.looking.get() || page.planned.get();
    if idle || page.switches.paused.get_untracked() || !is_visible() {
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
    if page.looking.replace(true) {
        // Whoever looks already sees what is wanted since, and looks again.
        page.behind.set(true);
        return;
    }
    page.behind.set(false);
    if !has_live_parts() {
        page.looking.set(false);
        return;
    }
    let began = Date::now();
    page.look_began_ms.set(began);
    let wanted = page.wanted.take();
    let seen = fetch(wanted).await.and_then(|fresh| {
        let Some(fresh) = fresh else {
            return Ok(());
        };
        let how = if wanted { Bring::New } else { Bring::Quietly };
        page.say(bring(&document(), &fresh, how)?);
        Ok(())
    });
    let now = Date::now();
    if seen.is_ok() {
        let next = if page.wanted.get() {
            now
        } else {
            began + page.gap_ms(now, now - began)
        };
        page.next_look_ms.set(next);
    } else {
        page.behind.set(true);
        page.wanted.set(page.wanted.get() || wanted);
        page.next_look_ms.set(now + RETRY_MS);
    }
    page.looking.set(false);
    page.mark();
    plan(&page);
}

/// This address as it is now; nothing when the session has ended and the server leads elsewhere. Unless
/// everything is wanted, the server is told which rows stay.
async fn fetch(wanted: bool) -> Result<Option<Document>, JsValue> {
    let location = window().location();
    let request = RequestInit::new();
    let headers = web_sys::Headers::new()?;
    let held = match document().document_element() {
        Some(page) if !wanted => held(&page)?,
        _ => String::new(),
    };
    headers.set(super::AGAIN, &held)?;
    request.set_headers(&headers);
    let sent = window().fetch_with_str_and_init(&location.href()?, &request);
    let response: Response = JsFuture::from(sent).await?.dyn_into()?;
    if response.redirected() {
        location.reload()?;
        return Ok(None);
    }
    if response.status() == 404 {
        // Gone: the server says more of it than this page can show. The page on which somebody took it
        // away is on its way elsewhere by then.
        set_timeout(
            // It fails where reloading is forbidden, and then the page stays.
            || drop(window().location().reload()),
            GONE_AFTER,
        );
        return Ok(None);
    }
    if response.status() >= 500 {
        return Err(JsValue::NULL);
    }
    parse(&JsFuture::from(response.text()?).await?).map(Some)
}

/// What goes with the first step that is reached.
fn step(steps: &[(f64, f64)], reached: f64) -> f64 {
    let step = steps.iter().find(|(from, _)| reached >= *from);
    step.map_or(0.0, |(_, value)| *value)
}

/// Whether anything of the page is brought up to date: not where it says that nothing is here.
fn has_live_parts() -> bool {
    matches!(document().query_selector("[data-live]"), Ok(Some(_)))
}

/// Whether anybody can see this tab.
fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

impl Page {
    /// From the beginning of a look that took so long to the next.
    fn gap_ms(&self, now: f64, took_ms: f64) -> f64 {
        let untouched_ms = now - self.touched_ms.get();
        step(&GAPS_MS, untouched_ms).max(took_ms * step(&REST, took_ms))
    }

    /// How long the look takes that is under way.
    fn looks_for_ms(&self) -> f64 {
        if self.looking.get() {
            Date::now() - self.look_began_ms.get()
        } else {
            0.0
        }
    }

    fn say(&self, new: New) {
        if self.switches.new.get_untracked() != new {
            self.switches.new.set(new);
        }
    }

    fn mark(&self) {
        let quiet_ms = self.stream.quiet_ms().max(self.looks_for_ms());
        let mark = if self.switches.paused.get_untracked() || !is_visible() {
            Mark::Paused
        } else if quiet_ms > STALE_MS {
            Mark::Stale((quiet_ms / 1_000.0) as u32)
        } else if !self.stream.is_open() {
            Mark::Connecting
        } else {
            Mark::Live
        };
        if self.switches.mark.get_untracked() != mark {
            self.switches.mark.set(mark);
        }
    }
}

/// Asks for the rows that wait, instead of following the link.
pub fn ask(asked: RwSignal<u32>, press: &MouseEvent) {
    if press.ctrl_key() || press.meta_key() || press.shift_key() {
        return;
    }
    press.prevent_default();
    asked.update(|asked| *asked += 1);
    let list = document().query_selector("[data-hold]").ok().flatten();
    let Some(list) = list.and_then(|list| list.dyn_into::<HtmlElement>().ok()) else {
        return;
    };
    if list.get_bounding_client_rect().top() < 0.0 {
        list.scroll_into_view();
    }
    // The link goes; the keyboard stays at what it brought. It fails nowhere.
    let _ = list.focus();
}
