//! Resources: what they hold back, and what is said of it.

use scheduler::{
    Act, Adaptive, Answer, Class, CloseResource, Code, EtaMethod, Facts, Priority, PutResource,
    Query, Refusal, Renew, Reply, Request, Requirement, ResourceId, ResourceKind, Span, TakePermit,
    TaskId, Throttled, Tier, Time, View,
};

use crate::support::{World, agent, agent_actor, boss, id, workspace};
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
fn an_adaptive_limit_falls_by_refusals_and_rises_by_successes_within_bounds() {
    let mut world = world();
    let request = PutResource {
        id: ResourceId(id(5, 77)),
        name: "model".to_owned(),
        pool_wide: false,
        kind: slots(10),
        adaptive: Some(Adaptive {
            min: 5.0,
            max: 10.0,
        }),
    };
    world.ask(0, boss(), Request::PutResource(request)).unwrap();
    let believed = |world: &World| {
        world
            .model
            .resources
            .values()
            .next()
            .unwrap()
            .state
            .believed
    };
    for _ in 0..6 {
        world.add(0, &[("model", 1)]);
        let lease = world.claim(0, 0, 1).leases.remove(0);
        world.fail(0, 0, &lease, Some("model"), 0.0).unwrap();
        world.pass_waking(Span::from_secs(3));
    }
    assert!(
        (believed(&world) - 0.5).abs() < 1e-9,
        "never below what people set"
    );
    for _ in 0..40 {
        world.add(0, &[("model", 1)]);
        let lease = world.claim(0, 0, 1).leases.remove(0);
        world.complete(0, 0, &lease, None).unwrap();
    }
    assert!((believed(&world) - 1.0).abs() < 1e-9);
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

fn one_of_model(wait_until: Time) -> TakePermit {
    TakePermit {
        agent: agent(0),
        name: "agent-0".to_owned(),
        requires: vec![Requirement {
            resource: "model".to_owned(),
            amount: 1,
        }],
        wait_until,
    }
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

#[test]
fn permits_take_from_the_same_resources_and_wait_their_turn() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    world.add(0, &[("model", 1)]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let asked = one_of_model(world.now + Span::from_secs(30));
    let ticket = world.send(0, agent_actor(0), Request::TakePermit(asked.clone()));
    assert!(!world.answers.contains_key(&ticket));
    world.complete(0, 0, &lease, None).unwrap();
    let Some(Ok(Reply::Permit { permit, .. })) = world.answers.remove(&ticket) else {
        panic!("given when the slot came back")
    };
    let now = world.now;
    let refused = world.ask(
        0,
        agent_actor(0),
        Request::TakePermit(TakePermit {
            wait_until: now,
            ..asked
        }),
    );
    assert!(
        matches!(refused, Ok(Reply::NoPermit { ref waits, .. }) if waits[0].code == Code::NoFreeSlot)
    );
    world
        .ask(0, agent_actor(0), Request::ReturnPermit { permit })
        .unwrap();
    world.add(0, &[("model", 1)]);
    assert_eq!(world.claim(0, 0, 1).leases.len(), 1);
}

#[test]
fn a_permit_that_waits_is_given_when_the_limit_is_raised() {
    let mut world = world();
    world.put_resource(0, "model", slots(0), false);
    let asked = one_of_model(world.now + Span::from_secs(30));
    let ticket = world.send(0, agent_actor(0), Request::TakePermit(asked));
    assert!(!world.answers.contains_key(&ticket));
    world.put_resource(0, "model", slots(1), false);
    let given = world.answers.remove(&ticket);
    assert!(matches!(given, Some(Ok(Reply::Permit { .. }))), "{given:?}");
}

#[test]
fn a_permit_is_its_agents_and_is_seen_as_a_holder() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    world.put_resource(0, "model", slots(1), false);
    let asked = one_of_model(world.now);
    let taken = world.ask(0, agent_actor(0), Request::TakePermit(asked));
    let Ok(Reply::Permit {
        permit, expires_at, ..
    }) = taken
    else {
        panic!("{taken:?}")
    };
    let others = world.ask(0, agent_actor(1), Request::ReturnPermit { permit });
    assert!(matches!(others, Err(Refusal::Forbidden { .. })));
    let task = world.add(0, &[("model", 1)]);
    assert!(world.claim(0, 0, 1).leases.is_empty());
    let why = world.explain(0, task).unwrap();
    assert_eq!(why.blockers[0].holders[0].permit, Some(permit));
    assert_eq!(why.blockers[0].eta.unwrap().p50, expires_at);
}

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

/// A resource whose limit adapts between these.
fn put_adaptive(
    world: &mut World,
    name: &str,
    kind: ResourceKind,
    (min, max): (f64, f64),
) -> Answer {
    let request = PutResource {
        id: ResourceId(id(5, world.now.0.unsigned_abs() + name.len() as u64)),
        name: name.to_owned(),
        pool_wide: false,
        kind,
        adaptive: Some(Adaptive { min, max }),
    };
    world.ask(0, boss(), Request::PutResource(request))
}

fn level(world: &World, name: &str) -> f64 {
    let View::Resources { resources } =
        world
            .conductor
            .view(workspace(0), &Query::Resources, world.now)
    else {
        unreachable!("resources were asked for");
    };
    let mut all = resources.into_iter();
    all.find(|view| view.spec.name == name)
        .expect("set")
        .available
}

#[test]
fn a_refusal_gives_no_tokens_and_what_is_believed_stays_within_what_people_set() {
    let mut world = world();
    put_adaptive(&mut world, "api", bucket(20, 2.0), (0.2, 2.0)).unwrap();
    world.add(0, &[("api", 20)]);
    assert_eq!(world.claim(0, 0, 1).leases.len(), 1);
    let refused = Throttled {
        resource: "api".to_owned(),
        retry_after_ms: Some(1),
        remaining: Some(0),
        limit: None,
    };
    world
        .ask(0, agent_actor(0), Request::Throttled(refused))
        .unwrap();
    assert!(level(&world, "api") < 0.5, "{}", level(&world, "api"));
    put_adaptive(&mut world, "slower", bucket(20, 2.0), (0.2, 1.0)).unwrap();
    world.add(0, &[("slower", 20)]);
    assert_eq!(world.claim(0, 0, 1).leases.len(), 1);
    world.pass(Span::from_secs(2));
    assert!(level(&world, "slower") < 2.5, "{}", level(&world, "slower"));
}

#[test]
fn a_bucket_that_fills_in_no_time_that_can_be_told_is_refused() {
    let mut world = world();
    let refused = put_adaptive(&mut world, "api", bucket(1_000, 1e-8), (1e-8, 1e-8)).unwrap_err();
    assert!(matches!(refused, Refusal::Invalid { pointer, .. } if pointer == "/refill_per_s"));
}

/// What the decision behind a task says, where it has one.
fn decision_behind(world: &World, task: TaskId) -> Option<Code> {
    let id = world.explain(0, task)?.decision_id?;
    let decision = world.model.decisions.get(&id)?;
    match &decision.facts {
        Facts::NotYet(facts) => facts.blockers.first().map(|blocker| blocker.code),
        other => panic!("not a verdict: {other:?}"),
    }
}

#[test]
fn what_holds_a_lane_now_is_a_decision_though_nobody_asks() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    let [first, second] = [(); 2].map(|()| world.add(0, &[("model", 1)]));
    assert_eq!(decision_behind(&world, first), Some(Code::AgentsBusy));
    let close = CloseResource {
        resource: "model".to_owned(),
        until: Some(world.now + Span::from_secs(600)),
        reason: None,
    };
    world.ask(0, boss(), Request::CloseResource(close)).unwrap();
    world.pass_waking(Span::from_secs(11));
    assert_eq!(decision_behind(&world, first), Some(Code::ProviderBackoff));
    assert_eq!(decision_behind(&world, second), Some(Code::ProviderBackoff));
}

#[test]
fn what_waits_for_others_or_its_hour_has_a_decision_of_its_own() {
    let mut world = world();
    let first = world.add(0, &[]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let mut after = world.new_task(&[]);
    after.depends_on = vec![first];
    let mut later = world.new_task(&[]);
    later.not_before = Some(world.now + Span::from_secs(60));
    let (after_id, later_id) = (after.id, later.id);
    world.create(0, vec![after, later]).unwrap();
    assert_eq!(
        decision_behind(&world, after_id),
        Some(Code::DependencyPending)
    );
    assert_eq!(decision_behind(&world, later_id), Some(Code::NotBefore));
    world.overrule(0, lease.task, Act::Cancel).unwrap();
    assert_eq!(
        decision_behind(&world, after_id),
        Some(Code::DependencyFailed)
    );
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
