//! The decision behind a wait says what holds it now.

use scheduler::{Act, CloseResource, Code, Facts, Request, Span, TaskId};

use crate::support::{World, boss};
use crate::{slots, world};

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
