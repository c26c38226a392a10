import { expect, test, type Page } from "@playwright/test";
import { Client, looks, openIn, workspace } from "./support";

/** What moved without having been asked for: how far, and which parts. */
interface Shift {
  value: number;
  moved: string[];
}

/** More than this somebody who reads notices. */
const LITTLE = 0.05;

/** Notes from now on whatever moves on the pages that are opened. */
async function watch(page: Page) {
  await page.addInitScript(() => {
    const shifts: Shift[] = [];
    const said = (node: Node | null) => {
      const element = node instanceof Element ? node : node?.parentElement;
      const text = element?.textContent?.trim().slice(0, 30);
      return `${element?.tagName.toLowerCase()}${element?.id && "#" + element.id}.${element?.className} "${text}"`;
    };
    const note = (entries: PerformanceEntryList) => {
      for (const { value, hadRecentInput, sources } of entries as any[]) {
        const moved = sources.map(
          ({ node, previousRect, currentRect }: any) =>
            `${said(node)} ${previousRect.y}+${previousRect.height} → ${currentRect.y}+${currentRect.height}`,
        );
        if (!hadRecentInput) shifts.push({ value, moved });
      }
    };
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    const shown = () => new Promise(requestAnimationFrame);
    const moved = async () => {
      // What was written last is laid out with the next picture, and noted with the one after.
      for (let picture = 0; picture < 3; picture += 1) await shown();
      note(observer.takeRecords());
      return shifts;
    };
    Object.assign(window, { moved });
  });
}

/** What has moved so far on the page that is open. */
const moved = (page: Page): Promise<Shift[]> => page.evaluate(() => (window as any).moved());

for (const look of looks.filter(({ colorScheme }) => colorScheme === "light")) {
  test(`what a task does moves little on its page: ${look.width} px`, async ({ page }) => {
    const manager = Client.as("manager");
    const name = `steady-${look.width}`;
    const agent = Client.as("agent", name);
    const resource = `chair-${name}`;
    await manager.ask("PUT", `/resources/${resource}`, { kind: "slots", slots: 1 });
    await agent.ask("POST", "/agents", { name, capabilities: [name], max_concurrency: 1 });
    const needs = { capabilities: [name], requires: [{ resource, amount: 1 }] };
    await manager.ask("POST", "/tasks", { title: "Sit first", ...needs });
    const before = await agent.claim();
    const task = await manager.ask("POST", "/tasks", {
      title: "Take the chair and think about prices",
      description: "In the three shops of the team's notes.",
      ...needs,
    });
    const state = page.locator("#task-state");
    await watch(page);
    await openIn(page, `/w/${workspace.slug}/tasks/${task.id}`, look);
    await expect(page.getByRole("button", { name: "Live" })).toBeAttached();
    await expect(state).toContainText("waiting");
    await agent.lease(before, "complete");
    const lease = await agent.claim();
    await expect(state).toContainText("running");
    await expect(page.locator("#now")).toContainText("What held it before");
    await agent.lease(lease, "renew", { progress: 0.4, note: "Two shops of three are read." });
    await expect(page.getByText("Two shops of three are read.")).toBeVisible();
    await agent.lease(lease, "usage", { model: "small", input_tokens: 900, output_tokens: 120 });
    await agent.lease(lease, "complete", { output: { cheapest: "the second", price: 42 } });
    await expect(state).toContainText("done");
    await expect(page.getByRole("heading", { name: "It is done." })).toBeVisible();
    const shifts = await moved(page);
    const sum = shifts.reduce((sum, shift) => sum + shift.value, 0);
    expect(sum, JSON.stringify(shifts, null, 1)).toBeLessThan(LITTLE);
  });
}
