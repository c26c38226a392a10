//! The team and its limits, once for Baton and for the provider.

use serde_json::{Value, json};

/// What the workspace is after.
pub const GOAL: &str = "Launch the spring release: know the market, write the story, ship the code";

/// A limit of the provider, as a bucket.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// The resource's name.
    pub name: &'static str,
    /// Tokens it holds when full.
    pub capacity: u32,
    /// Tokens it gains a second.
    pub refill_per_s: f64,
}

/// Web searches.
pub const SEARCH: Bucket = Bucket {
    name: "google_search_api",
    capacity: 100,
    refill_per_s: 1.0,
};
/// Calls to a social network.
pub const TWITTER: Bucket = Bucket {
    name: "twitter_api",
    capacity: 50,
    refill_per_s: 0.5,
};
/// What the large model may read and write: 60,000 tokens a minute.
pub const TOKENS: Bucket = Bucket {
    name: "opus_tokens",
    capacity: 60_000,
    refill_per_s: 1_000.0,
};
/// The large model: its name, and that of the resource that counts calls at once.
pub const OPUS: &str = "opus";
/// Calls of the large model at once.
pub const OPUS_SLOTS: u32 = 2;
/// The model for everything simple; it has no limit of its own.
pub const SMALL: &str = "small";

/// What a call costs, in millionths of a dollar.
pub fn price(model: &str, read: u64, written: u64) -> u64 {
    match model {
        OPUS => read * 2 + written * 10,
        _ => (read + written * 5) / 8,
    }
}

/// What a manager sets before the work begins: path and body of each request.
pub fn settings(slug: &str) -> Vec<(String, Value)> {
    let bucket = |bucket: Bucket| {
        let body = json!({ "kind": "bucket", "capacity": bucket.capacity, "refill_per_s": bucket.refill_per_s });
        (format!("/resources/{}", bucket.name), body)
    };
    vec![
        bucket(SEARCH),
        bucket(TWITTER),
        bucket(TOKENS),
        (
            format!("/resources/{OPUS}"),
            json!({ "kind": "slots", "slots": OPUS_SLOTS }),
        ),
        (
            "/budgets/day".to_owned(),
            json!({ "scope": { "workspace": slug }, "unit": "microusd", "limit": 100_000_000_u64, "window": "day" }),
        ),
        (
            "/budgets/opus-5h".to_owned(),
            json!({ "scope": { "model": OPUS }, "unit": "tokens", "limit": 25_000_000_u64, "window": "5h" }),
        ),
    ]
}

/// The team: names, and what each can do.
const ROSTER: [(&str, &[&str]); 14] = [
    ("scout", &["research"]),
    ("quill", &["writing"]),
    ("lint", &["code"]),
    ("echo", &["social"]),
    ("clerk", &["triage"]),
    ("hawk", &["research"]),
    ("critic", &["code", "writing"]),
    ("ferret", &["research", "triage"]),
    ("scribe", &["writing"]),
    ("parrot", &["social", "triage"]),
    ("porter", &["triage"]),
    ("beagle", &["research"]),
    ("probe", &["code"]),
    ("plume", &["writing", "triage"]),
];

/// The `n`th agent: its name, and what it can do. Larger teams have namesakes.
pub fn agent(n: u32) -> (String, &'static [&'static str]) {
    let (name, can) = ROSTER[n as usize % ROSTER.len()];
    match n as usize / ROSTER.len() {
        0 => (name.to_owned(), can),
        team => (format!("{name}-{}", team + 1), can),
    }
}
