//! The full text of tasks: broken into words a moment after it was committed, and searched.

use hashbrown::HashMap;
use scheduler::{Span, Time};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::read::first_id_at;
use crate::{Store, StoreError};

/// Tasks broken into words in one transaction.
const BATCH: i64 = 5_000;
/// Identifiers are made before their tasks are committed: what is younger is looked at again in the
/// next round,
const COMMITTED_AFTER: Span = Span::from_secs(2);
/// and what is younger than this as often as this passes, for a commit that took long.
const SETTLED_AFTER: Span = Span::from_secs(30);
/// Any number that no other lock of the database has.
const LOCK: i64 = 0x_6261_746f_6e77;

/// Gives words to tasks that have none yet.
#[derive(Debug, Default)]
pub struct Indexer {
    /// Behind which identifier each workspace was last looked at, so that a round need not look again
    /// at what the one before it has seen.
    from: HashMap<Uuid, Uuid>,
    /// When all that is not settled is looked at again.
    whole_at: Time,
}

impl Indexer {
    /// Looks once: how many tasks got words. One server does it at a time; the others find nothing to
    /// do.
    pub async fn round(&mut self, store: &Store, now: Time) -> Result<u64, StoreError> {
        let mut transaction = store.readers.begin().await?;
        let ours = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "ours!""#, LOCK)
            .fetch_one(&mut *transaction)
            .await?;
        if !ours {
            return Ok(0);
        }
        let behind = sqlx::query!(
            r#"SELECT w.id, coalesce(m.up_to, '00000000-0000-0000-0000-000000000000') AS "up_to!"
               FROM workspace w LEFT JOIN task_words_mark m ON m.workspace_id = w.id
               CROSS JOIN LATERAL (SELECT id FROM task t WHERE t.workspace_id = w.id
                   ORDER BY t.workspace_id DESC, t.id DESC LIMIT 1) newest
               WHERE newest.id > coalesce(m.up_to, '00000000-0000-0000-0000-000000000000')"#,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let whole = now >= self.whole_at;
        if whole {
            self.whole_at = now + SETTLED_AFTER;
        }
        let mut indexed = 0;
        for workspace in behind {
            let seen = self.from.entry(workspace.id).or_default();
            let from = if whole {
                workspace.up_to
            } else {
                workspace.up_to.max(*seen)
            };
            let (made, last) = add_words(workspace.id, from, &mut transaction).await?;
            // A full batch may have left some.
            let (reached, settled) = match last {
                Some(last) if made == BATCH => (last, last.min(first_id_at(now - SETTLED_AFTER))),
                _ => (
                    first_id_at(now - COMMITTED_AFTER),
                    first_id_at(now - SETTLED_AFTER),
                ),
            };
            *seen = reached.max(*seen);
            if whole {
                set_mark(workspace.id, settled, &mut transaction).await?;
            }
            indexed += made as u64;
        }
        transaction.commit().await?;
        if indexed > 0 {
            // The index takes words in by the batch: ten times cheaper, for most are in many tasks.
            sqlx::query!("SELECT gin_clean_pending_list('task_words_by_word')")
                .fetch_one(&store.readers)
                .await?;
        }
        Ok(indexed)
    }
}

/// How many tasks got words, and the last of them.
async fn add_words(
    workspace: Uuid,
    behind: Uuid,
    connection: &mut PgConnection,
) -> Result<(i64, Option<Uuid>), sqlx::Error> {
    let made = sqlx::query_scalar!(
        "INSERT INTO task_words (workspace_id, task_id, words)
         SELECT $1, t.id, words_of(t.title, t.description) FROM (
             SELECT id, title, description FROM task t WHERE t.workspace_id = $1 AND t.id > $2
                 AND NOT EXISTS (SELECT FROM task_words w WHERE w.workspace_id = $1 AND w.task_id = t.id OFFSET 0)
             ORDER BY t.id LIMIT $3) t
         ON CONFLICT DO NOTHING RETURNING task_id",
        workspace,
        behind,
        BATCH,
    )
    .fetch_all(connection)
    .await?;
    Ok((made.len() as i64, made.into_iter().max()))
}

/// Says up to where all tasks of a workspace have their words.
async fn set_mark(
    workspace: Uuid,
    up_to: Uuid,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO task_words_mark (workspace_id, up_to) VALUES ($1, $2)
         ON CONFLICT (workspace_id) DO UPDATE SET up_to = greatest(task_words_mark.up_to, excluded.up_to)",
        workspace,
        up_to,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a person typed as Postgres asks for it: every word must be there, the beginning of one is
/// enough; "words in quotes" stand together; `-word` must not be there. `None` when nothing is asked.
pub(crate) fn query(typed: &str) -> Option<String> {
    let mut wanted = Vec::new();
    let mut rest = typed.trim();
    while !rest.is_empty() {
        let not = rest.starts_with('-');
        rest = rest.trim_start_matches('-');
        let (part, quoted, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (part, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            (part, true, after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (&rest[..end], false, &rest[end..])
        };
        rest = after.trim_start();
        let words: Vec<_> = part
            .split_whitespace()
            .filter_map(|word| lexeme(word, !quoted))
            .collect();
        if !words.is_empty() {
            let not = if not { "!" } else { "" };
            wanted.push(format!("{not}({})", words.join(" <-> ")));
        }
    }
    (!typed.trim().is_empty()).then(|| wanted.join(" & "))
}

/// A word between quotes, which Postgres splits as it splits texts.
fn lexeme(word: &str, beginning: bool) -> Option<String> {
    let plain: String = word
        .chars()
        .filter(|c| !matches!(c, '\'' | '\\' | '\0'))
        .collect();
    let any = plain.chars().any(char::is_alphanumeric);
    any.then(|| format!("'{plain}'{}", if beginning { ":*" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn what_people_type_becomes_a_query_that_nothing_breaks() {
        assert_eq!(query("  "), None);
        assert_eq!(query("find hosts").unwrap(), "('find':*) & ('hosts':*)");
        assert_eq!(
            query("\"three cheapest\" -old").unwrap(),
            "('three' <-> 'cheapest') & !('old':*)"
        );
        assert_eq!(query("o'brien & | ! ( \\ <->").unwrap(), "('obrien':*)");
        assert_eq!(query("!!").unwrap(), "");
        assert_eq!(query("\"open end").unwrap(), "('open' <-> 'end')");
    }
}
