import { expect, test, type Page } from "@playwright/test";
import { Client, workspace } from "./support";

const list = `/w/${workspace.slug}/tasks`;
const nobody = { capabilities: ["nobody has this"] };

/** Has the page believe that its tab is hidden, or seen again. */
async function setHidden(page: Page, hidden: boolean) {
  await page.evaluate((hidden) => {
    const state = hidden ? "hidden" : "visible";
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
}

test("no row comes under the pointer; it is said how many are new, and they come when asked for", async ({
  page,
}) => {
  const manager = Client.as("manager");
  await manager.ask("POST", "/tasks", { title: "A row to rest on", ...nobody });
  await page.goto(list);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  await page.getByRole("link", { name: "A row to rest on" }).first().hover();
  await manager.ask("POST", "/tasks", { title: "A row that waits", ...nobody });
  const more = page.getByRole("button", { name: "1 new" });
  await expect(more).toBeVisible();
  await expect(page.getByRole("link", { name: "A row that waits" })).toBeHidden();
  await more.click();
  await expect(page.getByRole("link", { name: "A row that waits" })).toBeVisible();
  await expect(more).toBeHidden();
});

test("what waits comes by itself when the pointer leaves", async ({ page }) => {
  const manager = Client.as("manager");
  await page.goto(list);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  await page.getByRole("link", { name: "A row to rest on" }).first().hover();
  await manager.ask("POST", "/tasks", { title: "A row that comes later", ...nobody });
  await expect(page.getByRole("button", { name: "1 new" })).toBeVisible();
  await page.getByRole("heading", { level: 1 }).hover();
  await expect(page.getByRole("link", { name: "A row that comes later" })).toBeVisible();
});

test("a hidden page asks for nothing, and is up to date when it is seen again", async ({ page }) => {
  const manager = Client.as("manager");
  await page.clock.install();
  await page.goto(list);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  let asked = 0;
  page.on("request", () => asked++);
  await setHidden(page, true);
  await page.clock.runFor(60_000);
  await manager.ask("POST", "/tasks", { title: "Handed in behind a hidden page", ...nobody });
  await page.clock.runFor(60_000);
  await expect(page.getByRole("button", { name: "Paused" })).toBeVisible();
  expect(asked).toBe(0);
  await setHidden(page, false);
  await expect(page.getByRole("link", { name: "Handed in behind a hidden page" })).toBeVisible();
});

test("without a server the mark says how stale the page is, and it is asked for ever more seldom", async ({
  page,
}) => {
  await page.clock.install();
  await page.goto(list);
  await expect(page.getByRole("button", { name: "Live" })).toBeVisible();
  let streams = 0;
  await page.route(/\/events/, (route) => {
    streams++;
    return route.abort();
  });
  await page.route(/\/tasks$/, (route) => route.abort());
  // The stream that is open is let go with the page hidden, and cannot be had again.
  await setHidden(page, true);
  await page.clock.runFor(20_000);
  await setHidden(page, false);
  await page.clock.runFor(20_000);
  await expect(page.getByRole("button", { name: /Stale \d+ s/ })).toBeVisible();
  const before = streams;
  for (let minute = 0; minute < 10; minute++) await page.clock.runFor(60_000);
  expect(streams - before).toBeLessThan(60);
});
