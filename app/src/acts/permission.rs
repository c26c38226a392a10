//! Who may do what from the pages. What is not in this table does not happen: a desk opens for the
//! acts of the table only, and a test walks every server function there is.

use store::accounts::WorkspaceRole::{self, Admin, Manager, Member};

/// Who may do an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody who is signed in: what concerns only themselves.
    SignedIn,
    /// This role in the workspace and above.
    AtLeast(WorkspaceRole),
    /// Administrators of the installation.
    Installation,
}

/// One act, and who may do it.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The server function's endpoint.
    pub act: &'static str,
    /// Who.
    pub who: Who,
    /// The route of the JSON interface that does the same.
    pub route: Option<&'static str>,
}

const fn at(act: &'static str, least: WorkspaceRole, route: &'static str) -> Permission {
    Permission {
        act,
        who: Who::AtLeast(least),
        route: Some(route),
    }
}

/// What only people do.
const fn people(act: &'static str, who: Who) -> Permission {
    Permission {
        act,
        who,
        route: None,
    }
}

/// Every act of the pages.
pub const TABLE: &[Permission] = &[
    at("hold_task", Member, "POST /tasks/{id}/hold"),
    at("release_task", Member, "POST /tasks/{id}/release"),
    at("cancel_task", Member, "POST /tasks/{id}/cancel"),
    at("retry_task", Member, "POST /tasks/{id}/retry"),
    at("boost_task", Manager, "POST /tasks/{id}/boost"),
    at("unboost_task", Manager, "POST /tasks/{id}/boost"),
    at("create_task", Member, "POST /tasks"),
    at("change_task", Member, "PATCH /tasks/{id}"),
    at("change_tasks", Member, "POST /tasks/{id}/hold"),
    at("set_resource", Manager, "PUT /resources/{name}"),
    at("close_resource", Manager, "POST /resources/{name}/close"),
    at("reopen_resource", Manager, "POST /resources/{name}/reopen"),
    at("set_budget", Manager, "PUT /budgets/{name}"),
    at("review_decision", Manager, "POST /decisions/{id}/review"),
    at("put_policy", Manager, "PUT /policy"),
    at("create_key", Admin, "POST /keys"),
    at("revoke_key", Admin, "DELETE /keys/{id}"),
    people("edit_workspace", Who::AtLeast(Admin)),
    people("create_workspace", Who::Installation),
    people("end_session", Who::SignedIn),
    people("end_other_sessions", Who::SignedIn),
];

/// Who may do that act; `None` when there is no such act.
pub fn who_may(act: &str) -> Option<Who> {
    TABLE.iter().find(|one| one.act == act).map(|one| one.who)
}

/// Whether a member with that role may.
pub fn may(role: WorkspaceRole, act: &str) -> bool {
    match who_may(act) {
        Some(Who::AtLeast(least)) => role >= least,
        Some(Who::SignedIn) => true,
        Some(Who::Installation) | None => false,
    }
}

/// A role in words, for sentences.
pub fn role(role: WorkspaceRole) -> &'static str {
    match role {
        WorkspaceRole::Viewer => "a viewer",
        Member => "a member",
        Manager => "a manager",
        Admin => "an admin",
    }
}
