//! How many tasks a workspace has in each state.

use scheduler::{Summary, TaskState};
use store::read::EndCounts;

/// What is open, as the conductor counts it, and what is over, as it is stored.
#[derive(Clone, Debug)]
pub struct Counts {
    /// `None` while the conductor changes hands.
    open: Option<Summary>,
    ended: EndCounts,
}

impl Counts {
    /// Both together.
    pub fn new(open: Option<Summary>, ended: EndCounts) -> Self {
        Self { open, ended }
    }

    /// How many are in a state, if that is known now.
    pub fn of(&self, state: TaskState) -> Option<u64> {
        let open = |count: fn(&Summary) -> u32| self.open.as_ref().map(|open| count(open).into());
        match state {
            TaskState::Backlog => open(|open| open.backlog),
            TaskState::Pending => open(|open| open.pending),
            TaskState::InProgress => open(|open| open.in_progress),
            TaskState::InReview => open(|open| open.in_review),
            TaskState::Done => Some(self.ended.done),
            TaskState::Failed => Some(self.ended.failed),
            TaskState::Cancelled => Some(self.ended.cancelled),
        }
    }

    /// Tasks in any state, if all are known now.
    pub fn all(&self) -> Option<u64> {
        TaskState::ALL.into_iter().map(|state| self.of(state)).sum()
    }
}
