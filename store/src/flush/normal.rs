//! A batch holds many steps. What a later step undid or replaced needs no row: this keeps of each
//! thing what stands at the end of the batch.

use std::collections::{HashMap, HashSet};

use scheduler::{BudgetRow, CreatedTask, EndedTask, LeaseId, OpenTask, Records, RenewedLease, ResourceRow, TaskId};
use uuid::Uuid;

use super::{ByLease, LastLease, TaskText};
use crate::convert::{content_id, to_json};

/// What is left of a batch to write to the hot tables.
pub(super) struct Normal<'a> {
    /// Open rows new or changed, at their last, without those that ended.
    pub(super) open: Vec<&'a OpenTask>,
    /// Ends of tasks, each at its last.
    pub(super) ended: Vec<&'a EndedTask>,
    /// Open rows to take away: ended, not kept, and stored by an earlier batch.
    pub(super) gone: Vec<&'a EndedTask>,
    /// Tasks that stand open again: an earlier end is no longer true.
    pub(super) reopened: Vec<&'a OpenTask>,
    /// Leases that live at the end of the batch and were given in it.
    pub(super) leased: Vec<LastLease<'a>>,
    /// Renewals of leases given by an earlier batch.
    pub(super) renewed: Vec<RenewedLease>,
    /// Leases that ended and were stored by an earlier batch: indexes into the attempts.
    pub(super) lease_gone: Vec<usize>,
    /// Tasks that were leased and whose text must be read.
    pub(super) unread: Vec<(Uuid, Uuid)>,
    /// Resources at their last.
    pub(super) resources: Vec<&'a ResourceRow>,
    /// Budgets at their last.
    pub(super) budgets: Vec<&'a BudgetRow>,
    /// Needs of new and changed tasks: their identifiers by what they are, and each text once.
    pub(super) needs: HashMap<&'a scheduler::Needs, Uuid>,
    pub(super) needs_texts: Vec<(Uuid, String)>,
    new_and_leased: Vec<(&'a CreatedTask, u32)>,
    hot_only: bool,
}

impl<'a> Normal<'a> {
    pub(super) fn of(records: &'a Records) -> Self {
        let created: HashMap<TaskId, &CreatedTask> = records.created.iter().map(|new| (new.open.id, new)).collect();
        let ended: HashMap<TaskId, &EndedTask> = records.ended.iter().map(|end| (end.id, end)).collect();
        let open = last_open(records, &ended);
        let (needs, needs_texts) = distinct_needs(records, &open);
        let (leased, renewed) = leases(records);
        let given: HashSet<LeaseId> = records.leased.iter().map(|lease| lease.id).collect();
        let (new, unread): (Vec<_>, Vec<_>) = records.leased.iter().partition(|lease| created.contains_key(&lease.task));
        Self {
            gone: records
                .ended
                .iter()
                .filter(|end| ended.get(&end.id).is_some_and(|last| std::ptr::eq(*last, *end)))
                .filter(|end| !end.kept && !created.contains_key(&end.id))
                .collect(),
            ended: records.ended.iter().filter(|end| ended.get(&end.id).is_some_and(|last| std::ptr::eq(*last, *end))).collect(),
            reopened: records.changed.iter().filter(|open| !open.state.is_terminal()).collect(),
            lease_gone: (0..records.attempts.len()).filter(|&i| !given.contains(&records.attempts[i].lease)).collect(),
            unread: unread.into_iter().map(|lease| (lease.workspace.0, lease.task.0)).collect(),
            new_and_leased: new.into_iter().filter_map(|l| created.get(&l.task).map(|new| (*new, 1))).collect(),
            resources: last_by(&records.resources, |row| row.spec.id.0),
            budgets: last_by(&records.budgets, |row| row.spec.id.0),
            hot_only: is_hot_only(records) && open.is_empty(),
            open,
            leased,
            renewed,
            needs,
            needs_texts,
        }
    }

    /// Whether the one hot statement writes all of it.
    pub(super) fn is_hot_only(&self) -> bool {
        self.hot_only && self.renewed.is_empty()
    }

