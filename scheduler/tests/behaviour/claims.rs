//! Who asks for work, and what they are told.

use scheduler::{
    Act, AgentStatus, Claim, Code, Heartbeat, PutAgent, Refusal, Request, Span, Verdict,
};

use crate::support::{World, agent, agent_actor};
use crate::{slots, world};

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

/// What the first agent says of itself.
fn says(status: AgentStatus) -> Request {
    Request::Heartbeat(Heartbeat {
        agent: agent(0),
        name: "agent-0".to_owned(),
        status,
        detail: None,
    })
}

#[test]
fn an_agent_that_drains_no_more_gets_what_it_waits_for() {
    let mut world = world();
    world
        .ask(0, agent_actor(0), says(AgentStatus::Draining))
        .unwrap();
    world.add(0, &[]);
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(30));
    assert!(world.claimed(claim).is_none());
    world
        .ask(0, agent_actor(0), says(AgentStatus::Idle))
        .unwrap();
    assert_eq!(world.claimed(claim).expect("answered").leases.len(), 1);
}

#[test]
fn what_no_agent_has_room_for_names_them() {
    let mut world = world();
    let card = PutAgent {
        id: agent(0),
        name: "agent-0".to_owned(),
        capabilities: Vec::new(),
        models: Vec::new(),
        max_concurrency: Some(1),
        card: serde_json::Value::Null,
    };
    world
        .ask(0, agent_actor(0), Request::PutAgent(card))
        .unwrap();
    let (_, second) = (world.add(0, &[]), world.add(0, &[]));
    let headline = |world: &World| world.explain(0, second).unwrap().headline;
    assert_eq!(world.claim(0, 0, 1).leases.len(), 1);
    let full = headline(&world);
    assert!(
        full.contains("the agent that can do this takes no more now: agent-0"),
        "{full}"
    );
    world
        .ask(0, agent_actor(0), says(AgentStatus::Draining))
        .unwrap();
    let why = world.explain(0, second).unwrap();
    let busy = &why.blockers[0];
    assert_eq!(
        (busy.code, busy.eta),
        (Code::AgentsBusy, None),
        "who knows when"
    );
    assert_eq!(busy.draining, ["agent-0"]);
    assert!(
        why.headline.contains("agent-0 (draining)"),
        "{}",
        why.headline
    );
    world.put_agent(0, 1, &[]);
    let idle = headline(&world);
    assert!(
        idle.contains("1 agent can do this, and none is asking for work"),
        "{idle}"
    );
}

#[test]
fn a_full_agent_that_waits_gets_the_next_task_when_it_has_room() {
    let mut world = world();
    world.put_agent_for(0, 0, &[], Some(1));
    let (_, second) = (world.add(0, &[]), world.add(0, &[]));
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let claim = world.claim_waiting(0, 0, 1, Span::from_secs(60));
    assert!(world.claimed(claim).is_none());
    assert_eq!(
        world.code(0, second),
        Some(Code::AgentsBusy),
        "it asks, and may take no more"
    );
    world.complete(0, 0, &lease, None).unwrap();
    let claimed = world.claimed(claim).expect("it has room");
    assert_eq!(claimed.leases[0].task, second);
}

#[test]
fn a_claim_that_waits_for_less_than_its_agent_can_do_hears_of_new_lanes() {
    let mut world = world();
    world.put_agent(0, 0, &["big", "small"]);
    let needs = |world: &mut World, capability: &str| {
        let mut task = world.new_task(&[]);
        task.needs.capabilities = vec![capability.to_owned()];
        let id = task.id;
        world.create(0, vec![task]).unwrap();
        id
    };
    needs(&mut world, "small");
    world.claim(0, 0, 1);
    let big = Request::Claim(Claim {
        agent: agent(0),
        name: "agent-0".to_owned(),
        max: 1,
        wait_until: world.now + Span::from_secs(60),
        capabilities: Some(vec!["big".to_owned()]),
        models: None,
    });
    let claim = world.send(0, agent_actor(0), big);
    needs(&mut world, "small");
    assert!(world.claimed(claim).is_none(), "that was not asked for");
    // A card that changes does not change what was asked for.
    world.put_agent(0, 0, &["big", "small", "other"]);
    assert!(world.claimed(claim).is_none());
    let task = needs(&mut world, "big");
    let claimed = world.claimed(claim).expect("its lane is new");
    assert_eq!(claimed.leases[0].task, task);
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
fn a_pinned_agent_that_cannot_do_a_task_is_told_from_one_that_is_not_there() {
    let mut world = world();
    let mut asked_of = |name: &str| {
        let mut task = world.new_task(&[]);
        task.needs.capabilities = vec!["painting".to_owned()];
        task.needs.agent = Some(name.to_owned());
        let id = task.id;
        world.create(0, vec![task]).unwrap();
        let why = world.explain(0, id).unwrap();
        assert_eq!(why.blockers[0].code, Code::NoEligibleAgent);
        why.headline
    };
    assert_eq!(
        asked_of("agent-0"),
        "Not yet: it is for agent-0, and agent-0 does not say that it can do painting."
    );
    assert_eq!(
        asked_of("agent-7"),
        "Not yet: it is for agent-7, and no agent of that name is registered."
    );
}

#[test]
fn what_no_agent_has_is_named_and_a_model_is_told_from_a_capability() {
    let mut world = world();
    for (n, capability, model) in [(1, "painting", "haiku"), (2, "search", "opus")] {
        let card = PutAgent {
            id: agent(n),
            name: format!("agent-{n}"),
            capabilities: vec![capability.to_owned()],
            models: vec![model.to_owned()],
            max_concurrency: None,
            card: serde_json::Value::Null,
        };
        world
            .ask(0, agent_actor(n), Request::PutAgent(card))
            .unwrap();
    }
    // The agent of every world says nothing of its model, so it has any.
    let mut lacks = |capability: &str, model: &str, agent: Option<&str>| {
        let mut task = world.new_task(&[]);
        task.needs.capabilities = vec![capability.to_owned()];
        task.needs.estimate.model = Some(model.to_owned());
        task.needs.agent = agent.map(str::to_owned);
        let id = task.id;
        world.create(0, vec![task]).unwrap();
        let why = world.explain(0, id).unwrap();
        let blocker = &why.blockers[0];
        assert_eq!(blocker.code, Code::NoEligibleAgent);
        (why.headline, blocker.model.is_some())
    };
    let said = |headline: &str| format!("Not yet: {headline}.");
    let both = "no agent that can do painting and has the model “opus” is registered";
    assert_eq!(lacks("painting", "opus", None), (said(both), true));
    let one = "it is for agent-1, and agent-1 does not say that it has the model “opus”";
    assert_eq!(
        lacks("painting", "opus", Some("agent-1")),
        (said(one), true)
    );
    let other = "it is for agent-2, and agent-2 does not say that it can do painting";
    assert_eq!(
        lacks("painting", "opus", Some("agent-2")),
        (said(other), false)
    );
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
    let card = PutAgent {
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
