//! `baton simulate`: the core against a trace of requests to a model, on a virtual clock.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use scheduler::simulator::{Arrival, Report, Scenario, Team, simulate};
use scheduler::words::duration;
use scheduler::{
    Estimate, Needs, NewTask, Policy, Priority, Requirement, ResourceKind, Span, Time, Usage,
};
use time::PrimitiveDateTime;
use time::macros::format_description;
use uuid::Uuid;

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
    if !(0.0..1.0).contains(&command.failures) {
        bail!(
            "--failures must be at least 0 and below 1, not {}",
            command.failures
        );
    }
    let text = std::fs::read_to_string(&command.trace)
        .with_context(|| format!("{} cannot be read", command.trace.display()))?;
    let arrivals = read_trace(&text)?;
    let Some(first) = arrivals.first().map(|arrival| arrival.at) else {
        bail!(
            "{} holds no request below its header",
            command.trace.display()
        );
    };
    let scenario = scenario(command, arrivals, first);
    let report = simulate(&scenario);
    tell(&report, first);
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

fn read_trace(text: &str) -> anyhow::Result<Vec<Arrival>> {
    let lines = text
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty());
    let mut arrivals = lines
        .map(|(at, line)| {
            request(at as u64, line).with_context(|| format!("line {}: {line:?}", at + 1))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    arrivals.sort_by_key(|arrival| arrival.at);
    Ok(arrivals)
}

fn request(n: u64, line: &str) -> anyhow::Result<Arrival> {
    let mut fields = line.split(',').map(str::trim);
    let (Some(at), Some(read), Some(written)) = (fields.next(), fields.next(), fields.next())
    else {
        bail!("three fields are needed: arrival, tokens read, tokens written");
    };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
    let at = PrimitiveDateTime::parse(at, format).context("the arrival is no date and time")?;
    let read: u32 = read.parse().context("the tokens read are no number")?;
    let written: u32 = written
        .parse()
        .context("the tokens written are no number")?;
    let work = i64::from(read) * US_PER_TOKEN_READ + i64::from(written) * US_PER_TOKEN_WRITTEN;
    let need = |resource: &str, amount| Requirement {
        resource: resource.to_owned(),
        amount,
    };
    Ok(Arrival {
        at: at.assume_utc().into(),
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
    })
}

#[expect(clippy::print_stdout, reason = "the report is what scripts read")]
fn tell(report: &Report, start: Time) {
    let wait = |share| duration(Span::from_millis(report.wait_ms(share) as i64));
    println!("requests     {}", report.created);
    println!("done         {}", report.done);
    println!("attempts     {}", report.dispatches);
    println!("decisions    {}", report.decisions);
    println!("virtual time {}", duration(report.ended_at.since(start)));
    println!("wait p50     {}", wait(0.5));
    println!("wait p90     {}", wait(0.9));
    println!("wait p99     {}", wait(0.99));
    println!("agents busy  {:.0} %", report.utilisation * 100.0);
    println!(
        "slots peak   {}",
        report.peak.get("model").copied().unwrap_or(0)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.0319600,3180,8\n2023-11-16 18:17:03.9799600,4808,10\n";

    #[test]
    fn a_trace_is_read_in_order_of_arrival() {
        let arrivals = read_trace(TRACE).unwrap();
        assert_eq!(
            arrivals
                .iter()
                .map(|a| a.usage.input_tokens)
                .collect::<Vec<_>>(),
            [4_808, 3_180]
        );
        assert_eq!(arrivals[0].work, Span(680_800));
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let error = read_trace("header\n2023-11-16 18:17:04.0,many,8\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
