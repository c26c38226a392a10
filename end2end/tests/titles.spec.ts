import { expect, type Page, test } from "@playwright/test";
import { Client, isFit, looks, openIn, workspace } from "./support";

/** Titles of 200 letters, of words and of one word: cut where many stand, whole where one is asked for. */

const at = `/w/${workspace.slug}`;
const mark = `title${Date.now()}`;
const cut = (text: string) => text.slice(0, 200).trimEnd();
const long = cut(`${mark} ${"compare every plate with the catalogue of stars ".repeat(9)}`);
const solid = cut(`${mark}${"supercalifragilistic_".repeat(9)}`);
const ids: string[] = [];

test.beforeAll(async () => {
  const manager = Client.as("manager");
  const agent = Client.as("agent", mark);
  await agent.ask("POST", "/agents", { name: mark, capabilities: [mark] });
  await manager.ask("PUT", `/resources/${mark}`, { kind: "slots", slots: 1 });
  const requires = [{ resource: mark, amount: 1 }];
  for (const title of [long, solid, long, solid]) {
    const task = { title, requires, capabilities: [mark], depends_on: ids.slice(2, 3) };
    ids.push((await manager.ask("POST", "/tasks", task)).id);
    if (ids.length === 1) await agent.claim();
  }
});

/** How many lines of its own text an element shows. */
const lines = (page: Page, selector: string) =>
  page.locator(selector).evaluateAll((all) =>
    all.map((one) => Math.round(one.clientHeight / parseFloat(getComputedStyle(one).lineHeight))),
  );

for (const look of looks) {
  test(`long titles make no page wider, ${look.name}`, async ({ page }) => {
    const pages = [`tasks?q=${mark}`, `tasks/${ids[1]}`, `tasks/${ids[3]}`, `tasks/${ids[3]}/edit`, "", "decisions"];
    const more = [`find?q=${mark}`, `compare?this=${ids[1]}&that=${ids[2]}`, `resources/${mark}?slots=2`, `agents/${mark}`];
    for (const path of [...pages, ...more]) {
      await openIn(page, `${at}/${path}`, look);
      await isFit(page, `${path}:`);
      expect(Math.max(0, ...(await lines(page, "main a.title:visible"))), path).toBeLessThanOrEqual(2);
    }
    await openIn(page, `/?w=${workspace.slug}`, look);
    await isFit(page, "overview:");
  });
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled, viewport: { width: 360, height: 800 } });

    test("all of a long title is there when it is asked for", async ({ page }) => {
      await page.goto(`${at}/tasks/${ids[1]}`);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(solid);
      expect(await lines(page, "h1")).toEqual([3]);
      await page.getByText("The whole title").click();
      expect((await lines(page, "h1"))[0]).toBeGreaterThan(4);

      await page.goto(`${at}/tasks?q=${mark}`);
      const row = page.getByRole("row", { name: solid }).last();
      await expect(row.locator("a.title")).toHaveAttribute("title", solid);
      await row.getByRole("link", { name: "Open the row" }).click();
      await expect(page).toHaveURL(/open=/);
      expect((await lines(page, ".row-open a.title"))[0]).toBeGreaterThan(3);
    });
  });
}
