//! The demo: a workspace in which a fleet of simulated agents does the work of a real trace, under
//! the limits of a provider that really counts and really refuses.
//!
//! The agents are strangers: they have keys and speak the public interface over HTTP, as does
//! whoever hands in their work. Only making the workspace and taking it away is done from inside.
//!
//! | module | what it is for |
//! | --- | --- |
//! | [`provider`] | the local provider: buckets, slots, 429 with `Retry-After` |
//! | [`story`] | the limits and the team, once for Baton and the provider |
//! | [`work`] | what tasks the trace's requests become |
//! | [`feed`] | hands them in as they arrive, and no more than the team can chew |
//! | [`fleet`] | the agents |
//! | [`client`] | the public interface, as a stranger sees it |
//! | [`life`] | from the making of the workspace to its last row |

mod client;
mod feed;
mod fleet;
mod life;
pub mod provider;
mod story;
mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::Store;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

pub use client::http;
pub use fleet::Tally;

use crate::trace;

/// The slice of a real trace that comes with Baton; see NOTICE.
const TRACE: &str = include_str!("trace.csv");

/// How often a server looks for a demo whose runner died.
const BURY_EVERY: Duration = Duration::from_secs(5);

/// How a demo is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Agents.
    pub agents: u32,
    /// The requests whose work is done, in order of arrival; over again when they are through.
    pub trace: Arc<[trace::Request]>,
    /// How many times faster than the trace everything happens, the limits excepted.
    pub pace: f64,
    /// Whether somebody outside Baton calls the provider with the same key now and then.
    pub provoke: bool,
}

impl Options {
    /// With the slice of the trace that comes with Baton, at its own pace.
    pub fn new(agents: u32) -> anyhow::Result<Self> {
        Ok(Self {
            agents,
            trace: trace::read(TRACE)?.into(),
            pace: 1.0,
            provoke: false,
        })
    }
}

/// Starts and stops the demo of an installation. There is one at a time, wherever it runs.
#[derive(Clone, Debug)]
pub struct Demo(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    /// Where the agents reach the interface.
    url: String,
    here: Mutex<Option<Here>>,
}

/// A demo that runs in this process.
#[derive(Debug)]
struct Here {
    stop: watch::Sender<bool>,
    over: watch::Receiver<bool>,
}

/// The demo that runs.
#[derive(Debug)]
pub struct Started {
    /// Its workspace's slug.
    pub slug: String,
    /// What its agents meet; none when it ran already.
    pub tally: Option<Arc<Tally>>,
}

impl Demo {
    /// For agents that find the interface at `url`.
    pub fn new(store: Store, url: String) -> Self {
        Self(Arc::new(Parts {
            store,
            url,
            here: Mutex::default(),
        }))
    }

    /// Where the agents reach the interface.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Starts the demo unless one runs; takes away first what a killed one left. Returns once its
    /// limits are set and its agents are at work.
    pub async fn start(&self, options: Options) -> anyhow::Result<Started> {
        life::bury(&self.0.store).await?;
        let runner = Uuid::new_v4();
        let Some(made) = life::make(&self.0.store, runner).await? else {
            let running = self.0.store.demo().await?;
            return Ok(Started {
                slug: running.map(|demo| demo.slug).unwrap_or_default(),
                tally: None,
            });
        };
        let slug = made.slug.clone();
        let (stop, stopping) = watch::channel(false);
        let (ended, over) = watch::channel(false);
        let (begun, begins) = oneshot::channel();
        let tally = Arc::new(Tally::default());
        let live = life::Life {
            store: self.0.store.clone(),
            url: self.0.url.clone(),
            runner,
            workspace: made,
            options,
            tally: Arc::clone(&tally),
        };
        tokio::spawn(async move {
            live.run(stopping, begun).await;
            ended.send_replace(true);
        });
        *self.here() = Some(Here { stop, over });
        // It ends without having begun when its limits cannot be set; the log says why.
        let _ = begins.await;
        Ok(Started {
            slug,
            tally: Some(tally),
        })
    }

    /// Ends the demo if it runs in this process, and returns when nothing of it is left.
    pub async fn end(&self) {
        let here = self.here().take();
        if let Some(mut here) = here {
            here.stop.send_replace(true);
            // A sender that is gone has ended too.
            let _ = here.over.wait_for(|over| *over).await;
        }
    }

    /// Stops the demo wherever it runs, and returns when nothing of it is left.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.end().await;
        match self.0.store.demo().await? {
            Some(demo) => life::erase(&self.0.store, demo.workspace).await,
            None => Ok(()),
        }
    }

    /// Takes away what killed demos leave, for as long as it is let. Other servers may do the same.
    pub async fn bury_dead(self) {
        loop {
            if let Err(error) = life::bury(&self.0.store).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "a demo that was left behind is still there"
                );
            }
            tokio::time::sleep(BURY_EVERY).await;
        }
    }

    /// Waits until the demo of this process is over; at once if there is none.
    pub async fn over(&self) {
        let over = self.here().as_ref().map(|here| here.over.clone());
        if let Some(mut over) = over {
            let _ = over.wait_for(|over| *over).await;
        }
    }

    fn here(&self) -> MutexGuard<'_, Option<Here>> {
        self.0.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
