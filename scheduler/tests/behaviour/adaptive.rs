//! Limits that fall by refusals and rise by successes.

use scheduler::{
    Adaptive, Answer, PutResource, Query, Refusal, Request, ResourceId, ResourceKind, Span,
    Throttled, View,
};

use crate::support::{World, agent_actor, boss, id, workspace};
use crate::{bucket, slots, world};

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
