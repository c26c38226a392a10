//! The handle that the rest of the server holds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scheduler::{Command, KeyId, PoolId, Question, Time, View, WorkspaceId};
use store::installation::Server;
use store::pool::Holder;
use store::{Store, StoreError};
use tokio::sync::{broadcast, watch};

use crate::clock::Clock;
use crate::config::EngineConfig;
use crate::error::EngineError;
use crate::events::{Event, EventId, Resume, Ring, listen};
use crate::forward::{self, Forwarder};
use crate::health::Health;
use crate::idempotency::IdempotencyKey;
use crate::keeper::Keeper;
use crate::loops::{gauges, history, retention, safety_net, sums, words};
use crate::measure::Stats;
use crate::routes::{Route, Routes};
use crate::supervise::Supervisor;
use crate::wire::{Ask, Heard, Told, Trouble};

/// How long the loops may take to end after everything was drained.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer from a server that no longer holds the pool may be under way.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Runs the conductors of the pools this server holds and speaks to those it does not. Cheap to
/// clone; ends with [`Engine::shutdown`].
#[derive(Clone, Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    supervisor: Arc<Supervisor>,
}

/// What the engine's parts share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub store: Store,
    pub config: EngineConfig,
    pub clock: Arc<Clock>,
    pub routes: Routes,
    pub ring: Arc<Ring>,
    /// True once the keeper has looked at all pools.
    pub looked_over: watch::Sender<bool>,
    /// Counts the times that keys may have been revoked, here or elsewhere.
    revocations: watch::Sender<u64>,
    forwarder: Forwarder,
}

impl Engine {
    /// Starts the loops, and returns once each pool was looked at: what was free is taken by then
    /// (and perhaps still being loaded; commands wait for it).
    pub async fn start(store: Store, config: EngineConfig) -> Result<Self, EngineError> {
        let asked = Instant::now();
        let read = store.now().await?;
        let clock = Arc::new(Clock::new(asked, read, Instant::now()));
        // Before anything is decided: a decision of a week that has no place yet would be in the way
        // of making it.
        store.ensure_partitions(clock.now()).await?;
        let forwarder = Forwarder::new(&store.installation_secret().await?)?;
        let ring = Arc::new(Ring::new(config.bounds.ring));
        let (looked_over, mut looked) = watch::channel(false);
        let shared = Arc::new(Shared {
            store,
            config,
            clock,
            routes: Routes::default(),
            ring,
            looked_over,
            revocations: watch::Sender::default(),
            forwarder,
        });
        let engine = Self {
            shared,
            supervisor: Arc::default(),
        };
        engine.start_loops();
        // The sender lives as long as the engine.
        let _ = looked.wait_for(|done| *done).await;
        Ok(engine)
    }

    fn start_loops(&self) {
        let (stop, shared) = (self.supervisor.stop_signal(), &self.shared);
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor.run("listen", move || {
            listen(
                of.store.clone(),
                Arc::clone(&of.ring),
                of.revocations.clone(),
                ended.clone(),
            )
        });
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor.run("keeper", move || {
            Keeper::new(Arc::clone(&of)).run(ended.clone())
        });
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor.run("safety_net", move || {
            safety_net::run(Arc::clone(&of), ended.clone())
        });
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor.run("gauges", move || {
            gauges::run(Arc::clone(&of), ended.clone())
        });
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor
            .run("words", move || words::run(Arc::clone(&of), ended.clone()));
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor
            .run("sums", move || sums::run(Arc::clone(&of), ended.clone()));
        let (ended, of) = (stop.clone(), Arc::clone(shared));
        self.supervisor.run("history", move || {
            history::run(Arc::clone(&of), ended.clone())
        });
        let of = Arc::clone(shared);
        self.supervisor.run("retention", move || {
            retention::run(Arc::clone(&of), stop.clone())
        });
    }

    /// Has a command decided by its pool's conductor, wherever that is. The answer is heard once
    /// what it rests on is committed. Dropped while it waits, a claim is withdrawn.
    pub async fn submit(
        &self,
        pool: PoolId,
        command: Command,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Heard, EngineError> {
        let url = match self.route(pool).await? {
            Route::Here(held) => return held.inbox.submit(command, idempotency).await,
            Route::There(url) => url,
            Route::Nobody => return Err(EngineError::NoConductor),
        };
        let patience = forward::patience(&command, self.now());
        let ask = Ask::Submit {
            pool,
            command: Box::new(command),
            idempotency,
        };
        match self.ask(pool, &url, &ask, patience).await? {
            Told::Heard(heard) => Ok(heard),
            _ => Err(EngineError::Away),
        }
    }

    /// Reads a conductor's memory, wherever it is; shows nothing that is not committed.
    pub async fn view(&self, pool: PoolId, question: Question) -> Result<View, EngineError> {
        let url = match self.route(pool).await? {
            Route::Here(held) => return held.inbox.view(question.workspace, question.query).await,
            Route::There(url) => url,
            Route::Nobody => return Err(EngineError::NoConductor),
        };
        let ask = Ask::View { pool, question };
        match self
            .ask(pool, &url, &ask, forward::short_patience())
            .await?
        {
            Told::View(view) => Ok(view),
            _ => Err(EngineError::Away),
        }
    }

    /// Figures of a pool, as its holder measured them.
    pub async fn stats(&self, pool: PoolId) -> Result<Stats, EngineError> {
        let url = match self.route(pool).await? {
            Route::Here(held) => return Ok(held.measures.stats(Instant::now())),
            Route::There(url) => url,
            Route::Nobody => return Err(EngineError::NoConductor),
        };
        match self
            .ask(pool, &url, &Ask::Stats { pool }, forward::short_patience())
            .await?
        {
            Told::Stats(stats) => Ok(stats),
            _ => Err(EngineError::Away),
        }
    }

    /// Everything committed from now on, in all pools. A subscriber that lags too far behind is told
    /// so by the receiver and reads again all it shows.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.ring.subscribe()
    }

