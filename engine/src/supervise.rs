//! Runs the engine's loops: one that panics or fails is reported, backed off and started again.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::EngineError;
use crate::measure::names;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A loop that ran this long has recovered from whatever failed before.
const RECOVERED_AFTER: Duration = Duration::from_mins(1);

/// How a supervised loop does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoopHealth {
    /// Whether it runs, rather than pausing after a failure.
    pub running: bool,
    /// Failures so far.
    pub failures: u32,
    /// The last of them.
    pub last_failure: Option<String>,
}

/// Starts loops and keeps them running until it is stopped.
#[derive(Debug, Default)]
pub struct Supervisor {
    stop: CancellationToken,
    loops: Mutex<JoinSet<()>>,
    states: Arc<Mutex<BTreeMap<&'static str, LoopHealth>>>,
}

impl Supervisor {
    /// Tells loops when to end; each watches it.
    #[must_use]
    pub fn stop_signal(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs the future that `make` makes, and the next one whenever it fails or panics. A loop that
    /// returns `Ok` is over.
    pub fn run<M, F>(&self, name: &'static str, make: M)
    where
        M: FnMut() -> F + Send + 'static,
        F: Future<Output = Result<(), EngineError>> + Send + 'static,
    {
        let keeping = keep_running(name, make, self.stop.clone(), Arc::clone(&self.states));
        self.loops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(keeping);
    }

    /// How each loop does, by name.
    #[must_use]
    pub fn health(&self) -> BTreeMap<&'static str, LoopHealth> {
        self.states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks all loops to end, waits for them at most `patience`, then ends them.
    pub async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        let mut loops =
            std::mem::take(&mut *self.loops.lock().unwrap_or_else(PoisonError::into_inner));
        let all_over = async { while loops.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all_over).await.is_err() {
            tracing::warn!("some loops did not end in time and were cut off");
        }
    }
}

type States = Arc<Mutex<BTreeMap<&'static str, LoopHealth>>>;

async fn keep_running<M, F>(
    name: &'static str,
    mut make: M,
    stop: CancellationToken,
    states: States,
) where
    M: FnMut() -> F + Send,
    F: Future<Output = Result<(), EngineError>> + Send + 'static,
{
    let mut pause = FIRST_PAUSE;
    loop {
        note(&states, name, |health| health.running = true);
        let began = Instant::now();
        let Err(failure) = attempt(make()).await else {
            break;
        };
        tracing::error!(name, %failure, "a loop failed and is started again");
        metrics::counter!(names::LOOP_RESTARTS, "loop" => name).increment(1);
        note(&states, name, |health| {
            health.running = false;
            health.failures += 1;
            health.last_failure = Some(failure);
        });
        if began.elapsed() > RECOVERED_AFTER {
            pause = FIRST_PAUSE;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
    note(&states, name, |health| health.running = false);
}

/// Runs it in a task of its own, so that a panic is a failure and not the end; aborted with its waiter.
async fn attempt<F>(run: F) -> Result<(), String>
where
    F: Future<Output = Result<(), EngineError>> + Send + 'static,
{
    let mut task = JoinSet::new();
    task.spawn(run);
    match task.join_next().await {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(error.to_string()),
        Some(Err(panic)) => Err(panic.to_string()),
    }
}

fn note(states: &States, name: &'static str, change: impl FnOnce(&mut LoopHealth)) {
    change(
        states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name)
            .or_default(),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_or_fails_is_started_again_and_reported() {
        let supervisor = Supervisor::default();
        let (tell, mut told) = mpsc::channel(8);
        let runs = Arc::new(AtomicU32::new(0));
        supervisor.run("shaky", move || {
            let (tell, run) = (tell.clone(), runs.fetch_add(1, Ordering::Relaxed));
            async move {
                tell.send(run).await.unwrap();
                match run {
                    0 => panic!("first run"),
                    1 => Err(EngineError::Away),
                    _ => Ok(()),
                }
            }
        });
        for run in 0..3 {
            assert_eq!(told.recv().await, Some(run));
        }
        supervisor.stop(Duration::from_secs(1)).await;
        let health = &supervisor.health()["shaky"];
        assert_eq!((health.failures, health.running), (2, false));
        assert!(health.last_failure.as_ref().unwrap().contains("conductor"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_end_is_cut_off() {
        let supervisor = Supervisor::default();
        supervisor.run("deaf", std::future::pending);
        supervisor.stop(Duration::from_secs(1)).await;
    }
}
