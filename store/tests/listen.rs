//! What a listener does when its connection is lost without a word, as a firewall may lose it.

use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use store::Store;
use store::events::Notice;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// Carries bytes from one to the other for as long as it is not deaf; closes nothing then.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    deaf: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut bytes = [0; 8_192];
    while let read @ 1.. = from.read(&mut bytes).await? {
        if !*deaf.borrow() {
            to.write_all(&bytes[..read]).await?;
        }
    }
    Ok(())
}

async fn carry_both(
    client: TcpStream,
    socket: PathBuf,
    deaf: watch::Receiver<bool>,
) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_database, to_database) = UnixStream::connect(socket).await?.into_split();
    tokio::try_join!(
        carry(from_client, to_database, deaf.clone()),
        carry(from_database, to_client, deaf),
    )?;
    Ok(())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_listener_whose_connection_says_no_more_ends_and_the_store_still_closes(pool: PgPool) {
    let options = pool.connect_options();
    let name = format!(".s.PGSQL.{}", options.get_port());
    let socket = options.get_socket().unwrap().join(name);
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = proxy.local_addr().unwrap().port();
    let (deafen, deaf) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((client, _)) = proxy.accept().await {
            tokio::spawn(carry_both(client, socket.clone(), deaf.clone()));
        }
    });
    let url = format!(
        "postgres://{}@127.0.0.1:{port}/{}?sslmode=disable",
        options.get_username(),
        options.get_database().unwrap()
    );
    let store = Store::open(PgConnectOptions::from_str(&url).unwrap(), 8);
    let mut listener = store.listen().await.unwrap();
    store.notify("heard").await.unwrap();
    let heard = listener.next().await.unwrap();
    assert_eq!(heard, Notice::Payload("heard".to_owned()));
    deafen.send_replace(true);
    assert!(listener.next().await.is_err());
    drop(listener);
    store.close().await;
}
