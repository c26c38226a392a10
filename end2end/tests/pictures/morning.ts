import { baton, Client, workspace } from "../support";

/** A morning's work of a team, for pictures: some of everything that pages show. */

const at = `/w/${workspace.slug}`;
// Pictures take a while, and nobody renews.
const lease_ms = 3_600_000;
const search = { capabilities: ["search"], requires: [{ resource: "google_search_api", amount: 1 }], kind: "research", lease_ms };
const write = {
  capabilities: ["writing"],
  requires: [{ resource: "opus", amount: 1 }],
  kind: "writing",
  lease_ms,
  estimate: { model: "opus", input_tokens: 12_000, output_tokens: 3_000, cost_microusd: 405_000, duration_ms: 240_000 },
};
const post = { capabilities: ["posting"], requires: [{ resource: "twitter_api", amount: 5 }], kind: "posting", lease_ms };
const work: [string, object][] = [
  ["Find the ten most cited papers on speculative decoding", { ...search, priority: "high" }],
  ["List open issues that mention a memory leak", { ...search }],
  ["Compare prices of GPU hosts in Europe", { ...search, requires: [{ resource: "google_search_api", amount: 40 }] }],
  ["Collect release notes of the three nearest competitors", { ...search }],
  ["Check which customers asked for single sign-on", { ...search, priority: "high" }],
  ["Draft the launch announcement", { ...write, priority: "urgent" }],
  ["Summarise yesterday's support tickets by theme", { ...write }],
  ["Rewrite the pricing page for clarity", { ...write }],
  ["Write the migration guide for version 2", { ...write, priority: "high" }],
  ["Explain the outage of 14 November to customers", { ...write, priority: "urgent" }],
  ["Prepare three subject lines for the newsletter", { ...write, priority: "low" }],
  ["Translate the quick start into German", { ...write }],
  ["Translate the quick start into Japanese", { ...write }],
  ["Turn the interview with Dr. Okafor into a blog post", { ...write }],
  ["Post the release thread", { ...post }],
  ["Answer mentions of the last six hours", { ...post, class: "routine" }],
  ["Thank this week's contributors", { ...post, priority: "low" }],
  ["Announce the webinar on Thursday", { ...post }],
  ["Review the contract with Northwind", { capabilities: ["legal"], kind: "review", priority: "high" }],
  ["Check the new privacy policy against GDPR", { capabilities: ["legal"], kind: "review" }],
  ["Render the product video in 4K", { capabilities: ["writing"], requires: [{ resource: "render_farm", amount: 2 }], kind: "video" }],
  ["Publish the benchmark results", { ...write, not_before: new Date(Date.now() + 3 * 3600e3).toISOString() }],
  ["Try shorter prompts for triage", { ...write, class: "exploratory" }],
  ["Measure answer quality with half the context", { ...write, class: "strategic" }],
  ["Index the archive of 2019 for search", { ...search, class: "exploratory" }],
  ["Scan changelogs for breaking changes", { ...search, class: "routine" }],
  ["Verify the figures in the quarterly report", { ...search, priority: "high" }],
  ["Watch the status pages of our providers", { ...search, class: "routine" }],
];

/** What was spent on a piece of work. */
const spend = (cost: number) => ({ model: "opus", input_tokens: 11_400, output_tokens: 2_810, cost_microusd: cost });

async function agent(name: string, capabilities: string[], slug = workspace.slug): Promise<Client> {
  const client = Client.as("agent", name, slug);
  await client.ask("POST", "/agents", { name, capabilities, max_concurrency: 4 });
  return client;
}

