//! The net under the events: every few seconds it is looked at anew what waits, and why.
//!
//! Work moves on events. What no event tells is found here: that what a lane waits for is another
//! thing now though nobody asks for work, and that a wake-up was lost, or that expectations alone
//! changed and let something pass.

use super::Conductor;
use super::explain::RECHECK;
use super::state::LaneIx;
use crate::{Span, Time};

/// How often, while anything waits: as long as an explanation may be shown without asking again.
const EVERY: Span = RECHECK;
/// Lanes looked at in one go; the others come in the next.
const LANES: usize = 1_024;

/// When it is looked again, and where it goes on.
#[derive(Debug, Default)]
pub(super) struct Look {
    at: Time,
    after: Option<LaneIx>,
}

impl Look {
    /// A look that never comes.
    pub(super) const NEVER: Self = Self {
        at: Time::NEVER,
        after: None,
    };
}

impl Conductor {
    pub(super) fn look_around(&mut self) {
        if self.now < self.look.at || self.draining {
            return;
        }
        self.look.at = self.now + EVERY;
        self.agenda.opened.extend(self.demand.keys());
        let asked = self
            .groups
            .iter()
            .filter(|(_, group)| !group.waiters.is_empty());
        self.agenda.ready.extend(asked.map(|(ix, _)| ix));
        self.settle();
        self.doubt_old_verdicts();
    }

    /// A verdict of lately is true, and a lane that goes on needs none; of others nobody may have asked.
    fn doubt_old_verdicts(&mut self) {
        let after = self.look.after;
        let rest = self.lanes.iter().filter(|&(ix, _)| Some(ix) > after);
        let some: Vec<_> = rest
            .map(|(ix, lane)| (ix, lane.verdict.since))
            .take(LANES)
            .collect();
        self.look.after = some
            .last()
            .filter(|_| some.len() == LANES)
            .map(|&(ix, _)| ix);
        let old = some
            .into_iter()
            .filter(|&(_, since)| self.now.since(since) >= EVERY);
        self.agenda.verdicts.extend(old.map(|(ix, _)| ix));
    }

    /// When the next look comes; `None` while nothing waits in a queue.
    pub(super) fn next_look(&self) -> Option<Time> {
        let waits = self.workspaces.iter().any(|(_, ws)| ws.counts.queued > 0);
        (waits && self.look.at < Time::NEVER).then_some(self.look.at)
    }
}
