//! What stands in no queue is told all the same.

use std::collections::BTreeMap;

use scheduler::{Code, Fail, Needed, Query, Request, Span, View, Wait};

use crate::support::{World, agent_actor, workspace};
use crate::{bucket, world};

fn needed(world: &World) -> Vec<Needed> {
    match world
        .conductor
        .view(workspace(0), &Query::Needed, world.now)
    {
        View::Needed { needed } => needed,
        other => panic!("{other:?}"),
    }
}

fn by_code(world: &World) -> BTreeMap<Code, u32> {
    match world
        .conductor
        .view(workspace(0), &Query::Summary, world.now)
    {
        View::Summary { summary } => summary.pending_by_code.into_iter().collect(),
        other => panic!("{other:?}"),
    }
}

/// The first task fails for good; the second waits for it.
fn one_failed(world: &mut World) {
    let mut first = world.new_task(&[]);
    first.needs.max_attempts = 1;
    let mut second = world.new_task(&[]);
    second.depends_on = vec![first.id];
    world.create(0, vec![first, second]).unwrap();
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let fail = Fail {
        lease: lease.lease,
        epoch: lease.epoch,
        error: "it broke".to_owned(),
        retryable: true,
        retry_after_ms: None,
        throttled: None,
        usage: None,
        jitter: 0.0,
    };
    world.ask(0, agent_actor(0), Request::Fail(fail)).unwrap();
}

#[test]
fn what_waits_for_a_person_is_named_wherever_it_stands() {
    let mut world = world();
    one_failed(&mut world);
    world.put_resource(0, "small", bucket(5, 1.0), false);
    world.add(0, &[("small", 1)]);
    let too_much = world.add(0, &[("small", 6)]);
    let mut looked_at = world.new_task(&[]);
    looked_at.needs.needs_review = true;
    let looked_at_id = looked_at.id;
    world.create(0, vec![looked_at]).unwrap();
    for lease in world.claim(0, 0, 5).leases {
        world.complete(0, 0, &lease, None).unwrap();
    }
    let needed = needed(&world);
    let codes: Vec<Code> = needed.iter().map(|needed| needed.wait.code).collect();
    assert_eq!(codes.len(), 3, "{needed:?}");
    for code in [Code::DependencyFailed, Code::NeverFits, Code::NeedsApproval] {
        assert!(codes.contains(&code), "{code:?} of {codes:?}");
    }
    assert!(needed.iter().any(|needed| needed.task == too_much));
    assert!(needed.iter().any(|needed| needed.task == looked_at_id));
}

#[test]
fn counts_agree_with_explanations_of_what_waits_twice() {
    let mut world = world();
    let first = world.add(0, &[]);
    for requires in [&[("unheard_of", 1)][..], &[]] {
        let mut task = world.new_task(requires);
        task.depends_on = vec![first];
        world.create(0, vec![task]).unwrap();
    }
    let counts = by_code(&world);
    assert_eq!(counts.get(&Code::Misconfigured), Some(&1), "{counts:?}");
    assert_eq!(counts.get(&Code::DependencyPending), Some(&1), "{counts:?}");
}

#[test]
fn an_agent_is_told_of_what_waits_for_its_hour_or_for_others() {
    let mut world = world();
    let hour = world.now + Span::from_secs(3);
    for seconds in [0, 600] {
        let mut task = world.new_task(&[]);
        task.not_before = Some(hour + Span::from_secs(seconds));
        world.create(0, vec![task]).unwrap();
    }
    one_failed(&mut world);
    let told = world.claim(0, 0, 1);
    let waits: BTreeMap<Code, &Wait> = told.waits.iter().map(|wait| (wait.code, wait)).collect();
    let timed = waits[&Code::NotBefore];
    assert_eq!((timed.waiting, timed.eta.unwrap().p50), (2, hour));
    assert_eq!(waits[&Code::DependencyFailed].waiting, 1);
    assert_eq!(told.retry_after_ms, 3_000);
}
