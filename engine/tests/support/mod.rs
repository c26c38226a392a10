//! Servers over one database, and the words to speak to them.
#![expect(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use engine::{Engine, EngineConfig, EngineError, Event, Heard, IdempotencyKey, forward};
use scheduler::{
    Actor, AgentId, AgentView, Claim, Claimed, Command, Complete, CreateTasks, Granted, Needs,
    NewTask, Policy, PoolId, Priority, Query, Question, Reply, Request, Span, TaskId, TaskState,
    Time, View, WorkspaceId,
};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use store::Store;
use store::workspaces::Workspace;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;
use uuid::Uuid;

/// Longer than anything here takes; what does not come within it does not come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One database with one workspace in the pool `main`.
pub struct House {
    pub database: PgPool,
    pub store: Store,
    pub pool: PoolId,
    pub workspace: WorkspaceId,
}

impl House {
    pub async fn new(database: PgPool) -> Self {
        // Shown for tests that fail; the first test of a process sets it up.
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::INFO)
            .with_test_writer()
            .try_init();
        let store = open(&database.connect_options());
        let pool = store.pool_named("main").await.unwrap();
        let mut house = Self {
            database,
            store,
            pool,
            workspace: WorkspaceId(Uuid::nil()),
        };
        house.workspace = house.workspace_in(pool, "acme").await;
        house
    }

    /// Another workspace.
    pub async fn workspace_in(&self, pool: PoolId, slug: &str) -> WorkspaceId {
        let row = Workspace {
            id: WorkspaceId(Uuid::now_v7()),
            pool,
            slug: slug.into(),
            name: slug.into(),
            goal: String::new(),
            created_at: self.store.now().await.unwrap(),
        };
        let policy = Policy::default();
        self.store.create_workspace(&row, &policy).await.unwrap();
        row.id
    }

    /// An engine in the test's own runtime, with nobody to forward to it.
    pub async fn engine(&self) -> Engine {
        self.engine_with(|_| {}).await
    }

    pub async fn engine_with(&self, change: impl FnOnce(&mut EngineConfig)) -> Engine {
        let mut config = config("http://127.0.0.1:9");
        change(&mut config);
        Engine::start(self.store.clone(), config).await.unwrap()
    }

    /// A server of its own: its tasks die when it is killed.
    pub async fn server(&self) -> Server {
        Server::start(self.database.connect_options()).await
    }

    pub fn command(&self, request: Request) -> Command {
        Command {
            workspace: self.workspace,
            actor: Actor::Scheduler,
            request,
        }
    }

    pub fn create(&self, count: usize) -> Command {
        let tasks = (0..count).map(|n| task(&format!("task {n}"))).collect();
        self.command(Request::CreateTasks(CreateTasks {
            tasks,
            facts: Vec::new(),
        }))
    }

    pub fn claim(&self, agent: &str, now: Time, wait: Duration) -> Command {
        let id = agent_id(agent);
        let request = Request::Claim(Claim {
            agent: id,
            name: agent.into(),
            max: 1,
            wait_until: now + Span::from_millis(i64::try_from(wait.as_millis()).unwrap()),
            capabilities: None,
            models: None,
        });
        let actor = Actor::Agent {
            id,
            name: agent.into(),
        };
        Command {
            workspace: self.workspace,
            actor,
            request,
        }
    }

    pub fn complete(&self, lease: &Granted) -> Command {
        let (lease, epoch) = (lease.lease, lease.epoch);
        self.command(Request::Complete(Complete {
            lease,
            epoch,
            output: None,
            usage: None,
        }))
    }

    pub async fn count(&self, table: &'static str) -> i64 {
        let count = match table {
            "task" => "SELECT count(*) FROM task",
            "lease" => "SELECT count(*) FROM lease",
            "done" => "SELECT count(*) FROM task_end WHERE state = 'done'",
            "dispatch" => "SELECT count(*) FROM decision WHERE kind = 'dispatch'",
            _ => unreachable!(),
        };
        sqlx::query_scalar(count)
            .fetch_one(&self.database)
            .await
            .unwrap()
    }

    /// Waits until the conductor shows that this agent's claim waits.
    pub async fn until_waiting(&self, engine: &Engine, agent: &str) {
        self.until_agents(engine, |agents| {
            agents.iter().any(|view| view.name == agent && view.waiting)
        })
        .await;
    }

    pub async fn until_agents(&self, engine: &Engine, fits: impl Fn(&[AgentView]) -> bool) {
        soon(async {
            loop {
                let question = Question {
                    workspace: self.workspace,
                    query: Query::Agents,
                };
                if let Ok(View::Agents { agents }) = engine.view(self.pool, question).await
                    && fits(&agents)
                {
                    return;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until some connection waits for a lock, and tells which.
    pub async fn until_blocked(&self) -> i32 {
        let blocked = "SELECT pid FROM pg_locks WHERE NOT granted AND pid IN \
             (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        soon(async {
            loop {
                if let Some(pid) = sqlx::query_scalar(blocked)
                    .fetch_optional(&self.database)
                    .await
                    .unwrap()
                {
                    return pid;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

/// A process's worth: an engine behind HTTP, in a runtime that can be killed.
pub struct Server {
    runtime: Option<Runtime>,
    pub engine: Engine,
}

impl Server {
    async fn start(options: Arc<PgConnectOptions>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let engine = runtime
            .spawn(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                let engine = Engine::start(open(&options), config(&url)).await.unwrap();
                let internal = format!("{}/{{what}}", forward::INTERNAL_PATH);
                let app = Router::new()
                    .route(&internal, post(internal_call))
                    .with_state(engine.clone());
                tokio::spawn(async move { axum::serve(listener, app).await });
                engine
            })
            .await
            .unwrap();
        Self {
            runtime: Some(runtime),
            engine,
        }
    }

    /// Submits from inside the server, as a request's handler does.
    pub fn submit(
        &self,
        pool: PoolId,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> tokio::task::JoinHandle<Result<Heard, EngineError>> {
        let engine = self.engine.clone();
        self.runtime
            .as_ref()
            .unwrap()
            .spawn(async move { engine.submit(pool, command, key).await })
    }

    pub fn answer(&self, house: &House, command: Command) -> impl Future<Output = Reply> {
        let answer = self.submit(house.pool, command, None);
        async move { soon(answer).await.unwrap().unwrap().answer.unwrap() }
    }

    pub async fn stop(mut self) {
        let engine = self.engine.clone();
        let runtime = self.runtime.take().unwrap();
        soon(runtime.spawn(engine.shutdown())).await.unwrap();
        runtime.shutdown_background();
    }

    /// As `kill -9` does: nothing is written, nobody is told.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn internal_call(
    State(engine): State<Engine>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    let proof = headers
        .get("authorization")
        .map_or(&b""[..], |value| value.as_bytes());
    if !engine.is_ours(proof) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(engine.handle_forwarded(&body).await)
}

/// Short spans, so that a take-over is soon.
fn config(url: &str) -> EngineConfig {
    EngineConfig {
        pool_ttl: Duration::from_secs(3),
        renew_every: Duration::from_millis(500),
        watch_every: Duration::from_millis(50),
        ..EngineConfig::new(Uuid::new_v4(), url)
    }
}

fn open(options: &PgConnectOptions) -> Store {
    Store::open(options.clone(), 12)
}

pub fn task(title: &str) -> NewTask {
    NewTask {
        id: TaskId(Uuid::now_v7()),
        title: title.into(),
        description: String::new(),
        payload: None,
        reference: None,
        needs: Needs {
            kind: "general".into(),
            max_attempts: 3,
            lease_ms: 60_000,
            ..Needs::default()
        },
        priority: Priority::Medium,
        due_at: None,
        not_before: None,
        depends_on: Vec::new(),
        parent: None,
    }
}

pub fn agent_id(name: &str) -> AgentId {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    AgentId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

pub fn key(name: &str) -> IdempotencyKey {
    IdempotencyKey {
        key: name.into(),
        request_hash: [7; 32],
    }
}

pub fn leases(reply: Reply) -> Vec<Granted> {
    match reply {
        Reply::Claimed(Claimed { leases, .. }) => leases,
        other => panic!("not a claim's answer: {other:?}"),
    }
}

pub fn is_done(reply: &Reply) -> bool {
    matches!(
        reply,
        Reply::Task {
            state: TaskState::Done,
            ..
        }
    )
}

/// The first event that `wanted` accepts.
pub async fn heard(
    events: &mut broadcast::Receiver<Arc<Event>>,
    wanted: impl Fn(&Event) -> bool,
) -> Arc<Event> {
    soon(async {
        loop {
            let event = events.recv().await.unwrap();
            if wanted(&event) {
                return event;
            }
        }
    })
    .await
}

pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it does not come")
}
