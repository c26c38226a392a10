//! A decision as clients see it: its recorded facts, and the core's words for them.

use std::collections::BTreeMap;

use scheduler::{
    Actor, Blocker, BudgetFact, BudgetFacts, Code, Considered, Decision, DecisionId, DecisionKind,
    Factor, Facts, ResourceFact, ResourceFactKind, ResourceKind, TaskId, ThrottleFacts, Time, Unit,
    words,
};
use serde::{Deserialize, Serialize};
use store::read::{DecisionListed, Outcome};
use uuid::Uuid;

/// One decision.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DecisionView {
    pub id: DecisionId,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    pub kind: DecisionKind,
    /// What it is about.
    pub subject: Subject,
    /// In a line.
    pub headline: String,
    /// In some sentences.
    pub reasoning: String,
    /// What made the score it went by.
    pub factors: Vec<Factor>,
    /// The resources and budgets it rested on, by name, as they stood.
    pub resources: BTreeMap<String, Standing>,
    /// Other tasks that were compared, and why each did not go instead.
    pub considered: Vec<Alternative>,
    pub actor: Actor,
    pub policy_version: u32,
    /// What came of it.
    pub outcome: Option<OutcomeView>,
    /// How often the same was found again since.
    pub repeats: u64,
}

/// What a decision is about.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Subject {
    #[serde(rename = "type")]
    pub kind: SubjectKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// For a lane, a resource or a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The sorts of things that are decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    Task,
    Lane,
    Agent,
    Resource,
    Budget,
    Workspace,
}

/// A resource or budget at the moment of a decision.
#[derive(Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Standing {
    /// Absent where the decision only says that it was missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<StandingKind>,
    /// Capacity, slots or limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Free before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<f64>,
    /// Taken by this decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
    /// What it would have taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<f64>,
    /// Tokens a second, for buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refill_per_s: Option<f64>,
    /// What a budget counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Used in the budget's window, before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled: Option<u64>,
    /// Reserved in the budget by live leases, before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<u64>,
    /// Until when a resource is closed.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_until: Option<Time>,
}

/// The sorts of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StandingKind {
    Bucket,
    Slots,
    Budget,
}

/// Another task that was compared.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Alternative {
    pub task: TaskId,
    /// Its key; higher goes first.
    pub rank: i64,
    pub why_not: Code,
    /// The resource or budget that held it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// What came of a dispatch.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OutcomeView {
    pub outcome: scheduler::AttemptOutcome,
    /// The task's state after.
    pub state: scheduler::TaskState,
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// The agent's last word, when it was an error.
    pub error: Option<String>,
}

impl From<DecisionListed> for DecisionView {
    fn from(listed: DecisionListed) -> Self {
        let DecisionListed {
            decision,
            repeats,
            outcome,
        } = listed;
        let (headline, reasoning) = (words::headline(&decision), words::reasoning(&decision));
        let (kind, subject) = (decision.kind(), subject(&decision));
        let resources = standings(&decision.facts).into_iter().collect();
        let (factors, considered) = match decision.facts {
            Facts::Dispatch(facts) => (facts.factors, facts.considered),
            Facts::Reprioritise(facts) => (facts.factors, Vec::new()),
            _ => (Vec::new(), Vec::new()),
        };
        Self {
            id: decision.id,
            at: decision.at,
            kind,
            subject,
            headline,
            reasoning,
            factors,
            resources,
            considered: considered.into_iter().map(Alternative::from).collect(),
            actor: decision.actor,
            policy_version: decision.policy_version,
            outcome: outcome.map(OutcomeView::from),
            repeats,
        }
    }
}

fn subject(decision: &Decision) -> Subject {
    let by_id = |kind, id| Subject {
        kind,
        id: Some(id),
        name: None,
    };
    let by_name = |kind, name: &str| Subject {
        kind,
        id: None,
        name: Some(name.to_owned()),
    };
    match (
        &decision.facts,
        decision.task,
        decision.resource,
        decision.agent,
    ) {
        (Facts::NotYet(facts), None, ..) => by_name(SubjectKind::Lane, &facts.lane.id),
        (Facts::Budget(facts), None, ..) => by_name(SubjectKind::Budget, &facts.name),
        (Facts::Throttle(facts), _, id, _) => Subject {
            kind: SubjectKind::Resource,
            id: id.map(|id| id.0),
            name: Some(facts.name.clone()),
        },
        (_, Some(task), ..) => by_id(SubjectKind::Task, task.0),
        (_, _, Some(resource), _) => by_id(SubjectKind::Resource, resource.0),
        (_, _, _, Some(agent)) => by_id(SubjectKind::Agent, agent.0),
        _ => by_id(SubjectKind::Workspace, decision.workspace.0),
    }
}

