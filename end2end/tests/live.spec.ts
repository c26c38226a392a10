import { expect, test, type Page } from "@playwright/test";
import { baton, Client, workspace } from "./support";

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

const live = (page: Page) => expect(page.getByRole("button", { name: "Live" })).toBeVisible();
const row = (page: Page, title: string) => page.getByRole("row").filter({ hasText: title });

test("no row comes by itself above others; it is said how many are new, and they come when asked for", async ({
  page,
}) => {
  const manager = Client.as("manager");
  const first = await manager.ask("POST", "/tasks", { title: "A row to read", ...nobody });
  await page.goto(list);
  await live(page);
  const read = row(page, "A row to read");
  const place = await read.boundingBox();
  await manager.ask("POST", "/tasks", { title: "A row that waits", ...nobody });
  const more = page.getByRole("link", { name: "1 new" });
  await expect(more).toBeVisible();
  await manager.ask("POST", `/tasks/${first.id}/cancel`, {});
  await expect(read).toContainText("cancelled");
  await expect(row(page, "A row that waits")).toHaveCount(0);
  expect(await read.boundingBox()).toEqual(place);
  await more.click();
  await expect(row(page, "A row that waits")).toBeVisible();
  await expect(more).toBeHidden();
});

test("a key brings the new rows", async ({ page }) => {
  const manager = Client.as("manager");
  await page.goto(list);
  await live(page);
  for (const title of ["A row for a key", "Another for a key"]) {
    await manager.ask("POST", "/tasks", { title, ...nobody });
  }
  await expect(page.getByRole("link", { name: "2 new" })).toBeVisible();
  await expect(page.locator("[aria-live]").filter({ hasText: "There are new rows." })).toHaveCount(1);
  await page.keyboard.press(".");
  await expect(row(page, "Another for a key")).toBeVisible();
  await expect(page.getByRole("link", { name: /new$/ })).toBeHidden();
});

test("a row that no longer fits stays and says how it is, also behind many that are newer", async ({
  page,
}) => {
  const manager = Client.as("manager");
  const kind = "long";
  const task = await manager.ask("POST", "/tasks", { title: "A row that leaves", kind, ...nobody });
  await page.goto(`${list}?state=pending&kind=${kind}`);
  await live(page);
  for (let n = 0; n < 51; n++) {
    await manager.ask("POST", "/tasks", { title: `Newer ${n}`, kind, ...nobody });
  }
  await expect(page.getByRole("link", { name: "50+ new" })).toBeVisible();
  await manager.ask("POST", `/tasks/${task.id}/cancel`, {});
  await expect(row(page, "A row that leaves")).toHaveClass("row-left");
  await expect(row(page, "A row that leaves")).toContainText("cancelled");
  await page.reload();
  await expect(row(page, "A row that leaves")).toHaveCount(0);
});

test("what moves nothing comes by itself: the first row of an empty list, and one at its end", async ({
  page,
}) => {
  const manager = Client.as("manager");
  await page.goto(`${list}?kind=lonely&sort=oldest`);
  await live(page);
  for (const title of ["The first of its kind", "The second of its kind"]) {
    await manager.ask("POST", "/tasks", { title, kind: "lonely", ...nobody });
    await expect(row(page, title)).toBeVisible();
  }
});

test("on the board a card takes the place of one that left, and the others stay", async ({ page }) => {
  baton(["workspace", "create", "board", "--name", "Board"]);
  const manager = Client.as("manager", undefined, "board");
  const hand = (title: string) => manager.ask("POST", "/tasks", { title, ...nobody });
  const left = await hand("A card that leaves");
  await hand("A card that stays");
  await page.goto("/w/board");
  await live(page);
  const place = (title: string) => page.locator(".board-card").filter({ hasText: title }).boundingBox();
  const [leaving, staying] = [await place("A card that leaves"), await place("A card that stays")];
  await manager.ask("POST", `/tasks/${left.id}/cancel`, {});
  await expect(page.getByText("A card that leaves")).toBeHidden();
  await hand("A card that comes");
  await expect(page.getByText("A card that comes")).toBeVisible();
  expect(await place("A card that comes")).toEqual(leaving);
  expect(await place("A card that stays")).toEqual(staying);
});

test("a hidden page asks for nothing, and is up to date when it is seen again", async ({ page }) => {
  const manager = Client.as("manager");
  await page.clock.install();
  await page.goto(list);
  await live(page);
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
  await live(page);
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
