//! Budgets.

use scheduler::{
    BudgetEvent, BudgetId, BudgetScope, Code, Decision, DecisionKind, Facts, Policy, PutBudget,
    PutPolicy, Query, Reply, Request, Span, Unit, Usage, View, Window,
};

use crate::support::{World, agent, boss, estimate, id, workspace};
use crate::world;

#[test]
fn money_is_reserved_before_it_is_spent_and_what_is_left_comes_back() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1_000, Window::Day);
    for _ in 0..3 {
        let mut task = world.new_task(&[]);
        task.needs.estimate = estimate(400);
        world.create(0, vec![task]).unwrap();
    }
    let leases = world.claim(0, 0, 5).leases;
    assert_eq!(leases.len(), 2, "a third would go beyond the limit");
    let third = *world
        .model
        .open
        .keys()
        .find(|task| leases.iter().all(|lease| lease.task != **task))
        .unwrap();
    assert_eq!(world.code(0, third), Some(Code::BudgetWindow));
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    let used = Usage {
        input_tokens: 100,
        ..Usage::default()
    };
    world.complete(0, 0, &leases[0], Some(used)).unwrap();
    assert_eq!(
        world.claimed(claim).expect("the rest was returned").leases[0].task,
        third
    );
}

#[test]
fn a_spent_budget_needs_a_person_or_its_window_to_turn() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1_000, Window::Day);
    let mut spender = world.new_task(&[]);
    spender.needs.estimate = estimate(900);
    world.create(0, vec![spender]).unwrap();
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let used = Usage {
        input_tokens: 1_200,
        ..Usage::default()
    };
    let renewed = world
        .report(0, 0, &lease, 1_200)
        .and_then(|_| world.renew(0, 0, &lease))
        .unwrap();
    assert!(
        matches!(renewed, Reply::Renewed { stop: Some(ref stop), .. } if stop.code == Code::BudgetExhausted)
    );
    world
        .complete(
            0,
            0,
            &lease,
            Some(Usage {
                input_tokens: 0,
                ..used
            }),
        )
        .unwrap();
    let mut next = world.new_task(&[]);
    next.needs.estimate = estimate(100);
    let next_id = next.id;
    world.create(0, vec![next]).unwrap();
    assert!(world.claim(0, 0, 1).leases.is_empty());
    let why = world.explain(0, next_id).unwrap();
    let codes: Vec<Code> = why.blockers.iter().map(|blocker| blocker.code).collect();
    assert_eq!(codes[..2], [Code::BudgetExhausted, Code::BudgetWindow]);
    assert_eq!(why.blockers[0].eta, None);
    let turns = why.blockers[1].eta.unwrap().p50;
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(100_000));
    world.pass_waking(turns.since(world.now));
    assert_eq!(
        world.claimed(claim).expect("the window turned").leases[0].task,
        next_id
    );
    let kinds: Vec<_> = world
        .model
        .decisions
        .values()
        .filter(|d| d.kind() == DecisionKind::Budget)
        .collect();
    assert!(kinds.len() >= 2, "set, warned or spent are decisions");
}

/// Sets the budget "own" of so many tokens.
pub fn budget_on(world: &mut World, scope: BudgetScope, limit: u64) {
    let request = PutBudget {
        id: BudgetId(id(6, 1)),
        name: "own".to_owned(),
        scope,
        unit: Unit::Tokens,
        limit,
        window: Window::Total,
        soft_at: 0.8,
        used: 0,
    };
    world.ask(0, boss(), Request::PutBudget(request)).unwrap();
}

