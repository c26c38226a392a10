//! The invariants, held over tens of thousands of random steps. A failure names its seed; play it
//! again with `BATON_SEED=<seed> cargo test -p scheduler --test invariants`.

#![cfg(test)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use scheduler::{
    Act, Class, Code, Estimate, Granted, Policy, Priority, Refusal, ResourceKind, Span, TaskState,
    Ticket, Unit, Usage, Verdict, Window,
};
use support::{Chance, World, class_of, estimate, outcome_is_lost, seeds};

const WORKSPACES: u64 = 3;
const AGENTS: u64 = 4;
const STEPS: usize = 1_500;

/// One lease in an agent's hands, perhaps long lost.
struct Held {
    ws: u64,
    agent: u64,
    granted: Granted,
}

struct Play {
    world: World,
    chance: Chance,
    held: Vec<Held>,
    waiting: Vec<(u64, u64, Ticket)>,
    stale_refused: u32,
    reloads: u32,
    /// Whether resources save up for those that wait long.
    saves_up: bool,
}

#[test]
fn random_work_keeps_every_invariant() {
    let (mut stale, mut reloads) = (0, 0);
    for seed in seeds(24) {
        let play = || {
            let mut play = Play::new(seed);
            for _ in 0..STEPS {
                play.act();
            }
            play.finish();
            (play.stale_refused, play.reloads)
        };
        match catch_unwind(AssertUnwindSafe(play)) {
            Ok(counts) => (stale, reloads) = (stale + counts.0, reloads + counts.1),
            Err(panic) => {
                eprintln!("play it again with BATON_SEED={seed}");
                resume_unwind(panic);
            }
        }
    }
    assert!(
        stale > 0 && reloads > 0,
        "a run in which nothing went wrong shows nothing"
    );
}

impl Play {
    fn new(seed: u64) -> Self {
        let saves_up = seed.is_multiple_of(2);
        let mut world = World::new(
            WORKSPACES,
            &Policy {
                reserve_after_ms: if saves_up { 3_000 } else { 3_600_000 },
                ..Policy::default()
            },
        );
        world.put_resource(
            0,
            "shared",
            ResourceKind::Bucket {
                capacity: 20,
                refill_per_s: 5.0,
            },
            true,
        );
        world.put_resource(0, "model", ResourceKind::Slots { slots: 3 }, true);
        world.put_resource(0, "tool", ResourceKind::Slots { slots: 2 }, true);
        for ws in 0..WORKSPACES {
            world.put_agent_for(ws, ws * AGENTS + AGENTS - 1, &["write"], Some(2));
            world.put_resource(
                ws,
                "own",
                ResourceKind::Bucket {
                    capacity: 10,
                    refill_per_s: 20.0,
                },
                false,
            );
            world.put_budget(ws, "all", Unit::Tokens, 200_000, Window::Total);
            world.put_budget(ws, "hourly", Unit::Tokens, 20_000, Window::FiveHours);
            for n in 0..AGENTS - 1 {
                world.put_agent(
                    ws,
                    ws * AGENTS + n,
                    &["write", "read"][..(n as usize % 3).min(2)],
                );
            }
        }
        Self {
            world,
            chance: Chance(seed),
            held: Vec::new(),
            waiting: Vec::new(),
            stale_refused: 0,
            reloads: 0,
            saves_up,
        }
    }

    fn act(&mut self) {
        let ws = self.chance.below(WORKSPACES);
        match self.chance.below(106) {
            0..25 => self.create(ws),
            25..50 => self.claim(ws),
            50..75 => self.end_one(),
            75..80 => self.go_on(),
            80..88 => self.overrule(ws),
            88..96 => {
                let span = Span::from_millis(self.chance.below(4_000) as i64);
                self.world.pass_waking(span);
            }
            96 => self.world.pass_waking(Span::from_secs(70)),
            97 => self.world.pass(Span::from_secs(5)),
            98 => self.check_explanations(ws),
            99..101 => self.change_kind(),
            101..105 => self.ask_again(),
            _ => self.reload(),
        }
        self.collect();
    }