    /// The texts of tasks that were created and leased by the same batch.
    pub(super) fn texts_of_new(&self) -> impl Iterator<Item = (TaskId, TaskText)> {
        self.new_and_leased.iter().map(|(new, version)| (new.open.id, text_of(new, *version)))
    }
}

fn text_of(new: &CreatedTask, version: u32) -> TaskText {
    TaskText {
        id: new.open.id,
        workspace: new.open.workspace,
        title: new.task.title.clone(),
        description: new.task.description.clone(),
        payload: new.task.payload.clone(),
        reference: new.task.reference.clone(),
        version,
        needs: new.open.needs.clone(),
        priority: new.open.priority,
        due_at: new.open.due_at,
        parent: new.open.ancestors.first().copied(),
        depth: u16::try_from(new.open.ancestors.len()).unwrap_or(u16::MAX),
        created_at: new.open.created_at,
        created_by: new.actor.clone(),
    }
}

fn is_hot_only(records: &Records) -> bool {
    let Records { created, changed, repeats, refusals, agents, seen, policies, permits, permits_ended, edits, late, .. } =
        records;
    created.is_empty()
        && changed.is_empty()
        && repeats.is_empty()
        && refusals.is_empty()
        && agents.is_empty()
        && seen.is_empty()
        && policies.is_empty()
        && permits.is_empty()
        && permits_ended.is_empty()
        && edits.is_empty()
        && late.is_empty()
}

fn last_open<'a>(records: &'a Records, ended: &HashMap<TaskId, &EndedTask>) -> Vec<&'a OpenTask> {
    let mut last: Vec<&OpenTask> = Vec::with_capacity(records.created.len() + records.changed.len());
    let mut place: HashMap<TaskId, usize> = HashMap::with_capacity(last.capacity());
    for open in records.created.iter().map(|new| &new.open).chain(&records.changed) {
        if ended.get(&open.id).is_some_and(|end| !end.kept) {
            continue;
        }
        match place.get(&open.id) {
            Some(&at) => last[at] = open,
            None => {
                place.insert(open.id, last.len());
                last.push(open);
            }
        }
    }
    last
}

fn distinct_needs<'a>(
    records: &'a Records,
    open: &[&'a OpenTask],
) -> (HashMap<&'a scheduler::Needs, Uuid>, Vec<(Uuid, String)>) {
    let mut ids = HashMap::new();
    let mut texts = Vec::new();
    for needs in records.created.iter().map(|new| &new.open.needs).chain(open.iter().map(|open| &open.needs)) {
        ids.entry(needs).or_insert_with(|| {
            let text = to_json(needs);
            let id = content_id(&text);
            texts.push((id, text));
            id
        });
    }
    // Writers of several pools that meet at the same new rows lock them in one order.
    texts.sort_unstable_by_key(|(id, _)| *id);
    (ids, texts)
}

fn leases(records: &Records) -> (Vec<LastLease<'_>>, Vec<RenewedLease>) {
    let over: HashSet<LeaseId> = records.attempts.iter().map(|attempt| attempt.lease).collect();
    let mut renewals: ByLease<RenewedLease> = HashMap::new();
    for renewed in records.renewed.iter().filter(|renewed| !over.contains(&renewed.lease)) {
        let mut last = renewed.clone();
        // A later renewal replaces an earlier one, but what was said stays said.
        if let Some(earlier) = renewals.remove(&renewed.lease) {
            last.progress = last.progress.or(earlier.progress);
            last.note = last.note.or(earlier.note);
        }
        renewals.insert(last.lease, last);
    }
    let leased = records
        .leased
        .iter()
        .filter(|lease| !over.contains(&lease.id))
        .map(|lease| LastLease { lease, renewed: renewals.remove(&lease.id) })
        .collect();
    (leased, renewals.into_values().collect())
}

fn last_by<T>(rows: &[T], id: impl Fn(&T) -> Uuid) -> Vec<&T> {
    let mut last: Vec<&T> = rows.iter().map(|row| (id(row), row)).collect::<HashMap<_, _>>().into_values().collect();
    // Rows are locked in one order whoever writes them.
    last.sort_unstable_by_key(|row| id(row));
    last
}
