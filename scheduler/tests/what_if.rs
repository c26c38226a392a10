//! What-if says what would happen, and changes nothing. A failure names its seed; play it again with
//! `BATON_SEED=<seed> cargo test -p scheduler --test what_if`.

#![cfg(test)]

mod support;

use std::collections::BTreeSet;

use scheduler::{
    Act, BudgetId, BudgetScope, CloseResource, Code, Course, Outlook, Overrule, Policy, PutBudget,
    PutPolicy, PutResource, Query, Request, ResourceId, ResourceKind, Span, TaskId, Unit, View,
    WhatIf, Window,
};
use support::{Chance, World, boss, estimate, id, seeds, workspace};

const WORKSPACES: u64 = 2;
const AGENTS: u64 = 6;

fn what_if(world: &World, ws: u64, changes: Vec<Request>) -> WhatIf {
    let supposed = world.conductor.suppose(workspace(ws), boss(), changes);
    supposed.outlook(world.now)
}

fn outlook(world: &World, ws: u64, changes: Vec<Request>) -> Outlook {
    match what_if(world, ws, changes) {
        WhatIf::Outlook(outlook) => *outlook,
        refused @ WhatIf::Refused { .. } => panic!("{refused:?}"),
    }
}

fn slots(name: &str, slots: u32) -> Request {
    resource(0, name, ResourceKind::Slots { slots }, false)
}

fn resource(ws: u64, name: &str, kind: ResourceKind, pool_wide: bool) -> Request {
    Request::PutResource(PutResource {
        id: ResourceId(id(15, ws)),
        name: name.to_owned(),
        pool_wide,
        kind,
        adaptive: None,
    })
}

fn waiting(course: &Course, code: Code) -> u32 {
    let counts = course.waiting.iter().filter(|count| count.code == code);
    counts.map(|count| count.tasks).sum()
}

/// Four agents that wait, `slots` slots, and so many tasks of a minute each.
fn a_team(slots: u32, tasks: usize) -> World {
    let mut world = World::new(1, &Policy::default());
    world.put_resource(0, "opus", ResourceKind::Slots { slots }, false);
    for n in 0..4 {
        world.put_agent(0, n, &[]);
    }
    for _ in 0..tasks {
        let mut task = world.new_task(&[("opus", 1)]);
        task.needs.estimate.duration_ms = Some(60_000);
        world.create(0, vec![task]).expect("created");
    }
    for n in 0..4 {
        world.claim_waiting(0, n, 1, Span::from_secs(50));
    }
    world
}

#[test]
fn two_slots_more_start_two_tasks_more_and_halve_the_wait() {
    let mut world = a_team(2, 10);
    world.pass(Span::from_secs(1));
    let outlook = outlook(&world, 0, vec![slots("opus", 4)]);
    assert_eq!((outlook.played, outlook.left_out), (8, 0));
    assert_eq!(
        (outlook.as_it_is.starting_now, outlook.changed.starting_now),
        (0, 2)
    );
    assert_eq!(waiting(&outlook.as_it_is, Code::NoFreeSlot), 8);
    assert_eq!(waiting(&outlook.changed, Code::NoFreeSlot), 6);
    let minutes =
        |course: &Course| course.all_by.expect("all start").since(world.now).0 / 60_000_000;
    assert_eq!(
        (minutes(&outlook.as_it_is), minutes(&outlook.changed)),
        (3, 1)
    );
}

#[test]
fn a_task_that_is_let_go_is_one_more_of_those_that_wait() {
    let mut world = a_team(1, 4);
    let mut held = world.new_task(&[("opus", 1)]);
    held.needs.estimate.duration_ms = Some(60_000);
    let id = held.id;
    world.create(0, vec![held]).unwrap();
    world.overrule(0, id, Act::Hold).unwrap();
    let release = Overrule {
        task: id,
        act: Act::Release,
        reason: None,
        boost: None,
        handoff: None,
        facts: Vec::new(),
    };
    let outlook = outlook(&world, 0, vec![Request::Overrule(release)]);
    assert_eq!((outlook.as_it_is.starts, outlook.changed.starts), (3, 4));
    let by = |course: &Course| course.all_by.expect("all start");
    let later = by(&outlook.changed).since(by(&outlook.as_it_is));
    assert_eq!(later, Span::from_secs(60));
}

