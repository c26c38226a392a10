//! A lease goes on and ends.

use super::Conductor;
use super::state::{Lease, Place, TaskIx, Timer, WsIx};
use crate::{
    Actor, Answer, Attempt, AttemptOutcome, Complete, DecisionId, EndedTask, ExpiryEvent,
    ExpiryFacts, Facts, Fail, GiveBack, LateResult, LeaseId, Refusal, Renew, RenewedLease, Reply,
    ResultForReview, Span, Stop, TaskState, Time,
};

/// How an attempt ended, in one place.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) output: Option<serde_json::Value>,
    pub(super) error: Option<String>,
    /// For a terminal state, the decision behind it if it is not the dispatch.
    pub(super) decision: Option<DecisionId>,
}

impl Conductor {
    /// The lease, if the caller may write under it.
    pub(super) fn check_lease(
        &self,
        ws: WsIx,
        actor: &Actor,
        id: LeaseId,
        epoch: u32,
    ) -> Result<&Lease, Refusal> {
        let lease = self.leases.get(&id).ok_or(Refusal::LeaseLost)?;
        if lease.ws != ws {
            return Err(Refusal::NotFound);
        }
        if let Actor::Agent { id, .. } = actor
            && *id != self.agents[lease.agent].card.id
        {
            return Err(Refusal::Forbidden {
                detail: "another agent holds this lease".to_owned(),
            });
        }
        if lease.epoch != epoch || lease.expires_at <= self.now {
            return Err(Refusal::LeaseLost);
        }
        Ok(lease)
    }

    pub(super) fn renew(&mut self, ws: WsIx, actor: &Actor, request: Renew) -> Answer {
        let lease = self.check_lease(ws, actor, request.lease, request.epoch)?;
        let (task, agent) = (lease.task, lease.agent);
        let lease_ms = self.profiles[self.tasks[task].profile].needs.lease_ms;
        let expires_at = self.now + Span::from_millis(lease_ms.into());
        let stop = self.stop_for(lease);
        self.extend(request.lease, expires_at);
        if let (Some(lease), Some(progress)) =
            (self.leases.get_mut(&request.lease), request.progress)
        {
            lease.heed_progress(progress, self.now);
        }
        self.heard_of(agent);
        self.record_renewal(request.lease, request.progress, request.note);
        Ok(Reply::Renewed { expires_at, stop })
    }

    /// Moves the end of a lease.
    pub(super) fn extend(&mut self, id: LeaseId, expires_at: Time) {
        if let Some(lease) = self.leases.get_mut(&id) {
            let old = std::mem::replace(&mut lease.expires_at, expires_at);
            self.timers.remove(&(old, Timer::LeaseExpiry(id)));
            self.timers.insert((expires_at, Timer::LeaseExpiry(id)));
        }
    }

    pub(super) fn record_renewal(
        &mut self,
        id: LeaseId,
        progress: Option<f32>,
        note: Option<String>,
    ) {
        let Some(lease) = self.leases.get(&id) else {
            return;
        };
        let renewed = RenewedLease {
            workspace: self.workspaces[lease.ws].id,
            task: self.tasks[lease.task].id,
            lease: id,
            expires_at: lease.expires_at,
            progress,
            note,
            reservations: self.reservations(lease),
        };
        self.out.records.renewed.push(renewed);
    }

    /// A running lease is told to stop when a budget it spends of is over its hard limit.
    fn stop_for(&self, lease: &Lease) -> Option<Stop> {
        let over = lease
            .reservations
            .iter()
            .map(|booked| &self.budgets[booked.budget])
            .find(|budget| budget.settled_at(self.now) >= budget.spec.limit)?;
        Some(Stop {
            code: crate::Code::BudgetExhausted,
            reason: crate::words::budget_stop(&over.spec, over.settled_at(self.now)),
        })
    }

    pub(super) fn complete(&mut self, ws: WsIx, actor: &Actor, request: Complete) -> Answer {
        if let Err(refusal) = self.check_lease(ws, actor, request.lease, request.epoch) {
            if refusal == Refusal::LeaseLost {
                self.keep_late(ws, actor, &request);
            }
            return Err(refusal);
        }
        if let Some(usage) = &request.usage {
            self.use_up(request.lease, usage)?;
        }
        let Some(lease) = self.leases.get(&request.lease) else {
            return Err(Refusal::LeaseLost);
        };
        let task = lease.task;
        let id = self.tasks[task].id;
        let needs_review = self.profiles[self.tasks[task].profile].needs.needs_review;
        let state = if needs_review {
            TaskState::InReview
        } else {
            TaskState::Done
        };
        if needs_review {
            self.out.records.for_review.push(ResultForReview {
                lease: request.lease,
                workspace: self.workspaces[ws].id,
                task: id,
                at: self.now,
                output: request.output.clone().unwrap_or_default(),
            });
        }
        let ending = Ending {
            output: request.output,
            ..Ending::default()
        };
        self.end_attempt(request.lease, AttemptOutcome::Completed, state, ending);
        Ok(Reply::Task { task: id, state })
    }

