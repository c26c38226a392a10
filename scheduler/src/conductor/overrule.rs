//! People overrule, and work is handed over.

use super::Conductor;
use super::leases::Ending;
use super::state::{TaskIx, WsIx};
use crate::{
    Act, Actor, Answer, AttemptOutcome, DecisionId, Facts, Handoff, LeaseId, OverrideFacts,
    Overrule, Refusal, Reply, TaskId, TaskState,
};

impl Conductor {
    pub(super) fn overrule(&mut self, ws: WsIx, actor: &Actor, mut request: Overrule) -> Answer {
        let known = self.task_in(ws, request.task);
        if request.act == Act::Retry && known.is_none_or(|ix| self.is_over(ix)) {
            self.check_again(ws, actor)?;
        }
        let found = match known {
            None if request.act == Act::Retry => self.take_up_again(ws, &request)?,
            found => found,
        };
        let Some(ix) = found else {
            return match request.facts.iter().find(|fact| fact.id == request.task) {
                Some(fact) => Err(Refusal::WrongState {
                    state: fact.state,
                    act: request.act,
                }),
                None => Err(Refusal::NeedFacts {
                    tasks: vec![request.task],
                }),
            };
        };
        let from = self.tasks[ix].place.state();
        let to = after(request.act, from).ok_or(Refusal::WrongState {
            state: from,
            act: request.act,
        })?;
        if request.act == Act::Boost {
            self.check_boost(ix, &request)?;
        }
        let handoff = request.handoff.take();
        if let Some(handoff) = &handoff {
            self.check_handoff(ix, actor, handoff)?;
        }
        let ended = self
            .lease_of
            .get(&ix)
            .copied()
            .filter(|_| request.act != Act::Boost);
        let decision =
            self.decide_override(ix, actor, &request, handoff.as_ref(), (from, to), ended);
        self.prepare(ix, &request, handoff);
        let ending = Ending {
            // A result that is accepted is no error, whatever was said of it.
            error: request.reason.filter(|_| to != TaskState::Done),
            decision: Some(decision),
            ..Ending::default()
        };
        match ended {
            _ if matches!(request.act, Act::Boost | Act::Handoff) => self.record_change(ix),
            Some(lease) => self.end_attempt(lease, AttemptOutcome::Revoked, to, ending),
            None => self.move_on(ix, to, ending),
        }
        Ok(Reply::Task {
            task: request.task,
            state: to,
        })
    }

