//! The connection: one stream of events, opened again when it ends, and closed while nobody looks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::wasm_bindgen::JsCast;
use leptos::wasm_bindgen::closure::Closure;
use web_sys::js_sys::{Date, Math, encode_uri_component};
use web_sys::{EventSource, MessageEvent};

/// The first pause before a stream is opened again; each failure doubles it.
const FIRST_PAUSE_MS: f64 = 500.0;
/// The longest.
const LONGEST_PAUSE_MS: f64 = 30_000.0;

type Listener = Closure<dyn Fn(MessageEvent)>;

/// What to do when something is heard; whether it says that something has changed.
type Act = Rc<dyn Fn(bool)>;

/// A stream and what is known of it.
pub struct Stream {
    address: String,
    /// The last event heard, from which any server goes on.
    last: RefCell<Option<String>>,
    opened: RefCell<Option<Opened>>,
    /// Ends in a row without a word between them.
    failures: Cell<u32>,
    reopen_ms: Cell<f64>,
    heard_ms: Cell<f64>,
    act: RefCell<Option<Act>>,
}

/// An open connection. Dropped, it is closed, and its listeners are gone.
struct Opened {
    source: EventSource,
    _listeners: [Listener; 3],
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Stream {
    /// A stream that goes on after the event `since`, not opened yet.
    pub fn new(address: String, since: Option<String>) -> Rc<Self> {
        Rc::new(Self {
            address,
            last: RefCell::new(since),
            opened: RefCell::new(None),
            failures: Cell::new(0),
            reopen_ms: Cell::new(0.0),
            heard_ms: Cell::new(Date::now()),
            act: RefCell::new(None),
        })
    }

    /// From now on calls `act` with every word, and whether it says that something has changed.
    pub fn on_word(&self, act: impl Fn(bool) + 'static) {
        self.act.replace(Some(Rc::new(act)));
    }

    /// Opens it unless it is open, or its pause is not over.
    pub fn open(self: &Rc<Self>) {
        if self.opened.borrow().is_some() || Date::now() < self.reopen_ms.get() {
            return;
        }
        let last = self.last.borrow().clone();
        let address = last.as_deref().map_or_else(
            || self.address.clone(),
            |last| format!("{}?last={}", self.address, encode_uri_component(last)),
        );
        let Ok(source) = EventSource::new(&address) else {
            return;
        };
        // Without an event to go on from, what changed meanwhile is seen by looking.
        if last.is_none() {
            self.tell(true);
        }
        let listeners = [
            self.listen(&source, "change", |stream, event| {
                let id = event.last_event_id();
                if !id.is_empty() {
                    stream.last.replace(Some(id));
                }
                stream.heard(true);
            }),
            self.listen(&source, "beat", |stream, _| stream.heard(false)),
            self.listen(&source, "error", |stream, _| stream.ended()),
        ];
        let opened = Opened {
            source,
            _listeners: listeners,
        };
        self.opened.replace(Some(opened));
    }

    /// Closes it until it is opened again.
    pub fn close(&self) {
        self.rest();
        self.failures.set(0);
        self.reopen_ms.set(0.0);
    }

    /// Lets the connection go; what is known of failures stays.
    pub fn rest(&self) {
        self.opened.take();
    }

    /// Whether the server is connected.
    pub fn is_open(&self) -> bool {
        let open = |opened: &Opened| opened.source.ready_state() == EventSource::OPEN;
        self.opened.borrow().as_ref().is_some_and(open)
    }

    /// How long nothing was heard.
    pub fn quiet_ms(&self) -> f64 {
        Date::now() - self.heard_ms.get()
    }

    /// Whether the last attempts failed, so that something may be wrong with the session.
    pub fn is_failing(&self) -> bool {
        self.failures.get() > 1
    }

    fn listen(
        self: &Rc<Self>,
        source: &EventSource,
        event: &str,
        act: fn(&Self, MessageEvent),
    ) -> Listener {
        let stream = Rc::downgrade(self);
        let listener = Listener::new(move |event| {
            if let Some(stream) = stream.upgrade() {
                act(&stream, event);
            }
        });
        // It fails for listeners that are no functions only.
        let _ = source.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
        listener
    }

    fn heard(&self, changed: bool) {
        self.heard_ms.set(Date::now());
        self.failures.set(0);
        self.tell(changed);
    }

    fn tell(&self, changed: bool) {
        let act = self.act.borrow().clone();
        if let Some(act) = act {
            act(changed);
        }
    }

    /// The browser would come back at once and for ever; this comes back later each time, and not at
    /// the same moment as everybody else.
    fn ended(&self) {
        if let Some(opened) = self.opened.borrow().as_ref() {
            opened.source.close();
        }
        let failures = self.failures.get();
        self.failures.set(failures + 1);
        let pause =
            (FIRST_PAUSE_MS * f64::from(2_u32.saturating_pow(failures))).min(LONGEST_PAUSE_MS);
        self.reopen_ms
            .set(Date::now() + pause * (0.5 + Math::random()));
    }

    /// Lets go of a connection that has ended. Not done where it ends: its own listener runs there.
    pub fn tidy(&self) {
        let closed = |opened: &Opened| opened.source.ready_state() == EventSource::CLOSED;
        if self.opened.borrow().as_ref().is_some_and(closed) {
            self.opened.take();
        }
    }
}
