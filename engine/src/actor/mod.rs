//! The conductor's actor: takes commands in, steps, gathers what was decided, writes it, answers.
//!
//! One task per held pool. Stepping goes on while one flush is under way; what is decided meanwhile
//! goes into the next, which is made ready when it is full and written in its turn. Anything that goes
//! wrong ends the actor: memory is a cache of Postgres, and the keeper takes the pool again, under a
//! new epoch, and loads it again. Callers who were not answered hear that the conductor went away.

mod intake;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use scheduler::{Answer, Command, Conductor, Output, Stored, Ticket, Time, WorkspaceId};
use store::{FlushError, StoreError, Turn};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::batch::{Batch, Desk, Waiter};
use crate::clock::Clock;
use crate::inbox::Message;

/// A wake-up that is due is not asked for again before this, whatever the conductor says.
const LEAST_SLEEP: Duration = Duration::from_millis(1);

/// How an actor ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// It was asked to: everything is written, nobody waits.
    #[error("it was drained")]
    Drained,
    /// The time for which the pool was held ran out without a renewal.
    #[error("the pool could not be renewed in time")]
    Lapsed,
    /// Another server took the pool.
    #[error("another server took the pool")]
    Fenced,
    /// The database refused or went away: to be loaded again.
    #[error("{0}")]
    Failed(String),
}

/// What an actor works with.
#[derive(Debug)]
pub(crate) struct Held {
    pub desk: Desk,
    pub clock: Arc<Clock>,
    pub batch_limit: usize,
    /// Until when the pool is surely held, by the local clock; moved on by the keeper.
    pub sure_until: watch::Receiver<tokio::time::Instant>,
    /// Set once the pool is loaded.
    pub loaded: Arc<AtomicBool>,
}

struct Actor {
    held: Held,
    conductor: Conductor,
    waiters: HashMap<Ticket, Waiter>,
    batch: Batch,
    flights: JoinSet<Result<Vec<Command>, FlushError>>,
    /// Says when the last of the flights has committed.
    last: Option<oneshot::Receiver<()>>,
    loads: JoinSet<(WorkspaceId, Result<Vec<Stored>, StoreError>)>,
    /// What waits for a workspace that is being loaded.
    parked: HashMap<WorkspaceId, Vec<Message>>,
    wake_at: Option<Time>,
    draining: bool,
    /// For commands that come from here; counts down, where callers' tickets count up.
    next_ticket: u64,
}

/// Loads the pool and decides for it until something ends that.
pub(crate) async fn run(held: Held, mut inbox: mpsc::Receiver<Message>) -> Ended {
    let mut sure_until = held.sure_until.clone();
    let loaded = tokio::select! {
        () = lapse(&mut sure_until) => return Ended::Lapsed,
        loaded = Actor::load(held) => loaded,
    };
    match loaded {
        Ok(mut actor) => actor.serve(&mut inbox).await,
        Err(error) => Ended::Failed(error.to_string()),
    }
}

impl Actor {
    async fn load(held: Held) -> Result<Self, StoreError> {
        let began = Instant::now();
        let pool = held.desk.fence.pool;
        let mut conductor = Conductor::new(pool, uuid::Uuid::new_v4().as_u64_pair().0);
        held.desk
            .store
            .load(pool, |fact| conductor.restore(fact))
            .await?;
        let output = conductor.start(held.clock.now());
        let mut actor = Self {
            held,
            conductor,
            waiters: HashMap::new(),
            batch: Batch::default(),
            flights: JoinSet::new(),
            last: None,
            loads: JoinSet::new(),
            parked: HashMap::new(),
            wake_at: None,
            draining: false,
            next_ticket: u64::MAX,
        };
        actor.absorb(output, began);
        actor.held.loaded.store(true, Ordering::Release);
        // What the last holder committed and did not tell is told now.
        actor.held.desk.events.reset();
        tracing::info!(%pool, epoch = actor.held.desk.fence.epoch, took = ?began.elapsed(), "pool loaded");
        Ok(actor)
    }