    /// A result under a lost lease is kept, unattached.
    fn keep_late(&mut self, ws: WsIx, actor: &Actor, request: &Complete) {
        let agent = match actor {
            Actor::Agent { id, .. } => Some(*id),
            _ => None,
        };
        self.out.records.late.push(LateResult {
            lease: request.lease,
            workspace: self.workspaces[ws].id,
            agent,
            epoch: request.epoch,
            at: self.now,
            output: request.output.clone(),
        });
    }

    pub(super) fn fail(&mut self, ws: WsIx, actor: &Actor, request: Fail) -> Answer {
        let lease = self.check_lease(ws, actor, request.lease, request.epoch)?;
        let (task, agent) = (lease.task, lease.agent);
        if let Some(throttled) = &request.throttled
            && self.resource_named(ws, &throttled.resource).is_none()
        {
            let detail = format!("no resource named {:?} is defined", throttled.resource);
            return Err(Refusal::Invalid {
                pointer: "/throttled/resource".to_owned(),
                detail,
            });
        }
        if let Some(usage) = &request.usage {
            self.use_up(request.lease, usage)?;
        }
        let id = self.tasks[task].id;
        let outcome = if request.throttled.is_some() {
            AttemptOutcome::Throttled
        } else {
            AttemptOutcome::Failed
        };
        if let Some(throttled) = &request.throttled {
            let told = throttled.retry_after_ms.or(request.retry_after_ms);
            self.refused(
                ws,
                actor,
                &throttled.resource,
                told,
                Some((request.lease, agent)),
            );
        }
        let state = match outcome {
            AttemptOutcome::Throttled => TaskState::Pending,
            _ if request.retryable => self.after_failure(task),
            _ => TaskState::Failed,
        };
        if outcome == AttemptOutcome::Failed && state == TaskState::Pending {
            self.back_off(task, request.jitter, request.retry_after_ms);
        }
        let ending = Ending {
            error: Some(request.error),
            ..Ending::default()
        };
        self.end_attempt(request.lease, outcome, state, ending);
        Ok(Reply::Task { task: id, state })
    }

    fn after_failure(&self, task: TaskIx) -> TaskState {
        let entry = &self.tasks[task];
        let most = self.profiles[entry.profile].needs.max_attempts;
        if entry.attempts < most {
            TaskState::Pending
        } else {
            TaskState::Failed
        }
    }

    /// Not again before `base · 2^(attempts-1)`, at most `max`, less the jitter's share of up to half
    /// ("equal jitter"); never sooner than a provider asked.
    fn back_off(&mut self, task: TaskIx, jitter: f64, at_least_ms: Option<u32>) {
        let retries = self.workspaces[self.ws_of(task)].policy.retries;
        let doublings = u32::from(self.tasks[task].attempts.saturating_sub(1)).min(31);
        let full_ms = u64::from(retries.base_ms)
            .saturating_mul(1 << doublings)
            .min(retries.max_ms.into());
        let ms = (full_ms as f64 * (1.0 - jitter.clamp(0.0, 1.0) / 2.0)) as i64;
        let ms = ms.max(at_least_ms.unwrap_or(0).into());
        let extra = self.tasks[task].extra_mut();
        extra.not_before = Some(self.now + Span::from_millis(ms)).into();
        extra.backing_off = true;
    }

    pub(super) fn give_back(&mut self, ws: WsIx, actor: &Actor, request: GiveBack) -> Answer {
        let task = self
            .check_lease(ws, actor, request.lease, request.epoch)?
            .task;
        let id = self.tasks[task].id;
        let ending = Ending {
            error: request.reason,
            ..Ending::default()
        };
        self.end_attempt(
            request.lease,
            AttemptOutcome::Released,
            TaskState::Pending,
            ending,
        );
        Ok(Reply::Task {
            task: id,
            state: TaskState::Pending,
        })
    }

    /// A lease ran out: its agent has gone, or hangs.
    pub(super) fn expire(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.get(&id) else {
            return;
        };
        let (task, ws, agent) = (lease.task, lease.ws, lease.agent);
        let to = self.after_failure(task);
        if to == TaskState::Pending {
            // No jitter: leases of different agents do not run out together.
            self.back_off(task, 0.0, None);
        }
        let entry = &self.tasks[task];
        let facts = ExpiryFacts {
            event: ExpiryEvent::Lease {
                lease: id,
                agent: self.agents[agent].card.name.clone(),
            },
            to,
            attempt: entry.attempts,
            max_attempts: self.profiles[entry.profile].needs.max_attempts,
            retry_at: entry.not_before().filter(|_| to == TaskState::Pending),
        };
        let (task_id, agent_id) = (entry.id, self.agents[agent].card.id);
        let mut decision = self.decision(ws, Actor::Scheduler, Facts::Expiry(facts));
        (decision.task, decision.agent) = (Some(task_id), Some(agent_id));
        let ending = Ending {
            error: Some("the lease ran out without a renewal".to_owned()),
            decision: Some(decision.id),
            ..Ending::default()
        };
        self.out.records.decisions.push(decision);
        self.end_attempt(id, AttemptOutcome::Expired, to, ending);
    }

