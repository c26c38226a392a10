//! `baton serve`.

use std::time::Duration;

use anyhow::Context;
use engine::{Engine, EngineConfig};
use sha2::{Digest, Sha256};
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::Config;
use crate::connections::{self, Patience};
use crate::database::Database;
use crate::state::App;
use crate::{health, router, web};

/// How long what is under way may take once the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until asked to stop, then drains.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    // Asked for before anything is started, so that a stop during the start is a clean one too.
    let (interrupt, terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let database = Database::open(config).await?;
    let served = serve(config, &database.store, asked(interrupt, terminate)).await;
    database.close().await?;
    served
}

async fn serve(
    config: &Config,
    store: &Store,
    asked_to_stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let metrics = health::recorder()?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("listening on {}", config.listen))?;
    let url = config.url(listener.local_addr()?);
    let engine_config = EngineConfig {
        // Several servers may share a public address, but only one can listen on its own.
        is_only_one_there: config.public_url.is_none(),
        ..EngineConfig::new(uuid::Uuid::new_v4(), url.clone())
    };
    let engine = Engine::start(store.clone(), engine_config)
        .await
        .context("starting the engine")?;
    let (stop, stopping) = watch::channel(false);
    let app = App::new(store.clone(), engine.clone(), stopping.clone());
    let pages = web::router(&app, &url)?;
    let router = router::router(app, metrics, pages)?;
    let patience = Patience::default();
    let server = tokio::spawn(connections::serve(listener, router, patience, stopping));
    welcome(store, &url).await?;
    asked_to_stop.await;
    info!("stopping");
    stop.send_replace(true);
    // The engine answers what waits; then the connections have nothing left to wait for.
    let drained = timeout(DRAIN, async {
        engine.shutdown().await;
        server.await
    });
    let Ok(ended) = drained.await else {
        warn!(
            "some connections were still open after {} s",
            DRAIN.as_secs()
        );
        return Ok(());
    };
    ended.context("serving")
}

/// Says where it serves and, while nobody has an account, how the first person comes in.
async fn welcome(store: &Store, url: &str) -> anyhow::Result<()> {
    info!("serving {url}");
    let code = setup_code()?;
    if store.offer_setup(&Sha256::digest(&code).into()).await? {
        eprintln!(
            "baton: open {url}/setup and give this one-time code to make the first account: {code}"
        );
    }
    Ok(())
}

/// A one-time code of 80 random bits in four groups.
fn setup_code() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes)?;
    let groups: Vec<String> = bytes.chunks(3).map(hex::encode).collect();
    Ok(groups.join("-"))
}

async fn asked(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
