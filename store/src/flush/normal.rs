//! A batch holds many steps. What a later step undid or replaced needs no row: this keeps of each
//! thing what stands at the end of the batch.

use hashbrown::{HashMap, HashSet};
use scheduler::{
    Attempt, BudgetRow, DecisionId, EndedTask, FreedSlot, LeaseId, Needs, OpenLease, OpenTask,
    PermitId, Records, RenewedLease, ResourceRow, TaskId,
};
use uuid::Uuid;

use crate::convert::{content_id, to_json};

/// What is left of a batch to write.
pub(super) struct Normal<'a> {
    /// Open rows new or changed, at their last, without those that ended.
    pub(super) open: Vec<&'a OpenTask>,
    /// Ends of tasks, each at its last.
    pub(super) ended: Vec<LastEnd<'a>>,
    /// Tasks that stand open again: an earlier end is no longer true.
    pub(super) reopened: Vec<&'a OpenTask>,
    /// Leases given, without those that are over.
    pub(super) leased: Vec<&'a OpenLease>,
    /// Numbered slots that an earlier batch stored as held.
    pub(super) freed: Vec<FreedSlot>,
    /// Renewals of leases that go on.
    pub(super) renewed: Vec<RenewedLease>,
    /// Ends of leases that an earlier batch stored.
    pub(super) over: Vec<&'a Attempt>,
    /// Ends of leases given by this batch, which never are rows.
    pub(super) brief: Vec<&'a Attempt>,
    /// What is left of attempts that ended no task.
    pub(super) attempts: Vec<&'a Attempt>,
    /// Resources at their last.
    pub(super) resources: Vec<&'a ResourceRow>,
    /// Budgets at their last.
    pub(super) budgets: Vec<&'a BudgetRow>,
    /// The identifiers of the needs of new and changed tasks.
    pub(super) needs: HashMap<&'a Needs, Uuid>,
    /// The same needs as text, each once.
    pub(super) needs_texts: Vec<(Uuid, String)>,
}

/// An end of a task.
#[derive(Clone, Copy)]
pub(super) struct LastEnd<'a> {
    pub(super) end: &'a EndedTask,
    /// The attempt that ended it, unless something else did.
    pub(super) attempt: Option<&'a Attempt>,
    /// Whether an open row of an earlier batch is to be taken away.
    pub(super) gone: bool,
}

impl<'a> Normal<'a> {
    pub(super) fn of(records: &'a Records) -> Self {
        let ended: HashMap<TaskId, &EndedTask> =
            records.ended.iter().map(|end| (end.id, end)).collect();
        let open = last_open(records, &ended);
        let (needs, needs_texts) = distinct_needs(records, &open);
        let given: HashSet<LeaseId> = records.leased.iter().map(|lease| lease.id).collect();
        let permits: HashSet<PermitId> = records.permits.iter().map(|permit| permit.id).collect();
        let ends: HashSet<LeaseId> = records
            .attempts
            .iter()
            .map(|attempt| attempt.lease)
            .collect();
        let (brief, over) = records
            .attempts
            .iter()
            .partition(|attempt| given.contains(&attempt.lease));
        let ended = last_ends(records, &ended);
        let kept_with_end: HashSet<LeaseId> = ended
            .iter()
            .filter_map(|last| Some(last.attempt?.lease))
            .collect();
        Self {
            attempts: records
                .attempts
                .iter()
                .filter(|attempt| !kept_with_end.contains(&attempt.lease))
                .collect(),
            ended,
            reopened: records
                .changed
                .iter()
                .filter(|open| !open.state.is_terminal())
                .collect(),
            leased: records
                .leased
                .iter()
                .filter(|lease| !ends.contains(&lease.id))
                .collect(),
            freed: records
                .slots_freed
                .iter()
                .filter(|slot| {
                    !given.contains(&LeaseId(slot.holder))
                        && !permits.contains(&PermitId(slot.holder))
                })
                .copied()
                .collect(),
            renewed: last_renewals(records, &ends),
            resources: last_by(&records.resources, |row| row.spec.id.0)
                .into_iter()
                .filter(|row| {
                    let removed = (row.spec.workspace, row.spec.id);
                    !records.resources_removed.contains(&removed)
                })
                .collect(),
            budgets: last_by(&records.budgets, |row| row.spec.id.0)
                .into_iter()
                .filter(|row| {
                    let removed = (row.spec.workspace, row.spec.id);
                    !records.budgets_removed.contains(&removed)
                })
                .collect(),
            open,
            over,
            brief,
            needs,
            needs_texts,
        }
    }

