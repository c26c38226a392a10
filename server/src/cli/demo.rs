//! `baton demo`: the demo until it is stopped, on a server that runs or else on one of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use scheduler::Span;
use store::Store;

use super::say;
use crate::config::Config;
use crate::database::Database;
use crate::demo::{self, Demo, Options, Started, Tally};
use crate::serve;
use crate::trace;

/// A server that lives has been heard of since so long.
const HEARD_WITHIN: Span = Span::from_secs(10);
/// How long it may take to say that it is ready.
const READY_WITHIN: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct Command {
    /// Agents.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=500))]
    agents: u32,
    /// Another trace of requests to a model, as CSV with a header: arrival, tokens read, tokens written.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// How many times faster than the trace everything happens, the limits excepted.
    #[arg(long, default_value_t = 1.0)]
    pace: f64,
    /// Have somebody outside Baton use up the provider's searches every minute, so that it refuses.
    #[arg(long)]
    provoke: bool,
}

pub async fn run(command: &Command, config: &Config) -> anyhow::Result<()> {
    let asked = serve::asked_to_stop()?;
    let options = command.options()?;
    let database = Database::open(config).await?;
    let store = &database.store;
    let ran = if let Some(url) = server(store).await {
        let demo = Demo::new(store.clone(), url);
        watch(&demo, options, asked).await
    } else {
        let mut watched = Ok(());
        let served = serve::serve(config, store, async |demo| {
            watched = watch(demo, options, asked).await;
        });
        served.await.and(watched)
    };
    database.close().await?;
    ran
}

impl Command {
    fn options(&self) -> anyhow::Result<Options> {
        ensure!(
            (0.01..=1_000.0).contains(&self.pace),
            "--pace must be from 0.01 to 1000, not {}",
            self.pace
        );
        let mut options = Options::new(self.agents)?;
        if let Some(path) = &self.trace {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            options.trace = trace::read(&text)?.into();
            ensure!(
                !options.trace.is_empty(),
                "{} holds no request below its header",
                path.display()
            );
        }
        Ok(Options {
            pace: self.pace,
            provoke: self.provoke,
            ..options
        })
    }
}

/// A server of this installation that is ready.
async fn server(store: &Store) -> Option<String> {
    let since = store.now().await.ok()? - HEARD_WITHIN;
    let http = demo::http().ok()?;
    for server in store.servers_since(since).await.ok()? {
        let asked = http.get(format!("{}/readyz", server.url));
        let answer = asked.timeout(READY_WITHIN).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Some(server.url);
        }
    }
    None
}

async fn watch(
    demo: &Demo,
    options: Options,
    asked_to_stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let Started { slug, tally } = demo.start(options).await?;
    let address = format!("{}/?w={slug}", demo.url());
    let Some(tally) = tally else {
        anyhow::bail!("a demo runs already: {address}");
    };
    if let Err(unread) = say(address) {
        demo.end().await;
        return Err(unread.into());
    }
    tokio::select! {
        () = asked_to_stop => demo.end().await,
        () = demo.over() => {}
    }
    eprintln!("baton: {}", told(&tally));
    Ok(())
}

/// How it went, in a sentence.
fn told(tally: &Tally) -> String {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "the demo is gone: {} tasks taken, {} completed, {} attempts failed, {} calls refused by the provider",
        count(&tally.taken),
        count(&tally.completed),
        count(&tally.failed),
        count(&tally.refused),
    )
}
