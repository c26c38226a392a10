//! What has been decided and not yet committed, and what is told once it is.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hashbrown::HashMap;
use scheduler::{
    Actor, Answer, Claimed, Command, DecisionKind, GiveBack, Records, Refusal, Reply, Request,
    TaskId, Time, View, WorkspaceId,
};
use store::{Fence, FlushError, IdempotencyRow, Store, TaskText, Turn};
use tokio::sync::oneshot;

use crate::events::Collector;
use crate::idempotency::Hold;
use crate::measure::{Measures, names};

/// What a caller hears.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub answer: Answer,
    /// Of the tasks of a claim's leases, in their order.
    pub texts: Vec<TaskText>,
    /// Given back, for the caller who asks again with facts.
    pub hold: Option<Hold>,
}

/// Whom to answer.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub reply: oneshot::Sender<Outcome>,
    pub hold: Option<Hold>,
    /// Who waits for a grant, to give it back in their name if they are gone.
    pub caller: Option<(WorkspaceId, Actor)>,
}

impl Waiter {
    /// Whether this is about a grant and nobody is there to take it. (Other commands are carried out
    /// whether or not somebody waits to hear of it.)
    pub(crate) fn is_gone(&self) -> bool {
        self.caller.is_some() && self.reply.is_closed()
    }
}

/// Everything that waits for one commit.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub records: Records,
    pub commands: usize,
    idempotency: Vec<IdempotencyRow>,
    answers: Vec<Due>,
    views: Vec<(oneshot::Sender<View>, View)>,
}

#[derive(Debug)]
struct Due {
    waiter: Waiter,
    answer: Answer,
    /// When what made the answer possible arrived.
    since: Instant,
}

/// What a flush needs besides its batch.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub store: Store,
    pub fence: Fence,
    pub events: Arc<Collector>,
    pub measures: Arc<Measures>,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.answers.is_empty() && self.views.is_empty()
    }

    /// An answer to give after the commit.
    pub(crate) fn answer(&mut self, waiter: Waiter, answer: Answer, since: Instant, now: Time) {
        if let Some(hold) = waiter.hold.as_ref().filter(|_| is_final(&answer)) {
            match serde_json::to_value(&answer) {
                Ok(answer) => self.idempotency.push(hold.row(answer, now)),
                Err(error) => tracing::error!(%error, "an answer cannot be remembered"),
            }
        }
        self.answers.push(Due {
            waiter,
            answer,
            since,
        });
    }

    /// A view to show after the commit: it may rest on what is not yet committed.
    pub(crate) fn show(&mut self, reply: oneshot::Sender<View>, view: View) {
        self.views.push((reply, view));
    }

    /// Whether anything has to be written before the answers are given.
    pub(crate) fn needs_flush(&self) -> bool {
        !self.records.is_empty() || !self.idempotency.is_empty()
    }

    /// Commits when its turn comes, then tells the world, then answers. Returns what has to be given
    /// back because nobody took it.
    pub(crate) async fn land(self, desk: Desk, turn: Turn) -> Result<Vec<Command>, FlushError> {
        let written = store::Batch {
            records: self.records,
            idempotency: self.idempotency,
        };
        let flushed = desk
            .store
            .flush_in_turn(&desk.fence, &written, turn)
            .await?;
        metrics::histogram!(names::FLUSH_SECONDS).record(flushed.took);
        metrics::histogram!(names::FLUSH_COMMANDS).record(self.commands as f64);
        metrics::histogram!(names::FLUSH_ROWS).record(written.records.len() as f64);
        count_decisions(&written.records);
        let leases = written.records.leased.len() as u64;
        metrics::counter!(names::DISPATCHES).increment(leases);
        desk.measures
            .dispatches
            .fetch_add(leases, Ordering::Relaxed);
        desk.events.add(&written.records);
        Ok(tell(
            self.answers,
            self.views,
            flushed.texts,
            &desk.measures,
        ))
    }

    /// Answers what rests on nothing that is not committed.
    pub(crate) fn tell(self, measures: &Measures) -> Vec<Command> {
        tell(self.answers, self.views, HashMap::new(), measures)
    }
}

/// Whether the answer stays the same when the request is sent again.
fn is_final(answer: &Answer) -> bool {
    !matches!(
        answer,
        Err(Refusal::NeedFacts { .. } | Refusal::NeedWorkspace | Refusal::Draining)
    )
}

fn tell(
    answers: Vec<Due>,
    views: Vec<(oneshot::Sender<View>, View)>,
    mut texts: HashMap<TaskId, TaskText>,
    measures: &Measures,
) -> Vec<Command> {
    let mut unclaimed = Vec::new();
    for Due {
        waiter: Waiter {
            reply,
            hold,
            caller,
        },
        answer,
        since,
    } in answers
    {
        let mut of_leases = Vec::new();
        if let Ok(Reply::Claimed(Claimed { leases, .. })) = &answer {
            of_leases.extend(leases.iter().filter_map(|lease| texts.remove(&lease.task)));
            let waited = since.elapsed();
            measures.dispatch.record(waited, leases.len() as u64);
            metrics::histogram!(names::DISPATCH_SECONDS).record_many(waited, leases.len());
        }
        if let (Err(unheard), Some(caller)) = (
            reply.send(Outcome {
                answer,
                texts: of_leases,
                hold,
            }),
            caller,
        ) {
            unclaimed.extend(unheard.give_back(&caller));
        }
    }
    for (reply, view) in views {
        // A reader that went away misses nothing.
        let _ = reply.send(view);
    }
    unclaimed
}

/// Adds up by kind first: a counter is looked up by its labels, and flushes are large.
fn count_decisions(records: &Records) {
    let mut counts = [0; DecisionKind::ALL.len()];
    for decision in &records.decisions {
        counts[decision.kind() as usize] += 1;
    }
    for (kind, count) in DecisionKind::ALL
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| *count > 0)
    {
        metrics::counter!(names::DECISIONS, "kind" => kind.as_str()).increment(count);
    }
}

impl Outcome {
    /// What returns the grants of an answer that nobody heard. With an idempotency key nothing is
    /// returned: the answer is remembered, and whoever asks again under the key gets these grants.
    pub(crate) fn give_back(&self, caller: &(WorkspaceId, Actor)) -> Vec<Command> {
        if self.hold.is_some() {
            return Vec::new();
        }
        let command = |request| Command {
            workspace: caller.0,
            actor: caller.1.clone(),
            request,
        };
        match &self.answer {
            Ok(Reply::Claimed(Claimed { leases, .. })) => leases
                .iter()
                .map(|granted| {
                    command(Request::GiveBack(GiveBack {
                        lease: granted.lease,
                        epoch: granted.epoch,
                        reason: Some("the caller was gone before it was answered".to_owned()),
                    }))
                })
                .collect(),
            Ok(Reply::Permit { permit, .. }) => {
                vec![command(Request::ReturnPermit { permit: *permit })]
            }
            _ => Vec::new(),
        }
    }
}