    /// Whether the one hot statement writes all of `records`.
    pub(super) fn is_hot_only(&self, records: &Records) -> bool {
        let Records {
            created,
            repeats,
            refusals,
            agents,
            seen,
            policies,
            permits,
            permits_ended,
            edits,
            late,
            for_review,
            forgotten,
            resources_removed,
            budgets_removed,
            ..
        } = records;
        self.open.is_empty()
            && self.renewed.is_empty()
            && self.brief.is_empty()
            && created.is_empty()
            && resources_removed.is_empty()
            && budgets_removed.is_empty()
            && repeats.is_empty()
            && refusals.is_empty()
            && agents.is_empty()
            && seen.is_empty()
            && policies.is_empty()
            && permits.is_empty()
            && permits_ended.is_empty()
            && edits.is_empty()
            && late.is_empty()
            && for_review.is_empty()
            && forgotten.is_empty()
    }
}

fn last_open<'a>(records: &'a Records, ended: &HashMap<TaskId, &EndedTask>) -> Vec<&'a OpenTask> {
    let mut last: Vec<&OpenTask> =
        Vec::with_capacity(records.created.len() + records.changed.len());
    let mut place: HashMap<TaskId, usize> = HashMap::with_capacity(last.capacity());
    for open in records
        .created
        .iter()
        .map(|new| &new.open)
        .chain(&records.changed)
    {
        if ended.get(&open.id).is_some_and(|end| !end.kept) {
            continue;
        }
        if let Some(&at) = place.get(&open.id) {
            last[at] = open;
        } else {
            place.insert(open.id, last.len());
            last.push(open);
        }
    }
    last
}

fn last_ends<'a>(records: &'a Records, ended: &HashMap<TaskId, &EndedTask>) -> Vec<LastEnd<'a>> {
    let created: HashSet<TaskId> = records.created.iter().map(|new| new.open.id).collect();
    let is_last = |end: &EndedTask| {
        ended
            .get(&end.id)
            .is_some_and(|last| std::ptr::eq(*last, end))
    };
    let ends = records.ended.iter().filter(|end| is_last(end));
    let attempts: HashMap<DecisionId, &Attempt> = records
        .attempts
        .iter()
        .map(|attempt| (attempt.decision, attempt))
        .collect();
    ends.map(|end| LastEnd {
        end,
        attempt: end.decision.and_then(|id| attempts.get(&id).copied()),
        gone: !end.kept && !created.contains(&end.id),
    })
    .collect()
}

fn distinct_needs<'a>(
    records: &'a Records,
    open: &[&'a OpenTask],
) -> (HashMap<&'a Needs, Uuid>, Vec<(Uuid, String)>) {
    let mut ids = HashMap::new();
    let mut texts = Vec::new();
    for needs in records
        .created
        .iter()
        .map(|new| &*new.open.needs)
        .chain(open.iter().map(|open| &*open.needs))
    {
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

/// A later renewal replaces an earlier one, but what was said stays said.
fn last_renewals(records: &Records, over: &HashSet<LeaseId>) -> Vec<RenewedLease> {
    let mut last: HashMap<LeaseId, RenewedLease> = HashMap::new();
    for renewed in records
        .renewed
        .iter()
        .filter(|renewed| !over.contains(&renewed.lease))
    {
        let mut renewed = renewed.clone();
        if let Some(earlier) = last.remove(&renewed.lease) {
            renewed.progress = renewed.progress.or(earlier.progress);
            renewed.note = renewed.note.or(earlier.note);
        }
        last.insert(renewed.lease, renewed);
    }
    last.into_values().collect()
}

fn last_by<T>(rows: &[T], id: impl Fn(&T) -> Uuid) -> Vec<&T> {
    let mut last: Vec<&T> = rows
        .iter()
        .map(|row| (id(row), row))
        .collect::<HashMap<_, _>>()
        .into_values()
        .collect();
    // Rows are locked in one order whoever writes them.
    last.sort_unstable_by_key(|row| id(row));
    last
}
