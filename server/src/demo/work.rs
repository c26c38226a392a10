//! What tasks the trace's requests become. The tokens and the arrivals are real; the titles are
//! composed, and every description says so.

use serde_json::{Value, json};

use super::story::{OPUS, SEARCH, SMALL, TOKENS, TWITTER};
use crate::trace::Request;

/// A sort of work the team does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The word for it, which is also what an agent must be able to do.
    pub name: &'static str,
    /// The model it calls.
    pub model: &'static str,
    /// Its share of the work, in twentieths.
    pub share: u64,
    /// Tasks of it that may wait; more are not handed in.
    pub most_waiting: usize,
    titles: &'static [&'static str],
}

/// Every sort of work.
pub const KINDS: [Kind; 5] = [
    Kind {
        name: "research",
        model: SMALL,
        share: 6,
        most_waiting: 22,
        titles: &[
            "Research how {a} prices {b}",
            "Find three independent reviews of {a}'s {b}",
            "Compare {a} and our plan on {b}",
            "List what customers of {a} say about {b}",
            "Check the claims on {a}'s {b} page",
        ],
    },
    Kind {
        name: "social",
        model: SMALL,
        share: 3,
        most_waiting: 14,
        titles: &[
            "Follow what people say about {b} today",
            "Collect questions about {b} from the last hour",
            "Find who recommends {a} for {b}",
        ],
    },
    Kind {
        name: "writing",
        model: OPUS,
        share: 3,
        most_waiting: 12,
        titles: &[
            "Draft the launch post on {b}",
            "Rewrite the {b} guide for newcomers",
            "Summarise the interviews on {b}",
            "Answer {a}'s comparison page on {b}",
        ],
    },
    Kind {
        name: "code",
        model: OPUS,
        share: 3,
        most_waiting: 12,
        titles: &[
            "Review the change to {b}",
            "Write the missing tests for {b}",
            "Port the {b} example to the new client",
            "Find what slows down {b} in the nightly run",
        ],
    },
    Kind {
        name: "triage",
        model: SMALL,
        share: 5,
        most_waiting: 30,
        titles: &[
            "Sort the new tickets about {b}",
            "Label the feedback on {b}",
            "Close the duplicates among the {b} reports",
            "File the notes of the {b} call",
        ],
    },
];

const FIRMS: [&str; 9] = [
    "Northwind",
    "Acme",
    "Globex",
    "Initech",
    "Umbrella",
    "Hooli",
    "Contoso",
    "Vandelay",
    "Stark",
];
const TOPICS: [&str; 16] = [
    "usage-based billing",
    "single sign-on",
    "audit logs",
    "retries",
    "team budgets",
    "webhooks",
    "client libraries",
    "rate limits",
    "data exports",
    "role-based access",
    "mobile views",
    "onboarding",
    "batch imports",
    "full-text search",
    "notifications",
    "invoices",
];

/// A request of the trace on its way to becoming a task.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Its place among all that came, counted over repetitions of the trace.
    pub n: u64,
    /// The request.
    pub request: Request,
    /// What sort of work it is.
    pub kind: Kind,
}

impl Job {
    /// The task as it is handed in.
    pub fn task(&self) -> Value {
        let Self { n, request, kind } = *self;
        let most = most_written(request.written);
        json!({
            "title": self.title(),
            "description": format!(
                "A simulated task of the demo. Its tokens are those of request {} of a real trace, {} read and {} written; \
                 its arrival too, at half the speed and without long silences.", n + 1, request.read, request.written),
            "kind": kind.name,
            "capabilities": [kind.name],
            "requires": self.requires(),
            "priority": priority(n),
            "estimate": {
                "model": kind.model,
                "input_tokens": request.read,
                "output_tokens": most,
                "cost_microusd": super::story::price(kind.model, request.read.into(), most.into()),
            },
            "payload": {
                "searches": self.searches(),
                "model": kind.model,
                "prompt_tokens": request.read,
                "max_tokens": most,
                "answer_tokens": request.written,
            },
        })
    }

    fn title(&self) -> String {
        let pick = |from: &'static [&'static str], salt| {
            from[scattered(self.n, salt) as usize % from.len()]
        };
        let title = pick(self.kind.titles, 1);
        title
            .replace("{a}", pick(&FIRMS, 2))
            .replace("{b}", pick(&TOPICS, 3))
    }

    fn searches(&self) -> u64 {
        match self.kind.name {
            "research" => 3 + self.n % 3,
            "social" => 4,
            _ => 0,
        }
    }

    fn requires(&self) -> Value {
        let tokens = self.request.read + most_written(self.request.written);
        match self.kind.name {
            "research" => json!([{ "resource": SEARCH.name, "amount": self.searches() }]),
            "social" => json!([{ "resource": TWITTER.name, "amount": self.searches() }]),
            _ if self.kind.model == OPUS => json!([
                { "resource": OPUS, "amount": 1 },
                { "resource": TOKENS.name, "amount": tokens.min(TOKENS.capacity) },
            ]),
            _ => json!([]),
        }
    }
}

/// What the answer may have at most: agents ask for round numbers.
fn most_written(written: u32) -> u32 {
    written.next_power_of_two().max(64)
}

fn priority(n: u64) -> &'static str {
    match scattered(n, 4) % 20 {
        0 => "urgent",
        1..=3 => "high",
        4..=15 => "medium",
        _ => "low",
    }
}

/// A number that looks like chance and is the same in every run (`splitmix64`'s mixing).
pub fn scattered(n: u64, salt: u64) -> u64 {
    let mut z = n.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 8
}

/// Work that cannot start before a person does something, as every team has some.
pub fn for_people() -> Value {
    json!([
        {
            "title": "Crawl all 150 pages of the competitors in one go",
            "description": "A simulated task of the demo. It asks for more searches at once than the bucket can ever hold.",
            "kind": "research",
            "capabilities": ["research"],
            "requires": [{ "resource": SEARCH.name, "amount": SEARCH.capacity + 50 }],
        },
        {
            "title": "Compare our ranking with Bing's",
            "description": "A simulated task of the demo. Nobody has said how bing_search_api is limited.",
            "kind": "research",
            "capabilities": ["research"],
            "requires": [{ "resource": "bing_search_api", "amount": 1 }],
        },
        {
            "title": "Read the partner contract for liability clauses",
            "description": "A simulated task of the demo. No agent of the team can do legal work.",
            "kind": "legal",
            "capabilities": ["legal"],
        },
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_of_the_shipped_trace_fits_the_limits_and_reads_as_a_task() {
        let trace = crate::trace::read(super::super::TRACE).unwrap();
        assert_eq!(trace.len(), 1_500);
        for (n, request) in (0..).zip(trace) {
            for kind in KINDS {
                let task = Job { n, request, kind }.task();
                let title = task["title"].as_str().unwrap();
                assert!(!title.contains(['{', '}']) && title.len() <= 200, "{title}");
                for need in task["requires"].as_array().unwrap() {
                    let most = if need["resource"] == TOKENS.name {
                        TOKENS.capacity
                    } else {
                        10
                    };
                    assert!(need["amount"].as_u64().unwrap() <= most.into(), "{need}");
                }
            }
        }
    }

    #[test]
    fn the_shares_of_the_kinds_are_whole() {
        assert_eq!(KINDS.iter().map(|kind| kind.share).sum::<u64>(), 20);
    }
}
