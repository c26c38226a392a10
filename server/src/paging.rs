//! Lists: a bounded page and an opaque cursor to the next.

use serde::{Deserialize, Serialize};

use store::read::{Listed, Page};
use uuid::Uuid;

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

/// Which part of a list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// 1 to 200, 50 unless said.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// The page asked for.
    pub fn page(&self) -> Result<Page, Problem> {
        page(self.limit, self.cursor.as_deref())
    }

    /// That part of a list of which all is at hand.
    pub fn of<T>(&self, mut items: Vec<T>, id: impl Fn(&T) -> Uuid) -> Result<List<T>, Problem> {
        let page = self.page()?;
        if let Some(after) = page.after {
            let at = items.iter().position(|item| id(item) == after);
            items.drain(..=at.ok_or_else(no_cursor)?);
        }
        let more = items.len() > page.limit as usize;
        items.truncate(page.limit as usize);
        let next = items.last().filter(|_| more);
        Ok(List {
            next_cursor: next.map(|item| id(item).to_string()),
            items,
        })
    }
}

fn no_cursor() -> Problem {
    Problem::invalid_at("?cursor", "must be a next_cursor given before")
}

/// Checks a page's size and where it starts: 1 to 200, 50 unless said.
pub fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid_at(
            "?limit",
            format!("must be from 1 to {MAX_LIMIT}"),
        ));
    }
    let after = cursor.map(str::parse).transpose();
    let after = after.map_err(|_| no_cursor())?;
    Ok(Page { limit, after })
}

/// One page as clients see it.
pub fn list<Row, Item: From<Row>>(listed: Listed<Row>) -> List<Item> {
    List {
        items: listed.items.into_iter().map(Item::from).collect(),
        next_cursor: listed.next.map(|id| id.to_string()),
    }
}
