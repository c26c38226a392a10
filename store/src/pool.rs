//! Which server holds which pool. A pool is leased: taken for a span, renewed before it ends, by the
//! database's clock. Its epoch grows with each take-over, and every flush proves it.

use scheduler::{PoolId, Span, Time};
use uuid::Uuid;

use crate::convert::unsigned;
use crate::{Store, StoreError};

/// The right to write for a pool, as long as the database agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The pool.
    pub pool: PoolId,
    /// Grows with each take-over.
    pub epoch: i64,
    /// The server that holds it.
    pub holder: Uuid,
}

/// A pool taken or renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// What to write with.
    pub fence: Fence,
    /// When it ends unless renewed.
    pub expires_at: Time,
    /// The database's clock when it was written.
    pub now: Time,
}

/// Who holds a pool now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Holder {
    pub holder: Uuid,
    pub url: String,
    pub epoch: i64,
    pub expires_at: Time,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct PoolRow {
    pub id: PoolId,
    pub name: String,
    /// Whether it is to be let go and taken by nobody.
    pub closing: bool,
}

impl Store {
    /// Every pool of the installation, by name.
    pub async fn pools(&self) -> Result<Vec<PoolRow>, StoreError> {
        let rows = sqlx::query!("SELECT id, name, closing FROM pool ORDER BY name")
            .fetch_all(&self.readers)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| PoolRow {
                id: PoolId(row.id),
                name: row.name,
                closing: row.closing,
            })
            .collect())
    }

    /// The pool of that name, made if there is none.
    pub async fn pool_named(&self, name: &str) -> Result<PoolId, StoreError> {
        sqlx::query!("INSERT INTO pool (id, name) VALUES (gen_random_uuid(), $1) ON CONFLICT (name) DO NOTHING", name)
            .execute(&self.readers)
            .await?;
        let id = sqlx::query_scalar!("SELECT id FROM pool WHERE name = $1", name)
            .fetch_one(&self.readers)
            .await?;
        Ok(PoolId(id))
    }

    /// Takes a pool that nobody holds, that ran out, or that this server held in an earlier life.
    /// `None` while another holds it, and when it is closing. Waits for a flush of the earlier holder that is under way.
    pub async fn try_take(
        &self,
        pool: PoolId,
        holder: Uuid,
        url: &str,
        ttl: Span,
    ) -> Result<Option<Held>, StoreError> {
        let row = sqlx::query!(
            r#"UPDATE pool SET epoch = epoch + 1, holder = $2, holder_url = $3,
                   expires_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
               WHERE id = $1 AND NOT closing AND (holder IS NULL OR holder = $2 OR expires_at <= clock_timestamp())
               RETURNING epoch, expires_at AS "expires_at!", clock_timestamp() AS "now!""#,
            pool.0,
            holder,
            url,
            ttl.0,
        )
        .fetch_optional(&self.keepers)
        .await?;
        Ok(row.map(|row| Held {
            fence: Fence {
                pool,
                epoch: row.epoch,
                holder,
            },
            expires_at: row.expires_at.into(),
            now: row.now.into(),
        }))
    }

    /// Holds on to a pool for another span; `None` when it is lost, which a late renewal is too.
    pub async fn renew(&self, fence: &Fence, ttl: Span) -> Result<Option<Held>, StoreError> {
        let row = sqlx::query!(
            r#"UPDATE pool SET expires_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
               WHERE id = $1 AND epoch = $2 AND holder = $3 AND expires_at > clock_timestamp()
               RETURNING expires_at AS "expires_at!", clock_timestamp() AS "now!""#,
            fence.pool.0,
            fence.epoch,
            fence.holder,
            ttl.0,
        )
        .fetch_optional(&self.keepers)
        .await?;
        Ok(row.map(|row| Held {
            fence: *fence,
            expires_at: row.expires_at.into(),
            now: row.now.into(),
        }))
    }

    /// Lets a pool go, so that another may take it at once; false when it was already lost.
    pub async fn release(&self, fence: &Fence) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "UPDATE pool SET holder = NULL, holder_url = NULL, expires_at = NULL
             WHERE id = $1 AND epoch = $2 AND holder = $3",
            fence.pool.0,
            fence.epoch,
            fence.holder,
        )
        .execute(&self.keepers)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Who holds a pool, if anybody does now.
    pub async fn holder_of(&self, pool: PoolId) -> Result<Option<Holder>, StoreError> {
        let row = sqlx::query!(
            r#"SELECT holder AS "holder!", coalesce(holder_url, '') AS "url!", epoch, expires_at AS "expires_at!"
               FROM pool WHERE id = $1 AND expires_at > clock_timestamp()"#,
            pool.0,
        )
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| Holder {
            holder: row.holder,
            url: row.url,
            epoch: row.epoch,
            expires_at: row.expires_at.into(),
        }))
    }

    /// How many pools there are and how many of them nobody holds now.
    pub async fn pools_without_holder(&self) -> Result<(u32, u32), StoreError> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "all!",
                   count(*) FILTER (WHERE expires_at IS NULL OR expires_at <= clock_timestamp()) AS "free!"
               FROM pool WHERE NOT closing"#
        )
        .fetch_one(&self.readers)
        .await?;
        Ok((unsigned("count", row.all)?, unsigned("count", row.free)?))
    }
}
