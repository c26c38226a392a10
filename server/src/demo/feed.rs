//! Hands in the work of the trace as it arrives, slower and without its long silences, and no more
//! than the team can chew: a sort of work
//! of which enough waits is left out until some of it is done, so that nothing grows without end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use scheduler::Time;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::client::{Client, Fault};
use super::work::{Job, KINDS, Kind, for_people, scattered};
use crate::trace::Request;

/// How often it is asked what waits.
const LOOK: Duration = Duration::from_secs(2);
/// One in so many pieces of research is followed by a text that needs it.
const FOLLOWED: u64 = 4;
/// Silences of the trace are shortened to this: it has some of minutes, in which there would be
/// nothing to see.
const LONGEST_SILENCE: Duration = Duration::from_secs(2);
/// How much slower the rest of it is played: it was made by more than fourteen agents.
const SLOWER: f64 = 2.0;

/// Hands in work until it is dropped.
pub struct Feed {
    /// As whom.
    pub client: Client,
    /// The requests.
    pub trace: Arc<[Request]>,
    /// How many times faster than they came.
    pub pace: f64,
}

/// What waits, by sort of work.
#[derive(Default)]
struct Waiting {
    by_kind: HashMap<&'static str, usize>,
    known_at: Option<Instant>,
}

impl Feed {
    /// Goes through the trace over and over.
    pub async fn run(self) -> Fault {
        let mut waiting = Waiting::default();
        if let Err(fault) = self.hand_in(for_people()).await {
            return fault;
        }
        let mut n = 0;
        loop {
            if let Err(fault) = self.once(&mut n, &mut waiting).await {
                return fault;
            }
            sleep(LONGEST_SILENCE.div_f64(self.pace)).await;
        }
    }

    async fn once(&self, n: &mut u64, waiting: &mut Waiting) -> Result<(), Fault> {
        let mut at = Instant::now();
        let mut before = self.trace.first().map(|first| first.at);
        for request in self.trace.iter() {
            let gap = before.map_or(Duration::ZERO, |before| gap(before, request.at));
            before = Some(request.at);
            at += gap.mul_f64(SLOWER / self.pace);
            sleep_until(at).await;
            self.look(waiting).await?;
            // What finds no room is left out, as is what comes while the machine is behind.
            if let Some(kind) = waiting.room_for(*n) {
                let job = Job {
                    n: *n,
                    request: *request,
                    kind,
                };
                let batch = batch(job, waiting);
                self.hand_in(batch).await?;
            }
            *n += 1;
        }
        Ok(())
    }

    async fn hand_in(&self, tasks: Value) -> Result<(), Fault> {
        loop {
            match self.client.post("/tasks", tasks.clone()).await {
                Err(fault) if fault.passes() => sleep(LOOK).await,
                // Somebody has tightened a fuse meanwhile: what it refuses is left out.
                Ok(_) | Err(Fault::Refused(StatusCode::UNPROCESSABLE_ENTITY, _)) => return Ok(()),
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Asks what waits, now and then.
    async fn look(&self, waiting: &mut Waiting) -> Result<(), Fault> {
        let fresh = |at: Instant| at.elapsed() < LOOK.div_f64(self.pace);
        if waiting.known_at.is_some_and(fresh) {
            return Ok(());
        }
        let path = "/tasks?state=pending&limit=200";
        match self.client.ask(Method::GET, path, &Value::Null).await {
            Ok(list) => *waiting = Waiting::of(&list),
            Err(fault) if fault.passes() => sleep(LOOK).await,
            Err(fault) => return Err(fault),
        }
        Ok(())
    }
}

/// The job alone, or with a text that can be written only after it.
fn batch(job: Job, waiting: &mut Waiting) -> Value {
    waiting.add(job.kind);
    let first = job.task();
    let [_, _, text, ..] = KINDS;
    let followed = job.kind.name == "research"
        && scattered(job.n, 5).is_multiple_of(FOLLOWED)
        && waiting.has_room(text);
    if !followed {
        return json!([first]);
    }
    waiting.add(text);
    let mut second = Job { kind: text, ..job }.task();
    second["depends_on"] = json!(["first"]);
    second["title"] = json!(format!(
        "Write up: {}",
        first["title"].as_str().unwrap_or_default()
    ));
    let mut first = first;
    first["ref"] = json!("first");
    json!([first, second])
}

/// Between one request and the next.
fn gap(before: Time, at: Time) -> Duration {
    let us = u64::try_from(at.since(before).0).unwrap_or(0);
    Duration::from_micros(us).min(LONGEST_SILENCE)
}

impl Waiting {
    fn of(list: &Value) -> Self {
        let mut by_kind = HashMap::new();
        for task in list["items"].as_array().into_iter().flatten() {
            let known = KINDS.iter().find(|kind| task["kind"] == kind.name);
            *by_kind
                .entry(known.map_or("other", |kind| kind.name))
                .or_default() += 1;
        }
        Self {
            by_kind,
            known_at: Some(Instant::now()),
        }
    }

    fn has_room(&self, kind: Kind) -> bool {
        self.by_kind.get(kind.name).copied().unwrap_or_default() < kind.most_waiting
    }

    fn add(&mut self, kind: Kind) {
        *self.by_kind.entry(kind.name).or_default() += 1;
    }

    /// The sort of work that the `n`th request is, or the next that has room.
    fn room_for(&self, n: u64) -> Option<Kind> {
        let mut at = scattered(n, 6) % 20;
        let drawn = KINDS
            .iter()
            .position(|kind| match at.checked_sub(kind.share) {
                Some(rest) => {
                    at = rest;
                    false
                }
                None => true,
            })?;
        let from_there = KINDS.iter().cycle().skip(drawn).take(KINDS.len());
        from_there.copied().find(|kind| self.has_room(*kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_never_outgrows_its_bound() {
        let mut waiting = Waiting::default();
        let mut handed_in = 0;
        for n in 0..10_000 {
            if let Some(kind) = waiting.room_for(n) {
                waiting.add(kind);
                handed_in += 1;
            }
        }
        let bound: usize = KINDS.iter().map(|kind| kind.most_waiting).sum();
        assert_eq!(handed_in, bound);
    }

    #[test]
    fn each_kind_gets_about_its_share() {
        let waiting = Waiting::default();
        let drawn = |kind: Kind| {
            (0..20_000)
                .filter(|n| waiting.room_for(*n) == Some(kind))
                .count() as u64
        };
        for kind in KINDS {
            let share = kind.share * 1_000;
            assert!(
                drawn(kind).abs_diff(share) < share / 5,
                "{}: {}",
                kind.name,
                drawn(kind)
            );
        }
    }
}