#[test]
fn agents_that_are_there_and_do_not_wait_are_told_apart() {
    let mut world = a_team(2, 10);
    world.pass_waking(Span::from_secs(51));
    let outlook = outlook(&world, 0, vec![slots("opus", 3)]);
    assert_eq!(
        (outlook.changed.starting_now, outlook.changed.starting_soon),
        (0, 1)
    );
}

#[test]
fn what_needs_a_person_never_starts_until_that_is_changed() {
    let mut world = a_team(4, 0);
    let task = world.add(0, &[("nobody_set_this", 1)]);
    let before = outlook(&world, 0, Vec::new());
    assert_eq!((before.changed.starts, before.changed.all_by), (0, None));
    let after = outlook(&world, 0, vec![slots("nobody_set_this", 1)]);
    assert_eq!(after.changed.starts_now, [task]);
    assert_eq!(after.as_it_is, before.as_it_is);
}

#[test]
fn a_spent_budget_lets_work_go_on_when_its_window_turns() {
    let mut world = World::new(1, &Policy::default());
    world.put_agent(0, 0, &[]);
    world.put_budget(0, "day", Unit::Tokens, 1_000, Window::Day);
    for _ in 0..4 {
        let mut task = world.new_task(&[]);
        task.needs.estimate = estimate(500);
        world.create(0, vec![task]).expect("created");
    }
    let raised = PutBudget {
        id: BudgetId(id(16, 0)),
        name: "day".to_owned(),
        scope: BudgetScope::Workspace,
        unit: Unit::Tokens,
        limit: 2_000,
        window: Window::Day,
        soft_at: 0.8,
        used: 0,
    };
    world.claim(0, 0, 1);
    let outlook = outlook(&world, 0, vec![Request::PutBudget(raised)]);
    let turns = Window::Day.end(world.now).expect("a day ends");
    let a_minute_each = Some(turns + Span::from_secs(60));
    assert_eq!(outlook.as_it_is.all_by, a_minute_each);
    assert!(outlook.changed.all_by.expect("all start") < turns);
}

#[test]
fn dependants_are_played_when_what_they_wait_for_is_done() {
    let mut world = a_team(1, 1);
    let first = world.add(0, &[("opus", 1)]);
    let mut task = world.new_task(&[("opus", 1)]);
    task.depends_on = vec![first];
    let second = task.id;
    world.create(0, vec![task]).expect("created");
    let outlook = outlook(&world, 0, vec![slots("opus", 2)]);
    let of = |task: TaskId| {
        outlook
            .tasks
            .iter()
            .find(|course| course.task == task)
            .expect("played")
    };
    assert!(of(first).changed < of(second).changed && of(first).changed < of(first).as_it_is);
}

#[test]
fn a_change_that_would_be_refused_is_named() {
    let world = a_team(1, 0);
    let bad = resource(
        0,
        "x",
        ResourceKind::Bucket {
            capacity: 0,
            refill_per_s: 1.0,
        },
        false,
    );
    let answer = what_if(&world, 0, vec![slots("opus", 2), bad]);
    assert!(
        matches!(answer, WhatIf::Refused { change: 1, .. }),
        "{answer:?}"
    );
}

