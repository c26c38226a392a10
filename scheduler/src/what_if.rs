//! What would follow from changes that nobody has made.

use serde::{Deserialize, Serialize};

use crate::{Code, Refusal, Span, TaskId, Tier, Time};

/// The answer to "what if".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhatIf {
    /// What would follow, beside what follows if nothing is changed.
    Outlook(Box<Outlook>),
    /// The change at this place would be refused.
    Refused {
        /// Which, from 0.
        change: usize,
        /// Why.
        refusal: Refusal,
    },
}

/// Two courses of the same pool from the same instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outlook {
    /// From when both are played.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Time,
    /// Nothing is changed.
    pub as_it_is: Course,
    /// The changes are made at that instant.
    pub changed: Course,
    /// Waiting tasks that start in either, in the order of the changed course; at most a hundred.
    pub tasks: Vec<TaskCourse>,
    /// Waiting tasks that were played: the first of each lane, and what depends on them.
    pub played: u32,
    /// Waiting tasks behind those, which were counted and not played.
    pub left_out: u32,
}

/// How it goes on if no new work comes, everything takes as long as expected and uses what was
/// reserved, and agents ask again as soon as they have room.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Course {
    /// Tasks that start in this very instant, for agents that wait for work; at most a hundred.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<uuid::Uuid>))]
    pub starts_now: Vec<TaskId>,
    /// How many that are.
    pub starting_now: u32,
    /// How many more start as soon as agents that are online and have room ask.
    pub starting_soon: u32,
    /// What waits after that instant, by worst blocker; what was left out is counted with its lane.
    pub waiting: Vec<WaitCount>,
    /// Of the tasks that were played, those that start before the play ends.
    pub starts: u32,
    /// When half of the tasks played have started; absent if that does not happen.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub half_by: Option<Time>,
    /// When nine of ten have.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub most_by: Option<Time>,
    /// When all have.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub all_by: Option<Time>,
    /// How far it was played.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Time,
}

/// Tasks that wait for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitCount {
    /// The worst blocker.
    pub code: Code,
    /// Its tier.
    pub tier: Tier,
    /// How many.
    pub tasks: u32,
}

/// When one task starts in both courses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskCourse {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = uuid::Uuid))]
    pub task: TaskId,
    /// If nothing is changed; absent if it does not start.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub as_it_is: Option<Time>,
    /// If the changes are made; absent if it does not start.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub changed: Option<Time>,
}

impl TaskCourse {
    /// Whether the change lets it start at another time, by more than a second.
    #[must_use]
    pub fn differs(&self) -> bool {
        let least = Span::from_secs(1);
        match (self.as_it_is, self.changed) {
            (Some(one), Some(other)) => one.since(other).max(other.since(one)) > least,
            (one, other) => one != other,
        }
    }
}
