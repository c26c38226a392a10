//! What the address of a list asks the store for: the page and the file it leaves as read it alike.

use store::read::{DecisionFilter, TaskFilter};

use crate::access::{PageError, Seat};
use crate::pages::{decisions, tasks};

/// A parameter of the address that is not empty, by its name.
pub type Param<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The filter of a list of tasks.
pub fn tasks(param: Param<'_>) -> Result<TaskFilter, PageError> {
    Ok(tasks::filters::Filters::of(param)?.store())
}

/// The filter of a list of decisions; `None` when it names somebody or something there is not.
pub async fn decisions(seat: &Seat, param: Param<'_>) -> Result<Option<DecisionFilter>, PageError> {
    let filters = decisions::filters::Filters::of(param)?;
    let known = decisions::filters::Known::of(seat).await;
    filters.store(seat, &known).await
}
