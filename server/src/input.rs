//! Reads requests: bodies, query strings and the idempotency key, with problems that point at what
//! was wrong.

use std::error::Error;
use std::marker::PhantomData;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use engine::IdempotencyKey;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};
use tower_http::timeout::TimeoutError;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::words::plain;

/// The largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 1 << 20;

/// A JSON body, and the promise to act on it once if the caller asked for that.
#[derive(Debug)]
pub struct Input<T> {
    /// The body.
    pub value: T,
    /// The caller's `Idempotency-Key`, scoped to its API key, with a hash of the whole request.
    pub once: Option<IdempotencyKey>,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let form = is_form(&parts.headers)?;
        if says_too_large(&parts.headers) {
            return Err(too_large());
        }
        let bytes = read(body).await?;
        let once = idempotency(&parts, &bytes)?;
        let value = parse(if bytes.is_empty() { b"{}" } else { &bytes }).map_err(|problem| {
            if form && problem.status() == StatusCode::BAD_REQUEST {
                wrong_type()
            } else {
                problem
            }
        })?;
        Ok(Self { value, once })
    }
}

async fn read(body: Body) -> Result<Bytes, Problem> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(error) if is_late(&*error) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "The rest of the body did not come in time.",
        )),
        Err(_) => Err(Problem::unreadable("The body ended early.")),
    }
}

/// Whether the body is known to be too large, so that it need not be sent first.
fn says_too_large(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    length.is_some_and(|length| length > BODY_LIMIT as u64)
}

fn too_large() -> Problem {
    let detail = format!("A body may have at most {BODY_LIMIT} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

/// Whether a body could not be read because the client stopped sending it.
fn is_late(error: &(dyn Error + 'static)) -> bool {
    error.is::<TimeoutError>() || error.source().is_some_and(is_late)
}

/// Whether the body says it is a form: what `curl -d` sends when it is not told otherwise. Such a
/// body is taken as JSON if it is JSON. No cookie authenticates here, so this opens nothing.
fn is_form(headers: &HeaderMap) -> Result<bool, Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(false);
    };
    let essence = value
        .to_str()
        .unwrap_or("?")
        .split(';')
        .next()
        .unwrap_or("")
        .trim();
    let essence = essence.to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Ok(false),
        "application/x-www-form-urlencoded" => Ok(true),
        other if other.starts_with("application/") && other.ends_with("+json") => Ok(false),
        _ => Err(wrong_type()),
    }
}

fn wrong_type() -> Problem {
    let detail = "Bodies are JSON: send `Content-Type: application/json`.";
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        detail,
    )
}

/// Parses a body: 400 for what is not JSON, 422 with a pointer for what does not fit `T`.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (pointer, error) = (pointer(error.path(), error.inner()), error.inner());
        // To the reader of a choice, null and an empty object are errors of syntax.
        if !error.is_data() && serde_json::from_slice::<Value>(bytes).is_ok() {
            return Problem::invalid_at(pointer, "is not a value that goes here");
        }
        unfit(pointer, error)
    })?;
    reader
        .end()
        .map_err(|error| Problem::unreadable(format!("This is not JSON: {error}.")))?;
    match nul_in(bytes) {
        Some(pointer) => Err(Problem::invalid_at(
            pointer,
            "text may not hold the character U+0000",
        )),
        None => Ok(value),
    }
}

fn unfit(pointer: String, error: &serde_json::Error) -> Problem {
    if error.is_data() {
        let text = error.to_string();
        let detail = text
            .rsplit_once(" at line ")
            .map_or(text.as_str(), |(detail, _)| detail);
        Problem::invalid_at(pointer, plain(detail))
    } else {
        Problem::unreadable(format!("This is not JSON: {error}."))
    }
}

/// The path as a JSON pointer. A missing field is pointed at too, though it is not there.
fn pointer(path: &serde_path_to_error::Path, error: &serde_json::Error) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&escaped(key));
            }
            Segment::Unknown => {}
        }
    }
    let text = error.to_string();
    if let Some((name, _)) = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split_once('`'))
    {
        pointer.push('/');
        pointer.push_str(name);
    }
    pointer
}

