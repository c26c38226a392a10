//! The full text of tasks: broken into words a moment after it was committed, and searched. Beside the
//! words stand the task's kind, its class and the agent it is for, each as one word that no text has, so
//! that a rare one of them is found as a rare word is.

use hashbrown::HashMap;
use scheduler::bounds::is_invisible;
use scheduler::{Span, Time};
use sqlx::PgConnection;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use uuid::Uuid;

use crate::read::first_id_at;
use crate::{Store, StoreError};

/// Tasks broken into words in one transaction.
const BATCH: i64 = 2_000;
/// Identifiers are made before their tasks are committed: what is younger is looked at again in the
/// next round,
const COMMITTED_AFTER: Span = Span::from_secs(2);
/// and what is younger than this as often as this passes, for a commit that took long.
const SETTLED_AFTER: Span = Span::from_secs(30);
/// Any number that no other lock of the database has.
const LOCK: i64 = 0x_6261_746f_6e77;

/// Tasks' texts as columns, as they become words.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pub(crate) tasks: Vec<Uuid>,
    pub(crate) folded: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) classes: Vec<String>,
    pub(crate) agents: Vec<Option<String>>,
}

/// A task's text as it is read to become words.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    /// Its beginning.
    pub(crate) description: Option<String>,
    pub(crate) kind: String,
    pub(crate) class: String,
    pub(crate) agent: Option<String>,
}

impl FromIterator<Text> for Texts {
    fn from_iter<I: IntoIterator<Item = Text>>(all: I) -> Self {
        let mut texts = Self::default();
        for one in all {
            let description = one.description.unwrap_or_default();
            texts.tasks.push(one.id);
            texts
                .folded
                .push(fold(&format!("{} {description}", one.title)));
            texts.kinds.push(one.kind);
            texts.classes.push(one.class);
            texts.agents.push(one.agent);
        }
        texts
    }
}

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
            let added = add_words(workspace.id, from, &mut transaction).await?;
            let Some((made, last)) = added else {
                continue;
            };
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
            // The index takes words in by the batch: most are in many tasks, whose list it rewrites.
            sqlx::query!("SELECT gin_clean_pending_list('task_words_by_word')")
                .fetch_one(&store.readers)
                .await?;
        }
        Ok(indexed)
    }
}

