//! What a decision was made from, as it is stored. Most of what a busy pool writes are dispatches, so
//! these are stored short: a struct as the list of its fields, in their order and without their names.
//! Reading tells them apart by their form: an array is a dispatch, an object names its kind and fields.
//! The column is a text, for Postgres would parse each only to find that this writer writes JSON.

use scheduler::{DispatchFacts, Facts, LaneFacts};
use serde::{Serialize, Serializer};

use crate::StoreError;
use crate::convert::{from_json, to_json_in};

/// Room for a usual dispatch.
const USUAL_BYTES: usize = 768;

/// The text of the column.
pub(crate) fn stored(facts: &Facts) -> String {
    match facts {
        Facts::Dispatch(facts) => to_json_in(USUAL_BYTES, &dispatch(facts)),
        other => to_json_in(USUAL_BYTES, other),
    }
}

/// What the column says.
pub(crate) fn read(column: &str) -> Result<Facts, StoreError> {
    if column.starts_with('[') {
        from_json("dispatch's facts", column).map(Facts::Dispatch)
    } else {
        from_json("decision's facts", column)
    }
}

fn dispatch(facts: &DispatchFacts) -> impl Serialize {
    (
        facts.lease,
        facts.epoch,
        facts.attempt,
        &facts.agent,
        lane(&facts.lane),
        facts.rank,
        list(&facts.factors, |it| {
            (it.name, it.value, it.weight, it.effect)
        }),
        facts.waited_ms,
        list(&facts.resources, |it| {
            (
                &it.name,
                it.kind,
                it.limit,
                it.available,
                it.taken,
                it.refill_per_s,
            )
        }),
        list(&facts.budgets, |it| {
            (
                it.id,
                &it.name,
                it.unit,
                it.limit,
                it.settled,
                it.reserved,
                it.taken,
            )
        }),
        list(&facts.considered, |it| {
            (it.task, it.rank, it.why_not, &it.resource)
        }),
    )
}

fn lane(lane: &LaneFacts) -> impl Serialize {
    (
        &lane.id,
        lane.class,
        &lane.capabilities,
        list(&lane.requires, |it| (&it.resource, it.amount)),
        &lane.agent,
        &lane.model,
        lane.waiting,
    )
}

/// Items, each as `row` makes of it.
struct List<'a, T, F>(&'a [T], F);

fn list<'a, T, R: Serialize, F: Fn(&'a T) -> R>(items: &'a [T], row: F) -> List<'a, T, F> {
    List(items, row)
}

impl<'a, T, R: Serialize, F: Fn(&'a T) -> R> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

#[cfg(test)]
mod tests {
    use scheduler::*;
    use uuid::Uuid;

    use super::*;

    fn full() -> DispatchFacts {
        DispatchFacts {
            lease: LeaseId(Uuid::from_u128(1)),
            epoch: 2,
            attempt: 3,
            agent: "scout \"the first\"".to_owned(),
            lane: LaneFacts {
                id: "a1b2".to_owned(),
                class: Class::Strategic,
                capabilities: vec!["research".to_owned()],
                requires: vec![Requirement {
                    resource: "opus".to_owned(),
                    amount: 7,
                }],
                agent: Some("scout".to_owned()),
                model: Some("opus".to_owned()),
                waiting: 12,
            },
            rank: -5,
            factors: vec![Factor {
                name: FactorName::Age,
                value: 0.1,
                weight: 60.0,
                effect: 6.0,
            }],
            waited_ms: 8,
            resources: vec![ResourceFact {
                name: "opus".to_owned(),
                kind: ResourceFactKind::Bucket,
                limit: 9.5,
                available: -3.0,
                taken: 7,
                refill_per_s: Some(1e-6),
            }],
            budgets: vec![BudgetFact {
                id: BudgetId(Uuid::from_u128(4)),
                name: "day".to_owned(),
                unit: Unit::Tokens,
                limit: u64::MAX,
                settled: 1,
                reserved: 2,
                taken: 3,
            }],
            considered: vec![Considered {
                task: TaskId(Uuid::from_u128(5)),
                rank: i64::MIN,
                why_not: Code::NoFreeSlot,
                resource: Some("opus".to_owned()),
            }],
        }
    }

    fn comes_back(facts: DispatchFacts) {
        let facts = Facts::Dispatch(Box::new(facts));
        assert_eq!(read(&stored(&facts)).expect("a dispatch"), facts);
    }

    #[test]
    fn a_dispatch_reads_back_as_it_was() {
        comes_back(full());
    }

    #[test]
    fn a_dispatch_without_what_is_optional_reads_back_as_it_was() {
        let mut facts = full();
        (facts.lane.agent, facts.lane.model) = (None, None);
        facts.lane.requires.clear();
        facts.resources[0].refill_per_s = None;
        facts.considered[0].resource = None;
        facts.budgets.clear();
        comes_back(facts);
    }

    #[test]
    fn a_dispatch_stored_with_the_names_of_its_fields_is_read_too() {
        let facts = Facts::Dispatch(Box::new(full()));
        let column = serde_json::to_string(&facts).expect("valid JSON");
        assert_eq!(read(&column).expect("a dispatch"), facts);
    }
}
