import { expect, type Page, test } from "@playwright/test";
import { Client, complaints, unfold, workspace } from "./support";

const at = `/w/${workspace.slug}`;

/** One slot, taken; two tasks wait for it, and an agent that could take one more waits for work. */
async function crowd(gate: string): Promise<{ answer: Promise<any> }> {
  const manager = Client.as("manager");
  await manager.ask("PUT", `/resources/${gate}`, { kind: "slots", slots: 1 });
  const task = { requires: [{ resource: gate, amount: 1 }], capabilities: [gate], estimate: { duration_ms: 60_000 } };
  const porter = Client.as("agent", gate);
  await porter.ask("POST", "/agents", { name: gate, capabilities: [gate], max_concurrency: 2 });
  await manager.ask("POST", "/tasks", { title: `Holds ${gate}`, ...task });
  await porter.claim();
  await manager.ask("POST", "/tasks", { title: `Waits at ${gate}`, ...task });
  await manager.ask("POST", "/tasks", { title: `Waits behind at ${gate}`, ...task });
  return { answer: porter.ask("POST", "/claims", { wait_ms: 30_000 }) };
}

test("a manager asks what two slots would do, and makes it so", async ({ page }) => {
  const problems = complaints(page);
  const gate = `gate_${Date.now()}`;
  const waiting = await crowd(gate);
  await page.goto(`${at}/resources`);
  await expect(page.getByRole("listitem").filter({ hasText: gate })).toContainText("1 of 1 in use");
  await page.getByRole("link", { name: gate }).click();
  await expect(page.locator("#holders")).toContainText(`Holds ${gate}`);
  await expect(page.locator("#waitlist")).toContainText(`Waits at ${gate}`);
  const slider = page.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByLabel("Slots, instead of 1")).toHaveValue("2");
  await expect(page.locator("#what-if")).toContainText("1 task would start at once");
  await expect(page.locator("#gauge")).toContainText("1 of 1 in use");
  await page.getByRole("button", { name: "Make it so" }).click();
  await expect(page.locator("#gauge")).toContainText("2 of 2 in use");
  const { leases } = await waiting.answer;
  expect(leases).toHaveLength(1);
  expect(problems).toEqual([]);
});

/** A resource is made, closed with a reason and opened again. */
async function closing(page: Page) {
  const name = `search_${Date.now()}`;
  await page.goto(`${at}/resources`);
  await unfold(page, "New resource");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Capacity").fill("100");
  await page.getByLabel("Refill a second").fill("0.5");
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(page.locator("#gauge")).toContainText("100 of 100 left");
  await page.getByText("Close it", { exact: true }).click();
  await page.getByLabel("Why").fill("Their maintenance window");
  await page.getByRole("button", { name: "Close it for everyone" }).click();
  await expect(page.locator("#gauge")).toContainText("Closed by a person");
  await page.getByText("Open it again", { exact: true }).click();
  await page.getByRole("button", { name: "Open it now" }).click();
  await expect(page.locator("#gauge")).not.toContainText("Closed by a person");
  await page.goto(`${at}/decisions?kind=throttle`);
  await expect(page.getByRole("main")).toContainText(name);
}

/** A budget is made and raised. */
async function budgeting(page: Page) {
  const name = `day_${Date.now()}`;
  await page.goto(`${at}/budgets`);
  const form = page.locator("form#set_budget");
  await unfold(page, "New budget");
  await form.getByLabel("Name").fill(name);
  await form.getByLabel("Limit").fill("5");
  await form.getByRole("button", { name: "Create" }).click();
  const budget = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  await expect(budget).toContainText("of $5.00 per day");
  await budget.getByText("Edit", { exact: true }).click();
  await budget.getByLabel("Limit").fill("7.5");
  await budget.getByRole("button", { name: "Set the budget" }).click();
  await expect(budget).toContainText("of $7.50 per day");
}

test("money is told to the cent, less by two digits, and exactly on hover, wherever it stands", async ({ page }) => {
  const manager = Client.as("manager");
  const name = `cents_${Date.now()}`;
  const spender = Client.as("agent", name);
  await spender.ask("POST", "/agents", { name, capabilities: [name] });
  await manager.ask("PUT", `/budgets/${name}`, { scope: { agent: name }, unit: "microusd", limit: 1_239_999, window: "day" });
  const task = { title: name, capabilities: [name], estimate: { cost_microusd: 45_678 } };
  const { id } = await manager.ask("POST", "/tasks", task);
  await spender.lease(await spender.claim(), "complete", { usage: { model: "small", cost_microusd: 1_234 } });

  await page.goto(`${at}/budgets`);
  const budget = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
  const told = (figure: string, exact: string) =>
    expect(budget.locator(`[title="${exact}"]`).first()).toHaveText(figure);
  await told("$0.0012", "$0.001234");
  await told("$1.24", "$1.239999");
  await expect(budget.locator(".chart-legend").first()).not.toContainText("0.001234");
  await page.goto(`${at}/tasks/${id}`);
  await expect(page.getByRole("region", { name: "What it needs" }).getByText("$0.05")).toHaveAttribute("title", "$0.045678");
  await expect(page.getByRole("region", { name: "Attempts" }).getByText("$0.0012")).toHaveAttribute("title", "$0.001234");
  await expect(page.locator("time.moment").first()).toHaveAttribute("title", /^\d+ [A-Z][a-z]{2} \d{4}, \d\d:\d\d:\d\d UTC$/);
});

test("on a phone what makes another budget or resource waits behind its button", async ({ page }) => {
  const manager = Client.as("manager");
  const name = `phone_${Date.now()}`;
  const scope = { workspace: workspace.slug };
  await manager.ask("PUT", `/budgets/${name}`, { scope, unit: "tokens", limit: 1_000_000, window: "day" });
  await manager.ask("PUT", `/resources/${name}`, { kind: "slots", slots: 1 });
  await page.setViewportSize({ width: 360, height: 800 });
  for (const [path, button, form] of [
    ["budgets", "New budget", "form#set_budget"],
    ["resources", "New resource", "form#set_resource"],
  ]) {
    await page.goto(`${at}/${path}`);
    await expect(page.locator(form)).toBeHidden();
    const [opener, first] = [page.getByText(button, { exact: true }), page.locator(".limits > li").first()];
    expect((await opener.boundingBox())!.y).toBeLessThan((await first.boundingBox())!.y);
    await opener.click();
    await expect(page.locator(form)).toBeVisible();
  }
});

test("a resource is made, closed with a reason and opened again", ({ page }) => closing(page));
test("a budget is made and raised", ({ page }) => budgeting(page));

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });
  test("a resource is made, closed with a reason and opened again", ({ page }) => closing(page));
  test("a budget is made and raised", ({ page }) => budgeting(page));

  test("the same is asked and made by forms", async ({ page }) => {
    const gate = `plain_gate_${Date.now()}`;
    const waiting = await crowd(gate);
    await page.goto(`${at}/resources/${gate}`);
    await expect(page.getByRole("slider")).toBeHidden();
    await expect(page.locator("#waitlist")).toContainText(`Waits at ${gate}`);
    await page.getByLabel("Slots, instead of 1").fill("2");
    await page.getByRole("button", { name: "Ask" }).click();
    await expect(page).toHaveURL(/slots=2/);
    await expect(page.locator("#what-if")).toContainText("1 task would start at once");
    await page.getByRole("button", { name: "Make it so" }).click();
    await expect(page.locator("#gauge")).toContainText("2 of 2 in use");
    await waiting.answer;
    await page.goto(`${at}/budgets`);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  });
});
