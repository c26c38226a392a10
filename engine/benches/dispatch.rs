//! How fast a pool is decided and recorded: `make bench`, or with `DATABASE_URL` set
//! `cargo bench -p engine`.
//!
//! The engine and the store, without HTTP. So many tasks wait, half of them blocked (see `workload`).
//! Twice as many agents as a flush has room for complete what they have and claim the next, each at
//! once; one flush is written while the next fills. Every dispatch is arbitrated between four
//! workspaces, reserved in budgets and committed with its decision. The backlog is filled up again
//! between rounds; beginning and end of a round, when flushes are not full, are not counted.
//!
//! `cargo bench -p engine -- 100000 50 100` measures flushes of 50 and 100 with 100,000 waiting.

mod support;
#[path = "../../scheduler/benches/workload/mod.rs"]
mod workload;

use std::process::Command as Process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use engine::{Engine, EngineConfig};
use scheduler::{Claimed, Command, Granted, PoolId, Reply};
use store::Store;
use store::workspaces::Workspace;
use support::processes::{cpu_of, resident_mb};
use support::table::{Table, grouped};
use support::{Cluster, Result, is_quick, say};
use uuid::Uuid;
use workload::{WORKSPACES, Workload};

/// Tasks of one command while the backlog is made.
const BATCH: usize = 1_000;
/// Commands under way while the backlog is made.
const PRODUCERS: usize = 3;
/// Names the database that a process started for nothing else is to load.
const LOAD: &str = "BATON_BENCH_LOAD";

fn main() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match std::env::var(LOAD) {
        Ok(url) => runtime.block_on(load(&url)),
        Err(_) => runtime.block_on(measure()),
    }
}

async fn measure() -> Result<()> {
    let mut cluster = Cluster::open().await?;
    let asked: Vec<usize> = std::env::args().flat_map(|word| word.parse()).collect();
    let (scales, sizes): (&[usize], &[usize]) = match asked.split_at_checked(1) {
        Some((waiting, sizes)) if !sizes.is_empty() => (waiting, sizes),
        _ if is_quick() => (&[10_000, 100_000], &[1, 100]),
        _ => (&[10_000, 100_000, 1_000_000], &[1, 10, 100, 500]),
    };
    let url = cluster.database("baton_bench").await?;
    drop(Scene::set(&url, 0).await?);
    let idle = load_elsewhere(&url)?;
    println!("\nEngine and store; one process, half of what waits blocked");
    println!("idle: {:.1} MB resident", idle.resident_mb);
    for &waiting in scales {
        scale(&mut cluster, waiting, sizes).await?;
    }
    cluster.drop_database("baton_bench").await
}

/// Everything at one length of the backlog.
async fn scale(cluster: &mut Cluster, waiting: usize, sizes: &[usize]) -> Result<()> {
    let url = cluster.database("baton_bench").await?;
    let most = sizes.iter().max().copied().unwrap_or(1);
    let mut scene = Scene::set(&url, WORKSPACES.max(2 * most)).await?;
    say(&format!("{} tasks are created", grouped(waiting as f64)));
    let spent = scene.fill(waiting).await?;
    println!("\n{} waiting", grouped(waiting as f64));
    println!(
        "created {} tasks/s, {BATCH} a command",
        grouped(waiting as f64 / spent.as_secs_f64())
    );
    support::settle(&url).await?;
    let table = Table::begin(
        "claimed, decided, recorded and completed",
        &[
            "a flush",
            "dispatches/s",
            "µs CPU in Postgres",
            "µs CPU here",
            "bytes of WAL",
        ],
    );
    for &size in sizes {
        scene = scene.restarted(2 * size).await?;
        cluster.checkpoint().await?;
        row(cluster, &mut scene, waiting, size, false, &table).await?;
        if size == 100 {
            row(cluster, &mut scene, waiting, size, true, &table).await?;
        }
    }
    let given = scene.given.load(Ordering::Relaxed);
    scene.engine.shutdown().await;
    prove(&url, given).await?;
    cluster.checkpoint().await?;
    let full = load_elsewhere(&url)?;
    println!(
        "loaded again in {:.2} s; {:.1} MB resident, {:.1} MB at most",
        full.took.as_secs_f64(),
        full.resident_mb,
        full.most_mb
    );
    Ok(())
}

