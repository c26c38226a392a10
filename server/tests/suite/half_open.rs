//! A client that begins a request and does not finish it is not waited for.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use serde_json::Value;
use server::connections::{self, Patience};
use server::input::Input;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(30);

struct House {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl House {
    async fn new(head: Duration, body: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/", post(|_: Input<Value>| async { "taken" }))
            .route(
                "/peer",
                get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
            );
        let (stop, stopping) = watch::channel(false);
        let patience = Patience { head, body };
        let served = tokio::spawn(connections::serve(listener, router, patience, stopping));
        Self {
            address,
            stop,
            served,
        }
    }

    /// Sends `text` and reads until the server closes the connection.
    async fn told(&self, text: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut told = String::new();
        timeout(LONG, stream.read_to_string(&mut told))
            .await
            .expect("the connection stays open")
            .unwrap();
        told
    }
}

#[tokio::test]
async fn a_head_that_does_not_end_closes_the_connection() {
    let house = House::new(Duration::from_millis(50), LONG).await;
    assert_eq!(house.told("").await, "", "nothing was asked");
    let told = house.told("GET / HTTP/1.1\r\nhost: a\r\n").await;
    assert!(!told.contains("200 OK"), "{told}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_timeout() {
    let house = House::new(LONG, Duration::from_millis(50)).await;
    let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let told = house
        .told(&format!("{head}content-length: 9\r\n\r\n{{"))
        .await;
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
    assert!(told.contains("application/problem+json"), "{told}");
}

#[tokio::test]
async fn a_body_that_is_refused_unread_does_not_cost_the_connection() {
    let house = House::new(LONG, LONG).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    for _ in 0..3 {
        let head = b"POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b"\r\n\r\n") {
            let read = timeout(LONG, stream.read_buf(&mut told)).await;
            assert_ne!(read.unwrap().unwrap(), 0, "closed after one answer");
        }
        assert!(told.starts_with(b"HTTP/1.1 404 "));
        stream.write_all(b"{\"a\": 12}").await.unwrap();
    }
}

#[tokio::test]
async fn a_body_in_chunks_or_asked_for_first_keeps_the_connection() {
    let house = House::new(LONG, LONG).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n";
    for asks in ["", "expect: 100-continue\r\n"] {
        let asked = format!("{head}{asks}\r\n2\r\n{{}}\r\n0\r\n\r\n");
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(b"taken") {
            let read = timeout(LONG, stream.read_buf(&mut told)).await;
            assert_ne!(read.unwrap().unwrap(), 0, "closed after one answer");
        }
        let told = String::from_utf8_lossy(&told);
        assert!(
            told.contains("HTTP/1.1 200 ") && !told.contains("connection: close"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_refusal_that_costs_the_connection_says_so_and_is_heard() {
    let house = House::new(LONG, LONG).await;
    let large = 3 << 20;
    let body = " ".repeat(large);
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {large}\r\n");
    let told = house.told(&format!("{head}\r\n{body}")).await;
    assert!(told.starts_with("HTTP/1.1 413 "), "{told}");
    assert!(told.contains("connection: close"), "{told}");
    let told = house
        .told(&format!("{head}expect: 100-continue\r\n\r\n"))
        .await;
    assert!(
        told.starts_with("HTTP/1.1 413 "),
        "not asked for first: {told}"
    );
    assert!(told.contains("connection: close"), "{told}");
}

#[tokio::test]
async fn a_connection_serves_again_knows_its_peer_and_ends_with_the_server() {
    let house = House::new(LONG, LONG).await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let own = stream.local_addr().unwrap().to_string();
    for _ in 0..2 {
        let asked = b"GET /peer HTTP/1.1\r\nhost: a\r\n\r\n";
        stream.write_all(asked).await.unwrap();
        let mut told = Vec::new();
        while !told.ends_with(own.as_bytes()) {
            let read = timeout(LONG, stream.read_buf(&mut told)).await;
            assert_ne!(read.unwrap().unwrap(), 0, "closed after one answer");
        }
    }
    house.stop.send_replace(true);
    timeout(LONG, house.served).await.unwrap().unwrap();
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).await.unwrap(), 0);
}
