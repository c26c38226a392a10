//! Resources: what they hold back, and what is said of it.

use scheduler::{
    CloseResource, Code, EtaMethod, Query, Renew, Request, Requirement, ResourceKind, Span,
    TakePermit, TaskId, Throttled, Tier, View,
};

use crate::permits::one_of_model;
use crate::support::{World, agent_actor, boss, workspace};
use crate::{bucket, slots, world};

#[test]
fn a_full_resource_says_who_holds_it_and_when_it_is_expected_back() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    for _ in 0..3 {
        let mut task = world.new_task(&[("model", 1)]);
        task.needs.estimate.duration_ms = Some(10_000);
        world.create(0, vec![task]).unwrap();
    }
    let running = world.claim(0, 0, 1).leases.remove(0);
    assert!(world.claim(0, 0, 1).leases.is_empty());
    let waiting: Vec<TaskId> = world
        .model
        .open
        .keys()
        .copied()
        .filter(|&task| task != running.task)
        .collect();
    let why = world.explain(0, waiting[0]).unwrap();
    let slot = &why.blockers[0];
    assert_eq!(
        (slot.code, slot.tier, slot.have, slot.need, slot.limit),
        (
            Code::NoFreeSlot,
            Tier::Capacity,
            Some(0.0),
            Some(1.0),
            Some(1.0)
        )
    );
    assert_eq!(slot.holders[0].task, Some(running.task));
    let eta = slot.eta.unwrap();
    assert_eq!(
        (eta.method, eta.p50),
        (EtaMethod::Simulated, world.now + Span::from_secs(10))
    );
    assert_eq!(why.position.map(|p| (p.rank, p.of)), Some((1, 2)));
    assert!(
        why.decision_id.is_some(),
        "the lane's verdict is a decision"
    );
    let second = world.explain(0, waiting[1]).unwrap();
    assert!(
        second.blockers[0].eta.unwrap().p50 > eta.p50,
        "further back in the lane is later"
    );
    world.pass(Span::from_secs(25));
    let overdue = world.explain(0, waiting[0]).unwrap().blockers[0].eta;
    assert_eq!(
        overdue.unwrap().p50,
        world.now + Span::from_secs(15),
        "overdue by that much already"
    );
    let renew = Renew {
        lease: running.lease,
        epoch: running.epoch,
        progress: Some(0.5),
        note: None,
    };
    world.ask(0, agent_actor(0), Request::Renew(renew)).unwrap();
    let said = world.explain(0, waiting[0]).unwrap().blockers[0].eta;
    assert_eq!(
        said.unwrap().p50,
        world.now + Span::from_secs(25),
        "half done after 25 s"
    );
}

#[test]
fn a_bucket_says_exactly_when_and_keeps_its_word() {
    let mut world = world();
    world.put_resource(0, "api", bucket(2, 0.5), false);
    let tasks: Vec<TaskId> = (0..3).map(|_| world.add(0, &[("api", 1)])).collect();
    assert_eq!(world.claim(0, 0, 5).leases.len(), 2);
    let why = world.explain(0, tasks[2]).unwrap();
    let eta = why.blockers[0].eta.unwrap();
    assert_eq!(
        (why.blockers[0].code, eta.method),
        (Code::RateLimited, EtaMethod::Exact)
    );
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    world.pass_waking(eta.p50.since(world.now));
    assert_eq!(
        world
            .claimed(claim)
            .expect("answered at the instant that was said")
            .leases[0]
            .task,
        tasks[2]
    );
}

#[test]
fn a_provider_refusal_closes_the_resource_for_everyone_and_costs_no_attempt() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    world.put_resource(0, "api", bucket(10, 10.0), false);
    let tasks = [world.add(0, &[("api", 1)]), world.add(0, &[("api", 1)])];
    let first = world.claim(0, 0, 1).leases.remove(0);
    world.fail(0, 0, &first, Some("api"), 0.0).unwrap();
    assert!(
        world.claim(0, 1, 5).leases.is_empty(),
        "closed for the other agent too"
    );
    let why = world.explain(0, tasks[0]).unwrap();
    assert_eq!(why.blockers[0].code, Code::ProviderBackoff);
    assert_eq!(
        why.blockers[0].eta.unwrap().p50,
        world.now + Span::from_secs(2)
    );
    world.pass_waking(Span::from_secs(2));
    let again = world.claim(0, 1, 5).leases;
    assert_eq!(
        again.iter().map(|lease| lease.attempt).collect::<Vec<_>>(),
        [1, 1],
        "no attempt was lost"
    );
}

#[test]
fn a_refusal_seen_outside_a_lease_closes_too_and_headers_only_lower() {
    let mut world = world();
    world.put_resource(0, "api", bucket(10, 1.0), false);
    let say = |remaining, retry_after_ms| {
        Request::Throttled(Throttled {
            resource: "api".to_owned(),
            retry_after_ms,
            limit: None,
            remaining,
        })
    };
    world.ask(0, agent_actor(0), say(Some(3), None)).unwrap();
    world.ask(0, agent_actor(0), say(Some(9), None)).unwrap();
    let view =
        |world: &World| match world
            .conductor
            .view(workspace(0), &Query::Resources, world.now)
        {
            View::Resources { resources } => resources[0].clone(),
            other => panic!("{other:?}"),
        };
    assert!((view(&world).available - 3.0).abs() < f64::EPSILON);
    world
        .ask(0, agent_actor(0), say(None, Some(5_000)))
        .unwrap();
    assert_eq!(
        view(&world).closed_until,
        Some(world.now + Span::from_secs(5))
    );
    let open = CloseResource {
        resource: "api".to_owned(),
        until: None,
        reason: Some("fixed".to_owned()),
    };
    world.ask(0, boss(), Request::CloseResource(open)).unwrap();
    assert_eq!(view(&world).closed_until, None);
}

