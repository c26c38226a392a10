//! What the world hears once it is committed.
//!
//! The holder of a pool collects what changed and sends it as one notification at a time, at least
//! a few milliseconds apart (`Collector`, `publish`). Every server hears every pool (`listen`), keeps
//! the latest changes for readers that resume (`Ring`), and hands them to whoever subscribed.

mod collect;
mod listen;
mod publish;
mod ring;

use std::fmt;
use std::str::FromStr;

use scheduler::{PoolId, TaskState, WorkspaceId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use collect::Collector;
pub(crate) use listen::listen;
pub(crate) use publish::publish;
pub use ring::Resume;
pub(crate) use ring::Ring;

/// What changed in one pool within a few milliseconds; one notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The pool; `None` when this server may have missed something of any of them.
    pub pool: Option<PoolId>,
    /// The holder's epoch.
    pub epoch: i64,
    /// Counts the notifications of that holder, from 0.
    pub seq: u64,
    /// Something may have been missed: whoever hears this reads again all it shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// What changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

/// One thing that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose; `None` for what all workspaces of the pool share.
    pub workspace: Option<WorkspaceId>,
    /// What sort of thing.
    pub kind: Kind,
    /// Which; `None` when so many changed that they are not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// A task's state after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<TaskState>,
}

/// The sorts of things that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum Kind {
    Task,
    Decision,
    Resource,
    Budget,
    Agent,
    Policy,
}

/// Names an event of a pool, `epoch-seq` in text; each is greater than those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The holder's epoch.
    pub epoch: i64,
    /// The holder's count.
    pub seq: u64,
}

/// The text names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is two numbers with a dash between")]
pub struct NotAnEventId;

impl Event {
    /// Its name.
    #[must_use]
    pub const fn id(&self) -> EventId {
        EventId {
            epoch: self.epoch,
            seq: self.seq,
        }
    }

    /// What this event tells a reader of one workspace: the items it may see, or `None` if the event
    /// says nothing to it. An empty list comes with `reset`.
    #[must_use]
    pub fn for_workspace(&self, pool: PoolId, workspace: WorkspaceId) -> Option<Vec<Item>> {
        if self.pool.is_some_and(|of| of != pool) {
            return None;
        }
        let items: Vec<Item> = self
            .items
            .iter()
            .copied()
            .filter(|item| item.workspace.is_none_or(|whose| whose == workspace))
            .collect();
        (self.reset || !items.is_empty()).then_some(items)
    }

    /// Told when a pool is no more.
    pub(crate) fn gone(pool: PoolId) -> Self {
        Self {
            pool: Some(pool),
            ..Self::missed()
        }
    }

    /// Told on a server that may have missed something.
    pub(crate) const fn missed() -> Self {
        Self {
            pool: None,
            epoch: 0,
            seq: 0,
            reset: true,
            items: Vec::new(),
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = NotAnEventId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, seq) = text.split_once('-').ok_or(NotAnEventId)?;
        Ok(Self {
            epoch: epoch.parse().map_err(|_| NotAnEventId)?,
            seq: seq.parse().map_err(|_| NotAnEventId)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_s_name_reads_back_and_orders_by_epoch_first() {
        let id = EventId { epoch: 12, seq: 7 };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(EventId { epoch: 13, seq: 0 } > id);
        assert_eq!("12".parse::<EventId>(), Err(NotAnEventId));
    }

    #[test]
    fn a_reader_hears_only_of_its_own_workspace() {
        let (pool, mine, other) = (PoolId(Uuid::from_u128(1)), id(2), id(3));
        let item = |workspace| Item {
            workspace,
            kind: Kind::Agent,
            id: None,
            state: None,
        };
        let event = Event {
            pool: Some(pool),
            epoch: 1,
            seq: 1,
            reset: false,
            items: vec![item(Some(mine)), item(Some(other)), item(None)],
        };
        let shared = event.for_workspace(pool, id(4));
        assert_eq!(shared, Some(vec![item(None)]));
        let of_mine = event.for_workspace(pool, mine);
        assert_eq!(of_mine, Some(vec![item(Some(mine)), item(None)]));
        assert_eq!(event.for_workspace(PoolId(Uuid::from_u128(9)), mine), None);
        assert_eq!(Event::missed().for_workspace(pool, mine), Some(vec![]));
    }

    fn id(n: u128) -> WorkspaceId {
        WorkspaceId(Uuid::from_u128(n))
    }
}
