import { expect, type Page, test } from "@playwright/test";
import { Client, toDatabase, workspace } from "./support";

/** What pages say of a state of affairs, and that they say it where it is looked for. */

const at = `/w/${workspace.slug}`;
const nobody = { capabilities: ["nobody has this"] };

async function open(page: Page, path: string) {
  await page.goto(path);
  await page.locator("html[data-awake]").waitFor();
}

/** An agent of its own, with a task it has claimed, for which every budget has enough. */
async function atWork(name: string, estimate: object = {}) {
  const manager = Client.as("manager");
  const agent = Client.as("agent", name);
  await agent.ask("POST", "/agents", { name, capabilities: [name] });
  const { id } = await manager.ask("POST", "/tasks", {
    title: `Work of ${name}`,
    capabilities: [name],
    estimate: { cost_microusd: 1_000, ...estimate },
  });
  return { id, agent, lease: await agent.claim() };
}

test("a budget that is spent says so, in its card and in the heading, and what waits for it", async ({ page }) => {
  const manager = Client.as("manager");
  const name = `purse_${Date.now()}`;
  const { agent, lease } = await atWork(name);
  const put = (limit: number) =>
    manager.ask("PUT", `/budgets/${name}`, { scope: { agent: name }, unit: "microusd", limit, window: "day" });
  await put(50_000);
  await agent.lease(lease, "usage", { cost_microusd: 45_000 });
  await open(page, `${at}/budgets`);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  await expect(card.locator(".tag")).toHaveText("Past its warning mark");
  await agent.lease(lease, "complete", { usage: { cost_microusd: 6_000 } });
  await expect(card.locator(".tag")).toHaveText("Spent");
  await expect(page.locator("#budgets-lead")).toContainText(/is spent|are spent|budgets? .*spent/);

  const { id } = await manager.ask("POST", "/tasks", {
    title: "Dearer than ever",
    capabilities: [name],
    estimate: { cost_microusd: 90_000 },
  });
  await open(page, `${at}/tasks/${id}`);
  const picture = page.locator(".have-need", { hasText: "$0.05 at most" });
  await expect(picture).toContainText("$0.09 needed");
  await expect(picture).toContainText("in use");
});

test("the pace of a day is one, wherever it is told", async ({ page }) => {
  const name = `daily_${Date.now()}`;
  const body = { scope: { workspace: workspace.slug }, unit: "microusd", limit: 900_000_000, window: "day" };
  await Client.as("manager").ask("PUT", `/budgets/${name}`, body);
  const { agent, lease } = await atWork(name);
  await agent.lease(lease, "complete", { usage: { cost_microusd: 2_000 } });
  // One burst of a quarter of an hour ago, after which nothing was spent until now.
  await toDatabase(
    `INSERT INTO usage_report SELECT workspace_id, at - interval '14 minutes', task_id, lease_id, agent_id, kind, model,
       input_tokens, output_tokens, cost_microusd FROM usage_report ORDER BY at DESC LIMIT 1`,
  );
  const over = (text: string) => text.match(/pace of the last (\d+ \w+)/)?.[1];
  await open(page, `/?w=${workspace.slug}`);
  const overview = over(await page.getByRole("region", { name: "Spend today" }).innerText());
  await open(page, `${at}/budgets`);
  const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  expect(overview).toBe("14 min");
  expect(over(await card.innerText())).toBe(overview);
});

test("a time that ends before it begins is named at its field", async ({ page }) => {
  await open(page, `${at}/decisions?from=2026-11-21T12:00&to=2026-11-20T12:00`);
  const to = page.getByLabel("To, UTC");
  await expect(to).toHaveAttribute("aria-invalid", "true");
  await expect(to).toHaveAccessibleDescription("“To” is before “From”, so nothing can fit.");
  await expect(page.getByText("No decision can fit")).toBeVisible();
});

test("a task that runs says why it cannot be edited", async ({ page }) => {
  const { id } = await atWork(`busy_${Date.now()}`);
  await open(page, `${at}/tasks/${id}/edit`);
  await expect(page.getByText("It is running, and only a task that waits can be edited.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Save" })).toHaveCount(0);
  await page.getByRole("link", { name: "To the task" }).click();
  await expect(page.getByRole("link", { name: "Edit", exact: true })).toHaveCount(0);
});

test("an estimate that has passed is said to be one", async ({ page }) => {
  const { id } = await atWork(`late_${Date.now()}`, { duration_ms: 1_000 });
  await open(page, `${at}/tasks/${id}`);
  await expect(page.getByText(/expected end: \d+ s ago/)).toBeVisible({ timeout: 15_000 });
});

test("no title turns its row around", async ({ page }) => {
  const mark = `turned${Date.now()}`;
  await Client.as("manager").ask("POST", "/tasks", { title: `${mark} \u202egpj.exe`, ...nobody });
  await open(page, `${at}/tasks?q=${mark}`);
  await expect(page.getByRole("link", { name: `${mark} gpj.exe` })).toBeVisible();
  expect(await page.content()).not.toContain("\u202e");
});

test("Esc closes an open row, and whoever comes back goes on there", async ({ page }) => {
  const mark = `rows${Date.now()}`;
  for (const title of ["First", "Second"]) {
    await Client.as("manager").ask("POST", "/tasks", { title: `${title} of ${mark}`, ...nobody });
  }
  await open(page, `${at}/tasks?q=${mark}`);
  const opener = page.getByRole("row", { name: `First of ${mark}` }).locator(".opener");
  await opener.focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/open=/);
  await page.locator("html[data-awake]").waitFor();
  await expect(page.getByText("Handed in by")).toBeVisible();
  await expect(opener).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page).not.toHaveURL(/open=/);
  await page.locator("html[data-awake]").waitFor();
  await expect(page.getByText("Handed in by")).toHaveCount(0);
  await expect(opener).toBeFocused();

  await page.getByRole("link", { name: `First of ${mark}` }).press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`First of ${mark}`);
  await page.goBack();
  await page.locator("html[data-awake]").waitFor();
  await expect(page.getByRole("link", { name: `First of ${mark}` })).toBeFocused();
});

for (const width of [360, 768, 1280]) {
  test(`a workspace's board stands in one row or one column at ${width} px`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await open(page, at);
    const boxes = await Promise.all((await page.locator(".board-column").all()).map((column) => column.boundingBox()));
    const tops = new Set(boxes.map((box) => box!.y));
    const lefts = new Set(boxes.map((box) => box!.x));
    expect(Math.min(tops.size, lefts.size)).toBe(1);
    if (width === 1280) expect(tops.size).toBe(1);
  });
}

test("what asks whether a key is to be revoked is read whole", async ({ page }) => {
  Client.as("manager");
  await page.setViewportSize({ width: 1280, height: 900 });
  await open(page, `${at}/settings`);
  const row = page.locator("#keys tbody tr").first();
  await row.getByText("Revoke", { exact: true }).click();
  const [card, panel] = [page.locator("#keys"), row.locator(".asking-panel")];
  const [outer, inner] = [await card.boundingBox(), await panel.boundingBox()];
  expect(inner!.x).toBeGreaterThanOrEqual(outer!.x);
  expect(inner!.x + inner!.width).toBeLessThanOrEqual(outer!.x + outer!.width);
  expect(await panel.evaluate((panel) => panel.scrollWidth - panel.clientWidth)).toBeLessThanOrEqual(0);
});
