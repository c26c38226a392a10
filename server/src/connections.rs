//! Accepts connections and reads requests from them, with an end to how long a client may take.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::header::EXPECT;
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
        // Who asks first whether to send a body does not send one that was refused.
        let comes = !request.headers().contains_key(EXPECT);
        let mut request: Request = request.map(|body| {
            let body = ToTheEnd {
                body: Some(body),
                patience: comes.then_some(patience.body),
            };
            Body::new(TimeoutBody::new(patience.body, body))
        });
        request.extensions_mut().insert(ConnectInfo(peer));
        let router = router.clone();
        router.oneshot(request)
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

/// A body that is read to its end also when it is refused unread: hyper would close the connection
/// right after the answer, without a word to a client that goes on using it.
struct ToTheEnd {
    body: Option<Incoming>,
    /// For what is left of it, if that is sure to come.
    patience: Option<Duration>,
}

impl hyper::body::Body for ToTheEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.body {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
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
        let unread = self.body.take().filter(|body| !body.is_end_stream());
        if let (Some(body), Some(patience)) = (unread, self.patience) {
            let rest = Limited::new(body, BODY_LIMIT).collect();
            // What does not end, or is too much, does cost the connection.
            tokio::spawn(tokio::time::timeout(patience, rest));
        }
    }
}

/// Waits until the server is about to stop. A sender that is gone stops it too.
async fn turned(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stopping| *stopping).await;
}