    /// Nobody waits for what they could have: who waits and asks again gets nothing either. Only what
    /// may pass one that is saved up for because that one is expected later is found by the look around.
    fn ask_again(&mut self) {
        if self.saves_up {
            return;
        }
        let Some(&(ws, agent, ticket)) = self.chance.pick(&self.waiting) else {
            return;
        };
        let claimed = self.world.claim(ws, agent, 1);
        assert!(
            claimed.leases.is_empty() || self.world.is_answered(ticket),
            "it waited for {claimed:?}"
        );
        let held = claimed.leases.into_iter();
        self.held
            .extend(held.map(|granted| Held { ws, agent, granted }));
    }

    /// A limit becomes one of another kind while it is held.
    fn change_kind(&mut self) {
        let kind = if self.chance.one_in(2) {
            ResourceKind::Slots { slots: 2 }
        } else {
            ResourceKind::Bucket {
                capacity: 4,
                refill_per_s: 1.0,
            }
        };
        self.world.put_resource(0, "tool", kind, true);
    }

    fn create(&mut self, ws: u64) {
        let count = 1 + self.chance.below(4);
        let mut batch = Vec::new();
        for _ in 0..count {
            let all: &[&[(&str, u32)]] = &[
                &[],
                &[("shared", 1)],
                &[("shared", 9)],
                &[("model", 1)],
                &[("model", 3)],
                &[("tool", 1)],
                &[("model", 1), ("own", 2)],
                &[("own", 1), ("shared", 2)],
            ];
            let needs = self.chance.pick(all).copied().unwrap_or_default();
            let mut task = self.world.new_task(needs);
            task.needs.class = if self.chance.one_in(3) {
                class_of(self.chance.next())
            } else {
                Class::Ordinary
            };
            task.priority = *self
                .chance
                .pick(&[
                    Priority::Low,
                    Priority::Medium,
                    Priority::High,
                    Priority::Urgent,
                ])
                .unwrap_or(&Priority::Medium);
            task.needs.estimate = if self.chance.one_in(4) {
                Estimate::default()
            } else {
                estimate(100 + self.chance.below(900) as u32)
            };
            task.needs.lease_ms = if self.chance.one_in(3) { 1_500 } else { 30_000 };
            if self.chance.one_in(3) {
                task.needs.capabilities = vec!["write".to_owned()];
            }
            if self.chance.one_in(5) {
                task.due_at =
                    Some(self.world.now + Span::from_secs(self.chance.below(20_000) as i64));
            }
            if self.chance.one_in(8) {
                task.not_before =
                    Some(self.world.now + Span::from_secs(self.chance.below(20) as i64));
            }
            self.relate(ws, &mut task, &batch);
            batch.push(task);
        }
        match self.world.create(ws, batch) {
            // A family or dependency may have been cancelled meanwhile; the store would say so.
            Ok(_) | Err(Refusal::Fuse { .. } | Refusal::NeedFacts { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }

    fn relate(&mut self, ws: u64, task: &mut scheduler::NewTask, batch: &[scheduler::NewTask]) {
        let of_ws: Vec<_> = self
            .world
            .model
            .open
            .values()
            .filter(|open| open.workspace == support::workspace(ws))
            .map(|open| open.id)
            .collect();
        if self.chance.one_in(3) {
            task.depends_on.extend(self.chance.pick(&of_ws));
        }
        if self.chance.one_in(3) {
            task.depends_on
                .extend(self.chance.pick(batch).map(|other| other.id));
        }
        task.depends_on.sort();
        task.depends_on.dedup();
        if self.chance.one_in(6) {
            task.parent = self.chance.pick(&of_ws).copied();
        }
    }

    fn claim(&mut self, ws: u64) {
        let agent = ws * AGENTS + self.chance.below(AGENTS);
        let max = 1 + self.chance.below(3) as u16;
        let wait = Span::from_millis([0, 0, 2_000, 20_000][self.chance.below(4) as usize]);
        let ticket = self.world.claim_waiting(ws, agent, max, wait);
        self.waiting.push((ws, agent, ticket));
    }

    /// Takes in what waiting claims have got.
    fn collect(&mut self) {
        for (ws, agent, ticket) in std::mem::take(&mut self.waiting) {
            match self.world.claimed(ticket) {
                Some(claimed) => {
                    assert!(claimed.leases.is_empty() || claimed.waits.is_empty());
                    self.held
                        .extend(claimed.leases.into_iter().map(|granted| Held {
                            ws,
                            agent,
                            granted,
                        }));
                }
                None => self.waiting.push((ws, agent, ticket)),
            }
        }
    }

    fn end_one(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let at = self.chance.below(self.held.len() as u64) as usize;
        let Held { ws, agent, granted } = self.held.swap_remove(at);
        let live = self
            .world
            .model
            .leases
            .get(&granted.task)
            .is_some_and(|lease| lease.id == granted.lease && lease.expires_at > self.world.now);
        let usage = Usage {
            input_tokens: self.chance.below(1_500),
            ..Usage::default()
        };
        let jitter = self.chance.unit();
        let answer = match self.chance.below(10) {
            0 => self.world.fail(ws, agent, &granted, None, jitter),
            1 => self.world.hand_back(ws, agent, &granted),
            2 if !granted.grants.is_empty() => self.world.fail(
                ws,
                agent,
                &granted,
                Some(&granted.grants[0].name.clone()),
                jitter,
            ),
            3 => return, // The agent dies.
            _ => self.world.complete(ws, agent, &granted, Some(usage)),
        };
        assert_eq!(
            answer.is_ok(),
            live,
            "a live lease is written under, a lost one is not: {answer:?}"
        );
        self.stale_refused += u32::from(outcome_is_lost(&answer));
    }

    fn go_on(&mut self) {
        let Some(held) = self.chance.pick(&self.held) else {
            return;
        };
        let (ws, agent, granted) = (held.ws, held.agent, held.granted.clone());
        let tokens = self.chance.below(300);
        let answers = [
            self.world.renew(ws, agent, &granted),
            self.world.report(ws, agent, &granted, tokens),
        ];
        self.stale_refused += answers
            .iter()
            .filter(|answer| outcome_is_lost(answer))
            .count() as u32;
    }

    fn overrule(&mut self, ws: u64) {
        let open: Vec<_> = self
            .world
            .model
            .open
            .values()
            .filter(|open| open.workspace == support::workspace(ws))
            .map(|open| open.id)
            .collect();
        let Some(&task) = self.chance.pick(&open) else {
            return;
        };
        let act = *self
            .chance
            .pick(&[
                Act::Cancel,
                Act::Hold,
                Act::Release,
                Act::Release,
                Act::Retry,
            ])
            .unwrap_or(&Act::Hold);
        match self.world.overrule(ws, task, act) {
            Ok(_) | Err(Refusal::WrongState { .. } | Refusal::NeedFacts { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }

    /// The process dies in between: whoever waited is gone, whoever holds a lease still does.
    fn reload(&mut self) {
        // What is overdue happens first, so that both count the same.
        self.world.step(Vec::new());
        let before = self.world.conductor.counts();
        self.world.reload();
        let after = self.world.conductor.counts();
        assert_eq!(
            (before.live_leases, before.workspaces),
            (after.live_leases, after.workspaces)
        );
        self.waiting.clear();
        self.reloads += 1;
    }

    /// Invariant 9: every waiting task has an explanation, with a reason or about to go.
    fn check_explanations(&mut self, ws: u64) {
        let waiting: Vec<_> = self
            .world
            .model
            .open
            .values()
            .filter(|open| open.workspace == support::workspace(ws))
            .map(|open| open.id)
            .collect();
        for task in waiting {
            let Some(why) = self.world.explain(ws, task) else {
                continue;
            };
            assert!(!why.headline.is_empty() && why.recheck_at > why.evaluated_at);
            assert_eq!(
                why.verdict == Verdict::NotYet,
                !why.blockers.is_empty(),
                "{why:?}"
            );
            if why.state == TaskState::Pending {
                assert!(
                    matches!(why.verdict, Verdict::NotYet | Verdict::Dispatching),
                    "{why:?}"
                );
            }
            for blocker in &why.blockers {
                assert_eq!(blocker.tier, blocker.code.tier());
                assert!(
                    blocker.tier != scheduler::Tier::NeedsYou || blocker.eta.is_none(),
                    "no ETA where a person must act: {blocker:?}"
                );
            }
        }
    }

    /// Faults stop: everything that can run ends, all that was taken is back, the books add up.
    fn finish(&mut self) {
        for ws in 0..WORKSPACES {
            self.check_explanations(ws);
            self.world
                .put_budget(ws, "all", Unit::Tokens, 1 << 50, Window::Total);
            self.world
                .put_budget(ws, "hourly", Unit::Tokens, 1 << 50, Window::FiveHours);
        }
        for held in std::mem::take(&mut self.held) {
            let _ = self
                .world
                .complete(held.ws, held.agent, &held.granted, None);
        }
        for _ in 0..3_000 {
            let before = self.world.model.open.len();
            for ws in 0..WORKSPACES {
                for open in self
                    .world
                    .model
                    .open
                    .values()
                    .filter(|open| open.state == TaskState::Backlog)
                    .map(|open| (open.workspace, open.id))
                    .collect::<Vec<_>>()
                {
                    if open.0 == support::workspace(ws) {
                        self.world
                            .overrule(ws, open.1, Act::Release)
                            .expect("released");
                    }
                }
                for n in 0..AGENTS {
                    let agent = ws * AGENTS + n;
                    for granted in self.world.claim(ws, agent, 3).leases {
                        self.world
                            .complete(ws, agent, &granted, None)
                            .expect("a live lease");
                    }
                }
            }
            self.world
                .pass_waking(Span::from_secs(if before < 20 { 30 } else { 2 }));
            if self.runnable() == 0 {
                break;
            }
        }
        assert_eq!(
            self.runnable(),
            0,
            "every runnable task ends: {:?}",
            self.left()
        );
        assert!(self.world.model.leases.is_empty() && self.world.model.slots.is_empty());
        self.world.model.check_buckets();
        self.world.model.check_ledger(support::START);
        let counts = self.world.conductor.counts();
        assert_eq!((counts.live_leases, counts.waiting_claims), (0, 0));
    }

    /// Tasks that wait for nothing that has failed.
    fn runnable(&self) -> usize {
        self.left().len()
    }

    fn left(&self) -> Vec<(u64, scheduler::TaskId, Option<Code>)> {
        let mut left = Vec::new();
        for open in self
            .world
            .model
            .open
            .values()
            .filter(|open| !open.state.is_terminal())
        {
            let ws = (0..WORKSPACES)
                .find(|&n| support::workspace(n) == open.workspace)
                .unwrap_or(0);
            let codes: Vec<Code> = self
                .world
                .explain(ws, open.id)
                .map(|why| why.blockers.iter().map(|b| b.code).collect())
                .unwrap_or_default();
            if !self.waits_for_failed(open.id) {
                left.push((ws, open.id, codes.first().copied()));
            }
        }
        left
    }

    fn waits_for_failed(&self, task: scheduler::TaskId) -> bool {
        let model = &self.world.model;
        model
            .depends
            .get(&task)
            .into_iter()
            .flatten()
            .any(|dependency| match model.ended.get(dependency) {
                Some(TaskState::Done) => false,
                Some(_) => true,
                None => self.waits_for_failed(*dependency),
            })
    }
}
