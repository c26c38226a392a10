//! What a budget cannot cover steps aside, and what stands behind it goes on.

use scheduler::{BudgetScope, Code, Span, TaskId, Unit, Usage, Window};

use crate::money::budget_on;
use crate::support::{World, agent, estimate};
use crate::world;

/// A task that is estimated to use so many tokens.
fn add(world: &mut World, tokens: u32) -> TaskId {
    add_of(world, "general", Some(tokens))
}

fn add_of(world: &mut World, kind: &str, tokens: Option<u32>) -> TaskId {
    let mut task = world.new_task(&[]);
    task.needs.kind = kind.to_owned();
    task.needs.estimate = tokens.map(estimate).unwrap_or_default();
    let id = task.id;
    world.create(0, vec![task]).unwrap();
    id
}

/// A task uses so many tokens and is done.
fn spend(world: &mut World, tokens: u32) {
    add(world, tokens);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let used = Usage {
        input_tokens: tokens.into(),
        ..Usage::default()
    };
    world.complete(0, 0, &lease, Some(used)).unwrap();
}

#[test]
fn what_a_budget_cannot_cover_lets_the_rest_of_its_lane_go() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1_000, Window::Day);
    spend(&mut world, 600);
    let [large, small, free] = [500, 300, 0].map(|tokens| add(&mut world, tokens));
    let leases = world.claim(0, 0, 5).leases;
    let started: Vec<_> = leases.iter().map(|lease| lease.task).collect();
    assert_eq!(started, [small, free]);
    for lease in &leases {
        world.complete(0, 0, lease, None).unwrap();
    }
    let why = world.explain(0, large).unwrap();
    assert_eq!(why.blockers[0].code, Code::BudgetExhausted);
    assert_eq!(
        why.position.map(|place| (place.rank, place.of)),
        Some((1, 1))
    );
    assert!(why.decision_id.is_some(), "that is a decision");
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(90_000));
    world.pass_waking(Span::from_secs(86_400));
    let claimed = world.claimed(claim).expect("the window has turned");
    assert_eq!(claimed.leases[0].task, large);
}

#[test]
fn what_stands_behind_a_head_that_waits_for_reserved_money_says_so() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1_000, Window::Day);
    let [_, _, last] = [600, 500, 300].map(|tokens| add(&mut world, tokens));
    let lease = world.claim(0, 0, 5).leases.remove(0);
    let why = world.explain(0, last).unwrap();
    let codes: Vec<_> = why.blockers.iter().map(|blocker| blocker.code).collect();
    assert_eq!(codes, [Code::LowerPriority]);
    assert!(
        why.headline
            .contains("1 task goes before it, and the first waits for the budget “all”"),
        "{}",
        why.headline
    );
    world.complete(0, 0, &lease, None).unwrap();
    assert_eq!(world.claim(0, 0, 5).leases.len(), 2);
}

#[test]
fn an_agent_whose_own_budget_is_spent_is_none_of_those_that_could() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    budget_on(&mut world, BudgetScope::Agent(agent(0)), 10);
    let id = add(&mut world, 50);
    world.claim_waiting(0, 0, 1, Span::from_secs(60));
    let why = world.explain(0, id).unwrap();
    assert_eq!(
        (why.blockers[0].code, why.blockers[0].have),
        (Code::AgentsBusy, Some(1.0))
    );
}

#[test]
fn what_an_agent_s_own_budget_cannot_cover_lets_the_rest_of_its_lane_go() {
    let mut world = world();
    budget_on(&mut world, BudgetScope::Agent(agent(0)), 10);
    let [_, small] = [50, 3].map(|tokens| add(&mut world, tokens));
    let leases = world.claim(0, 0, 5).leases;
    assert_eq!(leases.len(), 1);
    assert_eq!(leases[0].task, small);
}

#[test]
fn use_that_leaves_too_little_for_the_first_of_a_lane_lets_a_waiting_agent_have_the_next() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 100, Window::Total);
    add(&mut world, 90);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let [_, free] = [50, 0].map(|tokens| add(&mut world, tokens));
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    assert!(
        world.claimed(claim).is_none(),
        "reserved money may come back"
    );
    world.report(0, 0, &lease, 60).unwrap();
    let claimed = world.claimed(claim).expect("it does not");
    assert_eq!(claimed.leases[0].task, free);
}

#[test]
fn a_kind_that_turns_out_cheaper_brings_back_what_stepped_aside() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 2_000, Window::Total);
    spend(&mut world, 1_800);
    let [unknown, known] = [None, Some(10)].map(|tokens| add_of(&mut world, "fresh", tokens));
    let lease = world.claim(0, 0, 1).leases.remove(0);
    assert_eq!(lease.task, known, "a guess is too much");
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    assert_eq!(world.code(0, unknown), Some(Code::BudgetExhausted));
    let used = Usage {
        input_tokens: 10,
        ..Usage::default()
    };
    world.complete(0, 0, &lease, Some(used)).unwrap();
    let claimed = world.claimed(claim).expect("its kind uses little");
    assert_eq!(claimed.leases[0].task, unknown);
}

#[test]
fn each_that_steps_aside_has_its_place_and_the_decision_that_says_what_holds_it() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1_000, Window::Day);
    spend(&mut world, 900);
    let [first, second] = [500, 300].map(|tokens| add(&mut world, tokens));
    world.put_budget(0, "dollars", Unit::Microusd, 10, Window::Day);
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(0);
    task.needs.estimate.cost_microusd = Some(50);
    let dear = task.id;
    world.create(0, vec![task]).unwrap();
    world.claim(0, 0, 5);
    let place = |task| {
        let position = world.explain(0, task).unwrap().position;
        position.map(|place| (place.rank, place.of))
    };
    assert_eq!(place(first), Some((1, 2)));
    assert_eq!(place(second), Some((2, 2)));
    let behind = |task| world.explain(0, task).unwrap().decision_id;
    assert!(behind(first).is_some());
    assert_eq!(behind(first), behind(second), "one decision says both");
    assert!(behind(dear).is_some());
    assert_ne!(behind(dear), behind(first), "what never fits is another");
}
