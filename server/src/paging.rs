//! Lists: a bounded page and an opaque cursor to the next.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// Items of a page unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// Items of a page at most.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct List<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; null on the last.
    pub next_cursor: Option<String>,
}

/// Checks a page's size: 1 to 200, 50 unless said.
pub fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid_at("?limit", format!("must be from 1 to {MAX_LIMIT}"))),
    }
}
