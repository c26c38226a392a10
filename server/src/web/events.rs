//! What tells a page that it is out of date: one stream of server-sent events a tab. It says that
//! something changed, not what: the page asks for itself again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::access::Visitor;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as Told, Sse};
use engine::{Event, EventId, Resume};
use futures::Stream;
use scheduler::{PoolId, WorkspaceId};
use serde::Deserialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::Web;
use crate::problem::Problem;

/// How often a quiet stream shows that it lives; pages call themselves stale after two and a half.
const BEAT: Duration = Duration::from_secs(5);
/// A stream's life: the browser comes back by itself, and is asked again who it is.
const LIFE: Duration = Duration::from_mins(5);

/// Between two words on a stream: what changes faster is told once.
const GAP: Duration = Duration::from_millis(50);

/// Where to go on from. A browser that comes back by itself says so in a header; a page that opens a
/// stream can say it only here.
#[derive(Debug, Deserialize)]
pub struct From {
    last: Option<String>,
}

/// `GET /w/{ws}/events`.
pub async fn stream(
    State(web): State<Web>,
    Path(slug): Path<String>,
    Query(from): Query<From>,
    visitor: Option<Extension<Visitor>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Told, Infallible>>>, Problem> {
    let Some(Extension(visitor)) = visitor else {
        return Err(Problem::unauthenticated("Sign in first."));
    };
    let membership = visitor
        .memberships
        .iter()
        .find(|membership| membership.slug == slug);
    let membership = membership.ok_or_else(Problem::not_found)?;
    let workspace = web
        .app
        .store
        .workspace(membership.workspace)
        .await?
        .ok_or_else(Problem::not_found)?;
    // Subscribed before looking back, so that nothing falls between.
    let events = web.app.engine.events();
    let last = headers
        .get("last-event-id")
        .and_then(|last| last.to_str().ok())
        .or(from.last.as_deref());
    let missed = last.is_some_and(|last| missed(&web, workspace.pool, last));
    let latest = web.app.engine.latest_event(workspace.pool);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reader = Reader {
        workspace: workspace.id,
        pool: workspace.pool,
        events,
        missed,
        latest,
        beat,
        next_at: Instant::now(),
        ends_at: Instant::now() + LIFE,
        stopping: web.app.stopping.clone(),
    };
    Ok(Sse::new(futures::stream::unfold(
        reader,
        |mut reader| async move {
            let told = reader.next().await?;
            Some((Ok(told), reader))
        },
    )))
}

/// Whether anything happened since the last event somebody heard.
fn missed(web: &Web, pool: PoolId, last: &str) -> bool {
    let since = last.parse().map_or(Resume::Reset, |last| {
        web.app.engine.events_since(pool, last)
    });
    since != Resume::Events(Vec::new())
}

/// The next event, not before that instant.
async fn after(at: Instant, events: &mut Receiver<Arc<Event>>) -> Result<Arc<Event>, RecvError> {
    sleep_until(at).await;
    events.recv().await
}

struct Reader {
    workspace: WorkspaceId,
    pool: PoolId,
    events: Receiver<Arc<Event>>,
    missed: bool,
    /// The last event before the stream began.
    latest: Option<EventId>,
    beat: Interval,
    next_at: Instant,
    ends_at: Instant,
    stopping: watch::Receiver<bool>,
}

impl Reader {
    async fn next(&mut self) -> Option<Told> {
        if std::mem::take(&mut self.missed) {
            return Some(changed(self.latest));
        }
        loop {
            let heard = tokio::select! {
                heard = after(self.next_at, &mut self.events) => heard,
                _ = self.beat.tick() => return Some(Told::default().event("beat").data("{}")),
                () = sleep_until(self.ends_at) => return None,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            match heard {
                Ok(event) => {
                    if let Some(told) = self.told(&event) {
                        return Some(told);
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    return Some(changed(None));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// One word for an event and all that already stand behind it.
    fn told(&mut self, event: &Event) -> Option<Told> {
        let mut concerns = event.for_workspace(self.pool, self.workspace).is_some();
        let id_of = |event: &Event| {
            event
                .pool
                .filter(|pool| *pool == self.pool)
                .map(|_| event.id())
        };
        let mut last = id_of(event);
        loop {
            match self.events.try_recv() {
                Ok(event) => {
                    concerns |= event.for_workspace(self.pool, self.workspace).is_some();
                    last = id_of(&event).or(last);
                }
                Err(TryRecvError::Lagged(_)) => concerns = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.next_at = Instant::now() + GAP;
        concerns.then(|| changed(last))
    }
}

/// Something has changed; the stream goes on after that event.
fn changed(last: Option<EventId>) -> Told {
    let told = Told::default().event("change").data("{}");
    match last {
        Some(id) => told.id(id.to_string()),
        None => told,
    }
}
