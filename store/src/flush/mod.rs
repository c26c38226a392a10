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
mod reserved;
mod rest;
mod text;
mod turn;

use std::future::ready;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use scheduler::{Records, TaskId, Time, WorkspaceId};

use sqlx::{Connection, PgConnection};
use tokio::sync::oneshot;
use tokio::try_join;

use crate::{Fence, FlushError, Store};
use hot::Hot;
use normal::Normal;
pub(crate) use reserved::Reserved;
pub use text::TaskText;
use text::{TextRow, Wanted};
pub use turn::Turn;

/// Settings of the connections that flush. A flush finds everything by its key. One plan, made once,
/// serves every size of batch and of table; left to itself, Postgres would plan a scan while a table is
/// still small.
pub const SETTINGS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

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
    /// From its turn to the commit.
    pub took: Duration,
    /// The texts of the tasks that were leased in this batch.
    pub texts: HashMap<TaskId, TaskText>,
}

impl Store {
    /// Stores a batch. When it is fenced or refused nothing is stored; when the connection is lost,
    /// only the database knows.
    pub async fn flush(&self, fence: &Fence, batch: &Batch) -> Result<Flushed, FlushError> {
        self.flush_in_turn(fence, batch, Turn::after(None).0).await
    }

    /// The same when its turn comes. What needs no connection is done while it waits, and what can be
    /// done after the commit keeps nobody waiting.
    pub async fn flush_in_turn(
        &self,
        fence: &Fence,
        batch: &Batch,
        mut turn: Turn,
    ) -> Result<Flushed, FlushError> {
        let normal = Normal::of(&batch.records);
        let hot = Hot::of(&batch.records, &normal);
        let wanted = Wanted::by(&normal);
        let mut began = Instant::now();
        let (start, started) = oneshot::channel();
        let comes = turn.comes();
        let connection = async {
            comes.await;
            began = Instant::now();
            let _ = start.send(());
            self.writer.take().await
        };
        let rows = if normal.is_hot_only(&batch.records) && batch.idempotency.is_empty() {
            let write = async {
                hot::write(fence, &hot, connection).await?.keep();
                turn.ends();
                Ok(())
            };
            // What these tasks say was committed before: it is read meanwhile.
            try_join!(write, self.tell(&wanted, started))?.1
        } else {
            let mut taken = connection.await?;
            let rows = write_all(fence, batch, &normal, &hot, &wanted, &mut taken).await?;
            taken.keep();
            turn.ends();
            rows
        };
        Ok(Flushed {
            took: began.elapsed(),
            texts: text::of_leased(rows, &normal)?,
        })
    }

    /// The texts of tasks that the batches before left as they are, once the flush has `started`.
    async fn tell(
        &self,
        wanted: &Wanted,
        started: oneshot::Receiver<()>,
    ) -> Result<Vec<TextRow>, FlushError> {
        if wanted.is_empty() || started.await.is_err() {
            return Ok(Vec::new());
        }
        let mut taken = self.teller.take().await?;
        let rows = text::read(wanted, &mut taken).await?;
        taken.keep();
        Ok(rows)
    }
}

async fn write_all(
    fence: &Fence,
    batch: &Batch,
    normal: &Normal<'_>,
    hot: &Hot<'_>,
    wanted: &Wanted,
    connection: &mut PgConnection,
) -> Result<Vec<TextRow>, FlushError> {
    let mut transaction = connection.begin().await?;
    open::write(fence, batch, normal, &mut transaction).await?;
    // First, because another may have its name by now.
    rest::remove(&batch.records, &mut transaction).await?;
    hot::write(fence, hot, ready(Ok(&mut *transaction))).await?;
    rest::write(&batch.records, normal, &batch.idempotency, &mut transaction).await?;
    // Last, for a task may be edited and leased in one batch.
    let rows = text::read(wanted, &mut transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}
