//! The conductor: decides which task runs next, when, and by which agent.
//!
//! A deterministic state machine in memory. No clock, no randomness but what is passed in, no IO, no
//! async, no locks. The same core serves live dispatch, the claim's reply, the page that says why
//! something waits, what-if, replay and the simulator.

mod arena;
pub mod bounds;
mod bucket;
mod command;
mod conductor;
mod decision;
mod explanation;
mod gauge;
mod id;
mod limits;
mod policy;
mod queue;
mod record;
mod reply;
mod score;
pub mod simulator;
mod slots;
mod task;
mod time;
mod view;
mod what_if;
mod window;
pub mod words;

pub use command::*;
pub use conductor::{Conductor, Output, Supposed};
pub use decision::*;
pub use explanation::*;
pub use gauge::*;
pub use id::*;
pub use limits::*;
pub use policy::*;
pub use record::*;
pub use reply::*;
pub use task::*;
pub use time::*;
pub use view::*;
pub use what_if::*;
