//! The conductor's actor: takes commands in, steps, gathers what was decided, writes it, answers.
//!
//! One task per held pool. Stepping goes on while one flush is under way; what is decided meanwhile
//! goes into the next. Anything that goes wrong ends the actor: memory is a cache of Postgres, and
//! the keeper takes the pool again, under a new epoch, and loads it again. Callers who were not
//! answered hear that the conductor went away.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use scheduler::{
    Answer, Command, Conductor, Output, Refusal, Request, Stored, Ticket, Time, WorkspaceId,
};
use store::{FlushError, StoreError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::batch::{Batch, Desk, Waiter};
use crate::clock::Clock;
use crate::inbox::{Message, Submitted};

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
    flight: JoinSet<Result<Vec<Command>, FlushError>>,
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
            flight: JoinSet::new(),
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
            if self.draining && self.flight.is_empty() {
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
                Some(landed) = self.flight.join_next() => match landed {
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

    /// Starts the next flush when none is under way; answers at once what rests on nothing new.
    fn take_off(&mut self) {
        while self.flight.is_empty() && !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            if batch.needs_flush() {
                self.flight.spawn(batch.land(self.held.desk.clone()));
            } else {
                let unclaimed = batch.tell(&self.held.desk.measures);
                self.take_back(unclaimed);
            }
        }
    }

    fn take_in(&mut self, taken: &mut Vec<Message>) {
        let mut commands = Vec::with_capacity(taken.len());
        let mut views = Vec::new();
        let mut withdrawn = Vec::new();
        let mut since = Instant::now();
        for message in taken.drain(..) {
            match message {
                Message::Submit(Submitted {
                    command: Command { workspace, .. },
                    ..
                })
                | Message::View { workspace, .. }
                    if !self.conductor.holds_workspace(workspace) =>
                {
                    self.park(workspace, message);
                }
                Message::Submit(Submitted { waiter, .. }) if waiter.is_gone() => {}
                Message::Submit(Submitted {
                    ticket,
                    command,
                    waiter,
                    arrived,
                }) => {
                    since = since.min(arrived);
                    self.waiters.insert(ticket, waiter);
                    commands.push((ticket, command));
                }
                Message::Tell(command) => {
                    if let Request::Withdraw { claim } = command.request {
                        withdrawn.push(claim);
                    }
                    commands.push((self.own_ticket(), command));
                }
                Message::View {
                    workspace,
                    query,
                    reply,
                } => views.push((workspace, query, reply)),
                Message::Count(reply) => {
                    // Whoever counts may have given up.
                    let _ = reply.send(self.conductor.counts());
                }
                Message::Restore(facts) => self.restore(facts),
                Message::Nudge => self.wake_at = Some(self.held.clock.now()),
                Message::Drain => self.draining = true,
            }
        }
        if !commands.is_empty() {
            self.step(commands, since);
        }
        // Only now: one that was granted in this very step is answered, and given back.
        for claim in withdrawn {
            self.waiters.remove(&claim);
        }
        for (workspace, query, reply) in views {
            let view = self
                .conductor
                .view(workspace, &query, self.held.clock.now());
            self.batch.show(reply, view);
        }
        if self.draining {
            self.drain();
        }
    }

    /// Keeps a message until its workspace is loaded; the first one starts that.
    fn park(&mut self, workspace: WorkspaceId, message: Message) {
        let waiting = self.parked.entry(workspace).or_default();
        if waiting.is_empty() {
            let (store, pool) = (self.held.desk.store.clone(), self.held.desk.fence.pool);
            self.loads.spawn(async move {
                let mut facts = Vec::new();
                let read = store
                    .load_workspace(pool, workspace, |fact| facts.push(fact))
                    .await;
                (workspace, read.map(|_| facts))
            });
        }
        waiting.push(message);
    }

    fn unpark(&mut self, workspace: WorkspaceId, facts: Vec<Stored>) {
        self.restore(facts);
        let mut parked = self.parked.remove(&workspace).unwrap_or_default();
        if self.conductor.holds_workspace(workspace) {
            self.take_in(&mut parked);
            return;
        }
        // There is no such workspace in this pool. Views of it are not answered at all.
        for message in parked {
            if let Message::Submit(Submitted {
                waiter, arrived, ..
            }) = message
            {
                self.answer(waiter, Err(Refusal::NotFound), arrived);
            }
        }
    }

    /// Takes in what was stored by others; what is held already stays as it is.
    fn restore(&mut self, facts: Vec<Stored>) {
        let bears_on_work =
            |fact: &Stored| !matches!(fact, Stored::Workspace { .. } | Stored::Agent(_));
        let needs_start = facts.iter().any(bears_on_work);
        for fact in facts {
            self.conductor.restore(fact);
        }
        if needs_start {
            let output = self.conductor.start(self.held.clock.now());
            self.absorb(output, Instant::now());
        }
    }

    fn take_back(&mut self, unclaimed: Vec<Command>) {
        if unclaimed.is_empty() {
            return;
        }
        let commands = unclaimed
            .into_iter()
            .map(|command| (self.own_ticket(), command))
            .collect();
        self.step(commands, Instant::now());
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