    /// Ends a lease: gives back what it held, remembers how it went, and moves the task on.
    pub(super) fn end_attempt(
        &mut self,
        id: LeaseId,
        outcome: AttemptOutcome,
        to: TaskState,
        ending: Ending,
    ) {
        let Some(mut lease) = self.leases.remove(&id) else {
            return;
        };
        self.timers
            .remove(&(lease.expires_at, Timer::LeaseExpiry(id)));
        let unused_since = (outcome == AttemptOutcome::Released).then_some(lease.granted_at);
        let held = std::mem::take(&mut lease.held);
        if outcome == AttemptOutcome::Completed {
            self.held_well(&held);
        }
        self.give_all_back(id.0, held, unused_since);
        self.unbook(&lease);
        self.true_up(&lease);
        self.learn(&lease, outcome);
        if self.room_of(lease.agent) == 0 && !self.agents[lease.agent].waiting.is_empty() {
            self.agenda.roomy.insert(lease.agent);
        }
        let agent = &mut self.agents[lease.agent];
        agent.running = agent.running.saturating_sub(1);
        let agent_id = agent.card.id;
        self.heard_of(lease.agent);
        let task = lease.task;
        if matches!(
            outcome,
            AttemptOutcome::Throttled | AttemptOutcome::Released | AttemptOutcome::Revoked
        ) {
            self.tasks[task].attempts -= 1;
        }
        self.lease_of.remove(&task);
        self.out.records.attempts.push(Attempt {
            lease: id,
            task: self.tasks[task].id,
            workspace: self.workspaces[lease.ws].id,
            agent: agent_id,
            epoch: lease.epoch,
            outcome,
            state: to,
            granted_at: lease.granted_at,
            ended_at: self.now,
            decision: lease.decision,
            error: ending.error.clone(),
        });
        let decision = ending.decision.or(Some(lease.decision));
        self.move_on(task, to, Ending { decision, ..ending });
    }

    /// Moves a task to where it goes after an attempt or a person's act, and stores that.
    pub(super) fn move_on(&mut self, task: TaskIx, to: TaskState, ending: Ending) {
        match to {
            TaskState::Done | TaskState::Failed | TaskState::Cancelled => {
                self.end_task(task, to, ending);
            }
            TaskState::InReview => self.put(task, Place::Review),
            TaskState::Backlog => self.put(task, Place::Held),
            TaskState::Pending | TaskState::InProgress => {
                let place = self.place_for(task);
                self.put(task, place);
            }
        }
        if !to.is_terminal() {
            let id = self.tasks[task].id;
            self.out.records.ended.retain(|end| end.id != id);
            self.record_change(task);
        }
    }

    fn end_task(&mut self, task: TaskIx, state: TaskState, ending: Ending) {
        let entry = &self.tasks[task];
        let kept = state != TaskState::Done && !entry.dependants().is_empty();
        self.out.records.ended.push(EndedTask {
            id: entry.id,
            workspace: self.workspaces[self.ws_of(task)].id,
            state,
            at: self.now,
            attempts: entry.attempts,
            decision: ending.decision,
            output: ending.output,
            error: ending.error,
            kept,
        });
        if state == TaskState::Done {
            self.lift(task);
            self.tasks[task].place = Place::Failed;
            self.dependency_done(task);
            self.drop_task(task);
            return;
        }
        let failed = state == TaskState::Failed;
        self.put(
            task,
            if failed {
                Place::Failed
            } else {
                Place::Cancelled
            },
        );
        if kept {
            self.record_change(task);
            // They wait for a person now.
            let waits = self.tasks[task].dependants().iter().copied();
            self.agenda.beside.extend(waits);
        } else {
            self.forget(task);
        }
    }

    /// What this attempt teaches about its kind: exponentially weighted means, a tenth each after the
    /// first ten.
    fn learn(&mut self, lease: &Lease, outcome: AttemptOutcome) {
        if outcome != AttemptOutcome::Completed {
            return;
        }
        let needs = std::sync::Arc::clone(&self.profiles[self.tasks[lease.task].profile].needs);
        let kinds = &mut self.workspaces[lease.ws].kinds;
        if !kinds.contains_key(&needs.kind) {
            kinds.insert(needs.kind.clone(), super::state::Kind::default());
        }
        let Some(kind) = kinds.get_mut(&needs.kind) else {
            return;
        };
        kind.attempts = kind.attempts.saturating_add(1);
        let share = 1.0 / f64::from(kind.attempts.min(10));
        let learn = |mean: &mut f64, seen: f64| *mean += (seen - *mean) * share;
        learn(
            &mut kind.duration_ms,
            self.now.since(lease.granted_at).as_secs_f64() * 1e3,
        );
        learn(&mut kind.tokens, lease.tokens as f64);
        learn(&mut kind.cost_microusd, lease.cost_microusd as f64);
        // What nobody estimated may be reserved with less from now on.
        let budgets = self.workspaces[lease.ws].budgets.values().copied();
        let passed: Vec<_> = budgets
            .filter(|&ix| !self.budgets[ix].aside.is_empty())
            .collect();
        for budget in passed {
            self.look_again_at(budget);
        }
    }
}
