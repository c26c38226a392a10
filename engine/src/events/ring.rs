//! The latest events of each pool, for readers that resume, and the subscribers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use scheduler::PoolId;
use tokio::sync::broadcast;

use super::{Event, EventId};

/// Events a subscriber may lag behind before it misses some.
const LAG: usize = 1_024;

/// What a reader that names its last event gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resume {
    /// Everything since, oldest first.
    Events(Vec<Arc<Event>>),
    /// Not known any more: it reads again all it shows.
    Reset,
}

/// Remembers and passes on.
#[derive(Debug)]
pub(crate) struct Ring {
    items: usize,
    pools: Mutex<HashMap<PoolId, Recent>>,
    subscribers: broadcast::Sender<Arc<Event>>,
}

#[derive(Debug, Default)]
struct Recent {
    events: VecDeque<Arc<Event>>,
    items: usize,
}

impl Ring {
    /// Remembers events with at most `items` changes in all of each pool.
    pub(crate) fn new(items: usize) -> Self {
        Self {
            items,
            pools: Mutex::default(),
            subscribers: broadcast::Sender::new(LAG),
        }
    }

    /// From now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.subscribers.subscribe()
    }

    /// An event was heard.
    pub(crate) fn push(&self, event: Event) {
        let event = Arc::new(event);
        if let Some(pool) = event.pool {
            let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
            pools.entry(pool).or_default().push(&event, self.items);
        }
        // Nobody listening is no error.
        let _ = self.subscribers.send(event);
    }

    /// Something may have been missed: nothing can be resumed.
    pub(crate) fn missed(&self) {
        self.pools
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.push(Event::missed());
    }

    /// The last that was heard of a pool.
    pub(crate) fn latest(&self, pool: PoolId) -> Option<EventId> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = pools.get(&pool)?.events.back()?;
        Some(latest.id())
    }

    /// A pool is gone.
    pub(crate) fn forget(&self, pool: PoolId) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.remove(&pool);
        drop(pools);
        // Who still shows it looks again and finds it gone; nobody listening is no error.
        let _ = self.subscribers.send(Arc::new(Event::gone(pool)));
    }

    /// What followed the event of that name in that pool.
    pub(crate) fn since(&self, pool: PoolId, last: EventId) -> Resume {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools
            .get(&pool)
            .map_or(Resume::Reset, |recent| recent.since(last))
    }
}

impl Recent {
    fn push(&mut self, event: &Arc<Event>, bound: usize) {
        if event.reset {
            self.events.clear();
            self.items = 0;
        }
        self.items += event.items.len() + 1;
        self.events.push_back(Arc::clone(event));
        while self.items > bound
            && let Some(oldest) = self.events.pop_front()
        {
            self.items -= oldest.items.len() + 1;
        }
    }

    fn since(&self, last: EventId) -> Resume {
        let known = self.events.partition_point(|event| event.id() <= last);
        match known.checked_sub(1).and_then(|at| self.events.get(at)) {
            Some(event) if event.id() == last => {
                Resume::Events(self.events.iter().skip(known).cloned().collect())
            }
            _ => Resume::Reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use scheduler::WorkspaceId;
    use uuid::Uuid;

    use super::super::{Item, Kind};
    use super::*;

    const POOL: PoolId = PoolId(Uuid::from_u128(1));

    fn event(epoch: i64, seq: u64) -> Event {
        let item = Item {
            workspace: Some(WorkspaceId::default()),
            kind: Kind::Agent,
            id: None,
            state: None,
        };
        Event {
            pool: Some(POOL),
            epoch,
            seq,
            reset: seq == 0,
            items: vec![item],
        }
    }

    fn since(ring: &Ring, epoch: i64, seq: u64) -> Option<Vec<u64>> {
        match ring.since(POOL, EventId { epoch, seq }) {
            Resume::Events(events) => Some(events.iter().map(|event| event.seq).collect()),
            Resume::Reset => None,
        }
    }

    #[test]
    fn a_reader_resumes_where_it_stopped() {
        let ring = Ring::new(100);
        (0..5).for_each(|seq| ring.push(event(1, seq)));
        assert_eq!(since(&ring, 1, 2), Some(vec![3, 4]));
        assert_eq!(since(&ring, 1, 4), Some(vec![]));
    }

    #[test]
    fn what_is_forgotten_or_from_another_holder_cannot_be_resumed() {
        let ring = Ring::new(6);
        (0..5).for_each(|seq| ring.push(event(1, seq)));
        assert_eq!(since(&ring, 1, 1), None, "fell out of the ring");
        assert_eq!(since(&ring, 1, 9), None, "never heard of");
        ring.push(event(2, 0));
        assert_eq!(
            since(&ring, 1, 4),
            None,
            "a new holder may have missed what the old one owed"
        );
        ring.missed();
        assert_eq!(since(&ring, 2, 0), None, "this server may have missed some");
    }

    #[test]
    fn subscribers_hear_what_is_pushed() {
        let ring = Ring::new(6);
        let mut subscriber = ring.subscribe();
        ring.push(event(1, 1));
        assert_eq!(subscriber.try_recv().map(|event| event.id().seq), Ok(1));
    }
}
