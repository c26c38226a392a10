//! What a workspace is, who may speak to it by key, and by which rules it is decided.

mod keys;
pub mod policy;

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::PolicyRow;
use store::keys::{KeyListed, KeyRole};
use store::read::Page;
use store::workspaces::Workspace;

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::act_form::ActForm;
use crate::markup::{Markup, Written};

/// Keys that are listed.
const KEYS: u32 = 100;
/// Versions of the policy that are listed.
const VERSIONS: u32 = 20;

/// The settings of a workspace.
#[component]
pub fn Settings() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

struct Data {
    seat: Seat,
    workspace: Workspace,
    /// The newest.
    keys: Vec<KeyListed>,
    /// The one in force first.
    policies: Vec<PolicyRow>,
    /// The role that a new key is asked for.
    new_key: Option<KeyRole>,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let seat = asked.seat().await?;
    let (store, id) = (seat.store(), seat.workspace);
    let (workspace, keys, policies) = futures::try_join!(
        store.workspace(id),
        store.keys(
            id,
            Page {
                limit: KEYS,
                after: None
            }
        ),
        store.policies(id, VERSIONS),
    )?;
    Ok(Data {
        workspace: workspace.ok_or(PageError::NotFound)?,
        keys: keys.items,
        policies,
        new_key: asked.param("key").and_then(|word| KeyRole::named(&word)),
        seat,
    })
}

fn show(data: Data) -> Markup {
    let Data {
        seat,
        workspace,
        keys,
        policies,
        new_key,
    } = data;
    view! {
        <Title text=format!("Settings · {}", seat.name) />
        <header class="page-head">
            <p class="eyebrow">{seat.name.clone()}</p>
            <h1>"Settings"</h1>
        </header>
        <div class="column settings">
            {about(&workspace, &seat)}
            {keys::panel(keys, new_key, &seat)}
            {policy::panel(&policies, &seat)}
        </div>
    }
    .written()
}

fn about(workspace: &Workspace, seat: &Seat) -> Markup {
    let form = ActForm::new("edit_workspace", seat).map(|form| {
        let name = form
            .field("name", "Name")
            .holding(&workspace.name)
            .required();
        let goal = form
            .field("goal", "Goal")
            .hint("In a sentence or two: what this team is for. People read it first.")
            .holding(&workspace.goal);
        let fields = view! {
            {name.line()}
            {goal.area(3)}
        };
        form.show("Keep", fields)
    });
    let body = form.unwrap_or_else(|| {
        let goal = Some(workspace.goal.clone()).filter(|goal| !goal.is_empty());
        view! { <p class="prose">{goal.unwrap_or_else(|| "No goal is set.".to_owned())}</p> }
            .written()
    });
    view! {
        <section class="panel" id="about" data-act-region aria-labelledby="about-head">
            <h2 id="about-head">"Workspace"</h2>
            {body}
        </section>
    }
    .written()
}
