//! What goes into a conductor.

mod agents;
mod people;

use serde::{Deserialize, Serialize};

use crate::{Actor, PermitId, WorkspaceId};

pub use agents::*;
pub use people::*;

/// Pairs a command with its reply. Made by the engine, never reused while a conductor lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

/// A request to a conductor, on behalf of one workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Command {
    /// The workspace of whoever asks; identifiers of others do not exist for it.
    pub workspace: WorkspaceId,
    /// Who asks.
    pub actor: Actor,
    /// What.
    pub request: Request,
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each names its struct")]
pub enum Request {
    CreateTasks(CreateTasks),
    Claim(Claim),
    /// A waiting claim whose caller went away.
    Withdraw {
        claim: Ticket,
    },
    Renew(Renew),
    Usage(ReportUsage),
    LateUsage(LateUsage),
    Complete(Complete),
    Fail(Fail),
    GiveBack(GiveBack),
    Overrule(Overrule),
    EditTask(EditTask),
    PutAgent(PutAgent),
    Heartbeat(Heartbeat),
    PutResource(PutResource),
    Throttled(Throttled),
    /// A person closes a resource until then, or opens it now (`None`).
    CloseResource(CloseResource),
    PutBudget(PutBudget),
    RemoveResource(RemoveResource),
    RemoveBudget {
        name: String,
    },
    PutPolicy(PutPolicy),
    TakePermit(TakePermit),
    ReturnPermit {
        permit: PermitId,
    },
}
