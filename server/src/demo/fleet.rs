//! The agents: each claims a task, calls the provider, reports what it used, and hands in a result.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::client::{Client, Fault};
use super::provider::{Message, Search, Used};
use super::story::{SEARCH, SMALL, TWITTER, price};
use super::work::scattered;

/// How long a claim waits for work.
const WAIT_MS: u32 = 20_000;
/// After a server that is away.
const PAUSE: Duration = Duration::from_secs(1);

/// What the fleet has met so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Tasks taken.
    pub taken: AtomicU64,
    /// Tasks completed.
    pub completed: AtomicU64,
    /// Calls the provider refused with 429.
    pub refused: AtomicU64,
    /// Attempts that failed otherwise.
    pub failed: AtomicU64,
    /// Requests to Baton that went wrong, other than by its being away.
    pub faults: AtomicU64,
}

/// One agent.
#[derive(Debug)]
pub struct Agent {
    /// Its name.
    pub name: String,
    /// What it can do.
    pub capabilities: &'static [&'static str],
    /// Its way to Baton.
    pub client: Client,
    /// Its way to the provider, and where that is.
    pub http: reqwest::Client,
    /// Where the provider is.
    pub provider: Arc<str>,
    /// How many times faster than real it works.
    pub pace: f64,
    /// Where what it meets is counted.
    pub tally: Arc<Tally>,
}

/// A task as a claim gives it.
#[derive(Debug, Deserialize)]
struct Lease {
    #[serde(rename = "lease_id")]
    id: String,
    epoch: u32,
    task: Task,
}

#[derive(Debug, Deserialize)]
struct Task {
    title: String,
    #[serde(default)]
    payload: Value,
}

/// What there is to do, as the author of the task wrote it.
#[derive(Clone, Debug, Deserialize)]
struct Plan {
    searches: u32,
    model: String,
    prompt_tokens: u32,
    max_tokens: u32,
    answer_tokens: u32,
}

impl Plan {
    /// The task's; of a person's own task, which says nothing of the kind, a small piece of work.
    fn of(task: &Task) -> Self {
        serde_json::from_value(task.payload.clone()).unwrap_or_else(|_| Self {
            searches: 0,
            model: SMALL.to_owned(),
            prompt_tokens: 1_200,
            max_tokens: 256,
            answer_tokens: 150,
        })
    }
}

/// Why an attempt did not end in a result.
enum Trouble {
    /// A provider's limit: the resource, and when to come back.
    Throttled(&'static str, u64),
    /// Anything else.
    Failed(String),
}

impl Agent {
    /// Works until it is dropped.
    pub async fn run(self) {
        while let Err(fault) = self.register().await {
            self.met(&fault).await;
        }
        loop {
            match self.claim().await {
                Ok(leases) => {
                    for lease in leases {
                        self.tally.taken.fetch_add(1, Ordering::Relaxed);
                        if let Err(fault) = self.work_on(&lease).await {
                            self.met(&fault).await;
                        }
                    }
                }
                Err(fault) => self.met(&fault).await,
            }
        }
    }

    async fn register(&self) -> Result<Value, Fault> {
        let card =
            json!({ "name": self.name, "capabilities": self.capabilities, "max_concurrency": 1 });
        self.client.post("/agents", card).await
    }

    async fn claim(&self) -> Result<Vec<Lease>, Fault> {
        let mut answer = self
            .client
            .post("/claims", json!({ "wait_ms": WAIT_MS }))
            .await?;
        let leases = serde_json::from_value(answer["leases"].take()).unwrap_or_default();
        Ok(leases)
    }

    async fn work_on(&self, lease: &Lease) -> Result<(), Fault> {
        let plan = Plan::of(&lease.task);
        match self.carry_out(lease, &plan).await? {
            Ok(used) => {
                let cost = price(&plan.model, used.input_tokens, used.output_tokens);
                let usage = json!({
                    "model": plan.model, "input_tokens": used.input_tokens,
                    "output_tokens": used.output_tokens, "cost_microusd": cost,
                });
                let output =
                    json!({ "summary": format!("{}: done, as simulated.", lease.task.title) });
                let body = json!({ "epoch": lease.epoch, "usage": usage, "output": output });
                self.tally.completed.fetch_add(1, Ordering::Relaxed);
                self.tell(lease, "complete", body).await
            }
            Err(trouble) => self.give_up(lease, trouble).await,
        }
    }