/// Where the character stands that Postgres cannot keep in text, which comes as an escape alone.
fn nul_in(json: &[u8]) -> Option<String> {
    fn below(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => text.contains('\0').then(String::new),
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                items.find_map(|(at, item)| Some(format!("/{at}{}", below(item)?)))
            }
            Value::Object(fields) => fields.iter().find_map(|(name, field)| {
                if name.contains('\0') {
                    return Some(String::new());
                }
                Some(format!("/{}{}", escaped(name), below(field)?))
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }
    // Nearly never: the escape, or one that only looks like it.
    let suspect = json.windows(6).any(|window| window == b"\\u0000");
    suspect
        .then(|| below(&serde_json::from_slice(json).ok()?))
        .flatten()
}

/// A name as a part of a JSON pointer (RFC 6901).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn idempotency(parts: &Parts, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=200).contains(&key.len()))
        .ok_or_else(|| {
            Problem::unreadable("An Idempotency-Key has 1 to 200 visible ASCII characters.")
        })?;
    let caller = Caller::of(parts)?;
    let mut hash = Sha256::new();
    for part in [parts.method.as_str(), "\n", parts.uri.path(), "\n"] {
        hash.update(part);
    }
    hash.update(body);
    let key = format!("{}:{key}", caller.key);
    Ok(Some(IdempotencyKey {
        key,
        request_hash: hash.finalize().into(),
    }))
}

/// What is read from an object's fields alone: serde would take an array as well, as the fields in their
/// order.
pub trait Fields: Sized {
    /// As serde derives it with `remote = "Self"`.
    fn read<'de, D: Deserializer<'de>>(fields: D) -> Result<Self, D::Error>;
}

/// Reads these from objects only; each is derived with `remote = "Self"`.
macro_rules! objects_only {
    ($($body:ident),+) => {$(
        impl crate::input::Fields for $body {
            fn read<'de, D: serde::Deserializer<'de>>(fields: D) -> Result<Self, D::Error> {
                Self::deserialize(fields)
            }
        }

        impl<'de> serde::Deserialize<'de> for $body {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_map(crate::input::Object::default())
            }
        }
    )+};
}
pub(crate) use objects_only;

/// Takes an object.
pub(crate) struct Object<T>(PhantomData<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Fields> Visitor<'de> for Object<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(MapAccessDeserializer::new(map))
    }
}

/// A query string, read strictly; a parameter without a value counts as absent.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if let Some(pair) = query.split('&').find(|pair| pair.contains("%00")) {
            let name = pair.split('=').next().unwrap_or_default();
            return Err(Problem::invalid_at(
                format!("?{name}"),
                "text may not hold the character U+0000",
            ));
        }
        let given: Vec<_> = query
            .split('&')
            .filter(|pair| {
                pair.split_once('=')
                    .is_some_and(|(_, value)| !value.is_empty())
            })
            .collect();
        let uri: Uri = format!("/?{}", given.join("&"))
            .parse()
            .map_err(|_| Problem::unreadable("The query string cannot be read."))?;
        let Query(params) = Query::try_from_uri(&uri).map_err(|rejection| {
            let text = rejection.body_text();
            let text = text
                .strip_prefix("Failed to deserialize query string: ")
                .unwrap_or(&text);
            match text.split_once(": ") {
                Some((name, detail)) if is_word(name) => {
                    Problem::invalid_at(format!("?{name}"), plain(detail))
                }
                _ => Problem::invalid_at("?", plain(text)),
            }
        })?;
        Ok(Self(params))
    }
}

/// Whether this is a parameter's name rather than the beginning of a message.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ')
}

/// The identifier in a path. What is not an identifier names nothing: 404.
#[derive(Clone, Copy, Debug)]
pub struct Id<T>(pub T);

impl<T: From<uuid::Uuid> + Send, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        text.parse::<uuid::Uuid>()
            .map(|id| Self(id.into()))
            .map_err(|_| Problem::not_found())
    }
}

/// A name in a path.
#[derive(Clone, Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::not_found())?;
        match crate::check::name_fault(&name) {
            None => Ok(Self(name)),
            Some(detail) => Err(Problem::invalid_at(
                "",
                format!("the name in the path {detail}"),
            )),
        }
    }
}

/// Turns a JSON value into `T`, or says with a pointer what does not fit.
pub fn fit<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value)
        .map_err(|error| unfit(pointer(error.path(), error.inner()), error.inner()))
}
