//! Every page that is read, with its common filters.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::Result;

/// The addresses of all pages of the workspace.
pub async fn pages(database: &mut PgConnection) -> Result<Vec<String>> {
    let mut one = async |sql: &str| -> Result<String> {
        let query = AssertSqlSafe(format!("SELECT ({sql})::text"));
        Ok(sqlx::query_scalar(query).fetch_one(&mut *database).await?)
    };
    let mut in_the_middle = async |what: &str, of: &str| {
        one(&format!(
            "SELECT {what} FROM {of} ORDER BY {what} OFFSET (SELECT count(*) / 2 FROM {of}) LIMIT 1"
        ))
        .await
    };
    let waiting = in_the_middle("task_id", "open_task").await?;
    let running = in_the_middle("task_id", "lease").await?;
    let done = in_the_middle("task_id", "task_end").await?;
    let middle = in_the_middle("id", "task").await?;
    let dispatch = in_the_middle("id", "decision").await?;
    let verdict = one("SELECT id FROM decision WHERE kind = 'not_yet' LIMIT 1").await?;
    let other = one("SELECT task_id FROM open_task WHERE state = 'pending' LIMIT 1").await?;
    let day = one("SELECT to_char(now() - interval '3 days', 'YYYY-MM-DD')").await?;
    let tasks = [
        "",
        "?state=backlog",
        "?state=pending",
        "?state=in_progress",
        "?state=in_review",
        "?state=done",
        "?state=failed",
        "?state=cancelled",
        "?class=routine",
        "?class=strategic&state=done",
        "?kind=check",
        "?kind=nothing",
        "?agent=agent-3",
        "?agent=nobody",
        "?q=prices",
        "?q=article+7",
        "?q=zebra",
        "?q=absent",
        "?q=prices&state=failed",
        "?q=prices&kind=nothing",
        "?q=prices+zebra",
        "?sort=oldest",
        "?sort=due",
        "?sort=due&state=backlog",
        "?sort=ended",
        "?sort=ended&state=failed",
        "?sort=ended&q=prices",
        "?sort=ended&q=zebra",
        "/new",
        &format!("?after={middle}"),
        &format!("?state=done&after={middle}"),
        &format!("?open={waiting}"),
        &format!("/{waiting}"),
        &format!("/{waiting}/edit"),
        &format!("/{running}"),
        &format!("/{done}"),
    ]
    .map(|rest| format!("/w/big/tasks{rest}"));
    let decisions = [
        "",
        "?kind=dispatch",
        "?kind=not_yet",
        "?kind=override",
        "?kind=throttle",
        "?kind=budget",
        "?agent=agent-3",
        "?agent=agent-3&kind=override",
        "?resource=closed",
        "?resource=closed&kind=throttle",
        &format!("?task={done}"),
        &format!("?from={day}T00:00&to={day}T12:00"),
        &format!("?agent=agent-3&from={day}T00:00"),
        &format!("?after={dispatch}"),
        &format!("/{dispatch}"),
        &format!("/{verdict}"),
    ]
    .map(|rest| format!("/w/big/decisions{rest}"));
    let others = [
        "/w",
        "/?w=big",
        "/account",
        "/w/big",
        "/w/big/agents",
        "/w/big/agents/agent-3",
        "/w/big/resources",
        "/w/big/resources/closed",
        "/w/big/resources/desk",
        "/w/big/resources/desk?range=week",
        "/w/big/resources/desk?slots=6",
        "/w/big/budgets",
        "/w/big/settings",
        "/w/big/find",
        "/w/big/find?q=prices",
        "/w/big/find?q=zebra",
        &format!("/w/big/compare?this={waiting}&that={other}"),
    ]
    .map(str::to_owned);
    Ok(tasks.into_iter().chain(decisions).chain(others).collect())
}

/// The lists that can be taken away as files.
pub fn exports() -> &'static [&'static str] {
    &[
        "/w/big/tasks.csv",
        "/w/big/tasks.json",
        "/w/big/decisions.csv",
        "/w/big/decisions.json",
        "/w/big/agents.csv",
        "/w/big/resources.csv",
        "/w/big/budgets.csv",
        "/w/big/spending.csv",
        "/w.csv",
    ]
}
