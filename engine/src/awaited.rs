//! Answers that are waited for, and what happens when nobody waits any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use scheduler::{Actor, Command, Request, Ticket, WorkspaceId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use crate::batch::Outcome;
use crate::error::EngineError;
use crate::inbox::{Inbox, Message};

/// An answer that is to come.
pub(crate) enum Pending {
    Plain(oneshot::Receiver<Outcome>),
    Grant(GrantAwaited),
}

impl Pending {
    /// From now on the conductor may grant something.
    pub(crate) const fn is_sent(&mut self) {
        if let Self::Grant(awaited) = self {
            awaited.settled = false;
        }
    }

    pub(crate) async fn outcome(self) -> Result<Outcome, EngineError> {
        match self {
            Self::Plain(answered) => answered.await.map_err(|_| EngineError::Away),
            Self::Grant(awaited) => awaited.outcome().await,
        }
    }
}

/// A claim or permit that may wait. Dropped before its answer, it withdraws; dropped with an answer
/// unread, it gives back what was granted.
pub(crate) struct GrantAwaited {
    inbox: Arc<Inbox>,
    ticket: Ticket,
    caller: (WorkspaceId, Actor),
    answered: oneshot::Receiver<Outcome>,
    /// Not sent yet, or heard: there is nothing to undo.
    settled: bool,
}

impl GrantAwaited {
    pub(crate) fn new(
        inbox: &Arc<Inbox>,
        ticket: Ticket,
        caller: (WorkspaceId, Actor),
        answered: oneshot::Receiver<Outcome>,
    ) -> Result<Self, EngineError> {
        let before = inbox.waiting.fetch_add(1, Ordering::Relaxed);
        let awaited = Self {
            inbox: Arc::clone(inbox),
            ticket,
            caller,
            answered,
            settled: true,
        };
        if before >= inbox.most_waiting {
            Err(EngineError::Busy)
        } else {
            Ok(awaited)
        }
    }

    async fn outcome(mut self) -> Result<Outcome, EngineError> {
        let outcome = (&mut self.answered).await.map_err(|_| EngineError::Away);
        self.settled = true;
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
        if self.settled {
            return;
        }
        self.answered.close();
        if let Ok(unread) = self.answered.try_recv() {
            for command in unread.give_back(&self.caller) {
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
