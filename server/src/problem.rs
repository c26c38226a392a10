//! Errors as clients see them: RFC 9457 `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scheduler::Refusal;
use serde::Serialize;

/// One field that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Fault {
    /// JSON pointer into the request's body; for a query parameter its name after a `?`.
    pub pointer: String,
    /// What it must be.
    pub detail: String,
}

/// The numbers of a fuse that refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BlownFuse {
    /// Which.
    pub fuse: scheduler::Fuse,
    /// Its limit.
    pub limit: u64,
    /// What the request would have made of it.
    pub count: u64,
}

/// A request that was not carried out, and why.
#[derive(Clone, Debug)]
pub struct Problem(Box<Details>);

/// What a client reads of a problem.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// Where this kind of problem is explained.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What happened, in a sentence.
    detail: String,
    /// A stable word to match on.
    code: &'static str,
    /// The fields that were wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// For `fuse_blown`.
    #[serde(flatten)]
    fuse: Option<BlownFuse>,
    /// For `version_conflict`: the version to read again.
    #[serde(skip_serializing_if = "Option::is_none")]
    current_version: Option<u32>,
    #[serde(skip)]
    retry_after_s: Option<u32>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with a status, a stable code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind: format!("/api/docs#{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            code,
            errors: Vec::new(),
            fuse: None,
            current_version: None,
            retry_after_s: None,
        }))
    }

    /// 400: the body or a header cannot be read at all.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", detail)
    }

    /// 401, and how to do better.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: not there, or another workspace's.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such thing in this workspace.",
        )
    }

    /// 422 with every field that was wrong.
    pub fn invalid(errors: Vec<Fault>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.detail.clone(),
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} values cannot be used; see errors.", many.len()),
        };
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.0.errors = errors;
        problem
    }

    /// 422 for one field.
    pub fn invalid_at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![Fault {
            pointer: pointer.into(),
            detail: detail.into(),
        }])
    }

    /// 422: a fuse refused what stands at `pointer`.
    fn fuse(fuse: BlownFuse, pointer: String, detail: String) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "fuse_blown",
            detail.clone(),
        );
        problem.0.errors = vec![Fault { pointer, detail }];
        problem.0.fuse = Some(fuse);
        problem
    }

    /// 503: try again soon.
    pub fn away(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).with_retry_after(1)
    }

    /// The same problem of a part of the body.
    #[must_use]
    pub fn below(mut self, pointer: &str) -> Self {
        for fault in &mut self.0.errors {
            fault.pointer.insert_str(0, pointer);
        }
        if self.0.errors.is_empty() {
            let (pointer, detail) = (pointer.to_owned(), self.0.detail.clone());
            self.0.errors.push(Fault { pointer, detail });
        }
        self.0.detail = format!("{pointer}: {}", self.0.errors[0].detail);
        self
    }

    /// Says something more.
    #[must_use]
    pub fn adding(mut self, sentence: &str) -> Self {
        self.0.detail = format!("{} {sentence}", self.0.detail);
        self
    }

    /// Says when to ask again.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// 500; the cause goes to the log, never to the client.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        let detail = "Something broke here. It has been logged.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The same problem under another code.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self.0.kind = format!("/api/docs#{code}");
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = detail(&refusal);
        let conflict = |code| Self::new(StatusCode::CONFLICT, code, detail.clone());
        match refusal {
            Refusal::NotFound | Refusal::NeedFacts { .. } => Self::not_found(),
            Refusal::LeaseLost => conflict("lease_lost"),
            Refusal::WrongState { .. } | Refusal::Held => conflict("wrong_state"),
            Refusal::VersionConflict { current } => {
                let mut problem = conflict("version_conflict");
                problem.0.current_version = Some(current);
                problem
            }
            Refusal::Fuse {
                fuse,
                limit,
                count,
                pointer,
            } => Self::fuse(BlownFuse { fuse, limit, count }, pointer, detail),
            Refusal::Invalid { pointer, detail } => Self::invalid_at(pointer, detail),
            Refusal::Forbidden { detail } => Self::forbidden(sentence(&detail)),
            Refusal::NeedWorkspace | Refusal::Draining => {
                Self::away("This workspace moves to another server; ask again in a moment.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(details) = self;
        let mut response = (details.status, axum::Json(&details)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if details.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = details.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A refusal whose pointers lead into the body as it was sent, not into what was made of it.
#[must_use]
pub fn repointed(refusal: Refusal, lead: impl FnOnce(String) -> String) -> Refusal {
    match refusal {
        Refusal::Invalid { pointer, detail } => Refusal::Invalid {
            pointer: lead(pointer),
            detail,
        },
        Refusal::Fuse {
            fuse,
            limit,
            count,
            pointer,
        } => Refusal::Fuse {
            fuse,
            limit,
            count,
            pointer: lead(pointer),
        },
        other => other,
    }
}

/// A refusal in a sentence, in the interface's own words.
fn detail(refusal: &Refusal) -> String {
    match refusal {
        Refusal::WrongState { state, act } => {
            format!(
                "The task is {}, and that does not go with {}.",
                state.as_str(),
                word(act)
            )
        }
        other => sentence(&other.to_string()),
    }
}

/// The word that stands for a value in JSON.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// Begins with a capital and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let capital: String = chars
        .next()
        .map(|first| first.to_uppercase().collect())
        .unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{capital}{}{stop}", chars.as_str())
}
