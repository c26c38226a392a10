import { mkdirSync } from "node:fs";
import { type Page, test } from "@playwright/test";
import { baton, Client, workspace } from "./support";

/**
 * Pictures of every page in both themes, on a phone and on a desk: with a morning's work in it, and
 * empty. They are for looking at, in `target/screenshots`; those the README shows are kept in `docs`.
 */

const folder = "../target/screenshots";
const kept = ["overview-light-1280", "task-waiting-dark-1280", "decisions-light-1280", "decision-dark-1280", "workspace-light-1280", "agents-dark-1280"];
const at = `/w/${workspace.slug}`;
const empty = "hush";

/** Where a workspace's pages are. */
const places = (slug: string): [string, string][] => [
  ["overview", `/?w=${slug}`],
  ["workspace", `/w/${slug}`],
  ["tasks", `/w/${slug}/tasks`],
  ["decisions", `/w/${slug}/decisions`],
  ["agents", `/w/${slug}/agents`],
  ["resources", `/w/${slug}/resources`],
  ["budgets", `/w/${slug}/budgets`],
  ["settings", `/w/${slug}/settings`],
  ["find", `/w/${slug}/find`],
];
const pages: Record<string, string> = {
  ...Object.fromEntries(places(workspace.slug)),
  ...Object.fromEntries(places(empty).map(([name, path]) => [`${name}-empty`, path])),
  "new-key": `${at}/settings?key=agent`,
  resource: `${at}/resources/opus`,
  agent: `${at}/agents/scribe`,
  workspaces: "/w",
  account: "/account",
  "not-found": "/nothing",
};

const search = { capabilities: ["search"], requires: [{ resource: "google_search_api", amount: 1 }], kind: "research" };
const write = {
  capabilities: ["writing"],
  requires: [{ resource: "opus", amount: 1 }],
  kind: "writing",
  estimate: { model: "opus", input_tokens: 12_000, output_tokens: 3_000, cost_microusd: 405_000, duration_ms: 240_000 },
};
const post = { capabilities: ["posting"], requires: [{ resource: "twitter_api", amount: 5 }], kind: "posting" };
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

test.beforeAll(async () => {
  mkdirSync(folder, { recursive: true });
  baton(["workspace", "create", empty, "--name", "Quiet corner"]);
  const manager = Client.as("manager");
  await manager.ask("PUT", "/resources/google_search_api", { kind: "bucket", capacity: 100, refill_per_s: 0.05 });
  await manager.ask("PUT", "/resources/twitter_api", { kind: "bucket", capacity: 50, refill_per_s: 0.02 });
  await manager.ask("PUT", "/resources/opus", { kind: "slots", slots: 2 });
  const scope = { workspace: workspace.slug };
  await manager.ask("PUT", "/budgets/daily", { scope, unit: "microusd", limit: 25_000_000, window: "day", soft_at: 0.8 });
  const agent = async (name: string, capabilities: string[]) => {
    const client = Client.as("agent", name);
    await client.ask("POST", "/agents", { name, capabilities, max_concurrency: 4 });
    return client;
  };
  const scout = await agent("scout", ["search"]);
  const scribe = await agent("scribe", ["writing"]);
  const quill = await agent("quill", ["writing"]);
  const herald = await agent("herald", ["posting"]);

  // What was done before the picture.
  const spend = (cost: number) => ({ model: "opus", input_tokens: 11_400, output_tokens: 2_810, cost_microusd: cost });
  for (const title of ["Outline the launch plan", "Read the feedback of the beta", "Shorten the onboarding mail", "Name the new plan"]) {
    await manager.ask("POST", "/tasks", { title, ...write });
    const lease = await scribe.claim();
    await scribe.lease(lease, "complete", { output: { summary: "Done as asked." }, usage: spend(1_870_000) });
  }
  await manager.ask("POST", "/tasks", { title: "Fetch the market study", ...search, max_attempts: 1 });
  await scout.lease(await scout.claim(), "fail", { error: "The study is behind a login.", retryable: false });
  const feed = await manager.ask("POST", "/tasks", { title: "Gather sources on inference costs", ...search });
  await scout.claim();
  await manager.ask("POST", "/tasks", { title: "Write the report on inference costs", ...write, depends_on: [feed.id], priority: "high" });
  await manager.ask("POST", "/tasks", { title: "Design figures for the report", ...write, depends_on: [feed.id] });
  const held = await manager.ask("POST", "/tasks", { title: "Mail all customers about the new terms", ...write });
  await manager.ask("POST", `/tasks/${held.id}/hold`, { reason: "Legal has not signed it off." });

  const tasks: Record<string, string> = {};
  for (const [title, needs] of work) tasks[title] = (await manager.ask("POST", "/tasks", { title, ...needs })).id;
  const writing = [await scribe.claim(), await quill.claim()];
  await scribe.lease(writing[0], "renew", { progress: 0.6, note: "Second draft, checking the dates." });
  await quill.lease(writing[1], "renew", { progress: 0.25, note: "Reading the thread." });
  for (let n = 0; n < 3; n += 1) await scout.claim();
  for (let n = 0; n < 2; n += 1) await herald.claim();
  await manager.ask("POST", "/resources/twitter_api/throttled", { retry_after_ms: 900_000 });
  // Those who have nothing to do ask for work.
  for (const idle of [scribe, quill, herald, scout]) {
    void idle.ask("POST", "/claims", { wait_ms: 60_000 }).catch(() => {});
  }

  await manager.ask("POST", `/tasks/${tasks["Write the migration guide for version 2"]}/boost`, {
    score_delta: 60,
    reason: "Two customers wait for it.",
    expires_at: new Date(Date.now() + 6 * 3600e3).toISOString(),
  });

  pages["task-waiting"] = `${at}/tasks/${tasks["Translate the quick start into German"]}`;
  pages["task-running"] = `${at}/tasks/${writing[0].task.id}`;
  const dispatches = await manager.ask("GET", `/decisions?kind=dispatch&task=${writing[1].task.id}`);
  pages.decision = `${at}/decisions/${dispatches.items[0].id}`;
});

const looks = (["light", "dark"] as const).flatMap((theme) => [360, 1280].map((width) => ({ theme, width })));

async function take(page: Page, name: string, path: string, { theme, width }: (typeof looks)[number]) {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: width === 360 ? 780 : 860 });
  await page.goto(path);
  await page.locator("html[data-awake]").waitFor();
  await page.evaluate(() => document.fonts.ready);
  const look = `${name}-${theme}-${width}`;
  await page.screenshot({ path: `${folder}/${look}.png`, fullPage: true });
  if (kept.includes(look)) await page.screenshot({ path: `../docs/screenshots/${look}.png` });
}

for (const name of [...Object.keys(pages), "task-waiting", "task-running", "decision"]) {
  for (const look of looks) {
    test(`${name}, ${look.theme}, ${look.width} px`, ({ page }) => take(page, name, pages[name], look));
  }
}

for (const look of looks) {
  test(`palette, ${look.theme}, ${look.width} px`, async ({ page }) => {
    await take(page, "palette", pages.overview, look);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("the");
    await page.locator("#palette-found a").first().waitFor();
    await page.screenshot({ path: `${folder}/palette-${look.theme}-${look.width}.png` });
  });

  test(`login, ${look.theme}, ${look.width} px`, async ({ browser }) => {
    const page = await browser.newPage({ storageState: undefined });
    await take(page, "login", "/login", look);
    await take(page, "login-refused", "/login?fault=wrong", look);
    await page.close();
  });
}
