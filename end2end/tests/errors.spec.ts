import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { Client, isFit, looks, openIn, workspace } from "./support";

/** Errors of fifty lines: the cause alone in tables, and all of it where one is asked for by a finger too. */

const at = `/w/${workspace.slug}`;
const mark = `error${Date.now()}`;
const cause = "KeyError: 'the plate that no catalogue of stars has ever named, in any of its seven editions'";
const frames = Array.from({ length: 25 }, (_, bar) => `  File "reed.py", line ${bar}, in play\n    oboe.play(score[${bar}])`);
const traceback = `Traceback (most recent call last):\n${frames.join("\n")}\n${cause}\n\n`;
let id: string;

test.beforeAll(async () => {
  const manager = Client.as("manager");
  const agent = Client.as("agent", mark);
  await agent.ask("POST", "/agents", { name: mark, capabilities: [mark] });
  for (const title of ["fails", "succeeds"]) {
    const made = await manager.ask("POST", "/tasks", { title: `${mark} ${title}`, capabilities: [mark], max_attempts: 1 });
    id ??= made.id;
    const [act, body] = made.id === id ? ["fail", { error: traceback, retryable: false }] : ["complete", {}];
    await agent.lease(await agent.claim(), act as string, body as object);
  }
});

test("the list says the cause of what failed, and who did what is done", async ({ page }) => {
  await page.goto(`${at}/tasks?q=${mark}`);
  const why = (title: string) => page.getByRole("row", { name: `${mark} ${title}` }).locator(".row-why");
  await expect(why("fails")).toHaveText(cause);
  await expect(why("succeeds")).toHaveText(`by ${mark}`);
});

test("a reason has the free width of its row, whatever the page's", async ({ page }) => {
  for (const width of [360, 501, 640, 767]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${at}/tasks?q=${mark}`);
    const why = page.getByRole("row", { name: `${mark} fails` }).locator(".row-why");
    expect((await why.boundingBox())!.width, `${width} px`).toBeGreaterThan(width / 3);
  }
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled });

    test("tables have one line of an error, which opens", async ({ page }) => {
      for (const path of [`tasks/${id}`, `agents/${mark}`]) {
        await page.goto(`${at}/${path}`);
        const error = page.locator("table details.attempt-error");
        expect((await error.boundingBox())!.height, path).toBeLessThan(32);
        await error.getByText(cause).first().click();
        await expect(error.locator("pre"), path).toBeVisible();
        expect((await error.locator("pre").textContent())!.split("\n").length, path).toBe(52);
      }
    });
  });
}

for (const look of looks) {
  test(`long errors are fit, and links large enough, ${look.name}`, async ({ page }) => {
    for (const path of [`tasks?q=${mark}`, `tasks/${id}`, `agents/${mark}`]) {
      await openIn(page, `${at}/${path}`, look);
      await isFit(page, `${path}:`);
      for (const error of await page.locator("details.attempt-error > summary").all()) await error.click();
      await isFit(page, `${path}, open:`);
    }
    for (const path of [`${at}/tasks/${id}`, `${at}/agents/${mark}`, `/?w=${workspace.slug}`, `${at}/decisions`]) {
      await openIn(page, path, look);
      const { violations } = await new AxeBuilder({ page }).withRules(["target-size"]).analyze();
      expect(violations.flatMap(({ nodes }) => nodes.map((node) => node.html)), path).toEqual([]);
    }
  });
}

test("on paper stands what the page says, and nothing that acts", async ({ page }) => {
  await page.goto(`${at}/tasks/${id}`);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.locator("table details.attempt-error pre")).toBeVisible();
  await expect(page.locator(".frame-head, main form, main .button").filter({ visible: true })).toHaveCount(0);
  const body = page.locator("body");
  await expect(body).toHaveCSS("background-color", "rgb(255, 255, 255)");
  await expect(body).toHaveCSS("color", "rgb(0, 0, 0)");
});
