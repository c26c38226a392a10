//! One pool held: its actor, its publisher, and how the keeper reaches them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use store::Fence;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};

use crate::actor::{self, Ended, Held};
use crate::batch::Desk;
use crate::engine::Shared;
use crate::events::{Collector, publish};
use crate::inbox::{Inbox, Message};
use crate::measure::Measures;
use crate::routes::HeldPool;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// An actor that lived this long did not fail for the reason of the one before.
const RECOVERED_AFTER: Duration = Duration::from_secs(30);

/// A pool that this server holds, as its keeper sees it.
pub(crate) struct Holding {
    pub fence: Fence,
    pub inbox: Arc<Inbox>,
    /// Moved on by each renewal.
    pub until: watch::Sender<tokio::time::Instant>,
    pub actor: AbortHandle,
    pub since: Instant,
    /// Whether it is being drained, to be released when its actor has ended.
    pub leaving: bool,
}

/// Before a pool whose conductor failed is taken again.
#[derive(Clone, Copy)]
pub(crate) struct Pause {
    length: Duration,
    pub until: Instant,
}

impl Holding {
    /// Starts the actor of a pool just taken; commands may be sent while it loads.
    pub(crate) fn start(
        shared: &Shared,
        fence: Fence,
        sure_until: tokio::time::Instant,
        measures: Arc<Measures>,
        actors: &mut JoinSet<Ended>,
    ) -> (Self, HeldPool) {
        let bounds = shared.config.bounds;
        let (sender, receiver) = mpsc::channel(bounds.inbox);
        let (store, clock) = (shared.store.clone(), Arc::clone(&shared.clock));
        let inbox = Arc::new(Inbox::new(
            sender,
            bounds.waiting,
            store.clone(),
            Arc::clone(&clock),
        ));
        let (until, sure_until) = watch::channel(sure_until);
        let loaded = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            store,
            fence,
            events: Arc::new(Collector::default()),
            measures: Arc::clone(&measures),
        };
        let held = Held {
            desk,
            clock,
            batch_limit: bounds.batch,
            sure_until,
            loaded: Arc::clone(&loaded),
        };
        let actor = actors.spawn(decide(held, receiver, shared.config.notify_gap));
        let here = HeldPool {
            pool: fence.pool,
            epoch: fence.epoch,
            inbox: Arc::clone(&inbox),
            measures,
            loaded,
        };
        (
            Self {
                fence,
                inbox,
                until,
                actor,
                since: Instant::now(),
                leaving: false,
            },
            here,
        )
    }
}

impl Pause {
    /// The pause after an actor that lived so long; longer than the one before if it lived shortly.
    pub(crate) fn after(lived: Duration, before: Option<Self>) -> Self {
        let before = before.filter(|_| lived < RECOVERED_AFTER);
        let length = before.map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        Self {
            length,
            until: Instant::now() + length,
        }
    }
}

/// One pool's actor with its publisher beside it; the last is told before it ends.
async fn decide(held: Held, inbox: mpsc::Receiver<Message>, notify_gap: Duration) -> Ended {
    let desk = held.desk.clone();
    let mut telling = JoinSet::new();
    telling.spawn(publish(desk.clone(), notify_gap));
    let loaded = Arc::clone(&held.loaded);
    let ended = actor::run(held, inbox).await;
    // The keeper may be held up by the very database that was lost: nobody is ready here meanwhile.
    loaded.store(false, Ordering::Release);
    desk.events.close();
    if matches!(ended, Ended::Drained) {
        telling.join_next().await;
    }
    ended
}
