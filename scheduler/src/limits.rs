//! What people set: resources and budgets, and the state of each that outlives a conductor.

use serde::{Deserialize, Serialize};

use crate::{AgentId, BudgetId, ResourceId, TaskId, Time, WorkspaceId};

/// How a resource is limited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ResourceKind {
    /// A token bucket.
    Bucket {
        /// Tokens it holds when full; at least 1.
        capacity: u32,
        /// Tokens it gains a second; above 0.
        refill_per_s: f64,
    },
    /// So many at once.
    Slots {
        /// How many; 0 closes it.
        slots: u32,
    },
}

/// How far Baton may lower a resource's limit by itself when a provider keeps refusing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Adaptive {
    /// Never below this share of the limit, in the limit's unit (slots, or refill per second).
    pub min: f64,
    /// Never above this, in the same unit; at most the limit itself.
    pub max: f64,
}

/// The longest that an empty bucket may take to fill, in seconds: a hundred years. Beyond, instants
/// could not be told.
const FILLED_IN_S: f64 = 3.2e9;

impl ResourceKind {
    /// Its limit, or a bucket's refill, when so much of it is believed.
    #[must_use]
    pub fn believed(&self, share: f64) -> Self {
        match *self {
            Self::Bucket {
                capacity,
                refill_per_s,
            } => Self::Bucket {
                capacity,
                refill_per_s: refill_per_s * share,
            },
            Self::Slots { slots } if share < 1.0 => Self::Slots {
                slots: ((f64::from(slots) * share) as u32).clamp(1.min(slots), slots),
            },
            Self::Slots { slots } => Self::Slots { slots },
        }
    }

    /// Whether a bucket that refills so fast is full in a time that can be told.
    #[must_use]
    pub fn fills_at(&self, refill_per_s: f64) -> bool {
        match *self {
            Self::Bucket { capacity, .. } => f64::from(capacity) <= refill_per_s * FILLED_IN_S,
            Self::Slots { .. } => true,
        }
    }
}

impl Adaptive {
    /// Which end cannot be used for a limit of that kind, `min` or `max`, and what it must be.
    pub fn fault(&self, kind: &ResourceKind) -> Option<(&'static str, String)> {
        let limit = match *kind {
            ResourceKind::Bucket { refill_per_s, .. } => refill_per_s,
            ResourceKind::Slots { slots } => f64::from(slots),
        };
        if !(self.min > 0.0 && self.min <= self.max) {
            return Some(("min", "must be above 0 and at most max".to_owned()));
        }
        if !kind.fills_at(self.min) {
            return Some(("min", "must fill the bucket within 100 years".to_owned()));
        }
        let words = || format!("must be at most the limit, which is {limit}");
        (self.max > limit).then(|| ("max", words()))
    }
}

/// A resource as people set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceSpec {
    /// The resource.
    pub id: ResourceId,
    /// The workspace it belongs to, or `None` for the pool: then every workspace competes for it.
    pub workspace: Option<WorkspaceId>,
    /// Its name, unique in its workspace or pool.
    pub name: String,
    /// How it is limited.
    pub kind: ResourceKind,
    /// Whether and how far the limit adapts.
    pub adaptive: Option<Adaptive>,
}

/// What changes about a resource as work flows; written at most once a flush.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceState {
    /// GCRA's theoretical arrival time of a bucket, in nanoseconds since the epoch: the bucket is
    /// full from this instant on. 0 for slots.
    pub full_at_ns: i64,
    /// Closed for everyone until then, because a provider or a person said so.
    pub closed_until: Option<Time>,
    /// Why it is closed.
    pub closed_because: Option<CloseReason>,
    /// The share of the limit now believed available, 1 unless adaptive, in (0, 1].
    pub believed: f64,
    /// Provider refusals in a row without a success between.
    pub refusals: u32,
}

/// Why a resource is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CloseReason {
    /// A provider refused a call.
    Provider,
    /// A person closed it.
    Person,
}

/// A resource with both halves, as Postgres keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResourceRow {
    /// What people set.
    pub spec: ResourceSpec,
    /// How it stands.
    pub state: ResourceState,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Unit {
    /// Millionths of a dollar.
    Microusd,
    /// Model tokens, read and written.
    Tokens,
}

/// Over what span a budget counts. Windows are aligned to UTC: days at midnight, weeks on Monday,
/// months on the first, five hours from the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Window {
    /// Five hours.
    #[serde(rename = "5h")]
    FiveHours,
    /// A UTC day.
    #[serde(rename = "day")]
    Day,
    /// A week from Monday.
    #[serde(rename = "week")]
    Week,
    /// A calendar month.
    #[serde(rename = "month")]
    Month,
    /// For ever.
    #[serde(rename = "total")]
    Total,
}

/// On whose spending a budget lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// Everything in the workspace.
    Workspace,
    /// One agent.
    Agent(AgentId),
    /// All work on one model.
    Model(String),
    /// A task and everything split from it.
    TaskTree(TaskId),
    /// One experiment, by identifier.
    Experiment(uuid::Uuid),
    /// Baton's own thinking.
    Thinking,
}

/// A budget as people set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetSpec {
    /// The budget.
    pub id: BudgetId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name, unique in the workspace.
    pub name: String,
    /// On whose spending it lies.
    pub scope: BudgetScope,
    /// What it counts.
    pub unit: Unit,
    /// How much may be reserved and settled in one window.
    pub limit: u64,
    /// Over what span.
    pub window: Window,
    /// The share of the limit that warns, in (0, 1].
    pub soft_at: f64,
}

/// How a budget stands in its current window; written at most once a flush. What is reserved is the
/// sum over live leases and not stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    /// When the current window began.
    pub window_start: Time,
    /// Used in this window.
    pub settled: u64,
    /// Whether this window's warning has been given.
    pub warned: bool,
}

/// A budget with both halves, as Postgres keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetRow {
    /// What people set.
    pub spec: BudgetSpec,
    /// How it stands.
    pub state: BudgetState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_adapts_between_its_ends_and_never_above_itself() {
        let end = |min, max| Adaptive { min, max }.fault(&ResourceKind::Slots { slots: 4 });
        assert_eq!(
            [(1.0, 4.0), (4.0, 4.0)].map(|(min, max)| end(min, max)),
            [None, None]
        );
        for (min, max, wrong) in [
            (0.0, 4.0, "min"),
            (3.0, 2.0, "min"),
            (1.0, 5.0, "max"),
            (1.0, f64::NAN, "min"),
        ] {
            assert_eq!(
                end(min, max).map(|(end, _)| end),
                Some(wrong),
                "{min} to {max}"
            );
        }
    }
}
