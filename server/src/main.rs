//! `baton`: the command line.

use std::env;
use std::path::PathBuf;

use anyhow::Context;
use axum::serve::ListenerExt;
use private_postgres::PrivatePostgres;
use server::router::{AppState, router};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let postgres = private_postgres().await?;
    let served = serve().await;
    if let Some(postgres) = postgres {
        spawn_blocking(|| postgres.stop()).await??;
    }
    served
}

/// A Postgres of our own, unless `DATABASE_URL` names another.
async fn private_postgres() -> anyhow::Result<Option<PrivatePostgres>> {
    if env::var_os("DATABASE_URL").is_some() {
        return Ok(None);
    }
    let data_dir = env::var_os("BATON_DATA_DIR").map_or_else(|| "./.baton".into(), PathBuf::from);
    let postgres = spawn_blocking(move || PrivatePostgres::start(&data_dir)).await??;
    Ok(Some(postgres))
}

/// Serves until asked to stop.
async fn serve() -> anyhow::Result<()> {
    let address = env::var("BATON_LISTEN").unwrap_or_else(|_| "127.0.0.1:3000".into());
    let listener =
        TcpListener::bind(&address).await.with_context(|| format!("listening on {address}"))?;
    info!("serving http://{}", listener.local_addr()?);
    // Without TCP_NODELAY, small answers wait for the client's acknowledgement of earlier ones.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            warn!(%error, "TCP_NODELAY");
        }
    });
    axum::serve(listener, router(AppState::new()?))
        .with_graceful_shutdown(asked_to_stop()?)
        .await
        .context("serving")
}

/// Ends at SIGINT or SIGTERM.
fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        info!("stopping");
    })
}
