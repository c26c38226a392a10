//! The provider of the demo: searches, a social network and two models, behind limits that it
//! counts for itself and answers 429 with `Retry-After` when they are exceeded.
//!
//! It knows nothing of Baton. Its buckets are a little larger than those Baton is told of: Baton
//! counts when work is let start, a provider when the call arrives, at most [`TRAVEL_S`] later.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::story::{OPUS, OPUS_SLOTS, SEARCH, SMALL, TOKENS, TWITTER};
use crate::connections::{self, Patience};

/// How much later than its start a piece of work may call, in seconds.
pub const TRAVEL_S: f64 = 5.0;
/// One in so many calls of a model fails, as they do.
const FAULTY: u64 = 60;

/// How often a provoker empties the search's bucket.
const BURST_EVERY: Duration = Duration::from_mins(1);

/// A provider that listens on the loopback until it is dropped.
#[derive(Debug)]
pub struct Provider {
    /// Where it is.
    pub url: String,
    counters: Arc<Counters>,
    _stop: watch::Sender<bool>,
}

/// What was asked of it so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls it served.
    pub served: u64,
    /// Calls it refused with 429.
    pub refused: u64,
    /// Calls of the large model at once, at most.
    pub most_at_once: u32,
}

#[derive(Debug)]
struct Counters {
    /// How many times faster it works than a real one.
    pace: f64,
    state: Mutex<Limits>,
}

#[derive(Debug)]
struct Limits {
    search: Bucket,
    twitter: Bucket,
    tokens: Bucket,
    at_once: u32,
    models: u64,
    counts: Counts,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    refill_per_s: f64,
    level: f64,
    at: Instant,
}

/// A search, on the web or in a social network.
#[derive(Debug, Serialize, Deserialize)]
pub struct Search {
    /// What is looked for.
    pub q: String,
}

/// A call of a model. The prompt is given by its length, and the answer by the length it will have.
#[derive(Debug, Serialize, Deserialize)]
pub struct Message {
    /// The model.
    pub model: String,
    /// Tokens to read.
    pub prompt_tokens: u32,
    /// Tokens to write at most; they are counted in advance.
    pub max_tokens: u32,
    /// Tokens the answer has.
    pub answer_tokens: u32,
}

/// What a call of a model used.
#[derive(Debug, Serialize, Deserialize)]
pub struct Used {
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl Provider {
    /// Starts one with full buckets, that works `pace` times as fast as a real one.
    pub async fn start(pace: f64) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let counters = Arc::new(Counters {
            pace,
            state: Mutex::new(Limits::full(Instant::now())),
        });
        let router = Router::new()
            .route("/search", post(search))
            .route("/tweets", post(tweets))
            .route("/v1/messages", post(message))
            .with_state(Arc::clone(&counters));
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(connections::serve(
            listener,
            router,
            Patience::default(),
            stopping,
        ));
        Ok(Self {
            url,
            counters,
            _stop: stop,
        })
    }

    /// What was asked of it so far.
    pub fn counts(&self) -> Counts {
        self.counters.limits().counts
    }
}

async fn search(State(counters): State<Arc<Counters>>, Json(body): Json<Search>) -> Response {
    counters.found(&body, |limits| &mut limits.search).await
}

async fn tweets(State(counters): State<Arc<Counters>>, Json(body): Json<Search>) -> Response {
    counters.found(&body, |limits| &mut limits.twitter).await
}

async fn message(State(counters): State<Arc<Counters>>, Json(call): Json<Message>) -> Response {
    let faulty = match counters.limits().begin(&call, Instant::now()) {
        Ok(faulty) => faulty,
        Err(wait) => return refusal(wait),
    };
    // Given back also when the caller hangs up meanwhile.
    let _slot = (call.model == OPUS).then(|| Slot(Arc::clone(&counters)));
    let written = call.answer_tokens.min(call.max_tokens);
    counters
        .take_time(thinking(&call.model, call.prompt_tokens, written))
        .await;
    if faulty {
        return (StatusCode::INTERNAL_SERVER_ERROR, "overloaded").into_response();
    }
    Json(Used {
        input_tokens: call.prompt_tokens.into(),
        output_tokens: written.into(),
    })
    .into_response()
}

/// As long as such models take: a little for what they read, more for what they write.
fn thinking(model: &str, read: u32, written: u32) -> Duration {
    let ms = match model {
        SMALL => 250 + read / 20 + written * 8,
        _ => 900 + read / 5 + written * 40,
    };
    Duration::from_millis(ms.into())
}

fn refusal(wait: Duration) -> Response {
    let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
    let text = "rate limited: too many requests";
    (
        StatusCode::TOO_MANY_REQUESTS,
        [(RETRY_AFTER, seconds.to_string())],
        text,
    )
        .into_response()
}

/// Somebody who has the same key and calls past Baton: every minute, as many searches as the
/// provider gives. What the agents find closed then, they report.
pub async fn burst(http: reqwest::Client, url: String, pace: f64) {
    let body = Search {
        q: "anything".to_owned(),
    };
    loop {
        tokio::time::sleep(BURST_EVERY.div_f64(pace)).await;
        loop {
            let answer = http.post(format!("{url}/search")).json(&body).send().await;
            if !answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                break;
            }
        }
    }
}

