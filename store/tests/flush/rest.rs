//! What changes seldom.

use scheduler::*;
use sqlx::PgPool;
use store::{Batch, IdempotencyRow};

use crate::support::*;
use crate::{count, store};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn everything_rare_is_stored_too(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    let scout = agent(ws, 30, "scout");
    let lease = lease(&new.open, 2_000, scout.card.id);
    let mut edited = new.open.clone();
    edited.priority = Priority::Urgent;
    edited.needs = needs("other").into();
    let decision = dispatch(&lease);
    scene
        .flush(Records {
            created: vec![new.clone()],
            agents: vec![scout.clone()],
            ..Records::default()
        })
        .await;
    let records = Records {
        changed: vec![edited],
        edits: vec![TextEdit {
            workspace: ws,
            task: new.open.id,
            title: Some("New".to_owned()),
            description: None,
            version: 2,
        }],
        late: vec![LateResult {
            lease: lease.id,
            workspace: ws,
            agent: None,
            epoch: 1,
            at: at(1),
            output: None,
        }],
        repeats: vec![(decision.id, 2), (decision.id, 3)],
        refusals: vec![RefusalRow {
            workspace: ws,
            resource: ResourceId(id(50)),
            at: at(5),
            agent: None,
            lease: None,
            retry_after_ms: Some(10),
        }],
        resources: vec![resource(true, ws, 50, "search")],
        seen: vec![AgentSeen {
            workspace: ws,
            agent: scout.card.id,
            at: at(9_000),
            status: AgentStatus::Draining,
            detail: Some("soon".to_owned()),
        }],
        decisions: vec![decision.clone()],
        ..Records::default()
    };
    let answer = IdempotencyRow {
        workspace: ws,
        key: "k".to_owned(),
        request_hash: [7; 32],
        answer: serde_json::json!(1),
        at: at(1),
    };
    scene
        .store
        .flush(
            &scene.fence,
            &Batch {
                records,
                idempotency: vec![answer],
            },
        )
        .await
        .unwrap();

    let read = scene
        .store
        .task(ws, new.open.id)
        .await
        .unwrap()
        .unwrap()
        .task;
    assert_eq!(
        (
            read.title.as_str(),
            read.version,
            read.priority,
            read.needs.kind.as_str()
        ),
        ("New", 2, Priority::Urgent, "other")
    );
    assert_eq!(
        scene
            .store
            .decision(ws, decision.id)
            .await
            .unwrap()
            .unwrap()
            .repeats,
        5
    );
    assert_eq!(
        scene.store.refusals_since(ws, START).await.unwrap()[0].refusals,
        1
    );
    let listed = scene.store.agents(ws, START).await.unwrap();
    assert_eq!(
        (listed[0].agent.status, listed[0].detail.as_deref()),
        (AgentStatus::Draining, Some("soon"))
    );
    assert_eq!(count(&pool, "late_result").await, 1);
    let day = Span::from_secs(24 * 3_600);
    assert_eq!(
        scene
            .store
            .remembered(ws, "k", at(2))
            .await
            .unwrap()
            .unwrap()
            .request_hash,
        [7; 32]
    );
    assert_eq!(
        scene.store.remembered(ws, "k", at(2) + day).await.unwrap(),
        None
    );
    assert_eq!(
        store::retention::tick(&scene.store, at(2) + day)
            .await
            .unwrap()
            .answers,
        1
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_edited_and_leased_in_one_batch_is_given_out_as_edited(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene
        .flush(Records {
            created: vec![new.clone()],
            ..Records::default()
        })
        .await;
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let flushed = scene
        .flush(Records {
            edits: vec![TextEdit {
                workspace: ws,
                task: new.open.id,
                title: Some("New".to_owned()),
                description: None,
                version: 2,
            }],
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            ..Records::default()
        })
        .await;
    let text = &flushed.texts[&new.open.id];
    assert_eq!((text.title.as_str(), text.version), ("New", 2));
}