    /// Calls what the task needs, all at its beginning; then reads what it got.
    async fn carry_out(&self, lease: &Lease, plan: &Plan) -> Result<Result<Used, Trouble>, Fault> {
        for _ in 0..plan.searches {
            if let Err(trouble) = self.search(&lease.task.title).await {
                return Ok(Err(trouble));
            }
        }
        let used = match self.think(plan).await {
            Ok(used) => used,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let note =
            json!({ "epoch": lease.epoch, "progress": 0.6, "note": "reading what came back" });
        self.tell(lease, "renew", note).await?;
        let reading_ms = 800 + scattered(plan.prompt_tokens.into(), 7) % 2_400;
        sleep(Duration::from_millis(reading_ms).div_f64(self.pace)).await;
        Ok(Ok(used))
    }

    async fn search(&self, title: &str) -> Result<(), Trouble> {
        let social = self.capabilities.contains(&"social");
        let (path, resource) = if social {
            ("/tweets", TWITTER.name)
        } else {
            ("/search", SEARCH.name)
        };
        let body = json!(Search {
            q: title.to_owned()
        });
        self.called(path, resource, &body).await.map(drop)
    }

    async fn think(&self, plan: &Plan) -> Result<Used, Trouble> {
        let call = Message {
            model: plan.model.clone(),
            prompt_tokens: plan.prompt_tokens,
            max_tokens: plan.max_tokens,
            answer_tokens: plan.answer_tokens,
        };
        let answer = self
            .called("/v1/messages", super::story::OPUS, &json!(call))
            .await?;
        let used = answer.json().await;
        used.map_err(|error| Trouble::Failed(error.to_string()))
    }

    async fn called(
        &self,
        path: &str,
        resource: &'static str,
        body: &Value,
    ) -> Result<Response, Trouble> {
        let url = format!("{}{path}", self.provider);
        let answer = self.http.post(url).json(body).send().await;
        let answer = answer.map_err(|error| Trouble::Failed(error.to_string()))?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            StatusCode::TOO_MANY_REQUESTS => Err(Trouble::Throttled(resource, wait_ms(&answer))),
            status => Err(Trouble::Failed(format!("the provider answered {status}"))),
        }
    }

    async fn give_up(&self, lease: &Lease, trouble: Trouble) -> Result<(), Fault> {
        let body = match trouble {
            Trouble::Throttled(resource, retry_after_ms) => {
                self.tally.refused.fetch_add(1, Ordering::Relaxed);
                json!({
                    "epoch": lease.epoch, "error": format!("{resource} answered 429"),
                    "throttled": { "resource": resource, "retry_after_ms": retry_after_ms },
                })
            }
            Trouble::Failed(error) => {
                self.tally.failed.fetch_add(1, Ordering::Relaxed);
                json!({ "epoch": lease.epoch, "error": error })
            }
        };
        self.tell(lease, "fail", body).await
    }

    async fn tell(&self, lease: &Lease, act: &str, body: Value) -> Result<(), Fault> {
        let path = format!("/leases/{}/{act}", lease.id);
        match self.client.post(&path, body).await {
            // Refused so, a person took the task away meanwhile, or it took too long.
            Ok(_) | Err(Fault::Refused(StatusCode::CONFLICT, _)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Something went wrong between here and Baton: it is counted, and tried again a little later.
    async fn met(&self, fault: &Fault) {
        if !fault.passes() {
            self.tally.faults.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(agent = self.name, %fault, "a demo's agent was refused");
        }
        sleep(PAUSE).await;
    }
}

/// When the provider says to come back.
fn wait_ms(answer: &Response) -> u64 {
    let seconds = answer
        .headers()
        .get(reqwest::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    seconds.unwrap_or(1) * 1_000
}
