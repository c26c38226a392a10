//! Runs the core: an actor per held pool (inbox, step, flush, reply), the pool keeper, forwarding and the loops.
//!
//! Memory decides, Postgres commits, then the world hears. [`Engine`] is what the rest of the server
//! holds; whether a pool is decided in this process or on another server makes no difference to it.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `inbox` | the caller's side of a conductor: tickets, idempotency, facts asked for |
//! | `awaited` | claims withdrawn and grants given back when nobody waits any more |
//! | `actor` | the conductor's task: takes in, steps, gathers, one flush at a time in order |
//! | `batch` | what waits for a commit: records, answers, views; the flush itself |
//! | `keeper`, `holding` | takes, renews, loses and releases pools; what one held pool is made of |
//! | [`forward`] | asks the server that holds a pool, answers those that ask this one |
//! | [`events`] | one coalesced notification at a time; the ring for readers that resume |
//! | `loops` | safety net, gauges, retention |
//! | [`supervise`] | restarts what panics or fails |
//! | [`clock`] | the database's time |
//! | [`measure`] | names of metrics, quantiles for people |
//!
//! Deliberately absent: undo. Whatever goes wrong ends the actor; the pool is taken again under a new
//! epoch (which waits for a flush that may still commit) and loaded again.

mod actor;
mod awaited;
mod batch;
pub mod clock;
mod config;
mod engine;
mod error;
pub mod events;
mod facts;
pub mod forward;
mod health;
mod holding;
mod idempotency;
mod inbox;
mod keeper;
mod loops;
pub mod measure;
mod nul;
mod routes;
pub mod supervise;
mod wire;

pub use config::{Bounds, EngineConfig, PollIntervals};
pub use engine::Engine;
pub use error::EngineError;
pub use events::{Event, EventId, Item, Kind, Resume};
pub use health::{Health, Place, PoolHealth};
pub use idempotency::IdempotencyKey;
pub use measure::{Quantiles, Stats};
pub use wire::Heard;
