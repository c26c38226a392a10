//! What the conductor does, one behaviour a test.

#![cfg(test)]

mod support;

use scheduler::{
    Act, Boost, BudgetScope, Class, CloseResource, Code, CreateTasks, DecisionKind, EtaMethod,
    Facts, Fuse, Handoff, Overrule, Policy, Priority, PutPolicy, Query, Refusal, Reply, Request,
    Requirement, ResourceKind, Span, TakePermit, TaskId, TaskState, Throttled, Tier, Unit, Usage,
    Verdict, View, Window,
};
use support::{World, agent, agent_actor, boss, estimate, id, workspace};

fn world() -> World {
    let mut world = World::new(2, &Policy::default());
    world.put_agent(0, 0, &["research"]);
    world
}

fn slots(n: u32) -> ResourceKind {
    ResourceKind::Slots { slots: n }
}

fn bucket(capacity: u32, refill_per_s: f64) -> ResourceKind {
    ResourceKind::Bucket {
        capacity,
        refill_per_s,
    }
}

#[test]
fn a_waiting_agent_gets_a_new_task_in_the_step_that_creates_it() {
    let mut world = world();
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(30));
    let task = world.add(0, &[]);
    let claimed = world.claimed(claim).expect("answered");
    assert_eq!(claimed.leases[0].task, task);
    assert_eq!(world.explain(0, task).unwrap().verdict, Verdict::Running);
}

#[test]
fn a_claim_without_work_is_answered_when_its_wait_ends() {
    let mut world = world();
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(5));
    world.pass_waking(Span::from_secs(4));
    assert!(world.claimed(claim).is_none());
    world.pass_waking(Span::from_secs(1));
    let claimed = world.claimed(claim).expect("answered");
    assert!(claimed.leases.is_empty() && claimed.retry_after_ms >= 100);
}

#[test]
fn a_withdrawn_claim_is_given_nothing() {
    let mut world = world();
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(30));
    world.send(0, agent_actor(0), Request::Withdraw { claim });
    let task = world.add(0, &[]);
    assert!(world.claimed(claim).is_none());
    assert_eq!(world.code(0, task), Some(Code::AgentsBusy));
}

#[test]
fn better_ranked_goes_first_within_and_across_lanes() {
    let mut world = world();
    world.put_resource(0, "model", slots(9), false);
    let low = world.add(0, &[]);
    let mut urgent = world.new_task(&[("model", 1)]);
    urgent.priority = Priority::Urgent;
    let urgent_id = urgent.id;
    world.create(0, vec![urgent]).unwrap();
    let order: Vec<TaskId> = (0..2)
        .map(|_| world.claim(0, 0, 1).leases[0].task)
        .collect();
    assert_eq!(order, [urgent_id, low]);
}

