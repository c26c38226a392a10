import { expect, test } from "@playwright/test";
import { Client, isFit, looks, openIn, without, workspace } from "./support";

const at = `/w/${workspace.slug}`;
const pages: Record<string, () => string> = {
  overview: () => `/?w=${workspace.slug}`,
  tasks: () => `${at}/tasks`,
  task: () => `${at}/tasks/${task}`,
  decisions: () => `${at}/decisions`,
  workspaces: () => "/w",
  workspace: () => at,
  agents: () => `${at}/agents`,
  agent: () => `${at}/agents/${agent}`,
  settings: () => `${at}/settings?key=agent`,
  account: () => "/account",
  find: () => `${at}/find?q=pass`,
  "not found": () => "/nothing",
  decision: () => `${at}/decisions/${decision}`,
  resources: () => `${at}/resources`,
  resource: () => `${at}/resources/${gate}?slots=3`,
  budgets: () => `${at}/budgets`,
  compare: () => `${at}/compare?this=${first}&that=${task}`,
  "the interface": () => "/api/docs",
  "found nothing": () => `${at}/find?q=zeppelin`,
  "no task fits": () => `${at}/tasks?q=zeppelin`,
};
let first: string;
let task: string;
let decision: string;
let agent: string;
let gate: string;

test.beforeAll(async () => {
  const manager = Client.as("manager");
  // After a failure this runs again, on the same server.
  gate = `narrow_gate_${Date.now()}`;
  await manager.ask("PUT", `/resources/${gate}`, { kind: "slots", slots: 1 });
  const scope = { workspace: workspace.slug };
  await manager.ask("PUT", "/budgets/all", { scope, unit: "tokens", limit: 100_000, window: "day" });
  const requires = [{ resource: gate, amount: 1 }];
  const capabilities = [gate];
  agent = gate;
  const porter = Client.as("agent", gate);
  await porter.ask("POST", "/agents", { name: gate, capabilities });
  first = (await manager.ask("POST", "/tasks", { title: "Pass first", requires, capabilities })).id;
  await porter.claim();
  const second = await manager.ask("POST", "/tasks", { title: "Pass second", requires, capabilities });
  task = second.id;
  const { items } = await manager.ask("GET", "/decisions?kind=dispatch");
  decision = items[0].id;
});

for (const look of looks) {
  for (const name of Object.keys(pages)) {
    test(`${name}, ${look.name}`, async ({ page }) => {
      await openIn(page, pages[name](), look);
      await isFit(page);
    });
  }

  test(`the way in, ${look.name}`, async ({ browser }) => {
    const context = await browser.newContext({ storageState: undefined });
    const page = await context.newPage();
    await openIn(page, "/login?fault=wrong", look);
    await page.locator(".door-help summary").click();
    await isFit(page);
    await context.close();
  });

  test(`what lies over a page, ${look.name}`, async ({ page }) => {
    await openIn(page, pages.overview(), look);
    await expect(page.locator("html")).toHaveAttribute("data-awake", "");
    await page.locator(".switcher-button").click();
    await isFit(page, "the list of workspaces:");
    await page.keyboard.press("Escape");
    await page.locator(look.width < 1024 ? ".menu-button" : ".account-button").click();
    await isFit(page, "the menu:");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("pass");
    await page.locator("#palette-found a").first().waitFor();
    await isFit(page, "the palette:");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await isFit(page, "the keys:");
  });

  test(`pages that failed, ${look.name}`, async ({ page }) => {
    for (const [table, path, title] of [
      ["api_key", `${at}/settings`, "Something broke here"],
      ["account", `${at}/tasks`, "Back in a moment"],
    ]) {
      await without(table, async () => {
        await openIn(page, path, look);
        await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
        await isFit(page);
      });
      await page.getByRole("link", { name: "Load it again" }).click();
      await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(title);
    }
  });
}