#[test]
fn beyond_the_first_thousand_tasks_are_counted_and_not_played() {
    let policy = Policy {
        fuses: scheduler::Fuses {
            max_pending: 100_000,
            ..Policy::default().fuses
        },
        ..Policy::default()
    };
    let mut world = World::new(1, &policy);
    world.put_resource(0, "opus", ResourceKind::Slots { slots: 1 }, false);
    world.put_agent(0, 0, &[]);
    for _ in 0..30 {
        let mut batch: Vec<_> = (0..1_000).map(|_| world.new_task(&[("opus", 1)])).collect();
        for n in 0..100 {
            batch[999 - n].depends_on = vec![batch[n].id];
            batch[500 + n].not_before = Some(world.now + Span::from_secs(3_600));
        }
        world.create(0, batch).expect("created");
    }
    let outlook = outlook(&world, 0, Vec::new());
    let waiting = |code| waiting(&outlook.as_it_is, code);
    assert_eq!(
        (
            waiting(Code::AgentsBusy),
            waiting(Code::DependencyPending),
            waiting(Code::NotBefore)
        ),
        (24_000, 3_000, 3_000)
    );
    let of_lanes_and_hours = 1_000 + 1_000;
    assert!((of_lanes_and_hours..8_000).contains(&outlook.played));
    assert_eq!(outlook.played + outlook.left_out, 30_000);
}

#[test]
fn what_would_start_now_is_what_starts_when_the_change_is_made() {
    let mut started = 0;
    for seed in seeds(60) {
        let (mut world, mut chance) = (World::new(WORKSPACES, &Policy::default()), Chance(seed));
        set_up(&mut world);
        for _ in 0..120 {
            act(&mut world, &mut chance);
        }
        for round in 0..20 {
            started += change_and_compare(&mut world, &mut chance, seed, round);
            act(&mut world, &mut chance);
        }
    }
    assert!(
        started > 100,
        "a run in which nothing started shows nothing"
    );
}

fn set_up(world: &mut World) {
    let bucket = ResourceKind::Bucket {
        capacity: 20,
        refill_per_s: 2.0,
    };
    world.put_resource(0, "shared", bucket, true);
    world.put_resource(0, "model", ResourceKind::Slots { slots: 2 }, true);
    for ws in 0..WORKSPACES {
        world.put_resource(ws, "own", ResourceKind::Slots { slots: 1 }, false);
        world.put_budget(ws, "all", Unit::Tokens, 3_000, Window::Total);
        for n in 0..AGENTS {
            world.put_agent(ws, ws * AGENTS + n, &["write"][..(n as usize % 2)]);
        }
    }
}

fn act(world: &mut World, chance: &mut Chance) {
    let ws = chance.below(WORKSPACES);
    match chance.below(10) {
        0..5 => create(world, chance, ws),
        5..8 => {
            let agent = ws * AGENTS + chance.below(AGENTS);
            world.claim_waiting(ws, agent, 1 + chance.below(2) as u16, Span::from_secs(20));
        }
        _ => world.pass_waking(Span::from_millis(chance.below(3_000) as i64)),
    }
}

fn create(world: &mut World, chance: &mut Chance, ws: u64) {
    let all: &[&[(&str, u32)]] = &[
        &[],
        &[("shared", 1)],
        &[("shared", 12)],
        &[("model", 1)],
        &[("model", 1), ("own", 1)],
        &[("missing", 1)],
    ];
    let mut task = world.new_task(chance.pick(all).copied().unwrap_or_default());
    task.needs.estimate = estimate(100 + chance.below(400) as u32);
    task.needs.lease_ms = 30_000;
    if chance.one_in(3) {
        task.needs.capabilities = vec!["write".to_owned()];
    }
    if chance.one_in(6) {
        task.not_before = Some(world.now + Span::from_secs(chance.below(20) as i64));
    }
    let open = pending(world, ws);
    task.depends_on
        .extend(chance.pick(&open).filter(|_| chance_of(task.id)));
    // A dependency may have ended meanwhile; then nothing is made.
    let _ = world.create(ws, vec![task]);
}

/// One in four, by the task alone.
fn chance_of(task: TaskId) -> bool {
    task.0.as_u128().is_multiple_of(4)
}

fn pending(world: &World, ws: u64) -> Vec<TaskId> {
    let open = world.model.open.values();
    let of_ws = open.filter(|open| open.workspace == workspace(ws) && !open.state.is_terminal());
    of_ws.map(|open| open.id).collect()
}