#[test]
fn undefined_and_impossible_needs_are_for_people_and_never_shown_as_waiting() {
    let mut world = world();
    world.put_resource(0, "model", slots(2), false);
    let undefined = world.add(0, &[("searhc", 1)]);
    let impossible = world.add(0, &[("model", 3)]);
    assert!(world.claim(0, 0, 5).leases.is_empty());
    for (task, code) in [
        (undefined, Code::Misconfigured),
        (impossible, Code::NeverFits),
    ] {
        let why = world.explain(0, task).unwrap();
        assert_eq!(
            (
                why.blockers[0].code,
                why.blockers[0].tier,
                why.blockers[0].eta
            ),
            (code, Tier::NeedsYou, None)
        );
        assert!(!why.blockers[0].actions.is_empty());
    }
    let at_model = Query::Waitlist {
        resource: "model".to_owned(),
        limit: 10,
    };
    let View::Waitlist { waiting } = world.conductor.view(workspace(0), &at_model, world.now)
    else {
        panic!("a waitlist was asked for");
    };
    assert_eq!(
        waiting
            .iter()
            .map(|at| (at.task, at.eta))
            .collect::<Vec<_>>(),
        [(impossible, None)]
    );
    let resources = world
        .conductor
        .view(workspace(0), &Query::Resources, world.now);
    let View::Resources { resources } = resources else {
        panic!("resources were asked for");
    };
    assert_eq!(
        (resources[0].waiting_lanes, resources[0].waiting_tasks),
        (1, 1)
    );
    world.put_resource(0, "searhc", slots(1), false);
    world.put_resource(0, "model", slots(3), false);
    assert_eq!(world.claim(0, 0, 5).leases.len(), 2, "set right, both go");
}

#[test]
fn an_impossible_task_does_not_hold_up_its_lane() {
    let mut world = world();
    world.put_resource(0, "api", bucket(600, 1.0), false);
    // 700 and 560 share a lane, whose amounts are rounded up to 1,024.
    let impossible = world.add(0, &[("api", 700)]);
    let possible = world.add(0, &[("api", 560)]);
    assert_eq!(
        world
            .claim(0, 0, 5)
            .leases
            .iter()
            .map(|l| l.task)
            .collect::<Vec<_>>(),
        [possible]
    );
    assert_eq!(world.code(0, impossible), Some(Code::NeverFits));
}

#[test]
fn a_lease_holds_what_it_was_given_though_the_name_is_another_s_after_a_load() {
    let mut world = world();
    let one = ResourceKind::Slots { slots: 1 };
    world.put_resource(0, "x", one.clone(), true);
    world.add(0, &[("x", 1)]);
    let held = world.claim(0, 0, 1).leases.remove(0);
    world.put_resource(0, "x", one, false);
    world.reload();
    let in_use = |world: &World, ws: u64| match world.conductor.view(
        workspace(ws),
        &Query::Resources,
        world.now,
    ) {
        View::Resources { resources } => resources
            .iter()
            .map(|view| (view.spec.workspace.is_some(), view.in_use))
            .collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert!(
        in_use(&world, 0).contains(&(false, 1)),
        "the pool's is held"
    );
    assert!(in_use(&world, 0).contains(&(true, 0)));
    world.complete(0, 0, &held, None).unwrap();
    assert!(in_use(&world, 0).contains(&(false, 0)));
}

#[test]
fn a_limit_that_changes_its_kind_and_back_gives_each_slot_once() {
    let mut world = world();
    let bucket = ResourceKind::Bucket {
        capacity: 5,
        refill_per_s: 1.0,
    };
    let slots = ResourceKind::Slots { slots: 1 };
    world.put_resource(0, "x", slots.clone(), false);
    world.add(0, &[("x", 1)]);
    let held = world.claim(0, 0, 1).leases.remove(0);
    world.put_resource(0, "x", bucket.clone(), false);
    world.complete(0, 0, &held, None).unwrap();
    world.put_resource(0, "x", slots.clone(), false);
    world.add(0, &[("x", 1)]);
    // The model of the store refuses a slot that it still has as held.
    let next = world.claim(0, 0, 1).leases.remove(0);
    world.complete(0, 0, &next, None).unwrap();

    let permit = TakePermit {
        requires: vec![Requirement {
            resource: "x".to_owned(),
            amount: 1,
        }],
        ..one_of_model(world.now)
    };
    world
        .ask(0, agent_actor(0), Request::TakePermit(permit))
        .unwrap();
    world.put_resource(0, "x", bucket, false);
    world.put_resource(0, "x", slots, false);
    world.add(0, &[("x", 1)]);
    assert!(world.claim(0, 0, 1).leases.is_empty(), "the permit has it");
}
