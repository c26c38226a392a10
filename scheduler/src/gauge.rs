//! How limits stand at an instant, as their history keeps it.

use crate::{BudgetId, ResourceId, Span, Time, Window};

/// All limits of a pool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gauges {
    /// One a resource.
    pub resources: Vec<ResourceGauge>,
    /// One a budget.
    pub budgets: Vec<BudgetGauge>,
}

/// A resource.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResourceGauge {
    /// Which.
    pub resource: ResourceId,
    /// Tokens or slots free; negative for a bucket that was overdrawn.
    pub available: f64,
    /// Capacity or slots, as believed.
    pub limit: f64,
    /// Slots held.
    pub in_use: u32,
    /// Tasks that wait for it; not told of a pool's resource, which is seen by several workspaces.
    pub waiting: Option<u32>,
    /// Tokens or slots given since the conductor was loaded.
    pub given: u64,
}

/// A budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetGauge {
    /// Which.
    pub budget: BudgetId,
    /// Its window, which says how closely its history is kept.
    pub window: Window,
    /// Used in the current window.
    pub settled: u64,
    /// Reserved by live leases.
    pub reserved: u64,
}

impl Window {
    /// The distance of points in a history: some three hundred a window.
    #[must_use]
    pub const fn grain(self) -> Span {
        Span::from_secs(match self {
            Self::FiveHours => 60,
            Self::Day => 300,
            Self::Week => 1_800,
            Self::Month | Self::Total => 7_200,
        })
    }
}

impl Span {
    /// The last whole multiple of this span, since the epoch, that is not after `at`.
    #[must_use]
    pub const fn floor(self, at: Time) -> Time {
        Time(at.0 - at.0.rem_euclid(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_fall_to_the_start_of_their_grain() {
        let minute = Window::FiveHours.grain();
        assert_eq!(minute.floor(Time(125_000_000)), Time(120_000_000));
        assert_eq!(minute.floor(Time(120_000_000)), Time(120_000_000));
    }
}
