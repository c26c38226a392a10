//! Accepts connections and reads requests from them, with an end to how long a client may take.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, EXPECT};
use axum::serve::Listener;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as _, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt;
use tower_http::timeout::TimeoutBody;
use tracing::{debug, warn};

use crate::input::BODY_LIMIT;

/// How long a client is waited for. Without an end to it, whoever begins requests and never
/// finishes them would hold connections for ever.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a whole head, the idle time before it included; then the connection is closed.
    pub head: Duration,
    /// For the next part of a body; then the answer is 408.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
        }
    }
}

/// Serves until `stopping` turns true or its sender is gone; returns when what was under way is
/// answered. Handlers find the client's address as [`ConnectInfo`].
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    patience: Patience,
    mut stopping: watch::Receiver<bool>,
) {
    // Each connection holds a receiver; all are gone when all connections are over.
    let (open, held) = watch::channel(());
    let each = stopping.clone();
    loop {
        let (stream, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = turned(&mut stopping) => break,
        };
        // Without TCP_NODELAY, small answers wait for the client's acknowledgement of earlier ones.
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "TCP_NODELAY");
        }
        let answers = answer_on(
            TokioIo::new(stream),
            peer,
            router.clone(),
            patience,
            each.clone(),
        );
        let held = held.clone();
        tokio::spawn(async move {
            answers.await;
            drop(held);
        });
    }
    drop((listener, held));
    open.closed().await;
}

/// One connection until it is over.
async fn answer_on(
    stream: TokioIo<tokio::net::TcpStream>,
    peer: SocketAddr,
    router: Router,
    patience: Patience,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let unread = Unread::of(&request);
        let mut request: Request = request.map(|body| {
            let body = ToTheEnd {
                body: Some(body),
                unread: unread.clone(),
                patience: patience.body,
            };
            Body::new(TimeoutBody::new(patience.body, body))
        });
        request.extensions_mut().insert(ConnectInfo(peer));
        let answered = router.clone().oneshot(request);
        async move {
            let mut response = answered.await?;
            if unread.is_some_and(|unread| unread.closes()) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(
        Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience.head)
            .serve_connection(stream, service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = turned(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!(%error, "a connection ended early");
    }
}

/// Of a body that was refused unread, more than what is kept of one is not worth the connection; this
/// much is still read, for the answer is lost on who is cut off while sending.
const DISCARDED: usize = 32 * BODY_LIMIT;

/// What became of a request's body, if it has one.
#[derive(Clone, Debug, Default)]
struct Unread {
    /// The client asked first whether to send it.
    awaits_word: bool,
    /// The rest is not read, or is too much: the connection ends with the answer.
    closes: Arc<AtomicBool>,
}

impl Unread {
    fn of(request: &hyper::Request<Incoming>) -> Option<Self> {
        let awaits_word = request.headers().contains_key(EXPECT);
        let has_body = !request.body().is_end_stream();
        has_body.then(|| Self {
            awaits_word,
            ..Self::default()
        })
    }

    fn closes(&self) -> bool {
        self.closes.load(Ordering::Relaxed)
    }
}

/// A body that is read to its end also when it is refused unread: hyper would close the connection
/// right after the answer, without a word to a client that goes on using it.
struct ToTheEnd {
    body: Option<Incoming>,
    unread: Option<Unread>,
    patience: Duration,
}

impl hyper::body::Body for ToTheEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            // Of a body in chunks nothing else tells that it is at its end.
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(Incoming::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for ToTheEnd {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        let (Some(rest), Some(unread)) = (rest, &self.unread) else {
            return;
        };
        let left = rest.size_hint().upper();
        if unread.awaits_word || left.is_none_or(|left| left > BODY_LIMIT as u64) {
            unread.closes.store(true, Ordering::Relaxed);
        }
        // Who asked first does not send what was refused.
        if !unread.awaits_word {
            let discarded = discard(Limited::new(rest, DISCARDED));
            tokio::spawn(tokio::time::timeout(self.patience, discarded));
        }
    }
}

/// Reads to the end, or as far as it goes, and keeps nothing.
async fn discard(mut body: Limited<Incoming>) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Waits until the server is about to stop. A sender that is gone stops it too.
async fn turned(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
