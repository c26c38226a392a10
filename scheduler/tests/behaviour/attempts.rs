//! Tasks that wait for others, fail, and are tried again.

use scheduler::{Act, Code, DecisionKind, Refusal, Reply, Span, TaskState};

use crate::support::World;
use crate::world;

#[test]
fn dependencies_hold_and_free_and_failed_ones_are_for_people() {
    let mut world = world();
    let first = world.add(0, &[]);
    let mut second = world.new_task(&[]);
    second.depends_on = vec![first];
    second.needs.max_attempts = 1;
    let second_id = second.id;
    let mut third = world.new_task(&[]);
    third.depends_on = vec![second_id];
    let third_id = third.id;
    world.create(0, vec![second, third]).unwrap();
    assert_eq!(world.code(0, second_id), Some(Code::DependencyPending));
    let lease = world.claim(0, 0, 5).leases.remove(0);
    world.complete(0, 0, &lease, None).unwrap();
    let lease = world.claim(0, 0, 5).leases.remove(0);
    assert_eq!(lease.task, second_id);
    world.fail(0, 0, &lease, None, 0.0).unwrap();
    let why = world.explain(0, third_id).unwrap();
    assert_eq!(
        (why.blockers[0].code, why.blockers[0].tasks.as_slice()),
        (Code::DependencyFailed, [second_id].as_slice())
    );
    world.overrule(0, second_id, Act::Retry).unwrap();
    let lease = world.claim(0, 0, 5).leases.remove(0);
    assert_eq!(
        (lease.task, lease.attempt, lease.epoch),
        (second_id, 1, 2),
        "attempts begin anew, epochs never"
    );
    world.complete(0, 0, &lease, None).unwrap();
    assert_eq!(world.claim(0, 0, 5).leases[0].task, third_id);
}

#[test]
fn work_that_a_person_keeps_back_is_told_as_such_to_what_waits_for_it() {
    let mut world = world();
    let mut first = world.new_task(&[]);
    first.needs.needs_review = true;
    let first_id = first.id;
    let mut second = world.new_task(&[]);
    second.depends_on = vec![first_id];
    let second_id = second.id;
    world.create(0, vec![first, second]).unwrap();
    let headline = |world: &World| world.explain(0, second_id).unwrap().headline;
    assert_eq!(headline(&world), "Not yet: 1 task has to finish first.");
    world.overrule(0, first_id, Act::Hold).unwrap();
    assert_eq!(
        headline(&world),
        "Not yet: the work it waits for (1 task) is held until a person releases it."
    );
    world.overrule(0, first_id, Act::Release).unwrap();
    let lease = world.claim(0, 0, 5).leases.remove(0);
    world.complete(0, 0, &lease, None).unwrap();
    assert_eq!(
        headline(&world),
        "Not yet: the work it waits for is done (1 task), but for a person's look at the result."
    );
}

#[test]
fn a_failure_backs_off_and_the_last_one_ends_it() {
    let mut world = world();
    let mut task = world.new_task(&[]);
    task.needs.max_attempts = 2;
    let task_id = task.id;
    world.create(0, vec![task]).unwrap();
    let lease = world.claim(0, 0, 1).leases.remove(0);
    world.fail(0, 0, &lease, None, 1.0).unwrap();
    let why = world.explain(0, task_id).unwrap();
    assert_eq!(why.blockers[0].code, Code::RetryBackoff);
    assert_eq!(
        why.blockers[0].eta.unwrap().p50,
        world.now + Span::from_millis(500),
        "half of a second, by full jitter"
    );
    world.pass_waking(Span::from_secs(1));
    let lease = world.claim(0, 0, 1).leases.remove(0);
    assert!(matches!(
        world.fail(0, 0, &lease, None, 0.0),
        Ok(Reply::Task {
            state: TaskState::Failed,
            ..
        })
    ));
    assert_eq!(world.model.ended[&task_id], TaskState::Failed);
}

#[test]
fn a_lease_that_runs_out_is_lost_and_its_task_goes_on() {
    let mut world = world();
    let mut task = world.new_task(&[]);
    task.needs.lease_ms = 1_000;
    world.create(0, vec![task]).unwrap();
    let lost = world.claim(0, 0, 1).leases.remove(0);
    world.pass_waking(Span::from_secs(3));
    assert_eq!(world.complete(0, 0, &lost, None), Err(Refusal::LeaseLost));
    let again = world.claim(0, 0, 1).leases.remove(0);
    assert_eq!((again.task, again.epoch), (lost.task, 2));
    let expiry = world
        .model
        .decisions
        .values()
        .find(|decision| decision.kind() == DecisionKind::Expiry)
        .unwrap();
    assert_eq!(expiry.task, Some(lost.task));
}

#[test]
fn a_lease_that_nobody_could_renew_is_given_time_by_who_takes_over() {
    let mut world = world();
    let lease_of = |world: &mut World, ms| {
        let mut task = world.new_task(&[]);
        task.needs.lease_ms = ms;
        world.create(0, vec![task]).unwrap();
        world.claim(0, 0, 1).leases.remove(0)
    };
    let (alive, dead) = (lease_of(&mut world, 20_000), lease_of(&mut world, 2_000));
    world.pass(Span::from_secs(60));
    world.reload();
    world.pass_waking(Span::from_secs(9));
    assert!(world.renew(0, 0, &alive).is_ok());
    world.pass_waking(Span::from_secs(2));
    assert_eq!(world.renew(0, 0, &dead), Err(Refusal::LeaseLost));
    assert!(world.complete(0, 0, &alive, None).is_ok());
}
