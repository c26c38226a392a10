//! `baton simulate`: the core against a trace of requests to a model, on a virtual clock.

use std::io;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use scheduler::simulator::{Arrival, Report, Scenario, Team, simulate};
use scheduler::words::duration;
use scheduler::{
    Estimate, Needs, NewTask, Policy, Priority, Requirement, ResourceKind, Span, Time, Usage,
};
use uuid::Uuid;

use super::say;
use crate::trace::{self, Request};

/// What a request costs in time, as model services do: a little for each token read, more for each
/// token written.
const US_PER_TOKEN_READ: i64 = 100;
const US_PER_TOKEN_WRITTEN: i64 = 20_000;

#[derive(Debug, Args)]
pub struct Simulate {
    /// A trace as CSV with a header: arrival (`YYYY-MM-DD HH:MM:SS.fff`), tokens read, tokens written.
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Agents, each doing one task at a time.
    #[arg(long, default_value_t = 14)]
    agents: u32,
    /// Calls the model takes at once.
    #[arg(long, default_value_t = 8)]
    slots: u32,
    /// Requests a minute the provider allows.
    #[arg(long, default_value_t = 600)]
    requests_per_minute: u32,
    /// Tokens a minute the provider allows.
    #[arg(long, default_value_t = 1_000_000)]
    tokens_per_minute: u32,
    /// The share of attempts that fail, from 0 to below 1.
    #[arg(long, default_value_t = 0.0)]
    failures: f64,
    /// Where chance begins; the same seed gives the same run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub fn run(command: &Simulate) -> anyhow::Result<()> {
    for (count, option) in [(command.agents, "--agents"), (command.slots, "--slots")] {
        ensure!(
            count > 0,
            "{option} must be at least 1: with 0 nothing is done"
        );
    }
    if !(0.0..1.0).contains(&command.failures) {
        bail!(
            "--failures must be at least 0 and below 1, not {}",
            command.failures
        );
    }
    let text = std::fs::read_to_string(&command.trace)
        .with_context(|| format!("{} cannot be read", command.trace.display()))?;
    let arrivals: Vec<_> = (1..)
        .zip(&trace::read(&text)?)
        .map(|(n, request)| arrival(n, request))
        .collect();
    let Some(first) = arrivals.first().map(|arrival| arrival.at) else {
        bail!(
            "{} holds no request below its header",
            command.trace.display()
        );
    };
    let scenario = scenario(command, arrivals, first);
    let report = simulate(&scenario);
    tell(&report, first)?;
    Ok(())
}

fn scenario(command: &Simulate, arrivals: Vec<Arrival>, start: Time) -> Scenario {
    let mut policy = Policy::default();
    policy.fuses.max_pending = u32::MAX;
    let per_minute = |amount: u32| ResourceKind::Bucket {
        capacity: amount.max(1),
        refill_per_s: f64::from(amount.max(1)) / 60.0,
    };
    Scenario {
        start,
        workspaces: vec![Team {
            policy,
            agents: command.agents,
            capabilities: Vec::new(),
            budget: None,
        }],
        resources: vec![
            (
                "model".to_owned(),
                ResourceKind::Slots {
                    slots: command.slots,
                },
            ),
            (
                "requests".to_owned(),
                per_minute(command.requests_per_minute),
            ),
            ("tokens".to_owned(), per_minute(command.tokens_per_minute)),
        ],
        arrivals,
        failures: command.failures,
        seed: command.seed,
        until: start + Span::from_secs(366 * 86_400),
    }
}

fn arrival(n: u64, request: &Request) -> Arrival {
    let Request { at, read, written } = *request;
    let work = i64::from(read) * US_PER_TOKEN_READ + i64::from(written) * US_PER_TOKEN_WRITTEN;
    let need = |resource: &str, amount| Requirement {
        resource: resource.to_owned(),
        amount,
    };
    Arrival {
        at,
        workspace: 0,
        task: NewTask {
            id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0004_0000_0000 | u128::from(n)).into(),
            title: format!("Request {n}"),
            description: String::new(),
            payload: None,
            reference: None,
            needs: Needs {
                kind: "completion".to_owned(),
                requires: vec![
                    need("model", 1),
                    need("requests", 1),
                    need("tokens", (read + written).max(1)),
                ],
                estimate: Estimate {
                    input_tokens: Some(read),
                    output_tokens: Some(written),
                    duration_ms: u32::try_from(work / 1_000).ok(),
                    ..Estimate::default()
                },
                max_attempts: 10,
                lease_ms: 3_600_000,
                ..Needs::default()
            },
            priority: Priority::Medium,
            due_at: None,
            not_before: None,
            depends_on: Vec::new(),
            parent: None,
        },
        work: Span(work),
        usage: Usage {
            input_tokens: read.into(),
            output_tokens: written.into(),
            ..Usage::default()
        },
    }
}

fn tell(report: &Report, start: Time) -> io::Result<()> {
    let wait = |share| duration(Span::from_millis(report.wait_ms(share) as i64));
    let peak = report.peak.get("model").copied().unwrap_or(0);
    say(format_args!("requests     {}", report.created))?;
    say(format_args!("done         {}", report.done))?;
    say(format_args!("attempts     {}", report.dispatches))?;
    say(format_args!("decisions    {}", report.decisions))?;
    let took = duration(report.ended_at.since(start));
    say(format_args!("virtual time {took}"))?;
    say(format_args!("wait p50     {}", wait(0.5)))?;
    say(format_args!("wait p90     {}", wait(0.9)))?;
    say(format_args!("wait p99     {}", wait(0.99)))?;
    let busy = report.utilisation * 100.0;
    say(format_args!("agents busy  {busy:.0} %"))?;
    say(format_args!("slots peak   {peak}"))
}