/// Slots only grow: of fewer than are held the model would complain.
fn change(world: &World, chance: &mut Chance, ws: u64, round: u32) -> Request {
    let open = pending(world, ws);
    match chance.below(8) {
        0 => resource(
            ws,
            "model",
            ResourceKind::Slots {
                slots: 2 + round / 3,
            },
            true,
        ),
        1 => {
            let slots = 1 + round / 5;
            resource(ws, "own", ResourceKind::Slots { slots }, false)
        }
        2 => resource(ws, "missing", ResourceKind::Slots { slots: 2 }, false),
        3 => {
            let bucket = ResourceKind::Bucket {
                capacity: 30,
                refill_per_s: 4.0,
            };
            resource(ws, "shared", bucket, true)
        }
        4 => Request::CloseResource(CloseResource {
            resource: "shared".to_owned(),
            until: chance.one_in(2).then(|| world.now + Span::from_secs(60)),
            reason: None,
        }),
        5 => Request::PutBudget(PutBudget {
            id: BudgetId(id(16, ws)),
            name: "all".to_owned(),
            scope: BudgetScope::Workspace,
            unit: Unit::Tokens,
            limit: chance.below(20_000),
            window: Window::Total,
            soft_at: 0.8,
            used: 0,
        }),
        6 => Request::PutPolicy(PutPolicy {
            policy: Policy {
                fair_share_weight: 3.0,
                ..Policy::default()
            },
            version: None,
        }),
        _ => Request::Overrule(Overrule {
            task: chance.pick(&open).copied().unwrap_or(TaskId(id(9, 9))),
            act: *chance
                .pick(&[Act::Hold, Act::Release, Act::Cancel])
                .unwrap_or(&Act::Hold),
            reason: None,
            boost: None,
            handoff: None,
            facts: Vec::new(),
        }),
    }
}

/// Asks what would start, looks that nothing has changed, makes the change, and compares.
fn change_and_compare(world: &mut World, chance: &mut Chance, seed: u64, round: u32) -> usize {
    let ws = chance.below(WORKSPACES);
    let request = change(world, chance, ws, round);
    let before = format!("{:?}", world.conductor);
    let answer = what_if(world, ws, vec![request.clone()]);
    assert_eq!(
        before,
        format!("{:?}", world.conductor),
        "BATON_SEED={seed}: asking changed something"
    );
    let live: BTreeSet<TaskId> = world.model.leases.keys().copied().collect();
    let made = world.ask(ws, boss(), request.clone());
    let outlook = match (answer, made) {
        (WhatIf::Outlook(outlook), Ok(_)) => outlook,
        (WhatIf::Refused { refusal, .. }, Err(refused)) => {
            assert_eq!(refusal, refused, "BATON_SEED={seed}");
            return 0;
        }
        (answer, made) => panic!("BATON_SEED={seed}: {request:?}: {answer:?}, but {made:?}"),
    };
    let started: BTreeSet<TaskId> = world
        .model
        .leases
        .iter()
        .filter(|(task, lease)| !live.contains(task) && lease.workspace == workspace(ws))
        .map(|(&task, _)| task)
        .collect();
    let foretold: BTreeSet<TaskId> = outlook.changed.starts_now.iter().copied().collect();
    assert_eq!(foretold, started, "BATON_SEED={seed}: {request:?}");
    compare_counts(world, ws, &outlook, seed);
    started.len()
}

/// The counts foretold are those of the summary afterwards.
fn compare_counts(world: &World, ws: u64, outlook: &Outlook, seed: u64) {
    let View::Summary { summary } = world
        .conductor
        .view(workspace(ws), &Query::Summary, world.now)
    else {
        panic!("not a summary")
    };
    let foretold: Vec<(Code, u32)> = outlook
        .changed
        .waiting
        .iter()
        .map(|count| (count.code, count.tasks))
        .collect();
    assert_eq!(foretold, summary.pending_by_code, "BATON_SEED={seed}");
}
