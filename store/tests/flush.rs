//! What a flush stores and what it refuses.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use scheduler::*;
use sqlx::PgPool;
use store::{Batch, FlushError, IdempotencyRow, Store};
use support::*;
use uuid::Uuid;

fn store(pool: &PgPool) -> Store {
    Store::open((*pool.connect_options()).clone(), 8)
}

async fn count(pool: &PgPool, table: &str) -> i64 {
    // A table's name cannot be a parameter; the names are this file's own.
    let text = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
}

fn created(tasks: &[CreatedTask]) -> Records {
    Records {
        created: tasks.to_vec(),
        ..Records::default()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_flushed_is_what_is_loaded(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let mut first = task(ws, 1_000, needs("general"));
    first.open.due_at = Some(at(99));
    first.open.not_before = Some(at(98));
    first.open.boost = Some(Boost {
        score_delta: Some(50),
        expires_at: at(97),
    });
    let mut second = task(ws, 2_000, needs("general"));
    second.open.ancestors = vec![first.open.id];
    second.task.depends_on = vec![first.open.id];
    second.open.waits_for = vec![first.open.id];
    second.open.boost = Some(Boost {
        score_delta: None,
        expires_at: at(97),
    });
    let mut held = task(ws, 3_000, needs("other"));
    held.open.state = TaskState::Backlog;
    let third = task(ws, 4_000, needs("other"));
    let lease = lease(&third.open, 5_000, AgentId(id(30)));
    let permit = PermitRow {
        id: PermitId(id(70)),
        workspace: ws,
        agent: AgentId(id(30)),
        granted_at: at(1),
        expires_at: at(2),
        grants: lease.grants.clone(),
    };
    let rows = (
        resource(true, ws, 50, "search"),
        resource(false, ws, 51, "search"),
        budget(ws, 60, BudgetScope::Agent(AgentId(id(30)))),
        agent(ws, 30, "scout"),
    );
    let flushed = scene
        .flush(Records {
            created: vec![first.clone(), second.clone(), held.clone(), third.clone()],
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            resources: vec![rows.0.clone(), rows.1.clone()],
            budgets: vec![rows.2.clone()],
            agents: vec![rows.3.clone()],
            permits: vec![permit.clone()],
            policies: vec![PolicyRow {
                workspace: ws,
                version: 2,
                at: at(3),
                policy: Policy::default(),
            }],
            ..Records::default()
        })
        .await;
    assert_eq!(flushed.texts[&third.open.id].title, third.task.title);

    first.open.children = 1;
    let expected = [
        Stored::Workspace {
            id: ws,
            policy: Policy::default(),
            policy_version: 2,
        },
        Stored::Resource(rows.0),
        Stored::Resource(rows.1),
        Stored::Budget(rows.2),
        Stored::Agent(rows.3),
        Stored::Task(Box::new(first.open)),
        Stored::Task(Box::new(second.open)),
        Stored::Task(Box::new(held.open)),
        Stored::Task(Box::new(third.open)),
        Stored::Lease(lease),
        Stored::Permit(permit),
    ];
    assert_eq!(
        scene.loaded().await,
        expected.map(|fact| format!("{fact:?}"))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_task_is_leased_renewed_completed_and_gone(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let lease = lease(&new.open, 2_000, AgentId(id(30)));
    let flushed = scene
        .flush(Records {
            leased: vec![lease.clone()],
            decisions: vec![dispatch(&lease)],
            ..Records::default()
        })
        .await;
    let text = &flushed.texts[&new.open.id];
    assert_eq!(
        (&text.title, &text.needs, text.version),
        (&new.task.title, &new.open.needs, 1)
    );
    assert_eq!(
        flushed.texts,
        scene.store.texts(ws, &[new.open.id]).await.unwrap()
    );

    let renewed = RenewedLease {
        workspace: ws,
        task: lease.task,
        lease: lease.id,
        expires_at: at(90_000),
        progress: Some(0.5),
        note: Some("halfway".to_owned()),
        reservations: vec![Reservation {
            budget: BudgetId(id(60)),
            left: 1_000,
            used: 1_000,
        }],
    };
    let quieter = RenewedLease {
        progress: None,
        note: None,
        expires_at: at(91_000),
        ..renewed.clone()
    };
    scene
        .flush(Records {
            renewed: vec![renewed.clone(), quieter],
            ..Records::default()
        })
        .await;
    let running = scene
        .store
        .task(ws, new.open.id)
        .await
        .unwrap()
        .unwrap()
        .task;
    let live = running.lease.unwrap();
    assert_eq!(running.state, TaskState::InProgress);
    assert_eq!(
        (live.expires_at, live.progress, live.note.as_deref()),
        (at(91_000), Some(0.5), Some("halfway"))
    );

    let mut ended = end(&new.open, TaskState::Done, 3_000);
    ended.output = Some(serde_json::json!({"answer": 42}));
    scene
        .flush(Records {
            attempts: vec![attempt(
                &lease,
                AttemptOutcome::Completed,
                TaskState::Done,
                3_000,
            )],
            ended: vec![ended],
            usage: vec![usage(&lease, 2_500, "small", 70)],
            ..Records::default()
        })
        .await;
    assert_eq!(
        scene.loaded().await.len(),
        2,
        "only the workspace and what its kind of task took is left to load"
    );
    let done = scene.store.task(ws, new.open.id).await.unwrap().unwrap();
    assert_eq!(
        (done.task.state, done.end.unwrap().output),
        (TaskState::Done, Some(serde_json::json!({"answer": 42})))
    );
    let decision = scene
        .store
        .decision(ws, lease.decision)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(decision.outcome.unwrap().outcome, AttemptOutcome::Completed);
    let attempts = scene.store.attempts(ws, new.open.id).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].cost_microusd), (1, 70));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_came_and_went_within_one_batch_leaves_only_its_history(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let (new, other) = (
        task(ws, 1_000, needs("general")),
        task(ws, 2_000, needs("general")),
    );
    let titles = [new.task.title.clone(), other.task.title.clone()];
    let mut first = lease(&new.open, 3_000, AgentId(id(30)));
    first.grants[0].slots = vec![0];
    let mut second = lease(&other.open, 4_000, AgentId(id(30)));
    second.grants[0].slots = vec![0];
    let flushed = scene
        .flush(Records {
            created: vec![new.clone(), other.clone()],
            leased: vec![first.clone(), second.clone()],
            attempts: vec![attempt(
                &first,
                AttemptOutcome::Revoked,
                TaskState::Cancelled,
                5_000,
            )],
            ended: vec![end(&new.open, TaskState::Cancelled, 5_000)],
            ..Records::default()
        })
        .await;
    assert_eq!(
        [&new, &other].map(|task| flushed.texts[&task.open.id].title.clone()),
        titles
    );
    let loaded = scene.loaded().await;
    assert!(loaded.contains(&format!("{:?}", Stored::Lease(second))));
    assert_eq!(loaded.len(), 3);
    let gone = scene.store.task(ws, new.open.id).await.unwrap().unwrap();
    assert_eq!(gone.task.state, TaskState::Cancelled);
    assert_eq!(count(&pool, "attempt").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_failed_task_that_others_wait_on_is_kept_and_can_be_retried(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    scene.flush(created(std::slice::from_ref(&new))).await;
    let mut failed = new.open.clone();
    (failed.state, failed.attempts, failed.epoch) = (TaskState::Failed, 3, 3);
    let ended = EndedTask {
        kept: true,
        ..end(&new.open, TaskState::Failed, 2_000)
    };
    scene
        .flush(Records {
            changed: vec![failed.clone()],
            ended: vec![ended],
            ..Records::default()
        })
        .await;
    assert!(
        scene
            .loaded()
            .await
            .contains(&format!("{:?}", Stored::Task(Box::new(failed.clone()))))
    );
    assert_eq!(
        scene
            .store
            .task(ws, new.open.id)
            .await
            .unwrap()
            .unwrap()
            .task
            .state,
        TaskState::Failed
    );

    let mut again = failed.clone();
    (again.state, again.attempts) = (TaskState::Pending, 0);
    scene
        .flush(Records {
            changed: vec![again],
            ..Records::default()
        })
        .await;
    assert_eq!(
        scene
            .store
            .task(ws, new.open.id)
            .await
            .unwrap()
            .unwrap()
            .task
            .state,
        TaskState::Pending
    );
    assert_eq!(count(&pool, "task_end").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn facts_of_a_finished_task_are_enough_to_take_it_up_again(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let root = task(ws, 1_000, needs("general"));
    let mut middle = task(ws, 2_000, needs("general"));
    middle.open.ancestors = vec![root.open.id];
    let mut leaf = task(ws, 3_000, needs("general"));
    leaf.open.ancestors = vec![middle.open.id, root.open.id];
    leaf.task.depends_on = vec![root.open.id];
    leaf.open.waits_for = vec![root.open.id];
    scene
        .flush(created(&[root.clone(), middle.clone(), leaf.clone()]))
        .await;
    scene
        .flush(Records {
            ended: vec![end(&leaf.open, TaskState::Cancelled, 4_000)],
            ..Records::default()
        })
        .await;
    let asked = [leaf.open.id, middle.open.id, TaskId(id(999))];
    let facts = scene.store.task_facts(ws, &asked).await.unwrap();
    assert_eq!(facts.len(), 2, "an identifier nobody knows is left out");
    let fact = facts.iter().find(|fact| fact.id == leaf.open.id).unwrap();
    let reopen = fact.reopen.as_deref().unwrap();
    assert_eq!(
        (&fact.ancestors, fact.state),
        (&leaf.open.ancestors, TaskState::Cancelled)
    );
    assert_eq!(
        (&reopen.waits_for, &reopen.needs, reopen.attempts),
        (&leaf.open.waits_for, &leaf.open.needs, 1)
    );
    let open = facts.iter().find(|fact| fact.id == middle.open.id).unwrap();
    assert_eq!((open.children, open.reopen.is_none()), (1, true));
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
        ..Records::default()
    };
    scene.flush(handed_on).await;
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
            ..Records::default()
        })
        .await;
    scene
        .flush(Records {
            permits_ended: vec![permit.id],
            leased: vec![third],
            ..Records::default()
        })
        .await;
    assert_eq!(
        (
            count(&pool, "lease_slot").await,
            count(&pool, "permit").await
        ),
        (1, 0)
    );
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
async fn everything_rare_is_stored_too(pool: PgPool) {
    let scene = Scene::set(store(&pool)).await;
    let ws = scene.workspace;
    let new = task(ws, 1_000, needs("general"));
    let scout = agent(ws, 30, "scout");
    let lease = lease(&new.open, 2_000, scout.card.id);
    let mut edited = new.open.clone();
    edited.priority = Priority::Urgent;
    edited.needs = needs("other");
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