#[test]
fn a_budget_set_while_work_runs_counts_it_and_stops_it() {
    let mut world = world();
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(100);
    world.create(0, vec![task]).unwrap();
    let lease = world.claim(0, 0, 1).leases.remove(0);
    world.report(0, 0, &lease, 30).unwrap();
    world.put_budget(0, "late", Unit::Tokens, 90, Window::Day);
    let budget = |world: &World| {
        let query = Query::Budgets;
        match world.conductor.view(workspace(0), &query, world.now) {
            View::Budgets { mut budgets } => {
                let view = budgets.remove(0);
                (view.row.state.settled, view.reserved)
            }
            other => panic!("not budgets: {other:?}"),
        }
    };
    assert_eq!(budget(&world), (0, 70), "what is left of its charge");
    // Known by what counted it, what was used is known after a load too.
    world.report(0, 0, &lease, 10).unwrap();
    world.reload();
    world
        .ask(
            0,
            boss(),
            Request::RemoveBudget {
                name: "late".to_owned(),
            },
        )
        .unwrap();
    world.put_budget(0, "late", Unit::Tokens, 90, Window::Day);
    world.report(0, 0, &lease, 100).unwrap();
    assert_eq!(budget(&world), (100, 0));
    let Ok(Reply::Renewed {
        stop: Some(stop), ..
    }) = world.renew(0, 0, &lease)
    else {
        panic!("it is told to stop");
    };
    assert_eq!(stop.code, Code::BudgetExhausted);
    world.complete(0, 0, &lease, None).unwrap();
    assert_eq!(budget(&world), (100, 0));
}

#[test]
fn a_new_budget_begins_with_what_was_used() {
    let mut world = world();
    let request = PutBudget {
        id: BudgetId(id(6, 1)),
        name: "day".to_owned(),
        scope: BudgetScope::Workspace,
        unit: Unit::Tokens,
        limit: 50,
        window: Window::Day,
        soft_at: 0.8,
        used: 60,
    };
    world.ask(0, boss(), Request::PutBudget(request)).unwrap();
    let task = world.new_task(&[]);
    let task_id = task.id;
    world.create(0, vec![task]).unwrap();
    assert!(world.claim(0, 0, 1).leases.is_empty());
    assert_eq!(world.code(0, task_id), Some(Code::BudgetExhausted));
    let exhausted = |decision: &Decision| matches!(&decision.facts, Facts::Budget(facts) if facts.event == BudgetEvent::Exhausted);
    assert!(world.model.decisions.values().any(exhausted), "it is said");
}

#[test]
fn a_budget_on_an_agent_holds_that_agent_alone() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    budget_on(&mut world, BudgetScope::Agent(agent(0)), 50);
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(100);
    let task_id = task.id;
    world.create(0, vec![task]).unwrap();
    let told = world.claim(0, 0, 1);
    assert!(told.leases.is_empty());
    assert_eq!(told.waits[0].code, Code::NeverFits, "of its own");
    assert_eq!(
        world.code(0, task_id),
        Some(Code::AgentsBusy),
        "another may take it"
    );
    assert_eq!(world.claim(0, 1, 1).leases.len(), 1);
}

#[test]
fn a_task_that_only_agents_without_money_could_take_waits_for_their_budget() {
    let mut world = world();
    budget_on(&mut world, BudgetScope::Agent(agent(0)), 50);
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(100);
    let task_id = task.id;
    world.create(0, vec![task]).unwrap();
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    let why = world.explain(0, task_id).unwrap();
    assert_eq!(why.blockers[0].code, Code::NeverFits, "{why:?}");
    assert_eq!(why.blockers[0].resource.as_deref(), Some("own"));
    assert_eq!(world.code(0, task_id), Some(Code::NeverFits));
    world.pass_waking(Span::from_secs(61));
    let told = world.claimed(claim).unwrap();
    assert_eq!(told.waits[0].code, Code::NeverFits);
    let recorded = world.model.decisions.values().filter(|decision| {
        let Facts::NotYet(facts) = &decision.facts else {
            return false;
        };
        facts.blockers[0].code == Code::NeverFits
    });
    assert_eq!(recorded.count(), 1);
}

#[test]
fn a_budget_on_a_tree_counts_its_root_and_what_is_split_from_it() {
    let mut world = world();
    let mut root = world.new_task(&[]);
    root.needs.estimate = estimate(60);
    let root_id = root.id;
    let mut child = world.new_task(&[]);
    (child.parent, child.needs.estimate) = (Some(root_id), estimate(60));
    let mut other = world.new_task(&[]);
    other.needs.estimate = estimate(60);
    let (child_id, other_id) = (child.id, other.id);
    world.create(0, vec![root, child, other]).unwrap();
    budget_on(&mut world, BudgetScope::TaskTree(root_id), 100);
    let leases = world.claim(0, 0, 5).leases;
    assert_eq!(
        leases.iter().map(|lease| lease.task).collect::<Vec<_>>(),
        [root_id, other_id]
    );
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    world.complete(0, 0, &leases[0], None).unwrap();
    assert_eq!(
        world
            .claimed(claim)
            .expect("the root's reservation came back")
            .leases[0]
            .task,
        child_id
    );
}

