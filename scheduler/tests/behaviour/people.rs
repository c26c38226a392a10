//! What people and agents overrule.

use scheduler::{
    Act, Boost, Class, Code, CreateTasks, DecisionKind, EditTask, Facts, Handoff, Overrule,
    Refusal, Request, Span, TaskId, words,
};

use crate::support::{World, agent_actor, boss};
use crate::world;

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
    let handoff = hand(second, "agent-1", Some(lease.epoch));
    world.ask(0, agent_actor(0), handoff).unwrap();
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
    let refused = world.ask(0, boss(), hand(task, "ghost", None));
    assert!(matches!(refused, Err(Refusal::Invalid { .. })));
}

#[test]
fn work_is_not_handed_to_who_cannot_do_it_nor_under_a_lease_that_is_over() {
    let mut world = world();
    world.put_agent(0, 0, &["law"]);
    world.put_agent(0, 1, &["art"]);
    world.put_agent(0, 2, &["art", "law"]);
    let mut task = world.new_task(&[]);
    task.needs.capabilities = vec!["law".to_owned()];
    let task_id = task.id;
    world.create(0, vec![task]).unwrap();
    let lease = world.claim(0, 0, 1).leases.remove(0);
    let cannot = world.ask(0, boss(), hand(task_id, "agent-1", None));
    assert!(matches!(cannot, Err(Refusal::Invalid { .. })), "{cannot:?}");
    let stale = world.ask(0, boss(), hand(task_id, "agent-2", Some(lease.epoch + 1)));
    assert_eq!(stale, Err(Refusal::LeaseLost));
    let now = hand(task_id, "agent-2", Some(lease.epoch));
    world.ask(0, boss(), now).unwrap();
    assert_eq!(world.claim(0, 2, 1).leases[0].task, task_id);
}

fn hand(task: TaskId, to_agent: &str, epoch: Option<u32>) -> Request {
    Request::Overrule(Overrule {
        task,
        act: Act::Handoff,
        reason: None,
        boost: None,
        handoff: Some(Handoff {
            epoch,
            to_agent: Some(to_agent.to_owned()),
            to_capability: None,
        }),
        facts: Vec::new(),
    })
}

#[test]
fn an_edit_is_a_decision_that_says_what_it_changed() {
    let mut world = world();
    let task = world.add(0, &[]);
    let edit = |version, title: Option<&str>| EditTask {
        task,
        priority: None,
        due_at: None,
        class: None,
        estimate: None,
        capabilities: Some(vec!["legal".to_owned()]),
        requires: None,
        agent: None,
        title: title.map(str::to_owned),
        description: None,
        version,
    };
    let said = |world: &mut World, edit| {
        let before = world.model.decisions.len();
        world.ask(0, boss(), Request::EditTask(edit)).unwrap();
        let new = world.model.decisions.values().skip(before);
        let new = new.filter(|made| made.kind() == DecisionKind::Override);
        new.map(|made| (words::headline(made), words::reasoning(made)))
            .collect::<Vec<_>>()
    };
    let boss = said(&mut world, edit(1, Some("Other words")));
    assert_eq!(
        boss,
        [(
            "Edited by boss: capabilities, title".to_owned(),
            "Changed: capabilities from nothing to “legal”; title.".to_owned()
        )]
    );
    assert_eq!(said(&mut world, edit(2, None)), [], "nothing differs");
}
