//! Each migration meets a database that is in use: rows as the one before it left them.

use std::path::Path;

use sqlx::migrate::Migrate;
use sqlx::{AssertSqlSafe, PgPool};

#[sqlx::test(migrations = false)]
async fn every_migration_applies_to_rows_of_the_one_before(pool: PgPool) {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/samples");
    let mut connection = pool.acquire().await.unwrap();
    connection
        .ensure_migrations_table("_sqlx_migrations")
        .await
        .unwrap();
    let mut applied = 0;
    for migration in store::MIGRATOR.iter() {
        connection
            .apply("_sqlx_migrations", migration)
            .await
            .unwrap();
        let name = format!(
            "{}_{}.sql",
            migration.version,
            migration.description.replace(' ', "_")
        );
        let rows = std::fs::read_to_string(samples.join(&name))
            .unwrap_or_else(|_| panic!("no sample data for {name}"));
        // The samples are files of this repository.
        sqlx::raw_sql(AssertSqlSafe(rows))
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        applied += 1;
    }
    assert_eq!(
        std::fs::read_dir(&samples).unwrap().count(),
        applied,
        "a sample without its migration"
    );
    let states: Vec<String> = sqlx::query_scalar("SELECT state FROM task_state ORDER BY task_id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(
        states,
        [
            "in_progress",
            "pending",
            "backlog",
            "in_review",
            "done",
            "failed"
        ]
    );
}
