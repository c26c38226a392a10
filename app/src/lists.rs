//! What the address of a list asks the store for: the page and the file it leaves as read it alike.

use std::collections::HashMap;

use scheduler::{
    AgentView, BudgetView, Query, ResourceId, ResourceView, Span, Summary, Time, View,
};
use store::read::{AgentListed, AgentRecord, DecisionFilter, Spent, TaskFilter};
use store::workspaces::Workspace;

use crate::access::{House, PageError, Seat, Visitor};
use crate::pages::{agents as fleet, budgets as money, decisions, tasks, workspaces as teams};
use crate::text;

/// A parameter of the address that is not empty, by its name.
pub type Param<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The filter of a list of tasks.
pub fn tasks(param: Param<'_>, now: Time) -> Result<TaskFilter, PageError> {
    Ok(tasks::filters::Filters::of(param)?.store(now))
}

/// The filter of a list of decisions; `None` when it names somebody or something there is not.
pub async fn decisions(seat: &Seat, param: Param<'_>) -> Result<Option<DecisionFilter>, PageError> {
    let filters = decisions::filters::Filters::of(param)?;
    let known = decisions::filters::Known::of(seat).await;
    filters.store(seat, &known).await
}

/// An agent in the list of all.
#[derive(Debug)]
pub struct AgentLine {
    /// Its card, and what it did today.
    pub listed: AgentListed,
    /// What the conductor knows of it; nothing while that changes hands.
    pub now: Option<AgentView>,
    /// How it did lately.
    pub record: Option<AgentRecord>,
}

/// The agents by name.
pub async fn agents(seat: &Seat) -> Result<Vec<AgentLine>, PageError> {
    let (store, workspace) = (seat.store(), seat.workspace);
    let (agents, records, mut known) = futures::try_join!(
        store.agents(workspace, text::midnight(seat.now)),
        store.agent_records(workspace, fleet::LOOKED_AT),
        async { Ok(fleet::live(seat).await) },
    )?;
    let records = records.into_iter().map(|record| (record.agent, record));
    let mut records: HashMap<_, _> = records.collect();
    let line = |listed: AgentListed| {
        let id = listed.agent.card.id;
        AgentLine {
            listed,
            now: known.remove(&id),
            record: records.remove(&id),
        }
    };
    Ok(agents.into_iter().map(line).collect())
}

/// The resources, and how often the provider of each refused in the last hour.
pub async fn resources(
    seat: &Seat,
) -> Result<(Vec<ResourceView>, HashMap<ResourceId, u64>), PageError> {
    let since = seat.now - Span::from_secs(3_600);
    let (resources, refusals) = futures::try_join!(crate::pages::resources::all(seat), async {
        Ok(seat.store().refusals_since(seat.workspace, since).await?)
    })?;
    let refusals = refusals.into_iter();
    let refusals = refusals.map(|count| (count.resource, count.refusals));
    Ok((resources, refusals.collect()))
}

/// The budgets.
pub async fn budgets(seat: &Seat) -> Result<Vec<BudgetView>, PageError> {
    match seat.ask(Query::Budgets).await? {
        View::Budgets { budgets } => Ok(budgets),
        _ => Err(PageError::Broken),
    }
}

/// Who spent of a budget, and since when.
pub async fn spending(seat: &Seat, budget: &BudgetView) -> Result<(Time, Vec<Spent>), PageError> {
    let since = money::begins(budget, seat.now);
    let scope = &budget.row.spec.scope;
    let spent = seat.store().spent_by(seat.workspace, scope, since).await?;
    Ok((since, spent))
}

/// The workspaces somebody may enter, and how each is.
pub async fn workspaces(
    house: &House,
    visitor: &Visitor,
) -> Result<Vec<(Seat, Workspace, Option<Summary>)>, PageError> {
    let each = visitor.memberships.iter().map(|membership| async {
        let seat = house.seat(visitor, &membership.slug).await?;
        let workspace = seat.store().workspace(seat.workspace).await?;
        let summary = teams::summary(&seat).await;
        Ok::<_, PageError>((seat, workspace.ok_or(PageError::NotFound)?, summary))
    });
    futures::future::try_join_all(each).await
}
