//! A workspace's policy: the numbers people may turn.

use serde::{Deserialize, Serialize};

use crate::Class;

/// Everything a workspace can set about how it is scheduled. Each change is a new version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    /// What refuses.
    pub fuses: Fuses,
    /// Points added to the score of each class.
    pub class_bands: ClassBands,
    /// Points a waiting task gains an hour; above 0, so that waiting is bounded.
    pub ageing_per_hour: f64,
    /// The workspace's weight among those that compete for a pool's resources; above 0.
    pub fair_share_weight: f64,
    /// What happens to a task whose cost or tokens nobody estimated where a budget counts them.
    pub unknown_cost: UnknownCost,
    /// What happens after a failed attempt.
    pub retries: Retries,
    /// The share of each resource that exploratory work leaves free, in [0, 1).
    pub exploratory_headroom: f64,
    /// How long the head of a lane is overtaken at a scarce resource before the resource saves up for it.
    pub reserve_after_ms: u32,
    /// Baton's own thinking.
    pub thinking: Thinking,
}

/// The hard limits that refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fuses {
    /// Parents above a task.
    pub max_delegation_depth: u16,
    /// Tasks of the workspace that are not finished.
    pub max_pending: u32,
    /// Tasks split from one task.
    pub max_children: u32,
    /// Tasks one agent may create in any minute.
    pub agent_creates_per_minute: u32,
}

/// Points added by class. Bands overlap through ageing: no class waits for ever behind another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(missing_docs, reason = "the classes' names")]
pub struct ClassBands {
    pub exploratory: i32,
    pub routine: i32,
    pub ordinary: i32,
    pub strategic: i32,
    pub directive: i32,
}

/// What to do about unknown cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnknownCost {
    /// Reserve a default, or refuse to start.
    pub mode: UnknownCostMode,
    /// The default for token budgets until this kind of task has a history.
    pub default_tokens: u64,
    /// The default for money budgets until this kind of task has a history.
    pub default_microusd: u64,
}

/// How unknown cost is treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum UnknownCostMode {
    /// Reserve a default that learns from this kind's history.
    #[default]
    Reserve,
    /// Keep the task waiting as misconfigured until it is estimated.
    Refuse,
}

/// Exponential back-off: `base · 2^(attempts-1)`, at most `max`, less a random share of up to half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retries {
    /// After the first failure, in milliseconds.
    pub base_ms: u32,
    /// At most, in milliseconds.
    pub max_ms: u32,
}

/// What Baton's own thinking may use. Nothing calls a model while `provider` is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Thinking {
    /// The provider's name, or none.
    pub provider: Option<String>,
    /// The model's name at the provider.
    pub model: Option<String>,
    /// Tasks scored by one call.
    pub batch: u16,
    /// How long a call may take, in milliseconds.
    pub deadline_ms: u32,
    /// How far from the heuristic score a model may move a task, in points.
    pub band: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fuses: Fuses::default(),
            class_bands: ClassBands::default(),
            ageing_per_hour: 60.0,
            fair_share_weight: 1.0,
            unknown_cost: UnknownCost::default(),
            retries: Retries::default(),
            exploratory_headroom: 0.2,
            reserve_after_ms: 30_000,
            thinking: Thinking::default(),
        }
    }
}

impl Default for Fuses {
    fn default() -> Self {
        Self {
            max_delegation_depth: 5,
            max_pending: 5_000,
            max_children: 256,
            agent_creates_per_minute: 1_000,
        }
    }
}

impl Default for ClassBands {
    fn default() -> Self {
        Self {
            exploratory: 0,
            routine: 1_000,
            ordinary: 2_000,
            strategic: 3_000,
            directive: 4_000,
        }
    }
}

impl Default for UnknownCost {
    fn default() -> Self {
        Self {
            mode: UnknownCostMode::Reserve,
            default_tokens: 4_000,
            default_microusd: 20_000,
        }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            base_ms: 1_000,
            max_ms: 300_000,
        }
    }
}

impl Default for Thinking {
    fn default() -> Self {
        Self {
            provider: None,
            model: None,
            batch: 20,
            deadline_ms: 8_000,
            band: 150,
        }
    }
}

impl ClassBands {
    /// The points of one class.
    #[must_use]
    pub const fn of(&self, class: Class) -> i32 {
        match class {
            Class::Exploratory => self.exploratory,
            Class::Routine => self.routine,
            Class::Ordinary => self.ordinary,
            Class::Strategic => self.strategic,
            Class::Directive => self.directive,
        }
    }
}

/// A value of a policy that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct InvalidPolicy {
    /// JSON pointer to the value.
    pub pointer: &'static str,
    /// What it must be.
    pub detail: &'static str,
}

impl Policy {
    /// Checks every bound.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn check(&self) -> Result<(), InvalidPolicy> {
        let bands = Class::ALL.map(|class| self.class_bands.of(class));
        let unknown = &self.unknown_cost;
        let rules = [
            (
                (0.01..=100_000.0).contains(&self.ageing_per_hour),
                "/ageing_per_hour",
                "must be from 0.01 to 100,000 points, so that waiting stays bounded",
            ),
            (
                (0.001..=1_000.0).contains(&self.fair_share_weight),
                "/fair_share_weight",
                "must be from 0.001 to 1,000",
            ),
            (
                bands.iter().all(|band| band.abs() <= 1_000_000),
                "/class_bands",
                "must be from -1,000,000 to 1,000,000 points each",
            ),
            (
                unknown.default_tokens <= 1_000_000_000_000,
                "/unknown_cost/default_tokens",
                "must be at most 1,000,000,000,000",
            ),
            (
                unknown.default_microusd <= 1_000_000_000_000,
                "/unknown_cost/default_microusd",
                "must be at most 1,000,000,000,000",
            ),
            (
                (0.0..1.0).contains(&self.exploratory_headroom),
                "/exploratory_headroom",
                "must be at least 0 and below 1",
            ),
            (
                self.fuses.max_pending > 0,
                "/fuses/max_pending",
                "must be at least 1",
            ),
            (
                self.retries.base_ms > 0,
                "/retries/base_ms",
                "must be at least 1",
            ),
            (
                self.retries.max_ms >= self.retries.base_ms,
                "/retries/max_ms",
                "must be at least base_ms",
            ),
            (
                self.thinking.band <= 500,
                "/thinking/band",
                "must be at most 500 points",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, pointer, detail)) => Err(InvalidPolicy { pointer, detail }),
            None => Ok(()),
        }
    }

    /// The longest a task can stay behind later ones of higher class and score: the whole span of
    /// bands and scores at the rate of ageing, in hours. Pins and missing capacity aside.
    #[must_use]
    pub fn overtaking_bound_hours(&self) -> f64 {
        let bands = Class::ALL.map(|class| self.class_bands.of(class));
        let span = bands.iter().max().unwrap_or(&0) - bands.iter().min().unwrap_or(&0);
        f64::from(span + 1_000) / self.ageing_per_hour
    }
}
