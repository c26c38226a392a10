//! The caller's side of a conductor that lives in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use scheduler::{
    Actor, Answer, BudgetScope, Claimed, Command, Gauges, PoolCounts, Query, Refusal, Reply,
    Request, Stored, Supposed, TaskId, Ticket, Unit, View, WhatIf, WorkspaceId,
};
use store::{Store, TaskText};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::awaited::{GrantAwaited, Pending};
use crate::batch::{Outcome, Waiter};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::facts::{add_facts, may_need_facts};
use crate::idempotency::{Hold, IdempotencyKey, Keys};
use crate::nul;
use crate::wire::Heard;

/// How often a command may be asked again with facts.
const FACT_ROUNDS: usize = 3;
/// Copies of a pool played with at once.
const PLAYS: usize = 1;
/// How long a question may wait for the one before it.
const PLAY_PATIENCE: Duration = Duration::from_secs(2);

/// What a conductor's actor is sent.
#[derive(Debug)]
pub(crate) enum Message {
    Submit(Submitted),
    /// Nobody waits for an answer: withdrawals, what is given back.
    Tell(Command),
    View {
        workspace: WorkspaceId,
        query: Query,
        reply: oneshot::Sender<View>,
    },
    /// What is needed to answer "what if", away from the conductor.
    Suppose {
        workspace: WorkspaceId,
        actor: Actor,
        changes: Vec<Request>,
        reply: oneshot::Sender<Supposed>,
    },
    /// How its limits stand.
    Gauge(oneshot::Sender<Gauges>),
    /// How much it holds.
    Count(oneshot::Sender<PoolCounts>),
    /// What somebody stored behind the conductor's back.
    Restore(Vec<Stored>),
    /// Look at the clock, nothing more.
    Nudge,
    /// Give no new leases, answer those who wait, write everything, end.
    Drain,
}

/// A command and who waits for its answer.
#[derive(Debug)]
pub(crate) struct Submitted {
    pub ticket: Ticket,
    pub command: Command,
    pub waiter: Waiter,
    pub arrived: Instant,
}

/// Sends to one conductor. Dies with it: a conductor that is loaded again has another.
#[derive(Debug)]
pub(crate) struct Inbox {
    pub(crate) messages: mpsc::Sender<Message>,
    tickets: AtomicU64,
    pub(crate) waiting: AtomicUsize,
    pub(crate) most_waiting: usize,
    /// One turn for each copy that may be played with.
    plays: Semaphore,
    keys: Arc<Keys>,
    store: Store,
    clock: Arc<Clock>,
}

impl Inbox {
    pub(crate) fn new(
        messages: mpsc::Sender<Message>,
        most_waiting: usize,
        store: Store,
        clock: Arc<Clock>,
    ) -> Self {
        Self {
            messages,
            tickets: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            most_waiting,
            plays: Semaphore::new(PLAYS),
            keys: Arc::default(),
            store,
            clock,
        }
    }

    /// Messages that wait now.
    pub(crate) fn depth(&self) -> usize {
        self.messages.max_capacity() - self.messages.capacity()
    }

