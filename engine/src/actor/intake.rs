//! What comes in: messages, workspaces loaded on demand, grants that come back.

use std::time::Instant;

use scheduler::{Command, Refusal, Request, Stored, WorkspaceId};

use super::Actor;
use crate::inbox::{Message, Submitted};
use crate::measure::names;

impl Actor {
    pub(super) fn take_in(&mut self, taken: &mut Vec<Message>) {
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
                | Message::Suppose { workspace, .. }
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
                Message::Suppose {
                    workspace,
                    actor,
                    changes,
                    reply,
                } => {
                    let began = Instant::now();
                    let supposed = self.conductor.suppose(workspace, actor, changes);
                    metrics::histogram!(names::EXCERPT_SECONDS).record(began.elapsed());
                    // Whoever asked may have given up.
                    let _ = reply.send(supposed);
                }
                Message::Gauge(reply) => {
                    // As for counts.
                    let _ = reply.send(self.conductor.gauges(self.held.clock.now()));
                }
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

    pub(super) fn unpark(&mut self, workspace: WorkspaceId, facts: Vec<Stored>) {
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

    pub(super) fn take_back(&mut self, unclaimed: Vec<Command>) {
        if unclaimed.is_empty() {
            return;
        }
        let commands = unclaimed
            .into_iter()
            .map(|command| (self.own_ticket(), command))
            .collect();
        self.step(commands, Instant::now());
    }
}