    async fn serve(&mut self, inbox: &mut mpsc::Receiver<Message>) -> Ended {
        let mut sure_until = self.held.sure_until.clone();
        let lapsed = lapse(&mut sure_until);
        tokio::pin!(lapsed);
        let mut taken = Vec::new();
        loop {
            self.take_off();
            if self.draining && self.flights.is_empty() {
                return Ended::Drained;
            }
            let room = self.held.batch_limit.saturating_sub(self.batch.commands);
            let sleep = self
                .wake_at
                .filter(|_| room > 0)
                .map(|at| self.held.clock.until(at).max(LEAST_SLEEP));
            tokio::select! {
                biased;
                () = &mut lapsed => return Ended::Lapsed,
                Some(landed) = self.flights.join_next() => match landed {
                    Ok(Ok(unclaimed)) => self.take_back(unclaimed),
                    Ok(Err(FlushError::Fenced)) => return Ended::Fenced,
                    Ok(Err(error)) => return Ended::Failed(error.to_string()),
                    Err(panic) => return Ended::Failed(panic.to_string()),
                },
                Some(loaded) = self.loads.join_next() => match loaded {
                    Ok((workspace, Ok(facts))) => self.unpark(workspace, facts),
                    Ok((workspace, Err(error))) => {
                        // One workspace that cannot be read is no reason to stop the others: who
                        // waits for it is not answered, and the next who asks tries again.
                        tracing::error!(%workspace, %error, "a workspace could not be loaded");
                        self.parked.remove(&workspace);
                    }
                    Err(panic) => return Ended::Failed(panic.to_string()),
                },
                count = inbox.recv_many(&mut taken, room), if room > 0 && !self.draining => {
                    if count == 0 {
                        self.drain();
                    }
                    self.take_in(&mut taken);
                }
                () = sleep_for(sleep), if sleep.is_some() => self.step(Vec::new(), Instant::now()),
            }
        }
    }

    /// Starts the next flush: when none is under way, or, for a full batch, when one is, so that it
    /// is made ready while the other is written. Answers at once what rests on nothing new.
    fn take_off(&mut self) {
        while !self.batch.is_empty() {
            let is_full = self.batch.commands >= self.held.batch_limit;
            let needs_flush = self.batch.needs_flush();
            if self.flights.len() > usize::from(is_full && needs_flush) {
                return;
            }
            let batch = std::mem::take(&mut self.batch);
            if needs_flush {
                let (turn, next) = Turn::after(self.last.take());
                self.last = Some(next);
                self.flights.spawn(batch.land(self.held.desk.clone(), turn));
            } else {
                let unclaimed = batch.tell(&self.held.desk.measures);
                self.take_back(unclaimed);
            }
        }
    }

    fn step(&mut self, commands: Vec<(Ticket, Command)>, since: Instant) {
        self.batch.commands += commands.len();
        let began = Instant::now();
        let output = self.conductor.step(self.held.clock.now(), commands);
        self.held
            .desk
            .measures
            .thought(began.elapsed(), output.records.leased.len());
        self.absorb(output, since);
    }

    fn drain(&mut self) {
        self.draining = true;
        let output = self.conductor.drain(self.held.clock.now());
        self.absorb(output, Instant::now());
    }

    fn absorb(&mut self, output: Output, since: Instant) {
        self.batch.records.append(output.records);
        self.wake_at = output.wake_at;
        for (ticket, answer) in output.replies {
            // Commands of the actor's own have no waiter.
            if let Some(waiter) = self.waiters.remove(&ticket) {
                self.answer(waiter, answer, since);
            }
        }
    }

    fn answer(&mut self, waiter: Waiter, answer: Answer, since: Instant) {
        self.batch
            .answer(waiter, answer, since, self.held.clock.now());
    }

    fn own_ticket(&mut self) -> Ticket {
        self.next_ticket -= 1;
        Ticket(self.next_ticket)
    }
}

/// Returns when the pool can no longer be believed to be held.
async fn lapse(sure_until: &mut watch::Receiver<tokio::time::Instant>) {
    loop {
        let until = *sure_until.borrow_and_update();
        tokio::select! {
            () = tokio::time::sleep_until(until) => return,
            changed = sure_until.changed() => if changed.is_err() { return },
        }
    }
}

async fn sleep_for(span: Option<Duration>) {
    if let Some(span) = span {
        tokio::time::sleep(span).await;
    }
}
