//! What the conductor does, one behaviour a test.

#![cfg(test)]

mod adaptive;
mod apart;
mod aside;
mod attempts;
mod claims;
mod decisions;
mod expected;
mod fuses;
mod limits;
mod money;
mod order;
mod people;
mod permits;
mod removal;
#[path = "../support/mod.rs"]
mod support;
mod verdicts;

use scheduler::{Policy, ResourceKind};
use support::World;

fn world() -> World {
    let mut world = World::new(2, &Policy::default());
    world.put_agent(0, 0, &["research"]);
    world
}

fn slots(n: u32) -> ResourceKind {
    ResourceKind::Slots { slots: n }
}

fn bucket(capacity: u32, refill_per_s: f64) -> ResourceKind {
    ResourceKind::Bucket {
        capacity,
        refill_per_s,
    }
}
