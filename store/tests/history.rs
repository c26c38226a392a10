//! The history of limits is folded as it is seen, read in steps, and taken away in time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use scheduler::*;
use sqlx::PgPool;
use store::Store;
use store::history::{BudgetPoint, MINUTE};
use support::*;

const RESOURCE: ResourceId = ResourceId(uuid::Uuid::from_u128(1));
const BUDGET: BudgetId = BudgetId(uuid::Uuid::from_u128(2));

/// A workspace that has the resource and the budget.
async fn limits(pool: &PgPool) -> Scene {
    let scene = Scene::set(Store::open((*pool.connect_options()).clone(), 4)).await;
    let mut resource = resource(false, scene.workspace, 1, "search");
    resource.spec.id = RESOURCE;
    let mut budget = budget(scene.workspace, 2, BudgetScope::Workspace);
    budget.spec.id = BUDGET;
    let records = Records {
        resources: vec![resource],
        budgets: vec![budget],
        ..Records::default()
    };
    scene.flush(records).await;
    scene
}

fn seen(available: f64, waiting: u32, settled: u64) -> Gauges {
    Gauges {
        resources: vec![ResourceGauge {
            resource: RESOURCE,
            available,
            limit: 10.0,
            in_use: 0,
            waiting: Some(waiting),
            given: 2,
        }],
        budgets: vec![BudgetGauge {
            budget: BUDGET,
            window: Window::Day,
            settled,
            reserved: 5,
        }],
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn looks_within_a_minute_become_one_row_and_minutes_one_step(pool: PgPool) {
    let store = limits(&pool).await.store;
    let begin = Span::from_secs(900).floor(START) + Span::from_secs(900);
    let looks = [(0, 8.0, 1), (10, 2.0, 7), (70, 4.0, 0)];
    for (after, available, waiting) in looks {
        let gauges = seen(available, waiting, after as u64);
        store
            .keep_gauges(&gauges, begin + Span::from_secs(after))
            .await
            .unwrap();
    }
    let minutes = store
        .resource_history(RESOURCE, begin, MINUTE)
        .await
        .unwrap();
    let shown: Vec<_> = minutes
        .iter()
        .map(|one| (one.level, one.lowest, one.waiting, one.given))
        .collect();
    assert_eq!(shown, [(2.0, 2.0, Some(7), 4), (4.0, 4.0, Some(0), 2)]);
    let quarters = store
        .resource_history(RESOURCE, begin, Span::from_secs(900))
        .await
        .unwrap();
    let shown: Vec<_> = quarters
        .iter()
        .map(|one| (one.at, one.level, one.lowest, one.given))
        .collect();
    assert_eq!(shown, [(begin, 3.0, 2.0, 6)]);
    let points = store.budget_history(BUDGET, begin).await.unwrap();
    let point = BudgetPoint {
        at: begin,
        settled: 70,
        reserved: 5,
    };
    assert_eq!(points, [point]);
    assert_eq!(
        store.budget_history(BUDGET, begin + MINUTE).await.unwrap(),
        []
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn history_is_taken_away_when_nobody_looks_back_so_far(pool: PgPool) {
    let store = limits(&pool).await.store;
    let days = |days: i64| Span::from_secs(days * 86_400);
    store.keep_gauges(&seen(1.0, 0, 1), START).await.unwrap();
    let removed = store::retention::tick(&store, START + days(7))
        .await
        .unwrap();
    assert_eq!((removed.minutes, removed.points), (0, 0));
    let removed = store::retention::tick(&store, START + days(9))
        .await
        .unwrap();
    assert_eq!((removed.minutes, removed.points), (1, 0));
    let removed = store::retention::tick(&store, START + days(63))
        .await
        .unwrap();
    assert_eq!((removed.minutes, removed.points), (0, 1));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn spending_is_told_by_agent_model_and_kind_within_a_scope(pool: PgPool) {
    let scene = Scene::set(Store::open((*pool.connect_options()).clone(), 2)).await;
    let ws = scene.workspace;
    let made = task(ws, 1_000, needs("writing"));
    let lease = lease(&made.open, 20_000, AgentId(id(30)));
    let records = Records {
        agents: vec![agent(ws, 30, "scout")],
        usage: vec![
            usage(&lease, 5, "small", 10),
            usage(&lease, 6, "small", 20),
            usage(&lease, 7, "large", 40),
        ],
        ..Records::default()
    };
    scene.flush(records).await;
    let model = BudgetScope::Model("small".to_owned());
    let spent = scene.store.spent_by(ws, &model, START).await.unwrap();
    let shown: Vec<_> = spent
        .iter()
        .map(|one| (one.agent.as_str(), one.cost_microusd))
        .collect();
    assert_eq!(shown, [("scout", 30)]);
    let nobody = BudgetScope::Agent(AgentId(id(31)));
    assert_eq!(scene.store.spent_by(ws, &nobody, START).await.unwrap(), []);
    let all = scene
        .store
        .spent_by(ws, &BudgetScope::Workspace, START)
        .await
        .unwrap();
    assert_eq!(all.iter().map(|one| one.cost_microusd).sum::<u64>(), 70);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn no_history_is_kept_of_what_has_been_taken_away(pool: PgPool) {
    let scene = limits(&pool).await;
    let removed = Records {
        resources_removed: vec![(Some(scene.workspace), RESOURCE)],
        budgets_removed: vec![(scene.workspace, BUDGET)],
        ..Records::default()
    };
    scene.flush(removed).await;
    let (store, seen) = (&scene.store, seen(1.0, 0, 1));
    store.keep_gauges(&seen, START).await.unwrap();
    let minutes = store.resource_history(RESOURCE, START - MINUTE, MINUTE);
    assert_eq!(minutes.await.unwrap(), []);
    let points = store.budget_history(BUDGET, START - Span::from_secs(86_400));
    assert_eq!(points.await.unwrap(), []);
}
