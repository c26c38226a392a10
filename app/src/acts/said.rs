//! How an act ended, and how its author hears of it.

use http::header::{ACCEPT, LOCATION, REFERER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use scheduler::{Span, Time};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;
use uuid::Uuid;

use super::{Fault, Form, Refused};
use crate::access::House;

/// Under this name a session keeps what its person was told last.
const SAID: &str = "said";
/// So long an answer is shown again when its page is loaded again.
const SHOWN_FOR: Span = Span::from_secs(120);

/// An act was done.
#[derive(Clone, Debug)]
pub struct Done {
    words: String,
    to: Option<String>,
    undo: Option<Undo>,
}

/// The act that takes another back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    /// Its name.
    pub act: String,
    /// What it is about: names and values of the form.
    pub fields: Vec<(String, String)>,
}

/// What a program hears of an act; browsers are sent to a page that shows a [`Said`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it was done.
    pub done: bool,
    /// In a sentence.
    pub words: String,
    /// The fields that cannot be used.
    pub faults: Vec<Fault>,
    /// Where what was made can be seen.
    pub to: Option<String>,
}

/// What a person was told last; the page they are sent back to shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Said {
    /// Stands in the page's address.
    pub id: String,
    /// When.
    pub at: Time,
    /// Whether the act was done.
    pub done: bool,
    /// In a sentence.
    pub words: String,
    /// The form's identifier in its page.
    pub form: String,
    /// The fields that cannot be used.
    pub faults: Vec<Fault>,
    /// What was typed, to be shown again when it was refused.
    pub typed: Form,
    /// The way back.
    pub undo: Option<Undo>,
    /// The workspace it was about.
    pub ws: String,
}

/// A form that came when its sender was signed out. It goes with them through sign-in, in the page.
#[derive(Clone, Debug)]
pub struct Draft(pub Form);

impl Done {
    /// In a sentence: what is so now.
    pub fn new(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            to: None,
            undo: None,
        }
    }

    /// Leads to what was made.
    #[must_use]
    pub fn to(mut self, path: String) -> Self {
        self.to = Some(path);
        self
    }

    /// Offers the act that takes it back, with its form's fields.
    #[must_use]
    pub fn undo(mut self, act: &str, fields: &[(&str, String)]) -> Self {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.undo = Some(Undo {
            act: act.to_owned(),
            fields: fields.collect(),
        });
        self
    }
}

impl Said {
    /// What the page that is being rendered has to tell.
    pub fn of_request() -> Option<Self> {
        use_context::<Parts>()?.extensions.get::<Self>().cloned()
    }

    /// What a session's person was told, if the address asks for just that and it is not long ago.
    pub async fn kept(session: &Session, query: &str, now: Time) -> Option<Self> {
        let id = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("said="))?;
        let said = session.get::<Self>(SAID).await.ok().flatten()?;
        (said.id == id && now.since(said.at) < SHOWN_FOR).then_some(said)
    }

    /// Of a form that came when its sender was signed out: they look at it and send it again.
    pub fn too_late(draft: &Draft, at: Time) -> Self {
        let Draft(form) = draft;
        Self {
            id: Uuid::new_v4().simple().to_string(),
            at,
            done: false,
            words: "You were signed out meanwhile, so nothing was done. What you typed stands here again: send it once more.".to_owned(),
            form: form.get("form").to_owned(),
            faults: Vec::new(),
            typed: form.typed(),
            undo: None,
            ws: form.get("ws").to_owned(),
        }
    }

    /// Keeps it for the page of that address, and says at which address the page shows it.
    pub async fn keep(&self, session: &Session, address: &str) -> String {
        if let Err(error) = session.insert(SAID, self).await {
            tracing::warn!(%error, "an answer was not kept for its page");
        }
        with_said(address, self)
    }

    /// What is wrong with a field of a form.
    pub fn fault(&self, field: &str) -> Option<&str> {
        let fault = self.faults.iter().find(|fault| fault.field == field)?;
        Some(&fault.words)
    }
}

impl Draft {
    /// What the sign-in page that is being rendered carries.
    pub fn of_request() -> Option<Self> {
        use_context::<Parts>()?.extensions.get::<Self>().cloned()
    }

    /// As the sign-in form carries it.
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// What the sign-in form carried; `None` when it was nothing, or nothing that can be kept.
    pub fn from_text(text: &str) -> Option<Self> {
        let kept = !text.contains("\\u0000");
        serde_json::from_str(text).ok().filter(|_| kept).map(Self)
    }
}

