//! The full text of tasks: broken into words a moment after it was committed, and searched.

use scheduler::{Span, Time};

use crate::read::first_id_at;
use crate::{Store, StoreError};

/// Tasks broken into words in one transaction.
const BATCH: i64 = 5_000;
/// Identifiers are made before their tasks are committed: what is younger is looked at again.
const SETTLED_AFTER: Span = Span::from_secs(30);
/// Any number that no other lock of the database has.
const LOCK: i64 = 0x_6261_746f_6e77;

/// Gives words to tasks that have none yet: how many. One server does it at a time; the others find
/// nothing to do.
pub async fn index(store: &Store, now: Time) -> Result<u64, StoreError> {
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
    let settled = first_id_at(now - SETTLED_AFTER);
    let mut indexed = 0;
    for workspace in behind {
        let made = sqlx::query_scalar!(
            "INSERT INTO task_words (workspace_id, task_id, words)
             SELECT $1, t.id, words_of(t.title, t.description) FROM (
                 SELECT id, title, description FROM task t WHERE t.workspace_id = $1 AND t.id > $2
                     AND NOT EXISTS (SELECT FROM task_words w WHERE w.workspace_id = $1 AND w.task_id = t.id OFFSET 0)
                 ORDER BY t.id LIMIT $3) t
             ON CONFLICT DO NOTHING RETURNING task_id",
            workspace.id,
            workspace.up_to,
            BATCH,
        )
        .fetch_all(&mut *transaction)
        .await?;
        // A full batch may have left some: the mark stays behind the last it took.
        let reached = match made.iter().max() {
            Some(&last) if made.len() as i64 == BATCH => last.min(settled),
            _ => settled,
        };
        sqlx::query!(
            "INSERT INTO task_words_mark (workspace_id, up_to) VALUES ($1, $2)
             ON CONFLICT (workspace_id) DO UPDATE SET up_to = greatest(task_words_mark.up_to, excluded.up_to)",
            workspace.id,
            reached,
        )
        .execute(&mut *transaction)
        .await?;
        indexed += made.len() as u64;
    }
    transaction.commit().await?;
    Ok(indexed)
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