/** Makes the morning, and says where its pages of one thing are. */
export async function morning(): Promise<Record<string, string>> {
  const manager = Client.as("manager");
  await manager.ask("PUT", "/resources/google_search_api", { kind: "bucket", capacity: 100, refill_per_s: 0.05 });
  await manager.ask("PUT", "/resources/twitter_api", { kind: "bucket", capacity: 50, refill_per_s: 0.02 });
  await manager.ask("PUT", "/resources/opus", { kind: "slots", slots: 2 });
  const scope = { workspace: workspace.slug };
  await manager.ask("PUT", "/budgets/daily", { scope, unit: "microusd", limit: 25_000_000, window: "day", soft_at: 0.8 });
  await manager.ask("PUT", "/budgets/reading", { scope, unit: "tokens", limit: 2_000_000, window: "month" });
  const scout = await agent("scout", ["search"]);
  const scribe = await agent("scribe", ["writing"]);
  const quill = await agent("quill", ["writing"]);
  const herald = await agent("herald", ["posting"]);

  // What was done before the picture.
  let done: any;
  for (const title of ["Outline the launch plan", "Read the feedback of the beta", "Shorten the onboarding mail", "Name the new plan"]) {
    done = await manager.ask("POST", "/tasks", { title, ...write });
    const lease = await scribe.claim();
    await scribe.lease(lease, "complete", { output: { summary: "Done as asked.", files: ["plan.md"] }, usage: spend(1_870_000) });
  }
  const failed = await manager.ask("POST", "/tasks", { title: "Fetch the market study", ...search, max_attempts: 1 });
  await scout.lease(await scout.claim(), "fail", { error: "The study is behind a login.", retryable: false });
  const feed = await manager.ask("POST", "/tasks", { title: "Gather sources on inference costs", ...search });
  await scout.claim();
  const report = await manager.ask("POST", "/tasks", { title: "Write the report on inference costs", ...write, depends_on: [feed.id], priority: "high" });
  await manager.ask("POST", "/tasks", { title: "Design figures for the report", ...write, depends_on: [feed.id] });
  const held = await manager.ask("POST", "/tasks", { title: "Mail all customers about the new terms", ...write });
  await manager.ask("POST", `/tasks/${held.id}/hold`, { reason: "Legal has not signed it off." });
  const dropped = await manager.ask("POST", "/tasks", { title: "Port the site to WAP", ...write });
  await manager.ask("POST", `/tasks/${dropped.id}/cancel`, { reason: "Nobody has such a phone." });

  const tasks: Record<string, string> = {};
  for (const [title, needs] of work) tasks[title] = (await manager.ask("POST", "/tasks", { title, ...needs })).id;
  const writing = [await scribe.claim(), await quill.claim()];
  await scribe.lease(writing[0], "renew", { progress: 0.6, note: "Second draft, checking the dates." });
  await quill.lease(writing[1], "renew", { progress: 0.25, note: "Reading the thread." });
  for (let n = 0; n < 3; n += 1) await scout.claim();
  for (let n = 0; n < 2; n += 1) await herald.claim();
  await manager.ask("POST", "/resources/twitter_api/throttled", { retry_after_ms: 900_000 });
  // Those who have nothing to do ask for work, until the server stops.
  for (const idle of [scribe, quill, herald, scout]) {
    const ask = (): Promise<void> => idle.ask("POST", "/claims", { wait_ms: 30_000 }).then(ask, () => {});
    void ask();
  }
  const boosted = tasks["Write the migration guide for version 2"];
  await manager.ask("POST", `/tasks/${boosted}/boost`, {
    score_delta: 60,
    reason: "Two customers wait for it.",
    expires_at: new Date(Date.now() + 6 * 3600e3).toISOString(),
  });

  const decision = async (query: string) => {
    const { items } = await manager.ask("GET", `/decisions?${query}`);
    return `${at}/decisions/${items[0].id}`;
  };
  const waiting = tasks["Translate the quick start into German"];
  return {
    "task-waiting": `${at}/tasks/${waiting}`,
    "task-needs-you": `${at}/tasks/${tasks["Review the contract with Northwind"]}`,
    "task-on-other-work": `${at}/tasks/${report.id}`,
    "task-closed": `${at}/tasks/${tasks["Thank this week's contributors"]}`,
    "task-held": `${at}/tasks/${held.id}`,
    "task-running": `${at}/tasks/${writing[0].task.id}`,
    "task-done": `${at}/tasks/${done.id}`,
    "task-failed": `${at}/tasks/${failed.id}`,
    "task-cancelled": `${at}/tasks/${dropped.id}`,
    edit: `${at}/tasks/${waiting}/edit`,
    compare: `${at}/compare?this=${boosted}&that=${waiting}`,
    "tasks-open-row": `${at}/tasks?open=${waiting}`,
    decision: await decision(`kind=dispatch&task=${writing[1].task.id}`),
    "decision-not-yet": await decision("kind=not_yet"),
    "decision-override": await decision(`kind=override&task=${held.id}`),
    "decision-throttle": await decision("kind=throttle"),
  };
}

const endless = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

/** A workspace in which every word is as long as it may be. */
export async function longWords(slug: string): Promise<string> {
  baton(["workspace", "create", slug, "--name", endless, "--goal", `${endless} ${endless}`]);
  const manager = Client.as("manager", undefined, slug);
  const gate = "a_resource_with_a_name_as_long_as_names_may_ever_be_in_here";
  await manager.ask("PUT", `/resources/${gate}`, { kind: "bucket", capacity: 1_000_000, refill_per_s: 0.001 });
  await manager.ask("PUT", `/budgets/${gate}`, { scope: { workspace: slug }, unit: "microusd", limit: 9_000_000_000_000, window: "month" });
  const name = "an_agent_with_a_name_as_long_as_names_may_ever_be_in_here";
  const worker = await agent(name, [gate, `${gate}_2`, `${gate}_3`], slug);
  const needs = { capabilities: [gate], requires: [{ resource: gate, amount: 900_000 }] };
  const spent = { model: gate, input_tokens: 987_654_321, output_tokens: 123_456_789, cost_microusd: 987_654_321_012 };
  await manager.ask("POST", "/tasks", { title: endless, ...needs });
  await worker.lease(await worker.claim(), "fail", { error: `${endless}: ${endless}`, usage: spent });
  const task = await manager.ask("POST", "/tasks", { title: `${endless}${endless}`, description: endless.repeat(5), payload: { [endless]: endless }, ...needs });
  return task.id;
}
