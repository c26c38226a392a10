//! What people take away: resources and budgets.

use crate::support::{boss, estimate};
use crate::{slots, world};
use scheduler::{
    Code, DecisionKind, Refusal, RemoveResource, Request, TaskState, Tier, Unit, Window,
};

fn remove(name: &str, pool_wide: bool) -> Request {
    Request::RemoveResource(RemoveResource {
        name: name.to_owned(),
        pool_wide,
    })
}

#[test]
fn what_needs_a_removed_resource_is_misconfigured_until_it_is_set_again() {
    let mut world = world();
    world.put_resource(0, "gpu", slots(1), false);
    world.add(0, &[("gpu", 1)]);
    let second = world.add(0, &[("gpu", 1)]);
    let running = world.claim(0, 0, 5).leases.remove(0);
    let held = world.ask(0, boss(), remove("gpu", false));
    assert_eq!(held, Err(Refusal::Held));
    world.complete(0, 0, &running, None).unwrap();
    let decided = world.model.decisions.len();
    world.ask(0, boss(), remove("gpu", false)).unwrap();
    assert!(world.model.resources.is_empty());
    let said: Vec<_> = world.model.decisions.values().skip(decided).collect();
    assert!(said.iter().any(|one| one.kind() == DecisionKind::Throttle));
    assert_eq!(world.code(0, second), Some(Code::Misconfigured));
    world.reload();
    assert_eq!(world.code(0, second), Some(Code::Misconfigured));
    assert!(world.claim(0, 0, 1).leases.is_empty());
    world.put_resource(0, "gpu", slots(1), false);
    assert_eq!(world.claim(0, 0, 1).leases[0].task, second);
}

#[test]
fn removing_a_workspaces_own_uncovers_the_pools_of_that_name() {
    let mut world = world();
    world.put_resource(0, "gpu", slots(1), true);
    world.put_resource(0, "gpu", slots(0), false);
    let task = world.add(0, &[("gpu", 1)]);
    assert!(world.claim(0, 0, 1).leases.is_empty());
    world.ask(0, boss(), remove("gpu", false)).unwrap();
    assert_eq!(world.claim(0, 0, 1).leases[0].task, task);
    assert_eq!(
        world.ask(0, boss(), remove("gpu", false)),
        Err(Refusal::NotFound)
    );
}

#[test]
fn a_waiting_claim_is_served_by_the_removal_of_the_budget_in_its_way() {
    let mut world = world();
    world.put_budget(0, "day", Unit::Tokens, 500, Window::Day);
    for _ in 0..2 {
        let mut task = world.new_task(&[]);
        task.needs.estimate = estimate(400);
        world.create(0, vec![task]).unwrap();
    }
    let first = world.claim(0, 0, 5).leases.remove(0);
    let waiting = world.claim_waiting(0, 0, 1, scheduler::Span::from_secs(60));
    let name = "day".to_owned();
    let request = Request::RemoveBudget { name };
    world.ask(0, boss(), request.clone()).unwrap();
    assert!(world.model.budgets.is_empty());
    let second = world
        .claimed(waiting)
        .expect("nothing is in its way")
        .leases;
    world.report(0, 0, &first, 10_000).unwrap();
    world.reload();
    world.complete(0, 0, &first, None).unwrap();
    world.complete(0, 0, &second[0], None).unwrap();
    assert!(
        world
            .model
            .ended
            .values()
            .all(|end| *end == TaskState::Done)
    );
    assert_eq!(world.ask(0, boss(), request), Err(Refusal::NotFound));
    // Its place is another's by now.
    world.put_budget(0, "week", Unit::Tokens, 1, Window::Week);
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(400);
    let id = task.id;
    world.create(0, vec![task]).unwrap();
    let why = world.explain(0, id).unwrap();
    assert_eq!(why.blockers[0].tier, Tier::NeedsYou);
}
