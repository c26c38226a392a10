//! What a conductor keeps in memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use hashbrown::HashMap;

use thin_vec::ThinVec;

use super::claims::Only;
use super::verdicts::LaneVerdict;
use crate::arena::ix;
use crate::bucket::Bucket;
use crate::queue::RankedQueue;
use crate::slots::Slots;
use crate::{
    AgentId, AgentStatus, Boost, BudgetSpec, BudgetState, Class, Code, DecisionId, Grant, LeaseId,
    Needs, PermitId, Policy, Priority, PutAgent, ResourceSpec, ResourceState, TaskId, TaskState,
    Ticket, Time, WorkspaceId,
};

ix! {
    /// A workspace.
    WsIx,
    /// A task.
    TaskIx,
    /// A set of needs that tasks share.
    ProfileIx,
    /// A lane.
    LaneIx,
    /// A group of lanes that the same agents can serve.
    GroupIx,
    /// A resource.
    ResIx,
    /// A budget.
    BudIx,
    /// An agent.
    AgentIx,
}

/// A task, as small as it can be: a million of them wait in memory.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: TaskId,
    pub(super) created_at: Time,
    /// The key it is filed under while it is queued.
    pub(super) rank: i64,
    pub(super) profile: ProfileIx,
    pub(super) epoch: u32,
    pub(super) score: i16,
    pub(super) attempts: u16,
    pub(super) priority: Priority,
    pub(super) place: Place,
    /// What few tasks have.
    pub(super) extra: Option<Box<Extra>>,
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In its lane's queue.
    Queued,
    /// Waits for other tasks.
    Depends,
    /// Waits for an hour.
    Timed,
    /// Nothing but a person's act can start it; the lane goes on without it.
    Stalled(Code),
    /// Leased.
    Leased,
    /// Held.
    Held,
    /// Its result waits for a look.
    Review,
    /// Failed, and others wait for it.
    Failed,
    /// Cancelled, and others wait for it.
    Cancelled,
}

impl Place {
    pub(super) const fn state(self) -> TaskState {
        match self {
            Self::Queued | Self::Depends | Self::Timed | Self::Stalled(_) => TaskState::Pending,
            Self::Leased => TaskState::InProgress,
            Self::Held => TaskState::Backlog,
            Self::Review => TaskState::InReview,
            Self::Failed => TaskState::Failed,
            Self::Cancelled => TaskState::Cancelled,
        }
    }
}

/// What few tasks have.
#[derive(Clone, Debug, Default)]
pub(super) struct Extra {
    /// Dependencies that are not done, failed ones included.
    pub(super) waits_for: ThinVec<TaskIx>,
    pub(super) dependants: ThinVec<TaskIx>,
    /// Its parent first.
    pub(super) ancestors: ThinVec<TaskId>,
    pub(super) children: u32,
    pub(super) due_at: Hour,
    pub(super) not_before: Hour,
    pub(super) backing_off: bool,
    /// Boxed, because next to none has one.
    pub(super) boost: Option<Box<Boost>>,
    /// Tasks behind it, up to where more make no difference to its score.
    pub(super) unblocks: u32,
    /// The longest chain of work behind it.
    pub(super) path_ms: u32,
    pub(super) timer: Hour,
}

/// An instant or none, in the room of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hour(Time);

impl Hour {
    const NONE: Self = Self(Time(i64::MIN));

    pub(super) fn get(self) -> Option<Time> {
        (self != Self::NONE).then_some(self.0)
    }
}

impl Default for Hour {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Option<Time>> for Hour {
    fn from(at: Option<Time>) -> Self {
        at.map_or(Self::NONE, Self)
    }
}

/// Needs that tasks share.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) lane: LaneIx,
    pub(super) needs: Arc<Needs>,
    pub(super) tasks: u32,
}

/// What tasks of a lane have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LaneKey {
    pub(super) class: Class,
    pub(super) capabilities: Vec<String>,
    /// Names with the amount rounded up: exact to 8, then to powers of two, so that tasks whose
    /// token counts all differ still share a few lanes.
    pub(super) requires: Vec<(String, u32)>,
    pub(super) agent: Option<String>,
    pub(super) model: Option<String>,
}

/// All waiting tasks of a workspace that need the same things.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) ws: WsIx,
    pub(super) group: GroupIx,
    pub(super) key: Arc<LaneKey>,
    /// A short stable name, a hash of the key.
    pub(super) name: u64,
    /// What each requirement's name stands for, in their order.
    pub(super) resources: Vec<Option<ResIx>>,
    /// Budgets on the workspace and on the lane's model.
    pub(super) budgets: Vec<BudIx>,
    pub(super) queue: RankedQueue<TaskIx>,
    /// Profiles that lead here; an empty lane without any is let go.
    pub(super) profiles: u32,
    /// Where it is filed in its group: at which gate, under which rank.
    pub(super) filed: Option<(Option<Gate>, i64)>,
    /// When it was filed at its gate.
    pub(super) parked_at: Time,
    pub(super) verdict: LaneVerdict,
    /// The same of tasks that wait beside its queue, one for each thing that was found to hold any.
    pub(super) beside: Vec<LaneVerdict>,
}