/// How many tasks got words, and the last of them; `None` when the workspace is gone.
async fn add_words(
    workspace: Uuid,
    behind: Uuid,
    connection: &mut PgConnection,
) -> Result<Option<(i64, Option<Uuid>)>, sqlx::Error> {
    // Held while its words are written: a demo is not taken away from between them.
    let alive = sqlx::query_scalar!(
        "SELECT id FROM workspace WHERE id = $1 FOR KEY SHARE",
        workspace
    )
    .fetch_optional(&mut *connection)
    .await?;
    if alive.is_none() {
        return Ok(None);
    }
    let texts = sqlx::query_as!(
        Text,
        "SELECT id, title, left(description, 4000) AS description, kind, class, agent FROM task t
         WHERE t.workspace_id = $1 AND t.id > $2
             AND NOT EXISTS (SELECT FROM task_words w WHERE w.workspace_id = $1 AND w.task_id = t.id OFFSET 0)
         ORDER BY t.id LIMIT $3",
        workspace,
        behind,
        BATCH,
    )
    .fetch_all(&mut *connection)
    .await?;
    let made = (texts.len() as i64, texts.last().map(|text| text.id));
    let texts: Texts = texts.into_iter().collect();
    sqlx::query!(
        "INSERT INTO task_words (workspace_id, task_id, words)
         SELECT $1, t.id, words_of(t.folded, t.kind, t.class, t.agent)
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[]) AS t (id, folded, kind, class, agent)
         ON CONFLICT DO NOTHING",
        workspace,
        &texts.tasks,
        &texts.folded,
        &texts.kinds,
        &texts.classes,
        &texts.agents as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(Some(made))
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

/// Renews the words of a task whose text was edited. Edits are rare, and whoever of this and the
/// indexing comes second sees the other's row.
pub(crate) async fn renew(
    workspace: Uuid,
    text: Text,
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let folded = fold(&format!(
        "{} {}",
        text.title,
        text.description.unwrap_or_default()
    ));
    sqlx::query!(
        "INSERT INTO task_words (workspace_id, task_id, words) VALUES ($1, $2, words_of($3, $4, $5, $6))
         ON CONFLICT (workspace_id, task_id) DO UPDATE SET words = excluded.words",
        workspace,
        text.id,
        folded,
        text.kind,
        text.class,
        text.agent,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The words of a text, apart by spaces: letters and digits, without what readers do not tell apart or
/// do not see, in any language and whatever the database's locale is. All else parts words, so that
/// Postgres finds nothing in it that it would take for a tag, an address or a negative number.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        let plain = text.replace(|letter: char| !letter.is_ascii_alphanumeric(), " ");
        return plain.to_ascii_lowercase();
    }
    let lower = text.to_lowercase().replace('ß', "ss").replace('ς', "σ");
    let plain = lower
        .nfkd()
        .filter(|&letter| !('\u{300}'..='\u{36f}').contains(&letter) && !is_invisible(letter));
    let apart = plain.map(|letter| {
        let in_word = letter.is_alphanumeric() || is_combining_mark(letter);
        if in_word { letter } else { ' ' }
    });
    apart.nfc().collect()
}

/// What a person typed as Postgres asks for it: every word must be there, the beginning of one is
/// enough; "words in quotes" stand together; `-word` must not be there, but `-2` is a number. `None`
/// when nothing is asked.
pub(crate) fn query(typed: &str) -> Option<String> {
    let visible: String = typed.chars().filter(|&c| !is_invisible(c)).collect();
    let mut wanted = Vec::new();
    let mut rest = visible.trim();
    while !rest.is_empty() {
        let not = rest
            .strip_prefix('-')
            .filter(|after| after.starts_with(|c: char| c == '"' || c.is_alphabetic()));
        rest = not.unwrap_or(rest);
        let (part, quoted, after) = if let Some(quoted) = rest.strip_prefix('"') {
            let (part, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            (part, true, after)
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (&rest[..end], false, &rest[end..])
        };
        rest = after.trim_start();
        let words: Vec<_> = fold(part)
            .split_whitespace()
            .map(|word| format!("'{word}'"))
            .collect();
        if !words.is_empty() {
            let not = if not.is_some() { "!" } else { "" };
            let begun = if quoted { "" } else { ":*" };
            wanted.push(format!("{not}({}{begun})", words.join(" <-> ")));
        }
    }
    (!typed.trim().is_empty()).then(|| wanted.join(" & "))
}

/// A task's kind, class and agent as Postgres asks for them; `None` when none is asked for.
pub(crate) fn facets(of: &[(&str, Option<&str>)]) -> Option<String> {
    let asked = of.iter().filter_map(|(name, value)| {
        let value = (*value)?
            .replace('\\', "\\\\")
            .replace('\'', "''")
            .replace('\0', "");
        Some(format!("' {name}={value}'"))
    });
    let asked: Vec<_> = asked.collect();
    (!asked.is_empty()).then(|| asked.join(" & "))
}

#[cfg(test)]
mod tests {
    use super::{facets, fold, query};

    #[test]
    fn case_and_accents_make_no_difference_in_any_script() {
        for (one, other) in [
            ("ÜNÏCODE", "unicode"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("İstanbul", "istanbul"),
            ("ЁЖ", "еж"),
            ("ＡＢＣ", "abc"),
            ("\u{202e}fi\u{200b}x\u{fe0f}", "fix"),
            ("“<b>fix</b>”", "  b fix  b  "),
            ("-2°", " 2 "),
        ] {
            assert_eq!(fold(one), fold(other));
        }
        assert_ne!(
            fold("が"),
            fold("か"),
            "marks that make another letter stay"
        );
    }

    #[test]
    fn facets_are_words_that_nothing_breaks_out_of() {
        assert_eq!(facets(&[("kind", None)]), None);
        let asked = [("kind", Some("o'b\\r")), ("class", Some("routine"))];
        assert_eq!(
            facets(&asked).unwrap(),
            "' kind=o''b\\\\r' & ' class=routine'"
        );
    }

    #[test]
    fn what_people_type_becomes_a_query_that_nothing_breaks() {
        assert_eq!(query("  "), None);
        assert_eq!(query("find hosts").unwrap(), "('find':*) & ('hosts':*)");
        assert_eq!(
            query("\"three cheapest\" -old").unwrap(),
            "('three' <-> 'cheapest') & !('old':*)"
        );
        let words = query("o'brien & | ! ( \\ <-> \0").unwrap();
        assert_eq!(words, "('o' <-> 'brien':*)");
        assert_eq!(query("-2 a-2").unwrap(), "('2':*) & ('a' <-> '2':*)");
        assert_eq!(query("--wait").unwrap(), "('wait':*)");
        let hidden = query("\u{202e}-\u{200b}old <b>new</b>").unwrap();
        assert_eq!(hidden, "!('old':*) & ('b' <-> 'new' <-> 'b':*)");
        assert_eq!(query("!!").unwrap(), "");
        assert_eq!(query("\"open end").unwrap(), "('open' <-> 'end')");
    }
}
