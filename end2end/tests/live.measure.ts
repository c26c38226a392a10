// How soon a page shows what was committed, and what thousands of changes do to its memory. Figures,
// not judgements: `npm run measure`.
import { expect, test } from "@playwright/test";
import { Client, workspace } from "./support";

const changes = Number(process.env.CHANGES ?? 3_000);
const nobody = { capabilities: ["nobody has this"] };

test("from a commit to the page", async ({ page }) => {
  const manager = Client.as("manager");
  await page.goto(`/?w=${workspace.slug}`);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  await page.evaluate(() => {
    const seen: [string, number][] = [];
    (window as any).seen = seen;
    const lead = document.querySelector("h1")!;
    new MutationObserver(() => seen.push([lead.textContent ?? "", Date.now()])).observe(
      document.querySelector("main")!,
      { subtree: true, childList: true, characterData: true },
    );
  });
  const took: number[] = [];
  for (let n = 0; n < 40; n++) {
    const before = await page.evaluate(() => (window as any).seen.length);
    await manager.ask("POST", "/tasks", { title: `Measured ${n}`, ...nobody });
    const committed = Date.now();
    await page.waitForFunction((before) => (window as any).seen.length > before, before, { polling: 5 });
    const shown = await page.evaluate((before) => (window as any).seen[before][1], before);
    took.push(shown - committed);
    await page.waitForTimeout(300);
  }
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(share * (took.length - 1))];
  console.log(`after the answer to the commit: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms`);
});

test("memory and requests over thousands of changes", async ({ page }) => {
  test.setTimeout(1_800_000);
  const manager = Client.as("manager");
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.enable");
  const measure = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize } = await cdp.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await cdp.send("Memory.getDOMCounters");
    return `${(usedSize / 1e6).toFixed(2)} MB, ${nodes} nodes, ${jsEventListeners} listeners`;
  };
  let pages = 0;
  let streams = 0;
  page.on("request", (request) => (request.url().includes("/events") ? streams++ : pages++));
  await page.goto(`/w/${workspace.slug}/tasks`);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  console.log(`at the start: ${await measure()}`);
  const began = Date.now();
  for (let n = 0; n < changes; n++) {
    const task = await manager.ask("POST", "/tasks", { title: `Change ${n}`, ...nobody });
    await manager.ask("POST", `/tasks/${task.id}/cancel`, {});
    if ((n + 1) % Math.ceil(changes / 5) === 0) {
      const seconds = Math.round((Date.now() - began) / 1000);
      console.log(`after ${2 * (n + 1)} changes, ${seconds} s, ${pages} looks, ${streams} streams: ${await measure()}`);
    }
  }
});
