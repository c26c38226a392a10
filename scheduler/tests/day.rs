//! A pool's whole day on a virtual clock: contention, failures, bursts and a budget.

#![cfg(test)]

use scheduler::simulator::{Arrival, Report, Scenario, Team, simulate, workspace_id};
use scheduler::{
    BudgetId, BudgetScope, Class, Estimate, Needs, NewTask, Policy, Priority, PutBudget,
    Requirement, ResourceKind, Span, Time, Unit, Usage, Window,
};
use uuid::Uuid;

const MIDNIGHT: Time = Time(1_763_596_800_000_000);
const TEAMS: usize = 4;
const TASKS: u64 = 12_000;

fn need(resource: &str, amount: u32) -> Requirement {
    Requirement {
        resource: resource.to_owned(),
        amount,
    }
}

/// Every seven seconds or so a task, in bursts; each needs what its number says.
fn arrival(n: u64) -> Arrival {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let share = |shift: u32, below: u64| (mixed >> shift) % below;
    let burst = n / 40;
    let requires = match n % 5 {
        0 => vec![need("search", 1)],
        1 => vec![need("opus", 1), need("tokens", 100 + share(8, 900) as u32)],
        2 => vec![need("search", 2), need("tokens", 200)],
        3 => vec![need("opus", 2)],
        _ => vec![],
    };
    let tokens = 200 + share(16, 800);
    let work = Span::from_millis(1_000 + share(24, 9_000) as i64);
    Arrival {
        at: MIDNIGHT + Span::from_secs((burst * 280 + share(3, 60)) as i64),
        workspace: (share(40, 10) as usize).min(TEAMS - 1),
        task: NewTask {
            id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0004_0000_0000 | u128::from(n)).into(),
            title: format!("task {n}"),
            description: String::new(),
            payload: None,
            reference: None,
            needs: Needs {
                kind: format!("kind-{}", n % 7),
                class: Class::ALL[share(50, 5) as usize],
                requires,
                estimate: Estimate {
                    input_tokens: Some(tokens as u32),
                    duration_ms: Some(6_000),
                    ..Estimate::default()
                },
                max_attempts: 10,
                lease_ms: 60_000,
                ..Needs::default()
            },
            priority: [
                Priority::Low,
                Priority::Medium,
                Priority::High,
                Priority::Urgent,
            ][share(30, 4) as usize],
            due_at: None,
            not_before: None,
            depends_on: Vec::new(),
            parent: None,
        },
        work,
        usage: Usage {
            input_tokens: tokens,
            ..Usage::default()
        },
    }
}

fn day(seed: u64) -> Scenario {
    let team = |at: usize| Team {
        policy: Policy {
            fair_share_weight: 1.0 + at as f64,
            ..Policy::default()
        },
        agents: 6,
        capabilities: Vec::new(),
        budget: Some(PutBudget {
            id: BudgetId(Uuid::from_u128(6 << 64 | at as u128)),
            name: "all".to_owned(),
            scope: BudgetScope::Workspace,
            unit: Unit::Tokens,
            limit: 50_000_000,
            window: Window::Day,
            soft_at: 0.8,
            used: 0,
        }),
    };
    let mut arrivals: Vec<Arrival> = (0..TASKS).map(arrival).collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    Scenario {
        start: MIDNIGHT,
        workspaces: (0..TEAMS).map(team).collect(),
        resources: vec![
            (
                "search".to_owned(),
                ResourceKind::Bucket {
                    capacity: 30,
                    refill_per_s: 0.5,
                },
            ),
            (
                "tokens".to_owned(),
                ResourceKind::Bucket {
                    capacity: 4_000,
                    refill_per_s: 150.0,
                },
            ),
            ("opus".to_owned(), ResourceKind::Slots { slots: 3 }),
        ],
        arrivals,
        failures: 0.05,
        seed,
        until: MIDNIGHT + Span::from_secs(3 * 86_400),
    }
}

fn bucket_held(report: &Report, name: &str, capacity: f64, refill: f64) {
    let taken: Vec<(Time, f64)> = report
        .taken
        .iter()
        .filter(|(of, ..)| of == name)
        .map(|&(_, at, amount)| (at, f64::from(amount)))
        .collect();
    assert!(taken.len() > 1_000, "{name} was contended for");
    for (from, &(start, _)) in taken.iter().enumerate() {
        let mut sum = 0.0;
        for &(at, amount) in taken[from..].iter().take(200) {
            sum += amount;
            let most = capacity + refill * at.since(start).as_secs_f64();
            assert!(
                sum <= most + 1e-6,
                "{name} gave {sum} in {:?}, at most {most}",
                at.since(start)
            );
        }
    }
}

#[test]
fn a_day_of_contended_work_gets_done_within_every_limit() {
    let report = simulate(&day(1));
    assert_eq!((report.created, report.refused), (TASKS, 0));
    assert_eq!(report.done, TASKS, "every runnable task ends");
    assert_eq!(
        report.peak["opus"], 3,
        "all slots were used, and never more"
    );
    bucket_held(&report, "search", 30.0, 0.5);
    bucket_held(&report, "tokens", 4_000.0, 150.0);
    assert!(
        report.dispatches > TASKS,
        "some attempts failed and were made again"
    );
    assert!(
        report.decisions >= report.dispatches,
        "each dispatch has its decision"
    );
    assert!(
        report.decisions < report.dispatches * 2,
        "waiting does not write a decision a task"
    );
}

#[test]
fn the_same_seed_gives_the_same_day() {
    let (one, two) = (simulate(&day(7)), simulate(&day(7)));
    assert_eq!(one, two);
    assert_ne!(one, simulate(&day(8)));
    assert_ne!(workspace_id(0), workspace_id(1));
}
