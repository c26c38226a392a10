//! Why an act was not done, in words for the person who tried.

use engine::EngineError;
use http::StatusCode;
use scheduler::Refusal;
use store::StoreError;

use super::Fault;
use crate::access::PageError;

/// An act was not done, and nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Fields that cannot be used.
    Faults(Vec<Fault>),
    /// Anything else, in a sentence.
    Words(StatusCode, String),
}

impl Refused {
    /// It does not go with how things are now.
    pub fn because(words: impl Into<String>) -> Self {
        Self::Words(StatusCode::CONFLICT, words.into())
    }

    /// One field is at fault.
    pub fn field(field: &str, words: impl Into<String>) -> Self {
        Self::Faults(vec![Fault {
            field: field.to_owned(),
            words: words.into(),
        }])
    }

    /// What the page put into the form is not there or not usable.
    pub fn incomplete() -> Self {
        Self::because("The form was incomplete, so nothing was done. Load the page again.")
    }

    /// There is no such thing, or not for this reader.
    pub fn not_found() -> Self {
        Self::Words(
            StatusCode::NOT_FOUND,
            "What this was about is not here, or not yours to see.".to_owned(),
        )
    }

    pub(super) fn forbidden(words: String) -> Self {
        Self::Words(StatusCode::FORBIDDEN, words)
    }

    pub(super) fn signed_out() -> Self {
        Self::Words(StatusCode::UNAUTHORIZED, "Sign in first.".to_owned())
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Faults(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Words(status, _) => *status,
        }
    }

    /// In a sentence.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Faults(faults) if faults.len() == 1 => {
                "One field cannot be used as it is.".to_owned()
            }
            Self::Faults(faults) => format!("{} fields cannot be used as they are.", faults.len()),
            Self::Words(_, words) => words.clone(),
        }
    }
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        match error {
            PageError::NotFound | PageError::ReadsOnly | PageError::Unfit => Self::not_found(),
            PageError::SignedOut => Self::signed_out(),
            PageError::Away => Self::Words(
                StatusCode::SERVICE_UNAVAILABLE,
                "Another server is taking this workspace over, so nothing was done. Try again in a moment."
                    .to_owned(),
            ),
            PageError::Broken => Self::Words(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke here, so nothing is known to have been done. It has been logged."
                    .to_owned(),
            ),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        PageError::from(error).into()
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::IdempotencyMismatch => Self::because(
                "This form was sent before with other words, and that was done. Load the page again.",
            ),
            EngineError::StillRunning => Self::because(
                "This was sent before and is still being done. Load the page again in a moment.",
            ),
            other => PageError::from(other).into(),
        }
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound | Refusal::NeedFacts { .. } => Self::not_found(),
            Refusal::WrongState { state, .. } => Self::because(format!(
                "It is {} by now, and this does not go with that.",
                crate::text::state(state)
            )),
            Refusal::VersionConflict { .. } => Self::because(
                "Somebody else has changed it since you opened this: what it says by now stands below each field that differs. Saving puts in what you typed.",
            ),
            Refusal::LeaseLost => Self::because("The lease is over by now."),
            Refusal::Held | Refusal::Fuse { .. } => Self::because(sentence(&refusal.to_string())),
            Refusal::Invalid { pointer, detail } => {
                let field = pointer
                    .split('/')
                    .rfind(|part| part.parse::<u32>().is_err());
                Self::field(field.unwrap_or_default(), sentence(&detail))
            }
            Refusal::Forbidden { detail } => Self::forbidden(sentence(&detail)),
            Refusal::NeedWorkspace | Refusal::Draining => PageError::Away.into(),
        }
    }
}

/// Begins with a capital and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let capital: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{capital}{}{stop}", chars.as_str())
}
