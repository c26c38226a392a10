//! `GET /events`: what changes, as it changes, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use engine::{Event, EventId, Item, Kind, Resume};
use futures::{Stream, StreamExt};
use scheduler::TaskState;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use crate::auth::Caller;
use crate::problem::Problem;
use crate::state::App;

/// How often a comment shows that the stream lives.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// What the data of a `changed` event says.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Changed {
    /// Each thing once; those of a few milliseconds are told together.
    items: Vec<ChangedItem>,
}

/// One thing that changed.
#[derive(Serialize, utoipa::ToSchema)]
struct ChangedItem {
    /// `task`, `decision`, `resource`, `budget`, `agent` or `policy`.
    #[schema(value_type = String)]
    kind: Kind,
    /// Which; null when too many changed at once to be named: then any of that kind may have.
    id: Option<uuid::Uuid>,
    /// A task's state after, if the change was one of state.
    state: Option<TaskState>,
}

impl From<Item> for ChangedItem {
    fn from(
        Item {
            kind, id, state, ..
        }: Item,
    ) -> Self {
        Self { kind, id, state }
    }
}

/// Hear what changes in the workspace: `changed` events name tasks, decisions, resources, budgets,
/// agents and policy. A lease is told by its task, its agent, and the slots and budgets it takes of; its
/// end by its task, its agent, its dispatch, and the slots and budgets it gives back; a permit by its
/// slots; a new task also by its parent and by what it waits for. Resources of the pool are told in all
/// its workspaces. Not told is what follows from something else or from the clock: how many wait for a
/// resource, how often a verdict was met again, when a closure ends by itself; nor what people say of
/// decisions. `Last-Event-ID` resumes; when that is too long ago, or something may have been missed,
/// the event is `reset`: read again what you show.
#[utoipa::path(get, path = "/events", tag = "knowing",
    params(("last-event-id" = Option<String>, Header, description = "The id of the last event heard")),
    responses((status = 200, content_type = "text/event-stream", body = Changed)))]
pub async fn stream(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, Problem> {
    // Subscribed before looking back, so that nothing falls between.
    let events = app.engine.events();
    let mut reader = Reader {
        caller: caller.clone(),
        events,
        stopping: app.stopping.clone(),
        last: None,
        due: Vec::new(),
    };
    if let Some(last) = headers.get("last-event-id").and_then(|id| id.to_str().ok()) {
        reader.resume(&app, last);
    }
    let stream = futures::stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok(event), reader))
    });
    let stream = stream.take_until(async move { app.keys.closed(&app, &caller).await });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(COMMENT_EVERY)))
}

/// One reader of one workspace.
struct Reader {
    caller: Caller,
    events: Receiver<Arc<Event>>,
    stopping: watch::Receiver<bool>,
    /// The last event told or skipped, so that none is told twice.
    last: Option<EventId>,
    /// To be told before anything new, the next one last.
    due: Vec<sse::Event>,
}

impl Reader {
    fn resume(&mut self, app: &App, last: &str) {
        let since = last.parse().map_or(Resume::Reset, |last| {
            self.last = Some(last);
            app.engine.events_since(self.caller.pool, last)
        });
        match since {
            Resume::Events(events) => {
                let mut told: Vec<_> = events.iter().filter_map(|event| self.told(event)).collect();
                told.reverse();
                self.due = told;
            }
            Resume::Reset => {
                self.last = None;
                self.due.push(reset(None));
            }
        }
    }

    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some(event) = self.due.pop() {
                return Some(event);
            }
            let heard = tokio::select! {
                heard = self.events.recv() => heard,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            match heard {
                Ok(event) => {
                    let told = self.told(&event);
                    self.due.extend(told);
                }
                Err(RecvError::Lagged(_)) => self.due.push(reset(None)),
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// What an event says to this reader, if it says anything.
    fn told(&mut self, event: &Event) -> Option<sse::Event> {
        let items = event.for_workspace(self.caller.pool, self.caller.workspace)?;
        let id = event.pool.map(|_| event.id());
        if let (Some(id), Some(last)) = (id, self.last)
            && id <= last
        {
            return None;
        }
        self.last = id.or(self.last);
        if event.reset {
            return Some(reset(id));
        }
        let items = items.into_iter().map(ChangedItem::from).collect();
        let told = sse::Event::default()
            .event("changed")
            .data(serde_json::to_string(&Changed { items }).unwrap_or_default());
        Some(id.map_or(told.clone(), |id| told.id(id.to_string())))
    }
}

fn reset(id: Option<EventId>) -> sse::Event {
    let event = sse::Event::default().event("reset").data("{}");
    match id {
        Some(id) => event.id(id.to_string()),
        None => event,
    }
}
