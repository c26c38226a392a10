//! Workspaces made, and what they are called and for.

use leptos::prelude::*;
use scheduler::Policy;
use scheduler::bounds::{SLUG_WORDS, is_slug};
use store::StoreError;
use store::workspaces::Workspace;

use super::{Answer, Desk, Done, Form, Hall, Refused};

/// The longest goal, in bytes.
const GOAL_BYTES: usize = 2_000;

/// Makes a workspace in the pool `main`.
#[server(endpoint = "create_workspace")]
pub async fn create_workspace(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = create(&form).await;
    form.answer(done).await
}

async fn create(form: &Form) -> Result<Done, Refused> {
    let hall = Hall::open("create_workspace", form)?;
    let mut read = form.read();
    let name = read.name("name").to_owned();
    let slug = form.get("slug").to_owned();
    let goal = read.optional("goal", GOAL_BYTES).unwrap_or_default();
    read.that(is_slug(&slug), "slug", &format!("This takes {SLUG_WORDS}."));
    read.done()?;
    let store = &hall.house.store;
    let workspace = Workspace {
        id: hall.id().into(),
        pool: store.pool_named("main").await?,
        slug,
        name,
        goal,
        created_at: hall.house.engine.now(),
    };
    match store.create_workspace(&workspace, &Policy::default()).await {
        Ok(()) => {}
        // The same form sent twice has made it already.
        Err(StoreError::Taken) if store.workspace(workspace.id).await?.is_some() => {}
        Err(StoreError::Taken) => {
            return Err(Refused::field(
                "slug",
                "Another workspace has this part of the address.",
            ));
        }
        Err(error) => return Err(error.into()),
    }
    let done = Done::new(format!(
        "{} is ready. It has no agent and no task yet.",
        workspace.name
    ));
    Ok(done.to(format!("/?w={}", workspace.slug)))
}

/// Changes what a workspace is called and for.
#[server(endpoint = "edit_workspace")]
pub async fn edit_workspace(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = edit(&form).await;
    form.answer(done).await
}

async fn edit(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("edit_workspace", form).await?;
    let mut read = form.read();
    let name = read.name("name");
    let goal = read.optional("goal", GOAL_BYTES).unwrap_or_default();
    read.done()?;
    let (store, id) = (desk.seat.store(), desk.seat.workspace);
    store.name_workspace(id, name, &goal).await?;
    Ok(Done::new("Kept."))
}