/// Measures rounds until there is enough to tell.
async fn row(
    cluster: &mut Cluster,
    scene: &mut Scene,
    waiting: usize,
    size: usize,
    with_usage: bool,
    table: &Table,
) -> Result<()> {
    // What comes once in a while, a checkpoint or autovacuum, is not to tell a whole row.
    let enough = Duration::from_secs(if is_quick() { 1 } else { 10 });
    let quota = match size {
        1 => 1_600,
        10 => 4_000.min(waiting * 2 / 5),
        _ => 20_000.min(waiting * 2 / 5),
    };
    let family = cluster.processes().await?;
    let (mut spent, mut counted, mut all) = (Duration::ZERO, 0, 0);
    let (mut here, mut there, mut wal) = (Duration::ZERO, Duration::ZERO, 0);
    while spent < enough {
        let before = (
            cpu_of(std::process::id()),
            family.as_ref().map(support::processes::Family::cpu),
            cluster.wal().await?,
        );
        let round = scene
            .round(WORKSPACES.max(2 * size), quota, with_usage)
            .await?;
        here += cpu_of(std::process::id()).saturating_sub(before.0);
        if let (Some(family), Some(before)) = (&family, &before.1) {
            there += family.since(before);
        }
        wal += cluster.wal().await? - before.2;
        spent += round.spent;
        counted += round.counted;
        all += quota;
        scene.refill(quota).await?;
    }
    let each = |cpu: Duration| format!("{:.1}", cpu.as_secs_f64() * 1e6 / all as f64);
    table.row(&[
        format!("{size}{}", if with_usage { " + usage" } else { "" }),
        grouped(counted as f64 / spent.as_secs_f64()),
        if family.is_some() {
            each(there)
        } else {
            "-".to_owned()
        },
        each(here),
        grouped(wal as f64 / all as f64),
    ]);
    Ok(())
}

/// A pool with its workspaces, and the engine that decides it.
struct Scene {
    url: String,
    store: Store,
    engine: Engine,
    pool: PoolId,
    workload: Arc<Mutex<Workload>>,
    given: Arc<AtomicUsize>,
}

/// What a round took, without its beginning and end.
struct Round {
    spent: Duration,
    counted: usize,
}

impl Scene {
    async fn set(url: &str, agents: usize) -> Result<Self> {
        let store = Store::connect(url, 10).await?;
        store.migrate().await?;
        let pool = store.pool_named("main").await?;
        let now = store.now().await?;
        let mut workload = Workload::new(now);
        for (n, &id) in workload.workspaces.iter().enumerate() {
            let name = format!("team-{n}");
            let workspace = Workspace {
                id,
                pool,
                slug: name.clone(),
                name,
                goal: String::new(),
                created_at: now,
            };
            store
                .create_workspace(&workspace, &Workload::policy())
                .await?;
        }
        let engine = start(&store, 500).await?;
        let settings = workload.settings(agents);
        let hold = workload.hold();
        let claims = workload.hold_claims(now);
        let scene = Self {
            url: url.to_owned(),
            store,
            engine,
            pool,
            workload: Arc::new(Mutex::new(workload)),
            given: Arc::new(AtomicUsize::new(WORKSPACES)),
        };
        for command in settings.into_iter().chain(hold).chain(claims) {
            ask(&scene.engine, pool, command).await?;
        }
        Ok(scene)
    }

    /// With room for so many commands in a flush.
    async fn restarted(self, batch: usize) -> Result<Self> {
        self.engine.shutdown().await;
        let engine = start(&self.store, batch).await?;
        Ok(Self { engine, ..self })
    }

    async fn fill(&self, count: usize) -> Result<Duration> {
        self.produce(count, Workload::mixed).await
    }

    async fn refill(&self, count: usize) -> Result<()> {
        self.produce(count, Workload::runnable).await.map(|_| ())
    }

    /// Gives each workspace its part, in commands of at most a batch.
    async fn produce(
        &self,
        count: usize,
        make: fn(&mut Workload, usize, usize) -> Command,
    ) -> Result<Duration> {
        let begun = Instant::now();
        let batch = BATCH.min(count / WORKSPACES);
        let left = Arc::new(AtomicUsize::new(count / batch));
        let mut producers = tokio::task::JoinSet::new();
        for _ in 0..PRODUCERS {
            let (engine, pool) = (self.engine.clone(), self.pool);
            let (workload, left) = (Arc::clone(&self.workload), Arc::clone(&left));
            producers.spawn(async move {
                while let Some(nth) = take(&left) {
                    let command = {
                        let mut workload = workload.lock().map_err(|_| "a producer died")?;
                        workload.now = engine.now();
                        make(&mut workload, nth % WORKSPACES, batch)
                    };
                    ask(&engine, pool, command).await?;
                }
                Result::Ok(())
            });
        }
        while let Some(ended) = producers.join_next().await {
            ended??;
        }
        let spent = begun.elapsed();
        self.until_searchable().await?;
        Ok(spent)
    }