/// What was typed into a form of the way in that let nobody in; never a secret.
#[derive(Clone, Debug, Default)]
pub struct Typed(pub Vec<(&'static str, String)>);

impl Typed {
    /// What the page that is being rendered shows again.
    pub fn of_request() -> Self {
        let parts = use_context::<Parts>();
        let typed = parts.and_then(|parts| parts.extensions.get::<Self>().cloned());
        typed.unwrap_or_default()
    }

    /// What stands in that field.
    pub fn value(&self, field: &str) -> Option<String> {
        let pair = self.0.iter().find(|(name, _)| *name == field);
        pair.map(|(_, text)| text.clone())
    }
}

impl Form {
    /// Tells how the act ended: a browser by the page it came from, a program by JSON.
    pub async fn answer(self, result: Result<Done, Refused>) -> Result<Answer, ServerFnError> {
        let status = result
            .as_ref()
            .map_or_else(Refused::status, |_| StatusCode::OK);
        let (done, undo) = match result {
            Ok(done) => (Ok((done.words, done.to)), done.undo),
            Err(refused) => (Err(refused), None),
        };
        let answer = match done {
            Ok((words, to)) => Answer {
                done: true,
                words,
                faults: Vec::new(),
                to,
            },
            Err(refused) => Answer {
                done: false,
                words: refused.words(),
                faults: match refused {
                    Refused::Faults(faults) => faults,
                    Refused::Words(..) => Vec::new(),
                },
                to: None,
            },
        };
        let (Some(parts), Some(response)) =
            (use_context::<Parts>(), use_context::<ResponseOptions>())
        else {
            return Ok(answer);
        };
        if accepts_html(&parts.headers) {
            let address = self.tell(&parts, &answer, undo).await;
            response.set_status(StatusCode::SEE_OTHER);
            response.insert_header(LOCATION, address);
        } else {
            response.set_status(status);
        }
        Ok(answer)
    }

    /// Keeps the answer for the page it is shown on, and says where that is.
    async fn tell(&self, parts: &Parts, answer: &Answer, undo: Option<Undo>) -> HeaderValue {
        let said = Said {
            id: Uuid::new_v4().simple().to_string(),
            at: House::of_request().map_or_else(Time::default, |house| house.engine.now()),
            done: answer.done,
            words: answer.words.clone(),
            form: self.get("form").to_owned(),
            faults: answer.faults.clone(),
            typed: if answer.done {
                Self::default()
            } else {
                self.typed()
            },
            undo,
            ws: self.get("ws").to_owned(),
        };
        let back = answer.to.clone().or_else(|| page_of(&parts.headers));
        let back = back.as_deref().unwrap_or("/");
        let address = match parts.extensions.get::<Session>() {
            Some(session) => said.keep(session, back).await,
            None => back.to_owned(),
        };
        HeaderValue::from_str(&address).unwrap_or(HeaderValue::from_static("/"))
    }
}

/// Whether a person's browser asks, rather than a program.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The page a form stands on, as a path of this server whatever the header says.
pub fn page_of(headers: &HeaderMap) -> Option<String> {
    let referrer = headers.get(REFERER)?.to_str().ok()?;
    let uri = referrer.parse::<http::Uri>().ok()?;
    own_path(uri.path_and_query()?.as_str()).map(str::to_owned)
}

/// A path of this server, never another's address.
pub fn own_path(path: &str) -> Option<&str> {
    let own = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains(['\\', '\r', '\n', '\t'])
        && path.is_ascii();
    own.then_some(path)
}

/// The address of a page with what is told there; a refused form comes into view.
fn with_said(address: &str, said: &Said) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let kept = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("said="));
    let own = format!("said={}", said.id);
    let query: Vec<&str> = kept.chain([own.as_str()]).collect();
    let plain = said
        .form
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let fragment = match said.form.as_str() {
        form if !said.done && plain && !form.is_empty() => format!("#{form}"),
        _ => String::new(),
    };
    format!("{path}?{}{fragment}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(done: bool, address: &str) -> String {
        let said = Said {
            id: "42".into(),
            at: Time::default(),
            done,
            words: String::new(),
            form: "hold_task".into(),
            faults: Vec::new(),
            typed: Form::default(),
            undo: None,
            ws: "a".into(),
        };
        with_said(address, &said)
    }

    #[test]
    fn an_answer_keeps_the_page_s_filters_and_replaces_the_answer_before() {
        assert_eq!(
            told(true, "/w/a/tasks?state=done&said=41&q=x"),
            "/w/a/tasks?state=done&q=x&said=42"
        );
        assert_eq!(told(false, "/w/a/tasks"), "/w/a/tasks?said=42#hold_task");
    }

    #[test]
    fn the_way_back_never_leaves_this_server() {
        let back_from = |referrer: &str| {
            page_of(&HeaderMap::from_iter([(
                REFERER,
                referrer.parse().unwrap(),
            )]))
        };
        let from = back_from("http://127.0.0.1:3000/w/a?x=1");
        assert_eq!(from.as_deref(), Some("/w/a?x=1"));
        assert_eq!(back_from("https://evil.example//evil.example/x"), None);
        assert_eq!(back_from("nonsense"), None);
        let elsewhere = [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "",
            "/\t/evil",
        ];
        for path in elsewhere {
            assert_eq!(own_path(path), None, "{path}");
        }
        assert_eq!(
            own_path("/w/a/tasks?state=done"),
            Some("/w/a/tasks?state=done")
        );
    }

    #[test]
    fn a_draft_survives_the_way_in_unless_no_text_can_hold_it() {
        let pairs = [
            ("title", "a\n\"b\" <i>"),
            ("amount[]", "1"),
            ("amount[]", "2"),
        ];
        let pairs = pairs.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let draft = Draft(pairs.into_iter().collect());
        let back = Draft::from_text(&draft.to_text()).unwrap();
        assert_eq!(back.0, draft.0);
        assert_eq!(back.0.all("amount[]"), ["1", "2"]);
        assert!(Draft::from_text("{\"title\":\"\\u0000\"}").is_none());
        assert!(Draft::from_text("").is_none());
    }
}
