//! How fast agents are served: `make bench`, or with `DATABASE_URL` set `cargo bench -p server`.
//!
//! A real `baton serve` in a process of its own, asked over TCP by agents on kept connections: each
//! claims a task, completes it, and claims the next. So many tasks wait, in lanes of several classes,
//! capabilities, resources and models under budgets; half of them are blocked. Then one idle agent of
//! another workspace waits in a long poll while tasks for it are created one by one. The clients
//! share the machine's processors with what they measure; their share of the time is shown.

#[path = "http/connection.rs"]
mod connection;
#[path = "http/server.rs"]
mod server;
#[path = "../../engine/benches/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use connection::{Connection, number_of, text_of};
use server::Server;
use support::processes::{Family, cpu_of, resident_mb};
use support::table::{Table, grouped, quantile};
use support::{Cluster, Result, is_quick, say};

/// Tasks of one request while the backlog is made.
const BATCH: usize = 500;
/// Requests under way while the backlog is made.
const PRODUCERS: usize = 2;
/// Agents at most.
const AGENTS: usize = 32;
/// A pause in which a long poll surely has arrived.
const SETTLE: Duration = Duration::from_millis(2);

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // One thread: the clients are to take as little of the machine as they can.
    tokio::task::LocalSet::new().block_on(&runtime, measure())
}

async fn measure() -> Result<()> {
    let mut cluster = Cluster::open().await?;
    let url = cluster.database("baton_bench").await?;
    let mut scene = Scene::set(Server::start(&url).await?).await?;
    println!("\nOver HTTP; a server of its own, half of what waits blocked");
    println!("idle: {}", scene.memory());
    let scales: &[(usize, &[usize])] = if is_quick() {
        &[(10_000, &[1, AGENTS])]
    } else {
        &[
            (10_000, &[1, 8, AGENTS]),
            (100_000, &[1, 8, AGENTS]),
            (1_000_000, &[AGENTS]),
        ]
    };
    for &(waiting, agents) in scales {
        scene.scale(&mut cluster, waiting, agents).await?;
    }
    let Scene {
        server, waiting, ..
    } = scene;
    server.stop().await?;
    let begun = Instant::now();
    let server = Server::start(&url).await?;
    println!(
        "\nstarted again with {} waiting: ready after {:.2} s, {}",
        grouped(waiting as f64),
        begun.elapsed().as_secs_f64(),
        memory(server.process()),
    );
    server.stop().await?;
    cluster.drop_database("baton_bench").await
}

/// A server with two workspaces: one that is busy, one with a single idle agent.
struct Scene {
    server: Server,
    agents: Vec<String>,
    manager: String,
    courier: String,
    customer: String,
    waiting: usize,
    made: Cell<usize>,
}

impl Scene {
    async fn set(server: Server) -> Result<Self> {
        for workspace in ["busy", "quiet"] {
            server.command(&["workspace", "create", workspace])?;
        }
        let key = |workspace: &str, role: &str, agent: Option<&str>| {
            let mut words = vec!["key", "create", "--workspace", workspace, "--role", role];
            words.extend(agent.iter().flat_map(|name| ["--agent", name]));
            server.command(&words)
        };
        let agents: Result<Vec<String>> = (0..AGENTS)
            .map(|n| key("busy", "agent", Some(&format!("agent-{n}"))))
            .collect();
        let scene = Self {
            agents: agents?,
            manager: key("busy", "admin", None)?,
            courier: key("quiet", "agent", Some("courier"))?,
            customer: key("quiet", "member", None)?,
            waiting: 0,
            made: Cell::new(0),
            server,
        };
        scene.settings().await?;
        Ok(scene)
    }