/// What a lane can be parked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Gate {
    Resource(ResIx),
    Budget(BudIx),
    /// A resource that nobody has defined.
    Undefined,
}

/// Lanes of one workspace that the same agents can serve, filed by what holds them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) ws: WsIx,
    pub(super) capabilities: Vec<String>,
    pub(super) agent: Option<String>,
    pub(super) model: Option<String>,
    /// Lanes that may go on (`None`) or are parked, best head first.
    pub(super) files: BTreeMap<Option<Gate>, BTreeSet<(Reverse<i64>, LaneIx)>>,
    /// Agents that can serve it.
    pub(super) agents: Vec<AgentIx>,
    /// Waiting claims that can serve it.
    pub(super) waiters: BTreeSet<Ticket>,
    /// Its entries in the demand of gates.
    pub(super) demand: Vec<(Gate, u64)>,
}

impl Group {
    /// Whether an agent says that it can do all that is asked.
    pub(super) fn is_done_by(&self, card: &PutAgent) -> bool {
        let can = |need| card.capabilities.binary_search(need).is_ok();
        self.capabilities.iter().all(can)
    }

    /// Whether an agent has the model that is asked for; one that names none has any.
    pub(super) fn has_model_of(&self, card: &PutAgent) -> bool {
        let asked = self.model.as_ref();
        asked.is_none_or(|model| card.models.is_empty() || card.models.contains(model))
    }
}

#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) id: WorkspaceId,
    pub(super) policy: Arc<Policy>,
    pub(super) policy_version: u32,
    pub(super) profiles: HashMap<Arc<Needs>, ProfileIx>,
    pub(super) lanes: HashMap<Arc<LaneKey>, LaneIx>,
    pub(super) groups: Vec<GroupIx>,
    pub(super) agents: BTreeMap<String, AgentIx>,
    pub(super) budgets: BTreeMap<String, BudIx>,
    pub(super) resources: BTreeMap<String, ResIx>,
    /// Budgets on a task and everything split from it.
    pub(super) tree_budgets: Vec<(TaskId, BudIx)>,
    pub(super) kinds: HashMap<String, Kind>,
    /// Fair share: the start tag of its next dispatch, in seconds of a whole contended resource.
    pub(super) virtual_time: f64,
    pub(super) counts: Counts,
    /// Tasks that stepped aside until something is set.
    pub(super) stalled: BTreeSet<TaskIx>,
    /// Tasks that wait for others or for their hour.
    pub(super) waits: BTreeSet<TaskIx>,
    /// Refusals by a fuse in the current minute, so that a loop makes one decision and a counter.
    pub(super) blown: Vec<Blown>,
}

/// A fuse that refused lately.
#[derive(Clone, Debug)]
pub(super) struct Blown {
    pub(super) fuse: crate::Fuse,
    pub(super) actor: crate::Actor,
    pub(super) since: Time,
    pub(super) decision: DecisionId,
}

/// Tasks of a workspace by where they are; the queued are counted by lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// Pending, leased, held or in review: what the fuse counts.
    pub(super) open: u32,
    pub(super) queued: u32,
    pub(super) depends: u32,
    pub(super) timed: u32,
    pub(super) stalled: u32,
    pub(super) leased: u32,
    pub(super) held: u32,
    pub(super) review: u32,
}

/// What is learnt of a kind of task: means that forget slowly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    pub(super) attempts: u32,
    pub(super) duration_ms: f64,
    pub(super) tokens: f64,
    pub(super) cost_microusd: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) spec: ResourceSpec,
    pub(super) ws: Option<WsIx>,
    pub(super) meter: Meter,
    pub(super) state: ResourceState,
    /// Tokens or slots given since the load.
    pub(super) given: u64,
    /// The lane it saves up for.
    pub(super) reserved: Option<LaneIx>,
    /// Leases that hold slots of it.
    pub(super) holders: BTreeSet<LeaseId>,
    /// Permits that hold slots of it.
    pub(super) permits: BTreeSet<PermitId>,
    pub(super) timer: Option<Time>,
}

/// How a resource is measured.
#[derive(Clone, Debug)]
pub(super) enum Meter {
    Bucket(Bucket),
    Slots(Slots),
}

