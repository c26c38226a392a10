//! Whose turn it is, and when that is expected.

use scheduler::{Class, CloseResource, Code, EtaMethod, Priority, Request, Span};

use crate::support::boss;
use crate::{bucket, slots, world};

#[test]
fn what_takes_much_is_told_when_those_before_it_have_had_theirs() {
    let mut world = world();
    world.put_resource(0, "search", bucket(10, 2.0), false);
    let drain = world.add(0, &[("search", 10)]);
    assert_eq!(world.claim(0, 0, 1).leases[0].task, drain);
    for _ in 0..8 {
        let mut task = world.new_task(&[("search", 2)]);
        task.priority = Priority::Urgent;
        world.create(0, vec![task]).unwrap();
    }
    let mut big = world.new_task(&[("search", 10)]);
    big.priority = Priority::Low;
    let id = big.id;
    world.create(0, vec![big]).unwrap();
    let why = world.explain(0, id).unwrap();
    let limited = why
        .blockers
        .iter()
        .find(|blocker| blocker.code == Code::RateLimited);
    let eta = limited.and_then(|blocker| blocker.eta).unwrap();
    // 16 tokens for those before it, then 10: 26 at 2 a second.
    assert_eq!(
        (eta.method, eta.p50),
        (EtaMethod::Simulated, world.now + Span::from_secs(13))
    );
    assert!(
        eta.p90 > world.now + Span::from_secs(30),
        "others may come meanwhile"
    );
}

#[test]
fn exploratory_work_says_what_it_leaves_to_others() {
    let mut world = world();
    world.put_resource(0, "eh", slots(5), false);
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let mut task = world.new_task(&[("eh", 1)]);
            task.needs.class = Class::Exploratory;
            task
        })
        .collect();
    world.create(0, tasks).unwrap();
    assert_eq!(world.claim(0, 0, 6).leases.len(), 4);
    let next = world.model.open.keys().copied().max().unwrap();
    let why = world.explain(0, next).unwrap();
    assert!(
        why.headline.contains(
            "1 of 5 slots free and this takes 1 and leaves 1 to work that is not exploratory"
        ),
        "{}",
        why.headline
    );
}

#[test]
fn work_that_cannot_start_goes_before_nobody() {
    let mut world = world();
    let mut stuck = world.new_task(&[("nope", 1)]);
    stuck.priority = Priority::Urgent;
    world.create(0, vec![stuck]).unwrap();
    let free = world.add(0, &[]);
    let why = world.explain(0, free).unwrap();
    let codes: Vec<_> = why.blockers.iter().map(|blocker| blocker.code).collect();
    assert_eq!(codes, [Code::AgentsBusy]);
}

#[test]
fn behind_a_closed_resource_each_waits_for_those_before_it() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let mut task = world.new_task(&[("model", 1)]);
        task.needs.estimate.duration_ms = Some(60_000);
        tasks.push(task.id);
        world.create(0, vec![task]).unwrap();
    }
    let until = world.now + Span::from_secs(6);
    let close = CloseResource {
        resource: "model".to_owned(),
        until: Some(until),
        reason: None,
    };
    world.ask(0, boss(), Request::CloseResource(close)).unwrap();
    world.claim_waiting(0, 0, 1, Span::from_secs(600));
    let why = world.explain(0, tasks[2]).unwrap();
    let turn = why
        .blockers
        .iter()
        .find(|one| one.code == Code::LowerPriority);
    let eta = turn.and_then(|turn| turn.eta).expect("it is told");
    assert_eq!(eta.method, EtaMethod::Simulated);
    assert!(eta.p50 >= until + Span::from_secs(100), "{}", why.headline);
}
