//! Decisions and usage.

use scheduler::*;
use sqlx::PgPool;
use store::read::{DecisionFilter, Page, Review, UsageGroup, Verdict};

use crate::store;
use crate::support::*;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn decisions_list_by_kind_task_agent_resource_and_time(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let tasks = [1_000, 2_000].map(|n| task(ws, n, needs("general")));
    let leases = [
        lease(&tasks[0].open, 10_000, AgentId(id(30))),
        lease(&tasks[1].open, 20_000, AgentId(id(31))),
    ];
    let mut changed = dispatch(&leases[0]);
    changed.id = DecisionId(id(30_000));
    (changed.at, changed.task, changed.agent, changed.resource) =
        (at(30_000), None, None, Some(ResourceId(id(50))));
    changed.facts = Facts::Policy(PolicyFacts {
        version: 2,
        changes: Vec::new(),
    });
    let decisions = vec![dispatch(&leases[0]), dispatch(&leases[1]), changed.clone()];
    scene
        .flush(Records {
            created: tasks.to_vec(),
            decisions: decisions.clone(),
            leased: leases.to_vec(),
            ..Records::default()
        })
        .await;
    let found = async |filter: DecisionFilter| {
        let listed = scene
            .store
            .decisions(ws, &filter, Page::default())
            .await
            .unwrap();
        listed
            .items
            .into_iter()
            .map(|item| item.decision.id)
            .collect::<Vec<_>>()
    };
    let [first, second, third] = [decisions[0].id, decisions[1].id, decisions[2].id];
    let any = DecisionFilter::default();
    assert_eq!(found(any.clone()).await, [third, second, first]);
    assert_eq!(
        found(DecisionFilter {
            kind: Some(DecisionKind::Dispatch),
            ..any.clone()
        })
        .await,
        [second, first]
    );
    assert_eq!(
        found(DecisionFilter {
            kind: Some(DecisionKind::Policy),
            ..any.clone()
        })
        .await,
        [third]
    );
    assert_eq!(
        found(DecisionFilter {
            task: Some(tasks[0].open.id),
            ..any.clone()
        })
        .await,
        [first]
    );
    assert_eq!(
        found(DecisionFilter {
            agent: Some(AgentId(id(31))),
            ..any.clone()
        })
        .await,
        [second]
    );
    assert_eq!(
        found(DecisionFilter {
            resource: Some(ResourceId(id(50))),
            ..any.clone()
        })
        .await,
        [third]
    );
    assert_eq!(
        found(DecisionFilter {
            from: Some(START + Span(20_000)),
            to: Some(START + Span(30_000)),
            ..any
        })
        .await,
        [second]
    );

    let review = Review {
        reviewer: Actor::Scheduler,
        verdict: Verdict::Disagree,
        note: None,
        at: at(1),
    };
    let (stands, later) = (
        scene.store.review(ws, third, &review).await.unwrap(),
        Review {
            at: review.at + Span::from_secs(1),
            ..review.clone()
        },
    );
    assert_eq!(stands.as_ref(), Some(&review));
    let again = scene.store.review(ws, third, &later).await.unwrap();
    assert_eq!(again.as_ref(), Some(&review));
    let said = scene.store.reviews(ws, third).await.unwrap();
    assert_eq!((said.len(), &said[0].review), (1, &review));
    assert_eq!(
        scene
            .store
            .decision(ws, third)
            .await
            .unwrap()
            .unwrap()
            .decision,
        changed
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn usage_sums_by_every_group(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let day_later = UsageRow {
        at: START + Span::from_secs(86_400),
        ..usage(&lease, 0, "large", 500)
    };
    scene
        .flush(Records {
            agents: vec![agent(ws, 30, "scout")],
            usage: vec![
                usage(&lease, 5, "small", 10),
                usage(&lease, 6, "small", 20),
                day_later,
            ],
            ..Records::default()
        })
        .await;
    let end = START + Span::from_secs(200_000);
    let sums = async |group| {
        let sums = scene.store.usage(ws, group, START, end).await.unwrap();
        sums.into_iter()
            .map(|sum| (sum.group.unwrap_or_default(), sum.cost_microusd))
            .collect::<Vec<_>>()
    };
    let named = |sums: &[(&str, u64)]| {
        sums.iter()
            .map(|(name, cost)| ((*name).to_owned(), *cost))
            .collect::<Vec<_>>()
    };
    assert_eq!(sums(UsageGroup::Agent).await, named(&[("scout", 530)]));
    assert_eq!(
        sums(UsageGroup::Model).await,
        named(&[("large", 500), ("small", 30)])
    );
    assert_eq!(sums(UsageGroup::Kind).await, named(&[("general", 530)]));
    assert_eq!(
        sums(UsageGroup::Day).await,
        named(&[("2027-01-15", 30), ("2027-01-16", 500)])
    );
    assert_eq!(sums(UsageGroup::Experiment).await, named(&[("", 530)]));
    assert_eq!(scene.store.spent_since(ws, at(6)).await.unwrap(), 520);
    assert_eq!(
        scene.store.agents(ws, at(6)).await.unwrap()[0].spent_microusd,
        520
    );
}
