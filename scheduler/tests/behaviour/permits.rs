//! Permits: what is taken for a single call.

use scheduler::{Code, Refusal, Reply, Request, Requirement, Span, TakePermit, Time};

use crate::support::{agent, agent_actor};
use crate::{slots, world};

/// A permit on one slot of “model”, waited for until then.
pub fn one_of_model(wait_until: Time) -> TakePermit {
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