    /// Limits that let the runnable half through, and limits that stop the other one.
    async fn settings(&self) -> Result<()> {
        let mut manager = self.connection(&self.manager).await?;
        let calls =
            r#"{"scope":"pool","kind":"bucket","capacity":1000000000,"refill_per_s":10000000}"#;
        let desk = r#"{"kind":"slots","slots":4096}"#;
        let budget = |scope: &str, unit: &str| {
            format!(
                r#"{{"scope":{{{scope}}},"unit":"{unit}","limit":1000000000000000,"window":"month"}}"#
            )
        };
        let all = [
            (
                "PUT",
                "/policy",
                r#"{"fuses":{"max_pending":4000000}}"#.to_owned(),
            ),
            ("PUT", "/resources/calls", calls.to_owned()),
            ("PUT", "/resources/closed", calls.to_owned()),
            ("PUT", "/resources/desk", desk.to_owned()),
            (
                "POST",
                "/resources/closed/throttled",
                r#"{"retry_after_ms":3600000}"#.to_owned(),
            ),
            (
                "PUT",
                "/budgets/all",
                budget(r#""workspace":"busy""#, "microusd"),
            ),
            (
                "PUT",
                "/budgets/large",
                budget(r#""model":"large""#, "tokens"),
            ),
        ];
        for (method, path, body) in all {
            manager.ask(method, path, &body).await?;
        }
        for key in &self.agents {
            let mut agent = self.connection(key).await?;
            let n = self
                .agents
                .iter()
                .position(|other| other == key)
                .unwrap_or_default();
            let card = format!(r#"{{"name":"agent-{n}","capabilities":["code","research"]}}"#);
            agent.ask("POST", "/agents", &card).await?;
        }
        Ok(())
    }

    async fn scale(
        &mut self,
        cluster: &mut Cluster,
        waiting: usize,
        agents: &[usize],
    ) -> Result<()> {
        say(&format!("{} tasks are created", grouped(waiting as f64)));
        let begun = Instant::now();
        let more = waiting - self.waiting;
        self.create(more, true).await?;
        self.waiting = waiting;
        println!("\n{} waiting; {}", grouped(waiting as f64), self.memory());
        println!(
            "created {} tasks/s, {BATCH} a request",
            grouped(more as f64 / begun.elapsed().as_secs_f64())
        );
        cluster.checkpoint().await?;
        let family = cluster.processes().await?;
        let table = Table::begin(
            "claimed and completed",
            &[
                "agents",
                "cycles/s",
                "cycle p50, ms",
                "p99, ms",
                "µs CPU in Postgres",
                "in the server",
                "in the clients",
            ],
        );
        for &agents in agents {
            self.cycles(family.as_ref(), agents, &table).await?;
        }
        self.pick_up().await
    }

    /// Agents claim and complete until there is enough to tell.
    async fn cycles(&self, family: Option<&Family>, agents: usize, table: &Table) -> Result<()> {
        let enough = Duration::from_secs(if is_quick() { 2 } else { 4 });
        let quota = (self.waiting / 4).min(10_000);
        let (mut spent, mut cycles) = (Duration::ZERO, Vec::new());
        let mut cpu = [Duration::ZERO; 3];
        let mut connections = Vec::new();
        for key in self.agents.iter().take(agents) {
            connections.push(self.connection(key).await?);
        }
        while spent < enough {
            let before = family.map(Family::cpu);
            let processes = [self.server.process(), std::process::id()];
            let at = processes.map(cpu_of);
            let deadline = Instant::now() + enough.saturating_sub(spent);
            let (took, kept, times) = round(connections, quota, deadline).await?;
            if let (Some(family), Some(before)) = (family, before) {
                cpu[0] += family.since(&before);
            }
            for (n, process) in processes.into_iter().enumerate() {
                cpu[n + 1] += cpu_of(process).saturating_sub(at[n]);
            }
            spent += took;
            self.create(times.len(), false).await?;
            cycles.extend(times);
            connections = kept;
        }
        cycles.sort_unstable_by(f64::total_cmp);
        let each = |cpu: Duration| format!("{:.0}", cpu.as_secs_f64() * 1e6 / cycles.len() as f64);
        table.row(&[
            agents.to_string(),
            grouped(cycles.len() as f64 / spent.as_secs_f64()),
            format!("{:.2}", quantile(&cycles, 0.5)),
            format!("{:.2}", quantile(&cycles, 0.99)),
            if family.is_some() {
                each(cpu[0])
            } else {
                "-".to_owned()
            },
            each(cpu[1]),
            each(cpu[2]),
        ]);
        Ok(())
    }

    /// From the moment a task is sent in to the moment the idle agent has its lease.
    async fn pick_up(&self) -> Result<()> {
        let tasks = if is_quick() { 500 } else { 2_000 };
        let mut courier = self.connection(&self.courier).await?;
        let mut customer = self.connection(&self.customer).await?;
        let mut times = Vec::with_capacity(tasks);
        for n in 0..tasks {
            courier
                .send("POST", "/claims", r#"{"wait_ms":60000}"#)
                .await?;
            tokio::time::sleep(SETTLE).await;
            let begun = Instant::now();
            let task = format!(r#"{{"title":"Bring parcel {n}"}}"#);
            let leased = async {
                let answer = courier.receive().await?;
                Result::Ok((begun.elapsed(), lease_of(&answer)?))
            };
            let (created, leased) = tokio::join!(customer.ask("POST", "/tasks", &task), leased);
            created?;
            let (took, (lease, epoch)) = leased?;
            times.push(took.as_secs_f64() * 1e3);
            courier.complete(&lease, epoch).await?;
        }
        times.sort_unstable_by(f64::total_cmp);
        println!(
            "task created to lease in hand, one idle agent: p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms",
            quantile(&times, 0.5),
            quantile(&times, 0.99),
            quantile(&times, 1.0)
        );
        Ok(())
    }

    /// Creates tasks; every other one is blocked if they are mixed.
    async fn create(&self, count: usize, mixed: bool) -> Result<()> {
        let left = Cell::new(count);
        let produce = || async {
            let mut manager = self.connection(&self.manager).await?;
            while left.get() > 0 {
                let batch = left.get().min(BATCH);
                left.set(left.get() - batch);
                let body = self.tasks(batch, mixed)?;
                manager.ask("POST", "/tasks", &body).await?;
            }
            Result::Ok(())
        };
        let all = futures::future::try_join_all((0..PRODUCERS).map(|_| produce())).await?;
        debug_assert_eq!(all.len(), PRODUCERS);
        Ok(())
    }

    fn tasks(&self, count: usize, mixed: bool) -> Result<String> {
        let mut body = String::from("[");
        for n in 0..count {
            let made = self.made.replace(self.made.get() + 1);
            if n > 0 {
                body.push(',');
            }
            // Numbers without a common factor: every mixture comes.
            let pick = |every: usize, of: &[&'static str]| of[made / every % of.len()];
            let blocked = mixed && n % 2 == 1;
            let needs = if blocked {
                pick(
                    2,
                    &[
                        r#""requires":[{"resource":"closed","amount":1}]"#,
                        r#""requires":[{"resource":"calls","amount":1},{"resource":"nowhere","amount":1}]"#,
                        r#""capabilities":["telepathy"]"#,
                    ],
                )
            } else {
                pick(
                    2,
                    &[
                        r#""capabilities":[]"#,
                        r#""requires":[{"resource":"calls","amount":1}]"#,
                        r#""requires":[{"resource":"desk","amount":1}],"capabilities":["code"]"#,
                        r#""requires":[{"resource":"calls","amount":1},{"resource":"desk","amount":1}],"capabilities":["research"]"#,
                    ],
                )
            };
            write!(
                body,
                r#"{{"title":"Compare the prices of article {made}","description":"In the three shops that are named in the team's notes.","class":"{}","priority":"{}","kind":"{}","lease_ms":600000,"estimate":{{"model":"{}","input_tokens":900,"output_tokens":120,"cost_microusd":450}},{needs}}}"#,
                pick(
                    3,
                    &["ordinary", "routine", "ordinary", "strategic", "ordinary"]
                ),
                pick(
                    5,
                    &["low", "medium", "high", "urgent", "medium", "low", "high"]
                ),
                pick(7, &["research", "write", "check"]),
                pick(11, &["small", "large"]),
            )?;
        }
        body.push(']');
        Ok(body)
    }

    async fn connection(&self, key: &str) -> Result<Connection> {
        Connection::open(self.server.address(), key).await
    }

    fn memory(&self) -> String {
        memory(self.server.process())
    }
}

fn memory(process: u32) -> String {
    resident_mb(process, false).map_or_else(String::new, |mb| format!("{mb:.1} MB resident"))
}

/// Each connection an agent, until so many tasks are done or time is up. What it took, the
/// connections, and each cycle's milliseconds.
async fn round(
    connections: Vec<Connection>,
    quota: usize,
    deadline: Instant,
) -> Result<(Duration, Vec<Connection>, Vec<f64>)> {
    let left = Rc::new(Cell::new(quota));
    let begun = Instant::now();
    let working: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(work(connection, Rc::clone(&left), deadline)))
        .collect();
    let (mut connections, mut cycles) = (Vec::new(), Vec::new());
    for agent in working {
        let (connection, times) = agent.await??;
        connections.push(connection);
        cycles.extend(times);
    }
    Ok((begun.elapsed(), connections, cycles))
}

async fn work(
    mut agent: Connection,
    left: Rc<Cell<usize>>,
    deadline: Instant,
) -> Result<(Connection, Vec<f64>)> {
    let mut times = Vec::new();
    while left.get() > 0 && Instant::now() < deadline {
        left.set(left.get() - 1);
        let begun = Instant::now();
        let answer = agent.ask("POST", "/claims", "{}").await?;
        let (lease, epoch) = lease_of(&answer)?;
        agent.complete(&lease, epoch).await?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok((agent, times))
}

/// The lease and its epoch in a claim's answer.
fn lease_of(answer: &str) -> Result<(String, u64)> {
    let lease = text_of(answer, "lease_id").ok_or_else(|| format!("no lease: {answer}"))?;
    let epoch = number_of(answer, "epoch").ok_or("no epoch")?;
    Ok((lease.to_owned(), epoch))
}