#[derive(Clone, Debug)]
pub(super) struct Budget {
    pub(super) spec: BudgetSpec,
    pub(super) ws: WsIx,
    pub(super) state: BudgetState,
    pub(super) reserved: u64,
    /// Whether running out has been recorded in this window.
    pub(super) ran_out: bool,
    /// Tasks that stepped aside: it cannot cover them, and what stands behind them may go.
    pub(super) aside: BTreeSet<TaskIx>,
}

#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) ws: WsIx,
    pub(super) card: PutAgent,
    pub(super) running: u32,
    /// Leases it would have had at once, had it got all it ever asked for.
    pub(super) asked_for: u32,
    pub(super) seen_at: Option<Time>,
    /// When that was last stored.
    pub(super) seen_stored: Option<Time>,
    pub(super) status: AgentStatus,
    /// Groups it can serve.
    pub(super) groups: Vec<GroupIx>,
    /// Budgets on it.
    pub(super) budgets: Vec<BudIx>,
    pub(super) waiting: BTreeSet<Ticket>,
    /// Tasks it created lately, by instant, oldest first.
    pub(super) creates: VecDeque<(Time, u32)>,
}

#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) id: LeaseId,
    pub(super) task: TaskIx,
    pub(super) ws: WsIx,
    pub(super) agent: AgentIx,
    pub(super) epoch: u32,
    pub(super) granted_at: Time,
    pub(super) expires_at: Time,
    pub(super) held: Vec<Held>,
    pub(super) reservations: Vec<Reserved>,
    pub(super) decision: DecisionId,
    /// When it was expected to end, when it was given.
    pub(super) expected_end: Time,
    /// When it is expected to end by the progress its agent reported.
    pub(super) said_end: Option<Time>,
    /// Whether the duration behind that was known rather than a default.
    pub(super) duration_known: bool,
    pub(super) tokens: u64,
    pub(super) cost_microusd: u64,
}

/// What a lease holds of one resource.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) resource: ResIx,
    pub(super) amount: u32,
    /// Which slots; empty for a bucket.
    pub(super) slots: Vec<u32>,
    /// Reported as really used, for buckets.
    pub(super) used: u32,
}

/// What a lease has reserved in one budget.
#[derive(Clone, Debug)]
pub(super) struct Reserved {
    pub(super) budget: BudIx,
    pub(super) left: u64,
    pub(super) used: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Permit {
    pub(super) ws: WsIx,
    pub(super) agent: AgentId,
    pub(super) expires_at: Time,
    pub(super) held: Vec<Held>,
}

/// A claim that waits for its first lease.
#[derive(Clone, Debug)]
pub(super) struct WaitingClaim {
    pub(super) agent: AgentIx,
    pub(super) max: u16,
    pub(super) until: Time,
    pub(super) groups: Vec<GroupIx>,
    pub(super) only: Only,
}

/// A permit that is waited for.
#[derive(Clone, Debug)]
pub(super) struct WaitingPermit {
    pub(super) ticket: Ticket,
    pub(super) ws: WsIx,
    pub(super) asked: crate::TakePermit,
}

/// What happens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    LeaseExpiry(LeaseId),
    PermitExpiry(PermitId),
    Claim(Ticket),
    /// A gate may open.
    Gate(Gate),
    /// A budget's window turns.
    Window(BudIx),
    /// A lane has waited long enough for a reservation.
    Reserve(LaneIx),
}

/// Grants as they are stored and told.
pub(super) fn grants(
    held: &[Held],
    resources: &crate::arena::Arena<ResIx, Resource>,
) -> Vec<Grant> {
    held.iter()
        .map(|held| {
            let spec = &resources[held.resource].spec;
            Grant {
                resource: spec.id,
                name: spec.name.clone(),
                amount: held.amount,
                slots: held.slots.clone(),
            }
        })
        .collect()
}

impl Task {
    pub(super) fn due_at(&self) -> Option<Time> {
        self.extra()?.due_at.get()
    }

    pub(super) fn not_before(&self) -> Option<Time> {
        self.extra()?.not_before.get()
    }

    pub(super) fn boost(&self) -> Option<Boost> {
        self.extra()?.boost.as_deref().copied()
    }

    pub(super) fn extra(&self) -> Option<&Extra> {
        self.extra.as_deref()
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn waits_for(&self) -> &[TaskIx] {
        self.extra().map_or(&[], |extra| &extra.waits_for)
    }

    pub(super) fn dependants(&self) -> &[TaskIx] {
        self.extra().map_or(&[], |extra| &extra.dependants)
    }

    pub(super) fn ancestors(&self) -> &[TaskId] {
        self.extra().map_or(&[], |extra| &extra.ancestors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_task_takes_some_tens_of_bytes() {
        assert!(
            size_of::<Option<Task>>() <= 64,
            "{}",
            size_of::<Option<Task>>()
        );
        assert!(size_of::<Extra>() <= 72, "{}", size_of::<Extra>());
    }
}
