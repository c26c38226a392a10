//! Rows of open tasks, as many as there are. They come as COPY sends them in its binary form: a message
//! a row, of which nothing is described or looked up by name, so that a row costs a fraction of one of a
//! query. The form: <https://www.postgresql.org/docs/current/sql-copy.html>, "Binary Format".

use futures::TryStreamExt;
use scheduler::{Boost, Priority, TaskId, TaskState, Time};
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::StoreError;
use crate::convert::{corrupt, from_word, unsigned};

/// Rows handed on together.
const CHUNK: usize = 500;
/// What the first message begins with, before 4 bytes of flags and the length of an extension, which
/// is 0.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// From 1970 to 2000, where Postgres counts from.
const EPOCH_US: i64 = 946_684_800_000_000;

/// The open tasks of the workspace `$1`, in the order of their making. What most have alike is not sent,
/// and not taken apart, a million times.
pub const OPEN_TASKS: &str =
    "SELECT task_id, needs_id, created_at, due_at, not_before, boost_until, boost_delta,
        nullif(attempts, 0), nullif(epoch, 0), nullif(backing_off, false), nullif(state, 'pending'),
        nullif(priority, 'medium'), CASE WHEN cardinality(ancestors) > 0 THEN ancestors END
    FROM open_task WHERE workspace_id = $1 ORDER BY task_id";

/// An open task as it is stored.
pub(super) struct OpenTaskRow {
    pub(super) id: Uuid,
    pub(super) needs_id: Uuid,
    pub(super) created_at: Time,
    pub(super) due_at: Option<Time>,
    pub(super) not_before: Option<Time>,
    pub(super) boost: Option<Boost>,
    pub(super) attempts: u16,
    pub(super) epoch: u32,
    pub(super) backing_off: bool,
    pub(super) state: TaskState,
    pub(super) priority: Priority,
    /// The nearest first.
    pub(super) ancestors: Vec<TaskId>,
}

/// Reads a workspace's open tasks. Ends early, in silence, when nobody takes the chunks any more.
pub(super) async fn read_chunks(
    loaders: PgPool,
    workspace: Uuid,
    chunks: mpsc::Sender<Vec<OpenTaskRow>>,
) -> Result<(), StoreError> {
    let mut connection = loaders.acquire().await?;
    let whole = copy(&mut connection, workspace, &chunks).await;
    if !matches!(whole, Ok(true)) {
        // It may still be sending.
        connection.close_on_drop();
    }
    whole.map(|_| ())
}

/// Whether all were taken.
async fn copy(
    connection: &mut PgConnection,
    workspace: Uuid,
    chunks: &mpsc::Sender<Vec<OpenTaskRow>>,
) -> Result<bool, StoreError> {
    // COPY takes no parameters.
    let query = OPEN_TASKS.replace("$1", &format!("'{workspace}'"));
    let statement = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
    let mut messages = connection.copy_out_raw(&statement).await?;
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Some(message) = messages.try_next().await? {
        chunk.extend(OpenTaskRow::read(&message)?);
        if chunk.len() == CHUNK {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            if chunks.send(full).await.is_err() {
                return Ok(false);
            }
        }
    }
    Ok(chunks.send(chunk).await.is_ok())
}

impl OpenTaskRow {
    /// The row of a message; the last message has none.
    fn read(message: &[u8]) -> Result<Option<Self>, StoreError> {
        let mut bytes = Bytes(message);
        if message.starts_with(SIGNATURE) {
            bytes.take(SIGNATURE.len() + 8)?;
        }
        let columns = i16::from_be_bytes(bytes.array()?);
        if columns < 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            id: bytes.value(id)?.unwrap_or_default(),
            needs_id: bytes.value(id)?.unwrap_or_default(),
            created_at: bytes.value(time)?.unwrap_or_default(),
            due_at: bytes.value(time)?,
            not_before: bytes.value(time)?,
            boost: {
                let (until, score_delta) = (bytes.value(time)?, bytes.value(int)?);
                until.map(|expires_at| Boost {
                    score_delta,
                    expires_at,
                })
            },
            attempts: unsigned("count of attempts", bytes.value(int)?.unwrap_or_default())?,
            epoch: unsigned("lease's epoch", bytes.value(long)?.unwrap_or_default())?,
            backing_off: bytes.field()?.is_some(),
            state: bytes.value(word)?.unwrap_or(TaskState::Pending),
            priority: bytes.value(word)?.unwrap_or(Priority::Medium),
            ancestors: bytes.value(ids)?.unwrap_or_default(),
        }))
    }
}

/// What is left of a message.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    /// The bytes of the next column, unless it is null.
    fn field(&mut self) -> Result<Option<Bytes<'a>>, StoreError> {
        let length = i32::from_be_bytes(self.array()?);
        usize::try_from(length)
            .ok()
            .map(|length| self.take(length).map(Bytes))
            .transpose()
    }

    fn value<T>(
        &mut self,
        read: fn(Bytes<'a>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.field()?.map(read).transpose()
    }
}

fn id(mut bytes: Bytes<'_>) -> Result<Uuid, StoreError> {
    Ok(Uuid::from_bytes(bytes.array()?))
}

fn time(bytes: Bytes<'_>) -> Result<Time, StoreError> {
    Ok(Time(long(bytes)?.saturating_add(EPOCH_US)))
}

fn int(mut bytes: Bytes<'_>) -> Result<i32, StoreError> {
    Ok(i32::from_be_bytes(bytes.array()?))
}

fn long(mut bytes: Bytes<'_>) -> Result<i64, StoreError> {
    Ok(i64::from_be_bytes(bytes.array()?))
}

fn word<T: DeserializeOwned>(Bytes(word): Bytes<'_>) -> Result<T, StoreError> {
    let word = std::str::from_utf8(word).map_err(|_| malformed())?;
    from_word("task's state or priority", word)
}

/// An array that is not empty: its number of dimensions, whether there are nulls, the type, length and
/// first index, each 4 bytes; then its items, each like a column.
fn ids(mut bytes: Bytes<'_>) -> Result<Vec<TaskId>, StoreError> {
    bytes.take(20)?;
    let mut ids = Vec::with_capacity(bytes.0.len() / 20);
    while !bytes.0.is_empty() {
        ids.extend(bytes.value(id)?.map(TaskId));
    }
    Ok(ids)
}

fn malformed() -> StoreError {
    corrupt("open task", &"the row is not as COPY sends it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_cut_short_is_an_error_and_no_panic() {
        let mut row = 13_i16.to_be_bytes().to_vec();
        row.extend(16_i32.to_be_bytes());
        row.extend(Uuid::nil().as_bytes());
        for length in 0..row.len() {
            assert!(OpenTaskRow::read(&row[..length]).is_err());
        }
        let trailer = (-1_i16).to_be_bytes();
        assert!(OpenTaskRow::read(&trailer).is_ok_and(|row| row.is_none()));
    }
}
