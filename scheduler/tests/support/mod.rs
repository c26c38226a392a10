//! A small world around a conductor: a store in memory, agents, and a source of chance that can be
//! played again.

#![allow(dead_code, reason = "each test file uses its own part")]

mod model;
mod world;

use scheduler::{Actor, AgentId, Answer, Class, Estimate, KeyId, Refusal, Time, WorkspaceId};
use uuid::Uuid;

pub use model::Model;
pub use world::World;

pub const START: Time = Time(1_763_000_000_000_000);

/// `SplitMix64` (Steele, Lea and Flood 2014): small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[self.below(all.len() as u64) as usize])
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The seeds to play: `BATON_SEED` alone if it is set, else `count` from a fixed start.
pub fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("BATON_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    {
        Some(seed) => vec![seed],
        None => (1..=count).collect(),
    }
}

pub fn id(kind: u128, n: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | kind << 56 | u128::from(n))
}

pub fn workspace(n: u64) -> WorkspaceId {
    id(1, n).into()
}

pub fn agent(n: u64) -> AgentId {
    id(2, n).into()
}

pub fn boss() -> Actor {
    Actor::Key {
        id: KeyId(id(3, 0)),
        name: "boss".to_owned(),
    }
}

pub fn agent_actor(n: u64) -> Actor {
    Actor::Agent {
        id: agent(n),
        name: format!("agent-{n}"),
    }
}

pub fn estimate(tokens: u32) -> Estimate {
    Estimate {
        input_tokens: Some(tokens),
        ..Estimate::default()
    }
}

pub fn outcome_is_lost(answer: &Answer) -> bool {
    matches!(answer, Err(Refusal::LeaseLost))
}

pub fn class_of(n: u64) -> Class {
    Class::ALL[(n % 5) as usize]
}

fn hash(name: &str) -> u64 {
    name.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) & 0xffff_ffff
}
