//! What the fence and the constraints refuse.

use scheduler::*;
use sqlx::PgPool;
use store::{Batch, FlushError};
use uuid::Uuid;

use crate::support::*;
use crate::{count, created, store};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_connection_lost_in_a_pause_fails_no_flush(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let new = |n| created(&[task(scene.workspace, n, needs("general"))]);
    scene.flush(new(1_000)).await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(&pool)
    .await
    .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    scene.flush(new(2_000)).await;
    assert_eq!(count(&pool, "task").await, 2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn under_a_lost_epoch_nothing_is_written(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let other = id(8);
    assert_eq!(
        scene
            .store
            .try_take(scene.pool, other, "http://two", SECOND)
            .await
            .unwrap(),
        None,
        "it is held"
    );
    assert!(scene.store.release(&scene.fence).await.unwrap());
    let taken = scene
        .store
        .try_take(scene.pool, other, "http://two", Span::from_secs(60))
        .await
        .unwrap()
        .unwrap();
    assert!(taken.fence.epoch > scene.fence.epoch);

    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let hot = Records {
        leased: vec![lease.clone()],
        decisions: vec![dispatch(&lease)],
        ..Records::default()
    };
    let more = Records {
        created: vec![task(ws, 3_000, needs("general"))],
        ..hot.clone()
    };
    for records in [hot.clone(), more] {
        let lost = scene
            .store
            .flush(
                &scene.fence,
                &Batch {
                    records,
                    ..Batch::default()
                },
            )
            .await;
        assert!(matches!(lost, Err(FlushError::Fenced)), "{lost:?}");
    }
    assert_eq!(
        (
            count(&pool, "lease").await,
            count(&pool, "decision").await,
            count(&pool, "task").await
        ),
        (0, 0, 1)
    );
    assert_eq!(scene.store.renew(&scene.fence, SECOND).await.unwrap(), None);
    assert!(
        scene
            .store
            .renew(&taken.fence, SECOND)
            .await
            .unwrap()
            .is_some()
    );
    let stored = scene
        .store
        .flush(
            &taken.fence,
            &Batch {
                records: hot,
                ..Batch::default()
            },
        )
        .await;
    assert!(stored.is_ok(), "{stored:?}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_pool_that_ran_out_cannot_write_even_if_nobody_took_it(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    scene.store.release(&scene.fence).await.unwrap();
    let held = scene
        .store
        .try_take(scene.pool, id(7), "http://one", Span(0))
        .await
        .unwrap()
        .unwrap();
    let batch = Batch {
        records: created(&[task(scene.workspace, 1_000, needs("general"))]),
        ..Batch::default()
    };
    assert!(matches!(
        scene.store.flush(&held.fence, &batch).await,
        Err(FlushError::Fenced)
    ));
    assert_eq!(
        scene.store.renew(&held.fence, SECOND).await.unwrap(),
        None,
        "a late renewal is a loss"
    );
    assert_eq!(scene.store.holder_of(scene.pool).await.unwrap(), None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_second_live_lease_of_a_task_is_refused_whole(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let new = task(scene.workspace, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let (first, second) = (
        lease(&new.open, 2_000, AgentId(id(30))),
        lease(&new.open, 3_000, AgentId(id(31))),
    );
    scene
        .flush(Records {
            leased: vec![first.clone()],
            decisions: vec![dispatch(&first)],
            ..Records::default()
        })
        .await;
    let doubled = Records {
        leased: vec![second.clone()],
        decisions: vec![dispatch(&second)],
        ..Records::default()
    };
    let refused = scene
        .store
        .flush(
            &scene.fence,
            &Batch {
                records: doubled,
                ..Batch::default()
            },
        )
        .await;
    assert!(
        matches!(refused, Err(FlushError::Disagrees { .. })),
        "{refused:?}"
    );
    assert_eq!(
        (count(&pool, "lease").await, count(&pool, "decision").await),
        (1, 1)
    );
}

async fn holders(pool: &PgPool) -> Vec<Uuid> {
    sqlx::query_scalar("SELECT holder_id FROM lease_slot")
        .fetch_all(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_slot_is_held_once_and_free_when_its_lease_ends(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let tasks = [1_000, 2_000, 3_000].map(|n| task(scene.workspace, n, needs("general")));
    scene.flush(created(&tasks)).await;
    let mut leases =
        [0, 1, 2].map(|n| lease(&tasks[n].open, 4_000 + 10 * n as u64, AgentId(id(30))));
    for lease in &mut leases {
        lease.grants[0].slots = vec![3];
    }
    let [first, second, third] = leases;
    scene
        .flush(Records {
            leased: vec![first.clone()],
            ..Records::default()
        })
        .await;
    let taken = Records {
        leased: vec![second.clone()],
        ..Records::default()
    };
    let refused = scene
        .store
        .flush(
            &scene.fence,
            &Batch {
                records: taken,
                ..Batch::default()
            },
        )
        .await;
    assert!(
        matches!(refused, Err(FlushError::Disagrees { .. })),
        "{refused:?}"
    );

    let ended = attempt(&first, AttemptOutcome::Completed, TaskState::Done, 5_000);
    let handed_on = Records {
        attempts: vec![ended],
        ended: vec![end(&tasks[0].open, TaskState::Done, 5_000)],
        leased: vec![second.clone()],
        slots_freed: freed(&first.grants, first.id.0),
        ..Records::default()
    };
    scene.flush(handed_on).await;
    assert_eq!(holders(&pool).await, [second.id.0], "it goes on");
    let permit = PermitRow {
        id: PermitId(id(70)),
        workspace: scene.workspace,
        agent: AgentId(id(30)),
        granted_at: at(1),
        expires_at: at(2),
        grants: third.grants.clone(),
    };
    let ended = attempt(&second, AttemptOutcome::Released, TaskState::Pending, 6_000);
    scene
        .flush(Records {
            attempts: vec![ended],
            permits: vec![permit.clone()],
            slots_freed: freed(&second.grants, second.id.0),
            ..Records::default()
        })
        .await;
    assert_eq!(holders(&pool).await, [permit.id.0]);
    scene
        .flush(Records {
            permits_ended: vec![permit.id],
            leased: vec![third.clone()],
            slots_freed: freed(&permit.grants, permit.id.0),
            ..Records::default()
        })
        .await;
    assert_eq!(holders(&pool).await, [third.id.0]);
    assert_eq!(count(&pool, "permit").await, 0);

    let over = attempt(&third, AttemptOutcome::Released, TaskState::Pending, 7_000);
    let mistaken = Records {
        attempts: vec![over.clone()],
        slots_freed: freed(&third.grants, second.id.0),
        ..Records::default()
    };
    let batch = Batch {
        records: mistaken,
        ..Batch::default()
    };
    let refused = scene.store.flush(&scene.fence, &batch).await;
    assert!(
        matches!(refused, Err(FlushError::Disagrees { .. })),
        "{refused:?}"
    );
    scene
        .flush(Records {
            attempts: vec![over],
            slots_freed: freed(&third.grants, third.id.0),
            ..Records::default()
        })
        .await;
    assert!(holders(&pool).await.is_empty());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_lease_that_memory_believes_in_and_the_database_does_not_stops_the_flush(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let new = task(scene.workspace, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let records = Records {
        attempts: vec![attempt(
            &lease,
            AttemptOutcome::Completed,
            TaskState::Done,
            3_000,
        )],
        ended: vec![end(&new.open, TaskState::Done, 3_000)],
        ..Records::default()
    };
    let refused = scene
        .store
        .flush(
            &scene.fence,
            &Batch {
                records,
                ..Batch::default()
            },
        )
        .await;
    assert!(
        matches!(refused, Err(FlushError::Disagrees { .. })),
        "{refused:?}"
    );
    assert_eq!(
        (
            count(&pool, "attempt").await,
            count(&pool, "task_end").await
        ),
        (0, 0)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_decision_can_be_neither_changed_nor_taken_away(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let new = task(scene.workspace, 1_000, needs("general"));
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    scene
        .flush(Records {
            created: vec![new],
            decisions: vec![dispatch(&lease)],
            ..Records::default()
        })
        .await;
    let weeks: Vec<String> = sqlx::query_scalar(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'decision'::regclass",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(weeks.len(), 6, "five weeks and what no week was made for");
    for table in weeks.iter().map(String::as_str).chain(["decision"]) {
        for statement in [
            format!("UPDATE {table} SET kind = 'policy'"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
        ] {
            let done = sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&pool)
                .await;
            let holds_rows = table == "decision"
                || statement.starts_with("TRUNCATE")
                || count(&pool, table).await > 0;
            assert!(!holds_rows || done.is_err(), "{statement} was allowed");
        }
        let owned: Vec<String> = sqlx::query_scalar(
            "SELECT privilege_type FROM information_schema.table_privileges
             WHERE table_name = $1 AND privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')",
        )
        .bind(table)
        .fetch_all(&pool)
        .await
        .unwrap();
        assert!(owned.is_empty(), "the owner of {table} may {owned:?}");
    }
    assert_eq!(count(&pool, "decision").await, 1);
    assert_eq!(count(&pool, "decision_other").await, 0);
    assert_eq!(
        scene.store.ensure_partitions(START).await.unwrap(),
        0,
        "the weeks are there already"
    );
    let _: Uuid = lease.decision.0;
}