    /// What creation leaves to be done behind it is no part of what is measured next.
    async fn until_searchable(&self) -> Result<()> {
        use sqlx::Connection;
        let mut connection = sqlx::PgConnection::connect(&self.url).await?;
        let newest = "SELECT NOT EXISTS (
            SELECT FROM workspace w CROSS JOIN LATERAL (
                SELECT id FROM task t WHERE t.workspace_id = w.id ORDER BY t.workspace_id DESC, t.id DESC LIMIT 1) t
            WHERE NOT EXISTS (SELECT FROM task_words d WHERE d.workspace_id = w.id AND d.task_id = t.id))";
        while !sqlx::query_scalar(newest)
            .fetch_one(&mut connection)
            .await?
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// So many agents take so many tasks.
    async fn round(&self, agents: usize, quota: usize, with_usage: bool) -> Result<Round> {
        let workload = Arc::new(self.workload.lock().map_err(|_| "a producer died")?.clone());
        let race = Arc::new(Race {
            left: std::array::from_fn(|_| AtomicUsize::new(quota / WORKSPACES)),
            given: AtomicUsize::new(0),
            from: agents,
            to: quota - agents,
            began: OnceLock::new(),
            ended: OnceLock::new(),
        });
        let mut working = tokio::task::JoinSet::new();
        for agent in 0..agents {
            let (engine, pool) = (self.engine.clone(), self.pool);
            let (workload, race) = (Arc::clone(&workload), Arc::clone(&race));
            working.spawn(
                async move { work(engine, pool, &workload, agent, with_usage, &race).await },
            );
        }
        while let Some(ended) = working.join_next().await {
            ended??;
        }
        self.given.fetch_add(quota, Ordering::Relaxed);
        let (Some(began), Some(ended)) = (race.began.get(), race.ended.get()) else {
            return Err("a round ended before it began".into());
        };
        Ok(Round {
            spent: ended.duration_since(*began),
            counted: race.to - race.from,
        })
    }
}

/// What the agents of a round share.
struct Race {
    /// Tasks still to be taken in each workspace.
    left: [AtomicUsize; WORKSPACES],
    given: AtomicUsize,
    from: usize,
    to: usize,
    began: OnceLock<Instant>,
    ended: OnceLock<Instant>,
}

impl Race {
    fn count(&self) {
        let count = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        if count == self.from {
            self.began.get_or_init(Instant::now);
        } else if count == self.to {
            self.ended.get_or_init(Instant::now);
        }
    }
}

/// One agent: completes what it has and claims the next, until all are taken.
async fn work(
    engine: Engine,
    pool: PoolId,
    workload: &Workload,
    agent: usize,
    with_usage: bool,
    race: &Race,
) -> Result<()> {
    let mut held: Option<Granted> = None;
    while take(&race.left[agent % WORKSPACES]).is_some() {
        let claim = ask(&engine, pool, workload.claim(agent, engine.now()));
        let reply = if let Some(lease) = held.take() {
            let done = ask(&engine, pool, workload.complete(agent, &lease, with_usage));
            let (done, reply) = tokio::join!(done, claim);
            done?;
            reply?
        } else {
            claim.await?
        };
        let Reply::Claimed(Claimed { mut leases, .. }) = reply else {
            return Err("not a claim's answer".into());
        };
        held = Some(leases.pop().ok_or("there was nothing to claim")?);
        race.count();
    }
    if let Some(lease) = held {
        ask(&engine, pool, workload.complete(agent, &lease, with_usage)).await?;
    }
    Ok(())
}

/// Takes one of what is left: its number.
fn take(left: &AtomicUsize) -> Option<usize> {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    })
    .ok()
}

async fn ask(engine: &Engine, pool: PoolId, command: Command) -> Result<Reply> {
    Ok(engine.submit(pool, command, None).await?.answer?)
}

async fn start(store: &Store, batch: usize) -> Result<Engine> {
    let mut config = EngineConfig::new(Uuid::new_v4(), "http://127.0.0.1:9");
    config.bounds.batch = batch;
    let engine = Engine::start(store.clone(), config).await?;
    until_ready(&engine).await;
    Ok(engine)
}

async fn until_ready(engine: &Engine) {
    while !engine.health().ready {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Each task given has its decision and its end; otherwise the figures are of something else.
async fn prove(url: &str, given: usize) -> Result<()> {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(url).await?;
    let rows: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM decision WHERE kind = 'dispatch'),
                (SELECT count(*) FROM task_end WHERE state = 'done')",
    )
    .fetch_one(&mut connection)
    .await?;
    let expected = (given as i64, (given - WORKSPACES) as i64);
    if rows != expected {
        return Err(format!("decisions and ends are {rows:?}, not {expected:?}").into());
    }
    Ok(())
}

/// What a process that does nothing but hold a pool needs.
struct Loaded {
    took: Duration,
    resident_mb: f64,
    most_mb: f64,
}

fn load_elsewhere(url: &str) -> Result<Loaded> {
    let output = Process::new(std::env::current_exe()?)
        .env(LOAD, url)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    let &[took, resident_mb, most_mb] = figures.as_slice() else {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    };
    Ok(Loaded {
        took: Duration::from_secs_f64(took),
        resident_mb,
        most_mb,
    })
}

async fn load(url: &str) -> Result<()> {
    let store = Store::connect(url, 10).await?;
    let begun = Instant::now();
    let engine = start(&store, 500).await?;
    let took = begun.elapsed().as_secs_f64();
    let memory = |most| resident_mb(std::process::id(), most).unwrap_or_default();
    println!("{took} {} {}", memory(false), memory(true));
    engine.shutdown().await;
    Ok(())
}
