//! What pages and the API list. Lists page by key, newest first: a page begins behind the last
//! identifier of the one before, so rows that come meanwhile neither repeat nor hide any.

mod agents;
mod attempts;
mod decisions;
mod graph;
mod overview;
mod played;
mod reviews;
mod spending;
mod task_list;
mod task_narrow;
mod tasks;
mod usage;

use uuid::Uuid;

pub use agents::AgentListed;
pub use attempts::{AttemptListed, PastLease};
pub(crate) use decisions::first_id_at;
pub use decisions::{DecisionFilter, DecisionListed, Outcome};
pub use graph::Edge;
pub use overview::{EndCounts, RefusalCount};
pub use played::{AgentRecord, Played};
pub use reviews::{Review, Reviewed, ReviewedOnce, Verdict};
pub use spending::Spent;
pub use task_list::{TaskFilter, TaskOrder};
pub use tasks::{Ended, LeaseListed, TaskDetail, TaskListed};
pub use usage::{UsageGroup, UsageSum};

/// The most one page holds.
pub const MAX_PAGE: u32 = 200;

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many, from 1 to [`MAX_PAGE`]; other values become the nearest of these.
    pub limit: u32,
    /// Only what stands behind this identifier; `None` for the beginning.
    pub after: Option<Uuid>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: 50,
            after: None,
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page begins, or `None` at the end.
    pub next: Option<Uuid>,
}

impl Page {
    fn limit(self) -> usize {
        self.limit.clamp(1, MAX_PAGE) as usize
    }

    /// Rows to ask for: one more than shown tells whether there are more.
    pub(crate) fn rows(self) -> i64 {
        self.limit() as i64 + 1
    }

    /// What every identifier of the page is below.
    pub(crate) fn below(self) -> Uuid {
        self.after.unwrap_or(Uuid::max())
    }

    /// Cuts what was asked for to the page, which goes on behind the last one's identifier.
    pub(crate) fn listed<T>(self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Listed<T> {
        let more = items.len() > self.limit();
        items.truncate(self.limit());
        let next = items.last().map(id).filter(|_| more);
        Listed { items, next }
    }

    /// Cuts what was asked for to what is shown.
    fn cut(self, mut ids: Vec<Uuid>) -> (Vec<Uuid>, Option<Uuid>) {
        let more = ids.len() > self.limit();
        ids.truncate(self.limit());
        let next = ids.last().copied().filter(|_| more);
        (ids, next)
    }
}