    /// Commands sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.tickets.load(Ordering::Relaxed)
    }

    /// Sends what needs no answer; false when there is no room or nobody there.
    pub(crate) fn tell(&self, message: Message) -> bool {
        self.messages.try_send(message).is_ok()
    }

    /// Waits for room to send; returns at once when nobody is there.
    pub(crate) async fn tell_surely(&self, message: Message) {
        // Nobody there: what was to be told died with the conductor.
        let _ = self.messages.send(message).await;
    }

    /// Asks, and waits for the answer, which is given after its commit.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<Heard, EngineError> {
        if nul::is_in(&command) {
            let refusal = Refusal::Invalid {
                pointer: String::new(),
                detail: "text may not hold the character U+0000".to_owned(),
            };
            return Ok(Heard {
                answer: Err(refusal),
                texts: Vec::new(),
                replayed: false,
            });
        }
        let is_plain =
            !may_need_facts(&command) && !matches!(command.request, Request::PutBudget(_));
        if key.is_none() && is_plain {
            return Ok(self.ask(command, None)?.outcome().await?.into());
        }
        // Larger futures, kept out of the way of the many that need none of this.
        Box::pin(self.submit_with_care(command, key)).await
    }

    async fn submit_with_care(
        self: &Arc<Self>,
        mut command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<Heard, EngineError> {
        let mut hold = None;
        if let Some(key) = key {
            let entered = self.keys.hold(command.workspace, key)?;
            if let Some(heard) = self.heard_before(&entered).await? {
                return Ok(heard);
            }
            hold = Some(entered);
        }
        if may_need_facts(&command) {
            return self.ask_with_facts(command, hold).await;
        }
        self.tell_used(command.workspace, &mut command.request)
            .await?;
        Ok(self.ask(command, hold)?.outcome().await?.into())
    }

    /// A budget that is set begins with what the ledger has for its window. (What is reported within
    /// the milliseconds from this look to the command is in the ledger alone.)
    async fn tell_used(
        &self,
        workspace: WorkspaceId,
        request: &mut Request,
    ) -> Result<(), EngineError> {
        if let Request::PutBudget(put) = request {
            let since = put.window.start(self.clock.now());
            let (tokens, cost_microusd) = if let BudgetScope::TaskTree(root) = put.scope {
                self.store.spent_on_tree(workspace, root, since).await?
            } else {
                let spent = self.store.spent_by(workspace, &put.scope, since).await?;
                let tokens = spent.iter().map(|spent| spent.tokens).sum();
                (tokens, spent.iter().map(|spent| spent.cost_microusd).sum())
            };
            put.used = match put.unit {
                Unit::Tokens => tokens,
                Unit::Microusd => cost_microusd,
            };
        }
        Ok(())
    }

    /// Asks what can be read of the conductor's memory.
    pub(crate) async fn view(
        &self,
        workspace: WorkspaceId,
        query: Query,
    ) -> Result<View, EngineError> {
        if let Query::WhatIf { actor, changes } = query {
            return Box::pin(self.what_if(workspace, actor, changes)).await;
        }
        let (reply, answered) = oneshot::channel();
        self.send(Message::View {
            workspace,
            query,
            reply,
        })?;
        answered.await.map_err(|_| EngineError::Away)
    }

    /// Asks, and asks again with what the store knows of tasks the conductor does not hold.
    async fn what_if(
        &self,
        workspace: WorkspaceId,
        actor: Actor,
        mut changes: Vec<Request>,
    ) -> Result<View, EngineError> {
        for change in &mut changes {
            self.tell_used(workspace, change).await?;
        }
        let turn = tokio::time::timeout(PLAY_PATIENCE, self.plays.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(EngineError::Busy);
        };
        for _ in 0..FACT_ROUNDS {
            let answer = self.play(workspace, actor.clone(), changes.clone()).await?;
            let WhatIf::Refused {
                change,
                refusal: Refusal::NeedFacts { tasks },
            } = &answer
            else {
                return Ok(View::WhatIf { answer });
            };
            let found = self.store.task_facts(workspace, tasks).await?;
            if !add_facts(&mut changes[*change], found) {
                return Ok(View::WhatIf { answer });
            }
        }
        let answer = self.play(workspace, actor, changes).await?;
        Ok(View::WhatIf { answer })
    }

    /// Plays on a copy, in a thread of its own: the conductor is held up for the copy alone.
    async fn play(
        &self,
        workspace: WorkspaceId,
        actor: Actor,
        changes: Vec<Request>,
    ) -> Result<WhatIf, EngineError> {
        let (reply, answered) = oneshot::channel();
        self.send(Message::Suppose {
            workspace,
            actor,
            changes,
            reply,
        })?;
        let supposed = answered.await.map_err(|_| EngineError::Away)?;
        let now = self.clock.now();
        let played = tokio::task::spawn_blocking(move || supposed.outlook(now)).await;
        played.map_err(|_| EngineError::Away)
    }

    /// How the pool's limits stand.
    pub(crate) async fn gauges(&self) -> Result<Gauges, EngineError> {
        let (reply, read) = oneshot::channel();
        self.send(Message::Gauge(reply))?;
        read.await.map_err(|_| EngineError::Away)
    }

    /// How much the conductor holds.
    pub(crate) async fn counts(&self) -> Result<PoolCounts, EngineError> {
        let (reply, counted) = oneshot::channel();
        self.send(Message::Count(reply))?;
        counted.await.map_err(|_| EngineError::Away)
    }

    fn send(&self, message: Message) -> Result<(), EngineError> {
        self.messages
            .try_send(message)
            .map_err(|refused| match refused {
                TrySendError::Full(_) => EngineError::Busy,
                TrySendError::Closed(_) => EngineError::Away,
            })
    }

    async fn heard_before(&self, hold: &Hold) -> Result<Option<Heard>, EngineError> {
        let now = self.clock.now();
        let Some(row) = self
            .store
            .remembered(hold.workspace, &hold.key.key, now)
            .await?
        else {
            return Ok(None);
        };
        if row.request_hash != hold.key.request_hash {
            return Err(EngineError::IdempotencyMismatch);
        }
        let answer: Answer =
            serde_json::from_value(row.answer).map_err(|error| store::StoreError::Corrupt {
                what: "answer",
                detail: error.to_string().into(),
            })?;
        let texts = self.texts_again(hold.workspace, &answer).await?;
        Ok(Some(Heard {
            answer,
            texts,
            replayed: true,
        }))
    }

    async fn texts_again(
        &self,
        workspace: WorkspaceId,
        answer: &Answer,
    ) -> Result<Vec<TaskText>, EngineError> {
        let Ok(Reply::Claimed(Claimed { leases, .. })) = answer else {
            return Ok(Vec::new());
        };
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        let tasks: Vec<TaskId> = leases.iter().map(|lease| lease.task).collect();
        let mut texts = self.store.texts(workspace, &tasks).await?;
        Ok(tasks.iter().filter_map(|task| texts.remove(task)).collect())
    }

    /// Asks, and asks again with what the store knows of tasks the conductor does not hold. The
    /// refusal itself is heard after a commit, so whatever the conductor let go of before is stored.
    async fn ask_with_facts(
        self: &Arc<Self>,
        mut command: Command,
        mut hold: Option<Hold>,
    ) -> Result<Heard, EngineError> {
        for _ in 0..FACT_ROUNDS {
            let outcome = self.ask(command.clone(), hold.take())?.outcome().await?;
            let Err(Refusal::NeedFacts { tasks }) = &outcome.answer else {
                return Ok(outcome.into());
            };
            let found = self.store.task_facts(command.workspace, tasks).await?;
            if !add_facts(&mut command.request, found) {
                return Ok(outcome.into());
            }
            hold = outcome.hold;
        }
        Ok(self.ask(command, hold)?.outcome().await?.into())
    }

    /// Sends a command; the answer is awaited apart.
    fn ask(self: &Arc<Self>, command: Command, hold: Option<Hold>) -> Result<Pending, EngineError> {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        let (reply, answered) = oneshot::channel();
        let waits = matches!(command.request, Request::Claim(_) | Request::TakePermit(_));
        let caller = waits.then(|| (command.workspace, command.actor.clone()));
        let mut pending = match &caller {
            Some(caller) => {
                Pending::Grant(GrantAwaited::new(self, ticket, caller.clone(), answered)?)
            }
            None => Pending::Plain(answered),
        };
        let waiter = Waiter {
            reply,
            hold,
            caller,
        };
        let arrived = Instant::now();
        self.send(Message::Submit(Submitted {
            ticket,
            command,
            waiter,
            arrived,
        }))?;
        pending.is_sent();
        Ok(pending)
    }
}

impl From<Outcome> for Heard {
    fn from(outcome: Outcome) -> Self {
        Self {
            answer: outcome.answer,
            texts: outcome.texts,
            replayed: false,
        }
    }
}