#[test]
fn capabilities_models_and_pins_decide_who_may_take_a_task() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    let mut needs = world.new_task(&[]);
    needs.needs.capabilities = vec!["research".to_owned()];
    let mut pinned = world.new_task(&[]);
    pinned.needs.agent = Some("agent-1".to_owned());
    let (needs_id, pinned_id) = (needs.id, pinned.id);
    world.create(0, vec![needs, pinned]).unwrap();
    assert_eq!(
        world
            .claim(0, 1, 5)
            .leases
            .iter()
            .map(|l| l.task)
            .collect::<Vec<_>>(),
        [pinned_id]
    );
    assert_eq!(
        world
            .claim(0, 0, 5)
            .leases
            .iter()
            .map(|l| l.task)
            .collect::<Vec<_>>(),
        [needs_id]
    );
}

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
    let request = scheduler::PutResource {
        id: scheduler::ResourceId(id(5, 77)),
        name: "model".to_owned(),
        pool_wide: false,
        kind: slots(10),
        adaptive: Some(scheduler::Adaptive {
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

#[test]
fn a_budget_on_an_agent_holds_that_agent_alone() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    let request = scheduler::PutBudget {
        id: scheduler::BudgetId(id(6, 1)),
        name: "agent-0".to_owned(),
        scope: BudgetScope::Agent(agent(0)),
        unit: Unit::Tokens,
        limit: 50,
        window: Window::Total,
        soft_at: 0.8,
    };
    world.ask(0, boss(), Request::PutBudget(request)).unwrap();
    let mut task = world.new_task(&[]);
    task.needs.estimate = estimate(100);
    world.create(0, vec![task]).unwrap();
    assert!(world.claim(0, 0, 1).leases.is_empty());
    assert_eq!(world.claim(0, 1, 1).leases.len(), 1);
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
    let request = scheduler::PutBudget {
        id: scheduler::BudgetId(id(6, 2)),
        name: "tree".to_owned(),
        scope: BudgetScope::TaskTree(root_id),
        unit: Unit::Tokens,
        limit: 100,
        window: Window::Total,
        soft_at: 0.8,
    };
    world.ask(0, boss(), Request::PutBudget(request)).unwrap();
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
fn what_unblocks_more_goes_before_what_unblocks_less() {
    let mut world = world();
    let plain = world.add(0, &[]);
    let mut key = world.new_task(&[]);
    key.needs.kind = "key".to_owned();
    let key_id = key.id;
    let mut batch = vec![key];
    for _ in 0..6 {
        let mut behind = world.new_task(&[]);
        behind.depends_on = vec![batch.last().unwrap().id];
        batch.push(behind);
    }
    world.create(0, batch).unwrap();
    let order: Vec<TaskId> = (0..2)
        .map(|_| world.claim(0, 0, 1).leases[0].task)
        .collect();
    assert_eq!(order, [key_id, plain]);
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
fn fuses_refuse_and_a_loop_is_one_decision() {
    let mut world = world();
    let batch = |world: &mut World| -> Vec<_> { (0..100).map(|_| world.new_task(&[])).collect() };
    let mut blown = 0;
    for _ in 0..15 {
        let tasks = batch(&mut world);
        let made = world.ask(
            0,
            agent_actor(0),
            Request::CreateTasks(CreateTasks {
                tasks,
                facts: Vec::new(),
            }),
        );
        blown += u32::from(matches!(
            made,
            Err(Refusal::Fuse {
                fuse: Fuse::AgentCreates,
                limit: 1_000,
                count: 1_100,
                ..
            })
        ));
    }
    assert_eq!(blown, 5);
    assert_eq!(
        world
            .model
            .decisions
            .values()
            .filter(|d| d.kind() == DecisionKind::Fuse)
            .count(),
        1
    );
    world.pass_waking(Span::from_secs(61));
    let tasks = batch(&mut world);
    world
        .ask(
            0,
            agent_actor(0),
            Request::CreateTasks(CreateTasks {
                tasks,
                facts: Vec::new(),
            }),
        )
        .expect("a minute later");
}

#[test]
fn delegation_ends_at_its_depth_and_fan_out_at_its_width() {
    let mut world = world();
    let mut parent = world.add(0, &[]);
    for depth in 1..=6 {
        let mut child = world.new_task(&[]);
        child.parent = Some(parent);
        let child_id = child.id;
        match world.create(0, vec![child]) {
            Ok(_) => parent = child_id,
            Err(refusal) => {
                assert!(matches!(
                    refusal,
                    Refusal::Fuse {
                        fuse: Fuse::DelegationDepth,
                        limit: 5,
                        count: 6,
                        ..
                    }
                ));
                assert_eq!(depth, 6);
            }
        }
    }
    let root = world.add(0, &[]);
    let children: Vec<_> = (0..257)
        .map(|_| scheduler::NewTask {
            parent: Some(root),
            ..world.new_task(&[])
        })
        .collect();
    assert!(matches!(
        world.create(0, children),
        Err(Refusal::Fuse {
            fuse: Fuse::Children,
            limit: 256,
            count: 257,
            ..
        })
    ));
}

#[test]
fn tasks_that_wait_for_each_other_in_a_circle_are_refused_whole() {
    let mut world = world();
    let (mut a, mut b) = (world.new_task(&[]), world.new_task(&[]));
    (a.depends_on, b.depends_on) = (vec![b.id], vec![a.id]);
    let before = world.model.open.len();
    assert!(matches!(
        world.create(0, vec![a, b]),
        Err(Refusal::Fuse {
            fuse: Fuse::Cycle,
            ..
        })
    ));
    assert_eq!(world.model.open.len(), before);
}

#[test]
fn a_person_holds_releases_boosts_pins_and_hands_over() {
    let mut world = world();
    world.put_agent(0, 1, &["legal"]);
    let (first, second) = (world.add(0, &[]), world.add(0, &[]));
    let pin = Boost {
        score_delta: None,
        expires_at: world.now + Span::from_secs(60),
    };
    let boost = Overrule {
        task: second,
        act: Act::Boost,
        reason: Some("now".to_owned()),
        boost: Some(pin),
        handoff: None,
        facts: Vec::new(),
    };
    world.ask(0, boss(), Request::Overrule(boost)).unwrap();
    world.overrule(0, first, Act::Hold).unwrap();
    assert_eq!(world.code(0, first), Some(Code::NeedsApproval));
    let lease = world.claim(0, 0, 5).leases.remove(0);
    assert_eq!(lease.task, second);
    let to = Handoff {
        epoch: Some(lease.epoch),
        to_agent: Some("agent-1".to_owned()),
        to_capability: None,
    };
    let handoff = Overrule {
        task: second,
        act: Act::Handoff,
        reason: None,
        boost: None,
        handoff: Some(to),
        facts: Vec::new(),
    };
    world
        .ask(0, agent_actor(0), Request::Overrule(handoff))
        .unwrap();
    assert_eq!(world.complete(0, 0, &lease, None), Err(Refusal::LeaseLost));
    assert_eq!(world.claim(0, 1, 5).leases[0].task, second);
    world.overrule(0, first, Act::Release).unwrap();
    assert_eq!(world.claim(0, 0, 5).leases[0].task, first);
    assert!(
        matches!(
            world.overrule(0, first, Act::Boost),
            Err(Refusal::WrongState { .. })
        ),
        "what runs is not boosted"
    );
}

#[test]
fn a_boost_ends_by_itself_and_that_is_a_decision() {
    let mut world = world();
    let (first, second) = (world.add(0, &[]), world.add(0, &[]));
    let boost = Boost {
        score_delta: Some(500),
        expires_at: world.now + Span::from_secs(10),
    };
    let request = Overrule {
        task: second,
        act: Act::Boost,
        reason: None,
        boost: Some(boost),
        handoff: None,
        facts: Vec::new(),
    };
    world.ask(0, boss(), Request::Overrule(request)).unwrap();
    world.pass_waking(Span::from_secs(11));
    assert_eq!(world.claim(0, 0, 1).leases[0].task, first);
    assert!(
        world.model.decisions.values().any(
            |d| matches!(&d.facts, Facts::Expiry(e) if e.event == scheduler::ExpiryEvent::Boost)
        )
    );
}

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
fn exploratory_work_leaves_room_for_other_work() {
    let mut world = world();
    world.put_resource(0, "model", slots(5), false);
    for _ in 0..5 {
        let mut task = world.new_task(&[("model", 1)]);
        task.needs.class = Class::Exploratory;
        world.create(0, vec![task]).unwrap();
    }
    assert_eq!(
        world.claim(0, 0, 9).leases.len(),
        4,
        "a fifth of the slots is left free"
    );
    let ordinary = world.add(0, &[("model", 1)]);
    assert_eq!(world.claim(0, 0, 9).leases[0].task, ordinary);
}

#[test]
fn workspaces_share_a_contended_resource_by_weight() {
    let mut world = World::new(2, &Policy::default());
    world.put_agent(0, 0, &[]);
    world.put_agent(1, 1, &[]);
    world.put_resource(0, "shared", bucket(1, 10.0), true);
    let policy = Policy {
        fair_share_weight: 3.0,
        ..Policy::default()
    };
    world
        .ask(
            1,
            boss(),
            Request::PutPolicy(PutPolicy {
                policy,
                version: None,
            }),
        )
        .unwrap();
    for ws in [0, 1] {
        for _ in 0..200 {
            world.add(ws, &[("shared", 1)]);
        }
    }
    let mut got = [0, 0];
    let mut claims = [0, 1].map(|n| world.claim_waiting(n, n, 1, Span::from_secs(600)));
    for _ in 0..400 {
        world.pass_waking(Span::from_millis(50));
        for n in 0..2 {
            if let Some(claimed) = world.claimed(claims[n as usize]) {
                got[n as usize] += claimed.leases.len();
                claims[n as usize] = world.claim_waiting(n, n, 1, Span::from_secs(600));
            }
        }
    }
    let share = got[1] as f64 / (got[0] + got[1]) as f64;
    assert!(
        (0.70..=0.80).contains(&share),
        "three quarters to the heavier: {got:?}"
    );
}

#[test]
fn a_task_that_needs_much_is_saved_up_for_after_a_bounded_wait() {
    let mut world = World::new(
        1,
        &Policy {
            reserve_after_ms: 5_000,
            ..Policy::default()
        },
    );
    world.put_agent(0, 0, &[]);
    world.put_resource(0, "model", slots(4), false);
    let mut running = std::collections::VecDeque::new();
    let mut started_at = None;
    let big = world.add(0, &[("model", 4)]);
    for second in 0..60 {
        // Small tasks keep coming, and each runs for three seconds.
        for _ in 0..2 {
            let mut small = world.new_task(&[("model", 1)]);
            small.priority = Priority::Urgent;
            small.needs.estimate.duration_ms = Some(3_000);
            world.create(0, vec![small]).unwrap();
        }
        while running.front().is_some_and(|(end, _)| *end <= second) {
            let (_, lease) = running.pop_front().unwrap();
            world.complete(0, 0, &lease, None).unwrap();
        }
        for lease in world.claim(0, 0, 9).leases {
            if lease.task == big {
                started_at = Some(second);
            }
            running.push_back((second + 3, lease));
        }
        if started_at.is_some() {
            break;
        }
        world.pass_waking(Span::from_secs(1));
    }
    let second = started_at.expect("it started");
    assert!(
        second <= 10,
        "after its patience and one round of what ran, not after {second} s"
    );
}

#[test]
fn permits_take_from_the_same_resources_and_wait_their_turn() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    world.add(0, &[("model", 1)]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let asked = TakePermit {
        agent: agent(0),
        name: "agent-0".to_owned(),
        requires: vec![Requirement {
            resource: "model".to_owned(),
            amount: 1,
        }],
        wait_until: world.now + Span::from_secs(30),
    };
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
fn another_workspaces_things_do_not_exist() {
    let mut world = world();
    let task = world.add(0, &[]);
    let lease = world.claim(0, 0, 1).leases.remove(0);
    assert!(world.explain(1, task).is_none());
    assert_eq!(
        world.overrule(1, task, Act::Cancel),
        Err(Refusal::NeedFacts { tasks: vec![task] })
    );
    assert_eq!(world.complete(1, 0, &lease, None), Err(Refusal::NotFound));
    let mut child = world.new_task(&[]);
    child.parent = Some(task);
    assert!(matches!(
        world.create(1, vec![child]),
        Err(Refusal::NeedFacts { .. })
    ));
}

#[test]
fn a_drained_conductor_answers_who_waits_and_gives_nothing_more() {
    let mut world = world();
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(30));
    let output = world.conductor.drain(world.now);
    assert_eq!(output.replies.len(), 1);
    assert_eq!(output.replies[0].0, claim);
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(30));
    assert_eq!(world.answers.remove(&claim), Some(Err(Refusal::Draining)));
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
    let on = |model: &str| scheduler::PutBudget {
        id: scheduler::BudgetId(id(6, model.len() as u64)),
        name: model.to_owned(),
        scope: BudgetScope::Model(model.to_owned()),
        unit: Unit::Tokens,
        limit: 10_000,
        window: Window::Day,
        soft_at: 0.8,
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

#[test]
fn a_claim_without_work_names_what_stepped_aside_and_an_agent_that_is_full() {
    let mut world = world();
    world.put_resource(0, "model", slots(1), false);
    world.add(0, &[("model", 3)]);
    let claimed = world.claim(0, 0, 1);
    assert_eq!(
        claimed
            .waits
            .iter()
            .map(|wait| wait.code)
            .collect::<Vec<_>>(),
        [Code::NeverFits]
    );
    let card = scheduler::PutAgent {
        id: agent(5),
        name: "agent-5".to_owned(),
        capabilities: Vec::new(),
        models: Vec::new(),
        max_concurrency: Some(1),
        card: serde_json::Value::Null,
    };
    world
        .ask(0, agent_actor(5), Request::PutAgent(card))
        .unwrap();
    world.add(0, &[]);
    world.add(0, &[]);
    assert_eq!(world.claim(0, 5, 2).leases.len(), 1);
    let full = world.claim(0, 5, 1);
    assert!(
        full.waits[0].headline.contains("1 of the 1 leases"),
        "{full:?}"
    );
}

#[test]
fn a_permit_is_its_agents_and_is_seen_as_a_holder() {
    let mut world = world();
    world.put_agent(0, 1, &[]);
    world.put_resource(0, "model", slots(1), false);
    let asked = TakePermit {
        agent: agent(0),
        name: "agent-0".to_owned(),
        requires: vec![Requirement {
            resource: "model".to_owned(),
            amount: 1,
        }],
        wait_until: world.now,
    };
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
fn agents_give_no_directives_and_hand_over_to_known_agents_only() {
    let mut world = world();
    let mut task = world.new_task(&[]);
    task.needs.class = Class::Directive;
    let create = Request::CreateTasks(CreateTasks {
        tasks: vec![task],
        facts: Vec::new(),
    });
    assert!(matches!(
        world.ask(0, agent_actor(0), create),
        Err(Refusal::Invalid { .. })
    ));
    let task = world.add(0, &[]);
    let to = Handoff {
        epoch: None,
        to_agent: Some("ghost".to_owned()),
        to_capability: None,
    };
    let handoff = Overrule {
        task,
        act: Act::Handoff,
        reason: None,
        boost: None,
        handoff: Some(to),
        facts: Vec::new(),
    };
    let refused = world.ask(0, boss(), Request::Overrule(handoff));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })));
}
