import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { Client, workspace } from "./support";

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
};
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
  await manager.ask("POST", "/tasks", { title: "Pass first", requires, capabilities });
  await porter.claim();
  const second = await manager.ask("POST", "/tasks", { title: "Pass second", requires, capabilities });
  task = second.id;
  const { items } = await manager.ask("GET", "/decisions?kind=dispatch");
  decision = items[0].id;
});

for (const name of Object.keys(pages)) {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [360, 1280]) {
      test(`${name}, ${colorScheme}, ${width} px`, async ({ page }) => {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        await page.goto(pages[name]());
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)])).toEqual([]);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(over, "nothing is wider than the page").toBeLessThanOrEqual(0);
      });
    }
  }
}
