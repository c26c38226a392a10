//! What is recorded, and in which words.

use scheduler::{DecisionKind, Span, Unit, Window};

use crate::{bucket, slots, world};

#[test]
fn the_same_verdict_again_is_a_counter_not_a_row() {
    let mut world = world();
    world.put_resource(0, "api", bucket(1, 1.0), false);
    for _ in 0..40 {
        world.add(0, &[("api", 1)]);
    }
    for _ in 0..30 {
        world.claim(0, 0, 2);
        world.pass_waking(Span::from_secs(1));
    }
    let not_yet = world
        .model
        .decisions
        .values()
        .filter(|decision| decision.kind() == DecisionKind::NotYet)
        .count();
    assert!(not_yet <= 2, "{not_yet} decisions for one blocked lane");
}

#[test]
fn every_decision_can_be_said_in_words() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    world.put_budget(0, "all", Unit::Microusd, 1_000_000, Window::Month);
    for _ in 0..3 {
        world.add(0, &[("model", 1)]);
    }
    let lease = world.claim(0, 0, 3).leases.remove(0);
    world.fail(0, 0, &lease, Some("model"), 0.0).unwrap();
    for decision in world.model.decisions.values() {
        let (headline, reasoning) = (
            scheduler::words::headline(decision),
            scheduler::words::reasoning(decision),
        );
        assert!(
            !headline.is_empty() && reasoning.ends_with(['.', 'n', 'd', 't']),
            "{headline} / {reasoning}"
        );
        let json = serde_json::to_string(decision).unwrap();
        assert_eq!(
            &serde_json::from_str::<scheduler::Decision>(&json).unwrap(),
            decision,
            "facts survive being stored"
        );
    }
}
