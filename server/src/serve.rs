//! `baton serve`, and `baton demo` where nobody serves yet.

use std::time::Duration;

use anyhow::Context;
use axum::Extension;
use engine::{Engine, EngineConfig};
use sha2::{Digest, Sha256};
use store::Store;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::{Config, local_url};
use crate::connections::{self, Patience};
use crate::database::Database;
use crate::demo::Demo;
use crate::state::App;
use crate::web::TrustedProxies;
use crate::{health, router, web};

/// How long what is under way may take once the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until asked to stop, then drains.
pub async fn run(config: &Config) -> anyhow::Result<()> {
    // Asked for before anything is started, so that a stop during the start is a clean one too.
    let asked = asked_to_stop()?;
    // What cannot be served anyway starts and changes no database.
    config.must_have_address().await?;
    let database = Database::open(config).await?;
    let served = serve(config, &database.store, async |_| asked.await).await;
    database.close().await?;
    served
}

/// Serves until `until`, which is given the demo's switch, is over; then drains.
pub async fn serve(
    config: &Config,
    store: &Store,
    until: impl AsyncFnOnce(&Demo),
) -> anyhow::Result<()> {
    let metrics = health::recorder()?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .with_context(|| format!("listening on {}", config.listen))?;
    let address = listener.local_addr()?;
    let url = config.url(address);
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
    let demo = Demo::new(store.clone(), local_url(address));
    let pages = web::router(&app, &demo, &url)?;
    let router = router::router(app, metrics, pages)?
        .layer(Extension(TrustedProxies(config.trusted_proxies)));
    let patience = Patience::default();
    let server = tokio::spawn(connections::serve(listener, router, patience, stopping));
    welcome(store, &url).await?;
    let cleaner = tokio::spawn(demo.clone().bury_dead());
    until(&demo).await;
    cleaner.abort();
    info!("stopping");
    // While its pool can still be let go.
    demo.end().await;
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

/// Over when the process is asked to stop.
pub fn asked_to_stop() -> anyhow::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