#[test]
fn unknown_cost_is_learnt_or_refused_as_the_policy_says() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 50_000, Window::Total);
    let reserved =
        |world: &World| match world
            .conductor
            .view(workspace(0), &Query::Budgets, world.now)
        {
            View::Budgets { budgets } => budgets[0].reserved,
            other => panic!("{other:?}"),
        };
    world.add(0, &[]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    assert_eq!(
        reserved(&world),
        4_000,
        "the default, before there is a history"
    );
    world
        .complete(
            0,
            0,
            &lease,
            Some(Usage {
                output_tokens: 250,
                ..Usage::default()
            }),
        )
        .unwrap();
    world.add(0, &[]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    assert_eq!(reserved(&world), 250, "what this kind has used");
    world.complete(0, 0, &lease, None).unwrap();
    let mut policy = Policy::default();
    policy.unknown_cost.mode = scheduler::UnknownCostMode::Refuse;
    world
        .ask(
            0,
            boss(),
            Request::PutPolicy(PutPolicy {
                policy,
                version: Some(1),
            }),
        )
        .unwrap();
    let refused = world.add(0, &[]);
    assert!(world.claim(0, 0, 1).leases.is_empty());
    assert_eq!(world.code(0, refused), Some(Code::Misconfigured));
}

#[test]
fn a_guess_never_locks_a_budget() {
    let mut world = world();
    world.put_budget(0, "all", Unit::Tokens, 1 << 40, Window::Day);
    world.add(0, &[]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let much = Usage {
        input_tokens: 900_000,
        ..Usage::default()
    };
    world.complete(0, 0, &lease, Some(much)).unwrap();
    world.put_budget(0, "all", Unit::Tokens, 1_000_000, Window::Day);
    world.add(0, &[]);
    assert!(
        world.claim(0, 0, 1).leases.is_empty(),
        "100,000 are left, 250,000 are guessed"
    );
    world.put_budget(0, "all", Unit::Tokens, 2_000_000, Window::Day);
    assert_eq!(world.claim(0, 0, 1).leases.len(), 1);
}

#[test]
fn a_budget_on_a_model_counts_the_model_that_was_called() {
    let mut world = world();
    let on = |model: &str| PutBudget {
        id: BudgetId(id(6, model.len() as u64)),
        name: model.to_owned(),
        scope: BudgetScope::Model(model.to_owned()),
        unit: Unit::Tokens,
        limit: 10_000,
        window: Window::Day,
        soft_at: 0.8,
        used: 0,
    };
    world
        .ask(0, boss(), Request::PutBudget(on("small")))
        .unwrap();
    world
        .ask(0, boss(), Request::PutBudget(on("large-one")))
        .unwrap();
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(100);
    task.needs.estimate.model = Some("small".to_owned());
    let unnamed = world.new_task(&[]);
    world.create(0, vec![task, unnamed]).unwrap();
    let used = |model: &str| Usage {
        model: Some(model.to_owned()),
        input_tokens: 700,
        ..Usage::default()
    };
    for (lease, model) in world
        .claim(0, 0, 2)
        .leases
        .iter()
        .zip(["large-one", "small"])
    {
        world.complete(0, 0, lease, Some(used(model))).unwrap();
    }
    let View::Budgets { budgets } = world
        .conductor
        .view(workspace(0), &Query::Budgets, world.now)
    else {
        panic!("budgets")
    };
    let settled: Vec<(u64, u64)> = budgets
        .iter()
        .map(|b| (b.row.state.settled, b.reserved))
        .collect();
    assert_eq!(
        settled,
        [(700, 0), (700, 0)],
        "each model's budget, by what was reported"
    );
}
