//! The one writer of what a conductor decided.
//!
//! A batch is stored in one transaction or not at all, and only while the pool is held: the first
//! thing every statement does is to lock the pool's row against a take-over and to compare its epoch,
//! holder and expiry by the database's clock. Tables are written by one statement each or, for all
//! that a busy pool writes, by one statement together (`hot.sql`), which is a transaction by itself.

mod columns;
pub(crate) mod facts;
mod hot;
mod normal;
mod open;
mod rest;
mod text;
mod writer;

use std::collections::HashMap;

use scheduler::{Records, TaskId, Time, WorkspaceId};

use sqlx::{Connection, PgConnection};

use crate::{Fence, FlushError, Store};
use hot::Hot;
use normal::Normal;
pub use text::TaskText;
pub(crate) use writer::Writer;

/// What one flush stores.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What the conductor decided, in the order of its making.
    pub records: Records,
    /// Answers to remember, stored with their effects.
    pub idempotency: Vec<IdempotencyRow>,
}

/// An answer to remember for a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Whose key it is.
    pub workspace: WorkspaceId,
    /// As the caller chose it, at most 255 characters.
    pub key: String,
    /// SHA-256 of what was asked.
    pub request_hash: [u8; 32],
    /// What was answered.
    pub answer: serde_json::Value,
    /// When.
    pub at: Time,
}

/// What a flush gives back.
#[derive(Clone, Debug, Default)]
pub struct Flushed {
    /// The texts of the tasks that were leased in this batch.
    pub texts: HashMap<TaskId, TaskText>,
}

/// A batch as columns, ready to be sent: what can be done before its turn comes.
pub struct Prepared<'a> {
    batch: &'a Batch,
    normal: Normal<'a>,
    hot: Hot<'a>,
}

impl Batch {
    /// Makes columns of the rows.
    #[must_use]
    pub fn prepared(&self) -> Prepared<'_> {
        let normal = Normal::of(&self.records);
        Prepared {
            hot: Hot::of(&self.records, &normal),
            batch: self,
            normal,
        }
    }
}

impl Store {
    /// Stores a batch. When it is fenced or refused nothing is stored; when the connection is lost,
    /// only the database knows.
    pub async fn flush(&self, fence: &Fence, batch: &Batch) -> Result<Flushed, FlushError> {
        self.flush_prepared(fence, &batch.prepared()).await
    }

    /// The same, with what could be done before already done.
    pub async fn flush_prepared(
        &self,
        fence: &Fence,
        prepared: &Prepared<'_>,
    ) -> Result<Flushed, FlushError> {
        let mut taken = self.writer.take().await?;
        let flushed = write(fence, prepared, &mut taken.connection).await?;
        taken.keep();
        Ok(flushed)
    }
}

async fn write(
    fence: &Fence,
    prepared: &Prepared<'_>,
    connection: &mut PgConnection,
) -> Result<Flushed, FlushError> {
    let Prepared { batch, normal, hot } = prepared;
    if normal.is_hot_only(&batch.records) && batch.idempotency.is_empty() {
        let texts = hot::write(fence, hot, normal, connection).await?;
        return Ok(Flushed { texts });
    }
    let mut transaction = connection.begin().await?;
    open::write(fence, batch, normal, &mut transaction).await?;
    // First, because another may have its name by now.
    rest::remove(&batch.records, &mut transaction).await?;
    let mut texts = hot::write(fence, hot, normal, &mut transaction).await?;
    for attempt in &normal.brief {
        texts.extend(text::read(attempt.workspace, &[attempt.task], &mut transaction).await?);
    }
    rest::write(&batch.records, normal, &batch.idempotency, &mut transaction).await?;
    transaction.commit().await?;
    Ok(Flushed { texts })
}
