import { expect, test } from "@playwright/test";
import { Client, complaints, workspace } from "./support";

test("a task goes from waiting to done before one's eyes, and its decision can be read", async ({
  page,
}) => {
  const problems = complaints(page);
  const manager = Client.as("manager");
  await manager.ask("PUT", "/resources/search_api", { kind: "slots", slots: 1 });
  const scout = Client.as("agent", "scout");
  await scout.ask("POST", "/agents", { name: "scout", capabilities: ["search"] });
  const needs = { capabilities: ["search"], requires: [{ resource: "search_api", amount: 1 }] };
  await manager.ask("POST", "/tasks", { title: "Find the three cheapest hosts", ...needs });
  const first = await scout.claim();
  const claimed = scout.claim();
  const second = await manager.ask("POST", "/tasks", { title: "Compare their uptime", ...needs });

  await page.goto(`/w/${workspace.slug}/tasks/${second.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Compare their uptime");
  await expect(page.locator("html")).toHaveAttribute("data-awake", "");
  await page.evaluate(() => ((window as any).sameDocument = true));
  const why = page.getByRole("region", { name: /^Not yet:/ });
  await expect(why).toContainText(/search_api\W* has 0 of 1 slots free/);
  await expect(why.getByRole("link", { name: "Find the three cheapest hosts" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();

  await scout.lease(first, "complete", { output: { found: 3 } });
  const lease = await claimed;
  const state = page.locator(".page-head .mark");
  await expect(state).toHaveText("running");
  await expect(page.getByRole("heading", { name: "Lease" })).toBeVisible();
  await scout.lease(lease, "usage", { input_tokens: 1200, output_tokens: 300, cost_microusd: 4200 });
  await scout.lease(lease, "complete", { output: { best: "hetzner" } });
  await expect(state).toHaveText("done");
  await expect(page.getByText('"best": "hetzner"')).toBeVisible();
  expect(await page.evaluate(() => (window as any).sameDocument)).toBe(true);

  await page.getByRole("link", { name: "Given to scout, attempt 1" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Given to scout, attempt 1");
  await expect(page.getByText(/It took 1 of \W*search_api/)).toBeVisible();
  await expect(page.getByText("scout completed it in")).toBeVisible();
  expect(problems).toEqual([]);
});

test("what an agent writes is shown as text", async ({ page }) => {
  const problems = complaints(page);
  const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  const task = await Client.as("manager").ask("POST", "/tasks", {
    title: hostile,
    description: hostile,
    payload: { hostile },
    capabilities: ["nobody has this"],
  });
  await page.goto(`/w/${workspace.slug}/tasks/${task.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(hostile);
  await page.goto(`/w/${workspace.slug}/tasks`);
  await expect(page.getByRole("link", { name: hostile })).toBeVisible();
  await expect(page).not.toHaveTitle("owned");
  expect(problems).toEqual([]);
});

test("the live mark says when it is paused, and nothing moves then", async ({ page }) => {
  const manager = Client.as("manager");
  await page.goto(`/w/${workspace.slug}/tasks`);
  await page.getByRole("button", { name: "Live" }).click();
  await expect(page.getByRole("button", { name: "Paused" })).toHaveAttribute("aria-pressed", "true");
  await manager.ask("POST", "/tasks", {
    title: "Handed in during the pause",
    capabilities: ["nobody has this"],
  });
  const row = page.getByRole("link", { name: "Handed in during the pause" });
  await expect(row).toBeHidden();
  await page.getByRole("button", { name: "Paused" }).click();
  await expect(row).toBeVisible();
});

test("the list says of every task why it is where it is", async ({ page }) => {
  const mark = `why${Date.now()}`;
  const manager = Client.as("manager");
  const agent = Client.as("agent", mark);
  await agent.ask("POST", "/agents", { name: mark, capabilities: [mark] });
  const make = (title: string, more: object = {}) =>
    manager.ask("POST", "/tasks", { title: `${mark} ${title}`, capabilities: [mark], ...more });
  await make("to look at", { needs_review: true });
  await agent.lease(await agent.claim(), "complete", { output: { words: "done" } });
  await make("broken", { max_attempts: 1 });
  await agent.lease(await agent.claim(), "fail", { error: "At bar 12:\nThe reed is dry.\n", retryable: false });
  for (const [act, reason] of [["hold", "later"], ["cancel", "The hall is booked."], ["cancel", undefined]]) {
    const { id } = await make(`${act} ${reason ?? "unsaid"}`, { capabilities: ["nobody has this"] });
    await manager.ask("POST", `/tasks/${id}/${act}`, { reason });
  }
  await page.goto(`/w/${workspace.slug}/tasks?q=${mark}`);
  const why = (title: string) => page.getByRole("row", { name: `${mark} ${title}` }).locator(".row-why");
  await expect(why("to look at")).toHaveText("waits for a look");
  await expect(why("broken")).toHaveText("The reed is dry.");
  await expect(why("hold later")).toHaveText("until somebody releases it");
  await expect(why("cancel The hall")).toHaveText("The hall is booked.");
  await expect(why("cancel unsaid")).toHaveText("no reason was given");
});