/// What a decision rested on, by name. A budget that is called like a resource says that it is one.
fn standings(facts: &Facts) -> Vec<(String, Standing)> {
    match facts {
        Facts::Dispatch(facts) => {
            let taken = |name: &str| facts.resources.iter().any(|other| other.name == name);
            let resources = facts
                .resources
                .iter()
                .map(|fact| (fact.name.clone(), fact.into()));
            let budgets = facts.budgets.iter().map(|fact| {
                let name = if taken(&fact.name) {
                    format!("budget {}", fact.name)
                } else {
                    fact.name.clone()
                };
                (name, fact.into())
            });
            resources.chain(budgets).collect()
        }
        Facts::NotYet(facts) => facts
            .blockers
            .iter()
            .filter(|blocker| is_limit(blocker.code))
            .filter_map(|blocker| Some((blocker.resource.clone()?, blocker.into())))
            .collect(),
        Facts::Budget(facts) => vec![(facts.name.clone(), facts.into())],
        Facts::Throttle(facts) => vec![(facts.name.clone(), facts.into())],
        _ => Vec::new(),
    }
}

/// Whether what a blocker of this code is about is a resource or a budget, and not a capability.
fn is_limit(code: Code) -> bool {
    !matches!(
        code,
        Code::NoEligibleAgent | Code::AgentsOffline | Code::AgentsBusy
    )
}

impl From<&ResourceFact> for Standing {
    fn from(fact: &ResourceFact) -> Self {
        let kind = match fact.kind {
            ResourceFactKind::Bucket => StandingKind::Bucket,
            ResourceFactKind::Slots => StandingKind::Slots,
        };
        Self {
            kind: Some(kind),
            limit: Some(fact.limit),
            available: Some(fact.available),
            taken: Some(fact.taken.into()),
            refill_per_s: fact.refill_per_s,
            ..Self::default()
        }
    }
}

impl From<&BudgetFact> for Standing {
    fn from(fact: &BudgetFact) -> Self {
        Self {
            taken: Some(fact.taken),
            ..budget(fact.unit, fact.limit, fact.settled, fact.reserved)
        }
    }
}

impl From<&BudgetFacts> for Standing {
    fn from(facts: &BudgetFacts) -> Self {
        budget(facts.unit, facts.limit, facts.settled, facts.reserved)
    }
}

fn budget(unit: Unit, limit: u64, settled: u64, reserved: u64) -> Standing {
    Standing {
        kind: Some(StandingKind::Budget),
        limit: Some(limit as f64),
        available: Some(limit.saturating_sub(settled).saturating_sub(reserved) as f64),
        unit: Some(unit),
        settled: Some(settled),
        reserved: Some(reserved),
        ..Standing::default()
    }
}

impl From<&ThrottleFacts> for Standing {
    fn from(facts: &ThrottleFacts) -> Self {
        let (kind, limit, refill_per_s) = match facts.limit.believed(facts.believed) {
            ResourceKind::Bucket {
                capacity,
                refill_per_s,
            } => (StandingKind::Bucket, capacity, Some(refill_per_s)),
            ResourceKind::Slots { slots } => (StandingKind::Slots, slots, None),
        };
        Self {
            kind: Some(kind),
            limit: Some(limit.into()),
            refill_per_s,
            closed_until: facts.until,
            ..Self::default()
        }
    }
}

impl From<&Blocker> for Standing {
    fn from(blocker: &Blocker) -> Self {
        Self {
            limit: blocker.limit,
            available: blocker.have,
            needed: blocker.need,
            ..Self::default()
        }
    }
}

impl From<Considered> for Alternative {
    fn from(considered: Considered) -> Self {
        let Considered {
            task,
            rank,
            why_not,
            resource,
        } = considered;
        Self {
            task,
            rank,
            why_not,
            resource,
        }
    }
}

impl From<Outcome> for OutcomeView {
    fn from(outcome: Outcome) -> Self {
        let Outcome {
            outcome,
            state,
            at,
            error,
        } = outcome;
        Self {
            outcome,
            state,
            at,
            error,
        }
    }
}