    /// The last that was heard of a pool, to go on from.
    #[must_use]
    pub fn latest_event(&self, pool: PoolId) -> Option<EventId> {
        self.shared.ring.latest(pool)
    }

    /// What followed an event; subscribe first, then ask, and skip what came twice.
    #[must_use]
    pub fn events_since(&self, pool: PoolId, last: EventId) -> Resume {
        self.shared.ring.since(pool, last)
    }

    /// Revokes a key: here at once, and on every other server as soon as it hears of it. False when
    /// the workspace has none such.
    pub async fn revoke_key(
        &self,
        workspace: WorkspaceId,
        key: KeyId,
    ) -> Result<bool, EngineError> {
        let revoked = self.shared.store.revoke_key(workspace, key, self.now());
        let revoked = revoked.await?;
        self.shared.revocations.send_modify(|count| *count += 1);
        Ok(revoked)
    }

    /// Moves on whenever keys may have been revoked, on any server or from the command line: what is
    /// remembered of keys is then worth nothing.
    #[must_use]
    pub fn revocations(&self) -> watch::Receiver<u64> {
        self.shared.revocations.subscribe()
    }

    /// The database's time now.
    #[must_use]
    pub fn now(&self) -> Time {
        self.shared.clock.now()
    }

    /// Whether an `Authorization` header proves that another server of this installation asks.
    #[must_use]
    pub fn is_ours(&self, authorization: &[u8]) -> bool {
        self.shared.forwarder.is_ours(authorization)
    }

    /// Answers what another server asks, JSON for JSON. To be mounted for POST below
    /// [`forward::INTERNAL_PATH`], behind [`Engine::is_ours`].
    pub async fn handle_forwarded(&self, body: &[u8]) -> Vec<u8> {
        let told = match forward::read(body) {
            Ok(ask) => self.answer(ask).await,
            Err(unreadable) => unreadable,
        };
        serde_json::to_vec(&told).unwrap_or_default()
    }

    /// How the engine does.
    #[must_use]
    pub fn health(&self) -> Health {
        Health::of(&self.shared.routes, self.supervisor.health())
    }

    /// Stops in order: no new leases, waiting claims answered, everything written, pools released.
    pub async fn shutdown(self) {
        self.supervisor.stop(STOP_PATIENCE).await;
    }

    async fn route(&self, pool: PoolId) -> Result<Route, EngineError> {
        if let Some(route) = self.shared.routes.get(pool) {
            return Ok(route);
        }
        let Some(other) = Box::pin(self.shared.store.holder_of(pool)).await? else {
            return Ok(Route::Nobody);
        };
        if other.holder == self.shared.config.server_id || self.shared.is_predecessor(&other) {
            return Ok(Route::Nobody);
        }
        let route = Route::There(other.url.into());
        self.shared.routes.set(pool, route.clone());
        Ok(route)
    }

    async fn ask(
        &self,
        pool: PoolId,
        url: &str,
        ask: &Ask,
        patience: Duration,
    ) -> Result<Told, EngineError> {
        // Rare and large: most commands are answered in this process, by a small future.
        let told = Box::pin(async {
            tokio::select! {
                told = self.shared.forwarder.ask(url, ask, patience) => told,
                // Whoever held it hangs: what was under way when it moved would be here by now.
                () = async {
                    self.shared.routes.moved(pool, url).await;
                    tokio::time::sleep(LAST_WORDS).await;
                } => Err(EngineError::Away),
            }
        })
        .await;
        if matches!(told, Err(EngineError::Away | EngineError::NoConductor)) {
            self.shared.routes.forget(pool, url);
        }
        told
    }

    /// Answers from what this process holds, never from a third server.
    async fn answer(&self, ask: Ask) -> Told {
        let pool = match &ask {
            Ask::Submit { pool, .. } | Ask::View { pool, .. } | Ask::Stats { pool } => *pool,
        };
        let Some(Route::Here(held)) = self.shared.routes.get(pool) else {
            return Told::Trouble(Trouble::NotHere);
        };
        let told = match ask {
            Ask::Submit {
                command,
                idempotency,
                ..
            } => held
                .inbox
                .submit(*command, idempotency)
                .await
                .map(Told::Heard),
            Ask::View { question, .. } => held
                .inbox
                .view(question.workspace, question.query)
                .await
                .map(Told::View),
            Ask::Stats { .. } => Ok(Told::Stats(held.measures.stats(Instant::now()))),
        };
        told.unwrap_or_else(|error| Told::Trouble((&error).into()))
    }
}

impl Shared {
    /// Whether what holds a pool is an earlier process at this one's own address, so gone.
    pub(crate) fn is_predecessor(&self, holder: &Holder) -> bool {
        holder.holder != self.config.server_id && self.config.is_own(&holder.url)
    }

    /// Says that this server is alive, and reads the database's clock.
    pub(crate) async fn be_seen(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        let now = self.store.now().await?;
        self.clock.correct(asked, now, Instant::now());
        let (id, url) = (self.config.server_id, self.config.public_url.clone());
        self.store
            .server_seen(&Server {
                id,
                url,
                seen_at: now,
            })
            .await
    }
}
