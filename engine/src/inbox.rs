//! The caller's side of a conductor that lives in this process.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use scheduler::{
    Answer, Claimed, Command, CreateTasks, Overrule, PoolCounts, Query, Refusal, Reply, Request,
    TaskFact, TaskId, Ticket, View, WorkspaceId,
};
use store::{Store, TaskText};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::batch::{Outcome, Waiter, give_back};
use crate::clock::Clock;
use crate::error::EngineError;
use crate::idempotency::{Hold, IdempotencyKey, Keys};
use crate::wire::Heard;

/// How often a command may be asked again with facts.
const FACT_ROUNDS: usize = 3;

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
    /// How much it holds.
    Count(oneshot::Sender<PoolCounts>),
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
    messages: mpsc::Sender<Message>,
    tickets: AtomicU64,
    waiting: AtomicUsize,
    most_waiting: usize,
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
        let mut hold = None;
        if let Some(key) = key {
            let entered = self.keys.hold(command.workspace, key)?;
            if let Some(heard) = self.heard_before(&entered).await? {
                return Ok(heard);
            }
            hold = Some(entered);
        }
        self.ask_with_facts(command, hold).await
    }

    /// Asks what can be read of the conductor's memory.
    pub(crate) async fn view(
        &self,
        workspace: WorkspaceId,
        query: Query,
    ) -> Result<View, EngineError> {
        let (reply, answered) = oneshot::channel();
        self.send(Message::View {
            workspace,
            query,
            reply,
        })?;
        answered.await.map_err(|_| EngineError::Away)
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
        command: Command,
        mut hold: Option<Hold>,
    ) -> Result<Heard, EngineError> {
        let mut kept = may_need_facts(&command).then(|| command.clone());
        let mut command = command;
        for _ in 0..FACT_ROUNDS {
            let outcome = self.ask(command, hold.take()).await?;
            let (Err(Refusal::NeedFacts { tasks }), Some(again)) = (&outcome.answer, &mut kept)
            else {
                return Ok(outcome.into());
            };
            let found = self.store.task_facts(again.workspace, tasks).await?;
            if !add_facts(&mut again.request, found) {
                return Ok(outcome.into());
            }
            command = again.clone();
            hold = outcome.hold;
        }
        Ok(self.ask(command, hold).await?.into())
    }

    async fn ask(
        self: &Arc<Self>,
        command: Command,
        hold: Option<Hold>,
    ) -> Result<Outcome, EngineError> {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        let (reply, answered) = oneshot::channel();
        let caller = matches!(command.request, Request::Claim(_) | Request::TakePermit(_))
            .then(|| (command.workspace, command.actor.clone()));
        let pending = match &caller {
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
        self.send(Message::Submit(Submitted {
            ticket,
            command,
            waiter,
            arrived: Instant::now(),
        }))?;
        match pending {
            Pending::Plain(answered) => answered.await.map_err(|_| EngineError::Away),
            Pending::Grant(awaited) => awaited.outcome().await,
        }
    }
}

enum Pending {
    Plain(oneshot::Receiver<Outcome>),
    Grant(GrantAwaited),
}

/// A claim or permit that may wait. Dropped before its answer, it withdraws; dropped with an answer
/// unread, it gives back what was granted.
struct GrantAwaited {
    inbox: Arc<Inbox>,
    ticket: Ticket,
    caller: (WorkspaceId, scheduler::Actor),
    answered: oneshot::Receiver<Outcome>,
    heard: bool,
}

impl GrantAwaited {
    fn new(
        inbox: &Arc<Inbox>,
        ticket: Ticket,
        caller: (WorkspaceId, scheduler::Actor),
        answered: oneshot::Receiver<Outcome>,
    ) -> Result<Self, EngineError> {
        let before = inbox.waiting.fetch_add(1, Ordering::Relaxed);
        let awaited = Self {
            inbox: Arc::clone(inbox),
            ticket,
            caller,
            answered,
            heard: false,
        };
        if before >= inbox.most_waiting {
            Err(EngineError::Busy)
        } else {
            Ok(awaited)
        }
    }

    async fn outcome(mut self) -> Result<Outcome, EngineError> {
        let outcome = (&mut self.answered).await.map_err(|_| EngineError::Away);
        self.heard = true;
        outcome
    }

    fn tell(&self, command: Command) {
        let message = Message::Tell(command);
        if let Err(TrySendError::Full(message)) = self.inbox.messages.try_send(message)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let inbox = Arc::clone(&self.inbox);
            runtime.spawn(async move { inbox.tell_surely(message).await });
        }
    }
}

impl Drop for GrantAwaited {
    fn drop(&mut self) {
        self.inbox.waiting.fetch_sub(1, Ordering::Relaxed);
        if self.heard {
            return;
        }
        self.answered.close();
        if let Ok(unread) = self.answered.try_recv() {
            for command in give_back(&unread.answer, &self.caller) {
                self.tell(command);
            }
        } else {
            let (workspace, actor) = self.caller.clone();
            self.tell(Command {
                workspace,
                actor,
                request: Request::Withdraw { claim: self.ticket },
            });
        }
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

/// Whether a command names tasks that a conductor may not hold any more.
fn may_need_facts(command: &Command) -> bool {
    match &command.request {
        Request::CreateTasks(CreateTasks { tasks, .. }) => {
            if tasks
                .iter()
                .all(|task| task.depends_on.is_empty() && task.parent.is_none())
            {
                return false;
            }
            let own: HashSet<TaskId> = tasks.iter().map(|task| task.id).collect();
            let mut named = tasks
                .iter()
                .flat_map(|task| task.depends_on.iter().chain(&task.parent));
            named.any(|task| !own.contains(task))
        }
        Request::Overrule(_) => true,
        _ => false,
    }
}

/// Adds what is new; false when nothing is, so that asking again would change nothing.
fn add_facts(request: &mut Request, found: Vec<TaskFact>) -> bool {
    let (Request::CreateTasks(CreateTasks { facts, .. })
    | Request::Overrule(Overrule { facts, .. })) = request
    else {
        return false;
    };
    let known: HashSet<TaskId> = facts.iter().map(|fact| fact.id).collect();
    let before = facts.len();
    facts.extend(found.into_iter().filter(|fact| !known.contains(&fact.id)));
    facts.len() > before
}