impl Counters {
    fn limits(&self) -> std::sync::MutexGuard<'_, Limits> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn found(&self, body: &Search, bucket: fn(&mut Limits) -> &mut Bucket) -> Response {
        let taken = {
            let mut limits = self.limits();
            let taken = bucket(&mut limits).take(1.0, Instant::now());
            limits.count(taken)
        };
        if let Err(wait) = taken {
            return refusal(wait);
        }
        self.take_time(Duration::from_millis(200)).await;
        format!("ten results for {}", body.q).into_response()
    }

    async fn take_time(&self, time: Duration) {
        tokio::time::sleep(time.div_f64(self.pace)).await;
    }
}

impl Limits {
    fn full(now: Instant) -> Self {
        let bucket = |limit: super::story::Bucket| Bucket::full(limit, now);
        Self {
            search: bucket(SEARCH),
            twitter: bucket(TWITTER),
            tokens: bucket(TOKENS),
            at_once: 0,
            models: 0,
            counts: Counts::default(),
        }
    }

    /// Lets a call of a model begin: whether it will fail, or how long to wait.
    fn begin(&mut self, call: &Message, now: Instant) -> Result<bool, Duration> {
        if call.model == OPUS {
            let begun = self.begin_large(call, now);
            self.count(begun)?;
        } else {
            self.counts.served += 1;
        }
        self.models += 1;
        Ok(self.models.is_multiple_of(FAULTY))
    }

    fn begin_large(&mut self, call: &Message, now: Instant) -> Result<(), Duration> {
        if self.at_once >= OPUS_SLOTS {
            return Err(Duration::from_secs(1));
        }
        let amount = f64::from(call.prompt_tokens) + f64::from(call.max_tokens);
        self.tokens.take(amount, now)?;
        self.at_once += 1;
        self.counts.most_at_once = self.counts.most_at_once.max(self.at_once);
        Ok(())
    }

    fn count(&mut self, taken: Result<(), Duration>) -> Result<(), Duration> {
        match taken {
            Ok(()) => self.counts.served += 1,
            Err(_) => self.counts.refused += 1,
        }
        taken
    }
}

impl Bucket {
    fn full(limit: super::story::Bucket, now: Instant) -> Self {
        let capacity = f64::from(limit.capacity) + limit.refill_per_s * TRAVEL_S;
        Self {
            capacity,
            refill_per_s: limit.refill_per_s,
            level: capacity,
            at: now,
        }
    }

    /// Takes tokens, or says when there will be as many.
    fn take(&mut self, amount: f64, now: Instant) -> Result<(), Duration> {
        let gained = now.duration_since(self.at).as_secs_f64() * self.refill_per_s;
        self.level = (self.level + gained).min(self.capacity);
        self.at = now;
        if self.level < amount {
            return Err(Duration::from_secs_f64(
                (amount - self.level) / self.refill_per_s,
            ));
        }
        self.level -= amount;
        Ok(())
    }
}

/// A call of the large model that is under way.
struct Slot(Arc<Counters>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.limits().at_once -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(model: &str, prompt_tokens: u32) -> Message {
        Message {
            model: model.to_owned(),
            prompt_tokens,
            max_tokens: 64,
            answer_tokens: 9,
        }
    }

    async fn asked(provider: &Provider, path: &str, body: &impl Serialize) -> reqwest::Response {
        let http = crate::demo::client::http().unwrap();
        let url = format!("{}{path}", provider.url);
        http.post(url).json(body).send().await.unwrap()
    }

    #[tokio::test]
    async fn beyond_its_bucket_a_search_is_refused_with_the_time_to_wait() {
        let provider = Provider::start(1_000.0).await.unwrap();
        let body = Search { q: "x".to_owned() };
        let mut refused = None;
        for _ in 0..=120 {
            let answer = asked(&provider, "/search", &body).await;
            if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.expect("a refusal within 121 searches of a bucket of 105");
        assert_eq!(refused.headers()[RETRY_AFTER], "1");
        let counts = provider.counts();
        assert!(counts.served >= 100 && counts.refused == 1, "{counts:?}");
    }

    #[tokio::test]
    async fn a_third_call_of_the_large_model_at_once_is_refused_and_others_are_not() {
        let provider = Provider::start(0.1).await.unwrap();
        let url = provider.url.clone();
        let http = crate::demo::client::http().unwrap();
        let long = |_| {
            let asked = http.post(format!("{url}/v1/messages"));
            tokio::spawn(asked.json(&call(OPUS, 10)).send())
        };
        let held: Vec<_> = (0..OPUS_SLOTS).map(long).collect();
        while provider.counts().served < u64::from(OPUS_SLOTS) {
            tokio::task::yield_now().await;
        }
        let third = asked(&provider, "/v1/messages", &call(OPUS, 10)).await;
        assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
        for call in held {
            call.abort();
        }
        assert_eq!(provider.counts().most_at_once, OPUS_SLOTS);
    }

    #[test]
    fn tokens_are_counted_in_advance_and_come_back_with_time() {
        let now = Instant::now();
        let mut limits = Limits::full(now);
        let most = TOKENS.capacity + (TOKENS.refill_per_s * TRAVEL_S) as u32;
        assert_eq!(limits.begin(&call(OPUS, most - 64), now), Ok(false));
        let wait = limits.begin(&call(OPUS, 936), now).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        assert_eq!(limits.begin(&call(OPUS, 936), now + wait), Ok(false));
        assert_eq!(
            limits.counts.refused, 1,
            "and the small model has no such limit"
        );
        assert_eq!(limits.begin(&call(SMALL, most), now), Ok(false));
    }
}
