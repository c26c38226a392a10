//! What people thought of decisions.

use scheduler::{Actor, DecisionId, Time, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::convert::{from_value, from_word, to_json, to_word};
use crate::idempotency::{Remembered, remember};
use crate::{IdempotencyRow, Store, StoreError};

/// Whether somebody would have decided the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Verdict {
    Agree,
    Disagree,
}

/// What somebody thought of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Review {
    pub reviewer: Actor,
    pub verdict: Verdict,
    pub note: Option<String>,
    pub at: Time,
}

/// What somebody thinks of a decision, and what they thought before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// What they said last: it stands.
    pub review: Review,
    /// What it replaced, the first first.
    pub before: Vec<Review>,
}

/// How a review went that is made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReviewedOnce {
    /// Just now; this one stands.
    Now(Review),
    /// Before, and this was answered.
    Before(Remembered),
    /// The workspace has no such decision.
    NoSuchDecision,
}

impl Store {
    /// What people think of a decision, each once, who spoke first first.
    pub async fn reviews(
        &self,
        workspace: WorkspaceId,
        decision: DecisionId,
    ) -> Result<Vec<Reviewed>, StoreError> {
        said(workspace, decision, &mut *self.readers.acquire().await?).await
    }

    /// Adds a review, which replaces what its author said before, unless it says the same. Gives the
    /// one that stands, or `None` when the workspace has no such decision.
    pub async fn review(
        &self,
        workspace: WorkspaceId,
        decision: DecisionId,
        review: &Review,
    ) -> Result<Option<Review>, StoreError> {
        let mut transaction = self.readers.begin().await?;
        let stands = add(workspace, decision, review, &mut transaction).await?;
        transaction.commit().await?;
        Ok(stands)
    }

    /// The same, remembering the answer that is made from the review that stands; unless that was
    /// answered before: then nothing is stored.
    pub async fn review_once<E: From<StoreError>>(
        &self,
        workspace: WorkspaceId,
        decision: DecisionId,
        review: &Review,
        answer: impl FnOnce(&Review) -> Result<IdempotencyRow, E>,
    ) -> Result<ReviewedOnce, E> {
        let mut transaction = self.readers.begin().await.map_err(StoreError::from)?;
        let stands = add(workspace, decision, review, &mut transaction).await?;
        let Some(stands) = stands else {
            return Ok(ReviewedOnce::NoSuchDecision);
        };
        if let Some(before) = remember(&answer(&stands)?, &mut transaction).await? {
            return Ok(ReviewedOnce::Before(before));
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(ReviewedOnce::Now(stands))
    }
}

async fn add(
    workspace: WorkspaceId,
    decision: DecisionId,
    review: &Review,
    connection: &mut sqlx::PgConnection,
) -> Result<Option<Review>, StoreError> {
    let said = said(workspace, decision, connection).await?;
    let mut last = said.into_iter().map(|said| said.review);
    match last.find(|last| last.reviewer.is(&review.reviewer)) {
        Some(last) if last.verdict == review.verdict && last.note == review.note => Ok(Some(last)),
        _ => Ok(insert(workspace, decision, review, connection)
            .await?
            .then(|| review.clone())),
    }
}

async fn said(
    workspace: WorkspaceId,
    decision: DecisionId,
    connection: &mut sqlx::PgConnection,
) -> Result<Vec<Reviewed>, StoreError> {
    let rows = sqlx::query!(
        "SELECT reviewer, verdict, note, at FROM decision_review
         WHERE workspace_id = $1 AND decision_id = $2 ORDER BY at",
        workspace.0,
        decision.0,
    )
    .fetch_all(connection)
    .await?;
    let mut said: Vec<Reviewed> = Vec::new();
    for row in rows {
        let review = Review {
            reviewer: from_value("reviewer", row.reviewer)?,
            verdict: from_word("verdict", &row.verdict)?,
            note: row.note,
            at: row.at.into(),
        };
        let mut earlier = said.iter_mut();
        match earlier.find(|one| one.review.reviewer.is(&review.reviewer)) {
            Some(one) => one.before.push(std::mem::replace(&mut one.review, review)),
            None => said.push(Reviewed {
                review,
                before: Vec::new(),
            }),
        }
    }
    Ok(said)
}

async fn insert(
    workspace: WorkspaceId,
    decision: DecisionId,
    review: &Review,
    connection: &mut sqlx::PgConnection,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO decision_review (decision_id, workspace_id, reviewer, verdict, note, at)
         SELECT id, workspace_id, $3::text::json, $4, $5, $6 FROM decision WHERE workspace_id = $1 AND id = $2",
        workspace.0,
        decision.0,
        to_json(&review.reviewer),
        to_word(&review.verdict),
        review.note,
        review.at.to_datetime(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
