//! What is refused before it grows.

use scheduler::{Act, CreateTasks, DecisionKind, Fuse, Fuses, Policy, Refusal, Request, Span};

use crate::support::{World, agent_actor};
use crate::world;

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
fn what_is_tried_again_counts_as_unfinished() {
    let policy = Policy {
        fuses: Fuses {
            max_pending: 2,
            ..Fuses::default()
        },
        ..Policy::default()
    };
    let mut world = World::new(1, &policy);
    let over = world.add(0, &[]);
    world.overrule(0, over, Act::Cancel).unwrap();
    world.add(0, &[]);
    world.add(0, &[]);
    let again = world.overrule(0, over, Act::Retry);
    assert!(
        matches!(
            again,
            Err(Refusal::Fuse {
                fuse: Fuse::Pending,
                limit: 2,
                ..
            })
        ),
        "{again:?}"
    );
}