    /// A task that is over is held again, with what it waits for that is over too.
    fn take_up_again(&mut self, ws: WsIx, request: &Overrule) -> Result<Option<TaskIx>, Refusal> {
        let workspace = self.workspaces[ws].id;
        let told = |id: TaskId| {
            let of = |fact: &&crate::TaskFact| fact.id == id && fact.workspace == workspace;
            request.facts.iter().find(of)
        };
        let Some(fact) = told(request.task) else {
            return Ok(None);
        };
        let waits_for = fact
            .reopen
            .iter()
            .flat_map(|open| open.waits_for.iter().copied());
        let away: Vec<TaskId> = waits_for
            .filter(|&id| self.find_task(id).is_none())
            .collect();
        let missing: Vec<TaskId> = away
            .iter()
            .copied()
            .filter(|&id| told(id).is_none())
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::NeedFacts { tasks: missing });
        }
        for id in away {
            if let Some(fact) = told(id) {
                self.take_up(fact);
            }
        }
        Ok(self.take_up(fact))
    }

    /// Points leave a pin as it is: they would count for nothing while it lasts, and end it unasked.
    fn check_boost(&self, ix: TaskIx, request: &Overrule) -> Result<(), Refusal> {
        let has = self.tasks[ix]
            .extra()
            .and_then(|extra| extra.boost.as_deref());
        let pinned = has.filter(|boost| boost.score_delta.is_none());
        let points = request.boost.and_then(|boost| boost.score_delta);
        match (pinned, points) {
            (Some(pin), Some(_)) => Err(Refusal::Invalid {
                pointer: "/score_delta".to_owned(),
                detail: format!(
                    "the task is pinned until {}; take the pin away first",
                    pin.expires_at
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Whoever holds the lease may hand it over, with its epoch; a manager needs none, and one that is
    /// given counts.
    fn check_handoff(&self, ix: TaskIx, actor: &Actor, handoff: &Handoff) -> Result<(), Refusal> {
        self.check_receiver(ix, handoff)?;
        let invalid = |detail: &str| Refusal::Invalid {
            pointer: "/epoch".to_owned(),
            detail: detail.to_owned(),
        };
        match (handoff.epoch, actor) {
            (None, Actor::Agent { .. }) => Err(invalid("the lease's holder says its epoch")),
            (None, _) => Ok(()),
            (Some(epoch), _) => {
                let lease = self.lease_of.get(&ix).and_then(|id| self.leases.get(id));
                // Of an earlier holder, whose lease is over, rather than of one who never was.
                let lease = lease.filter(|lease| lease.epoch == epoch);
                let lease = lease.ok_or(Refusal::LeaseLost)?.id;
                self.check_lease(self.ws_of(ix), actor, lease, epoch)
                    .map(|_| ())
            }
        }
    }

    /// Who receives it is there, and does not lack what the task asks for.
    fn check_receiver(&self, ix: TaskIx, handoff: &Handoff) -> Result<(), Refusal> {
        let refuse = |detail: String| {
            Err(Refusal::Invalid {
                pointer: "/to_agent".to_owned(),
                detail,
            })
        };
        let name = match (&handoff.to_agent, &handoff.to_capability) {
            (Some(name), None) => name,
            (None, Some(_)) => return Ok(()),
            _ => return refuse("give exactly one of to_agent and to_capability".to_owned()),
        };
        let Some(&agent) = self.workspaces[self.ws_of(ix)].agents.get(name) else {
            return refuse(format!("no agent named {name:?} is registered"));
        };
        let can = &self.agents[agent].card.capabilities;
        let needs = &self.profiles[self.tasks[ix].profile].needs;
        match needs.capabilities.iter().find(|need| !can.contains(need)) {
            Some(need) => refuse(format!("{name:?} does not say that it can do {need:?}")),
            None => Ok(()),
        }
    }

    /// What changes about the task besides its state.
    fn prepare(&mut self, ix: TaskIx, request: &Overrule, handoff: Option<Handoff>) {
        match request.act {
            Act::Boost => {
                self.tasks[ix].extra_mut().boost = request.boost.map(Box::new);
                self.rescore(ix);
                self.set_task_timer(ix);
            }
            Act::Retry => {
                self.tasks[ix].attempts = 0;
                let extra = self.tasks[ix].extra_mut();
                (extra.not_before, extra.backing_off) = (None.into(), false);
            }
            Act::Handoff => {
                let Some(handoff) = handoff else { return };
                // The lease ends under the needs it was given for.
                if let Some(&lease) = self.lease_of.get(&ix) {
                    let ending = Ending {
                        error: request.reason.clone(),
                        ..Ending::default()
                    };
                    self.end_attempt(lease, AttemptOutcome::Revoked, TaskState::Pending, ending);
                }
                self.change_needs(ix, |needs| {
                    needs.agent = handoff.to_agent;
                    if let Some(capability) = handoff.to_capability {
                        needs.capabilities = vec![capability];
                    }
                });
            }
            Act::Cancel | Act::Hold | Act::Release | Act::Edit => {}
        }
    }

    fn decide_override(
        &mut self,
        ix: TaskIx,
        actor: &Actor,
        request: &Overrule,
        handoff: Option<&Handoff>,
        (from, to): (TaskState, TaskState),
        ended_lease: Option<LeaseId>,
    ) -> DecisionId {
        let to_agent = handoff.and_then(|handoff| {
            handoff
                .to_agent
                .clone()
                .or_else(|| handoff.to_capability.clone())
        });
        let facts = OverrideFacts {
            act: request.act,
            from,
            to,
            boost: request.boost,
            to_agent,
            changes: Vec::new(),
            ended_lease,
            reason: request.reason.clone(),
        };
        let mut decision = self.decision(self.ws_of(ix), actor.clone(), Facts::Override(facts));
        decision.task = Some(self.tasks[ix].id);
        let id = decision.id;
        self.out.records.decisions.push(decision);
        id
    }
}

/// The state after an act; `None` where the act does not go with the state.
const fn after(act: Act, from: TaskState) -> Option<TaskState> {
    use TaskState::{Backlog, Cancelled, Done, Failed, InProgress, InReview, Pending};
    match (act, from) {
        (Act::Cancel, Backlog | Pending | InProgress | InReview) => Some(Cancelled),
        (Act::Hold, Pending | InProgress) => Some(Backlog),
        (Act::Release, Backlog)
        | (Act::Retry, Failed | Cancelled | InReview)
        | (Act::Handoff, Pending | InProgress) => Some(Pending),
        // Releasing a result that waits for a look accepts it.
        (Act::Release, InReview) => Some(Done),
        (Act::Boost, Backlog | Pending) => Some(from),
        _ => None,
    }
}
