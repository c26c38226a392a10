//! What the core costs by itself: `cargo bench -p scheduler`.
//!
//! Nanoseconds of CPU time, without storing anything: a task created, a task claimed and completed
//! (with the decision and all records made), an explanation, and a what-if, among so many that wait.
//! CPU time as Linux counts it for the thread, so that a busy machine tells the same.

mod workload;

use std::hint::black_box;
use std::time::Duration;

use scheduler::{
    Actor, Claimed, Command, Conductor, Granted, PoolId, Query, Reply, Span, Stored, TaskId,
    Ticket, Time,
};
use uuid::Uuid;
use workload::{WORKSPACES, Workload};

/// Tasks of one command.
const BATCH: usize = 1_000;
/// What-ifs that are asked: the clock is coarse.
const WHAT_IFS: u32 = 32;
/// Agents, each with one task at a time.
const AGENTS: usize = 200;
/// Tasks claimed and completed before the backlog is filled up again.
const ROUND: usize = 2_000;

/// A conductor and its work.
struct Scene {
    conductor: Conductor,
    workload: Workload,
    now: Time,
    ticket: u64,
}

fn main() {
    let quick = std::env::var("BATON_BENCH").is_ok_and(|value| value == "quick");
    let rounds = if quick { 5 } else { 25 };
    println!("\nThe core alone, one thread, half of what waits blocked");
    println!(
        "{:>10} {:>14} {:>24} {:>14} {:>26}",
        "waiting", "create, ns", "claim + complete, ns", "explain, ns", "what-if, copy + play, µs"
    );
    for waiting in [10_000, 100_000, 1_000_000] {
        if quick && waiting > 100_000 {
            continue;
        }
        let mut scene = Scene::set();
        let created = scene.fill(waiting);
        let mut spent = Duration::ZERO;
        for _ in 0..rounds {
            spent += scene.round();
            scene.refill();
        }
        let cycle = spent.as_nanos() / (rounds * ROUND) as u128;
        let explained = scene.explain();
        let (copied, played) = scene.what_if();
        println!(
            "{waiting:>10} {:>14} {cycle:>24} {explained:>14} {copied:>12} + {played:>11}",
            created.as_nanos() / waiting as u128
        );
    }
}

/// CPU time of this thread so far.
fn cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|text| text.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

impl Scene {
    fn set() -> Self {
        let now = Time::from_millis(1_800_000_000_000);
        let mut workload = Workload::new(now);
        let mut conductor = Conductor::new(PoolId(Uuid::from_u128(1)), 7);
        for &id in &workload.workspaces {
            conductor.restore(Stored::Workspace {
                id,
                policy: Workload::policy(),
                policy_version: 1,
            });
        }
        conductor.start(now);
        let settings = workload.settings(AGENTS);
        let mut scene = Self {
            conductor,
            workload,
            now,
            ticket: 0,
        };
        scene.step(settings);
        let hold = scene.workload.hold();
        scene.step(hold);
        let claims = scene.workload.hold_claims(scene.now);
        scene.step(claims);
        scene
    }

    /// A step a millisecond after the last one.
    fn step(&mut self, commands: Vec<Command>) -> Vec<Reply> {
        self.now = self.now + Span::from_millis(1);
        let ticketed = commands.into_iter().map(|command| {
            self.ticket += 1;
            (Ticket(self.ticket), command)
        });
        let output = self.conductor.step(self.now, ticketed.collect());
        black_box(&output.records);
        output
            .replies
            .into_iter()
            .filter_map(|(_, answer)| answer.ok())
            .collect()
    }

    fn fill(&mut self, count: usize) -> Duration {
        let mut spent = Duration::ZERO;
        for n in 0..count / BATCH {
            let command = self.workload.mixed(n % WORKSPACES, BATCH);
            let begun = cpu();
            self.step(vec![command]);
            spent += cpu().saturating_sub(begun);
        }
        spent
    }

    fn refill(&mut self) {
        for ws in 0..WORKSPACES {
            let command = self.workload.runnable(ws, ROUND / WORKSPACES);
            self.step(vec![command]);
        }
    }

    /// Every agent claims, and completes while it claims the next, until the round is over.
    fn round(&mut self) -> Duration {
        let mut spent = Duration::ZERO;
        let mut leased: Vec<(usize, Granted)> = Vec::new();
        for _ in 0..ROUND / AGENTS {
            let done = leased
                .drain(..)
                .map(|(agent, lease)| self.workload.complete(agent, &lease, false));
            let mut commands: Vec<Command> = done.collect();
            commands.extend((0..AGENTS).map(|agent| self.workload.claim(agent, self.now)));
            let begun = cpu();
            let replies = self.step(commands);
            spent += cpu().saturating_sub(begun);
            let claims = replies.into_iter().filter_map(|reply| match reply {
                Reply::Claimed(Claimed { leases, .. }) => leases.into_iter().next(),
                _ => None,
            });
            leased = claims.enumerate().collect();
        }
        let done = leased
            .into_iter()
            .map(|(agent, lease)| self.workload.complete(agent, &lease, false));
        let commands = done.collect();
        let begun = cpu();
        self.step(commands);
        spent + cpu().saturating_sub(begun)
    }

    /// What it costs to take along what is needed for an answer, and to find the answer elsewhere.
    fn what_if(&self) -> (u128, u128) {
        let (mut copied, mut played) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..WHAT_IFS {
            let actor = Actor::Scheduler;
            let begun = cpu();
            let supposed = self
                .conductor
                .suppose(self.workload.workspaces[0], actor, Vec::new());
            let taken = cpu();
            black_box(supposed.outlook(self.now));
            copied += taken.saturating_sub(begun);
            played += cpu().saturating_sub(taken);
        }
        let each = |spent: Duration| spent.as_micros() / u128::from(WHAT_IFS);
        (each(copied), each(played))
    }

    fn explain(&mut self) -> u128 {
        let command = self.workload.mixed(0, BATCH);
        let workspace = command.workspace;
        let replies = self.step(vec![command]);
        let created: Vec<TaskId> = replies
            .into_iter()
            .filter_map(|reply| match reply {
                Reply::Created { tasks } => Some(tasks),
                _ => None,
            })
            .flatten()
            .map(|created| created.id)
            .collect();
        let begun = cpu();
        for &task in &created {
            black_box(
                self.conductor
                    .view(workspace, &Query::Explain { task }, self.now),
            );
        }
        cpu().saturating_sub(begun).as_nanos() / created.len().max(1) as u128
    }
}
