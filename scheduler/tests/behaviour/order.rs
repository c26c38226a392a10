//! What goes before what.

use scheduler::{Class, Policy, Priority, PutPolicy, Request, Span, TaskId};

use crate::support::{World, boss};
use crate::{bucket, slots, world};

#[test]
fn better_ranked_goes_first_within_and_across_lanes() {
    let mut world = world();
    world.put_resource(0, "model", slots(9), false);
    let low = world.add(0, &[]);
    let mut urgent = world.new_task(&[("model", 1)]);
    urgent.priority = Priority::Urgent;
    let urgent_id = urgent.id;
    world.create(0, vec![urgent]).unwrap();
    let order: Vec<TaskId> = (0..2)
        .map(|_| world.claim(0, 0, 1).leases[0].task)
        .collect();
    assert_eq!(order, [urgent_id, low]);
}

#[test]
fn what_unblocks_more_goes_before_what_unblocks_less() {
    let mut world = world();
    let plain = world.add(0, &[]);
    let mut key = world.new_task(&[]);
    key.needs.kind = "key".to_owned();
    let key_id = key.id;
    let mut batch = vec![key];
    for _ in 0..6 {
        let mut behind = world.new_task(&[]);
        behind.depends_on = vec![batch.last().unwrap().id];
        batch.push(behind);
    }
    world.create(0, batch).unwrap();
    let order: Vec<TaskId> = (0..2)
        .map(|_| world.claim(0, 0, 1).leases[0].task)
        .collect();
    assert_eq!(order, [key_id, plain]);
}

#[test]
fn exploratory_work_leaves_room_for_other_work() {
    let mut world = world();
    world.put_resource(0, "model", slots(5), false);
    for _ in 0..5 {
        let mut task = world.new_task(&[("model", 1)]);
        task.needs.class = Class::Exploratory;
        world.create(0, vec![task]).unwrap();
    }
    assert_eq!(
        world.claim(0, 0, 9).leases.len(),
        4,
        "a fifth of the slots is left free"
    );
    let ordinary = world.add(0, &[("model", 1)]);
    assert_eq!(world.claim(0, 0, 9).leases[0].task, ordinary);
}

#[test]
fn workspaces_share_a_contended_resource_by_weight() {
    let mut world = World::new(2, &Policy::default());
    world.put_agent(0, 0, &[]);
    world.put_agent(1, 1, &[]);
    world.put_resource(0, "shared", bucket(1, 10.0), true);
    let policy = Policy {
        fair_share_weight: 3.0,
        ..Policy::default()
    };
    world
        .ask(
            1,
            boss(),
            Request::PutPolicy(PutPolicy {
                policy,
                version: None,
            }),
        )
        .unwrap();
    for ws in [0, 1] {
        for _ in 0..200 {
            world.add(ws, &[("shared", 1)]);
        }
    }
    let mut got = [0, 0];
    let mut claims = [0, 1].map(|n| world.claim_waiting(n, n, 1, Span::from_secs(600)));
    for _ in 0..400 {
        world.pass_waking(Span::from_millis(50));
        for n in 0..2 {
            if let Some(claimed) = world.claimed(claims[n as usize]) {
                got[n as usize] += claimed.leases.len();
                claims[n as usize] = world.claim_waiting(n, n, 1, Span::from_secs(600));
            }
        }
    }
    let share = got[1] as f64 / (got[0] + got[1]) as f64;
    assert!(
        (0.70..=0.80).contains(&share),
        "three quarters to the heavier: {got:?}"
    );
}

#[test]
fn a_task_that_needs_much_is_saved_up_for_after_a_bounded_wait() {
    let mut world = World::new(
        1,
        &Policy {
            reserve_after_ms: 5_000,
            ..Policy::default()
        },
    );
    world.put_agent(0, 0, &[]);
    world.put_resource(0, "model", slots(4), false);
    let mut running = std::collections::VecDeque::new();
    let mut started_at = None;
    let big = world.add(0, &[("model", 4)]);
    for second in 0..60 {
        // Small tasks keep coming, and each runs for three seconds.
        for _ in 0..2 {
            let mut small = world.new_task(&[("model", 1)]);
            small.priority = Priority::Urgent;
            small.needs.estimate.duration_ms = Some(3_000);
            world.create(0, vec![small]).unwrap();
        }
        while running.front().is_some_and(|(end, _)| *end <= second) {
            let (_, lease) = running.pop_front().unwrap();
            world.complete(0, 0, &lease, None).unwrap();
        }
        for lease in world.claim(0, 0, 9).leases {
            if lease.task == big {
                started_at = Some(second);
            }
            running.push_back((second + 3, lease));
        }
        if started_at.is_some() {
            break;
        }
        world.pass_waking(Span::from_secs(1));
    }
    let second = started_at.expect("it started");
    assert!(
        second <= 10,
        "after its patience and one round of what ran, not after {second} s"
    );
}
