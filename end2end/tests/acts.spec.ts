import { expect, type Page, test } from "@playwright/test";
import { admin, Client, complaints, isFit, looks, openIn, workspace } from "./support";

const at = `/w/${workspace.slug}`;
const nobody = { capabilities: ["nobody has this"] };

async function made(title: string, more: object = {}): Promise<string> {
  const task = await Client.as("manager").ask("POST", "/tasks", { title, ...nobody, ...more });
  return task.id;
}

async function awake(page: Page) {
  await expect(page.locator("html")).toHaveAttribute("data-awake", "");
}

const state = (page: Page) => page.locator("#task-state");
const notice = (page: Page) => page.locator("#notices");

/** The quarter of an hour of somebody who hands in a task and changes their mind. */
async function walk(page: Page) {
  await page.goto(`${at}/tasks`);
  await page.getByRole("link", { name: "New task" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New task");
  await page.getByLabel("Title").fill("Draw the map");
  await page.getByLabel("Description").fill("All of it, =1+1 included.");
  await page.getByLabel("Capabilities it takes").fill("nobody has this");
  await page.getByText("More: limits, estimates, dates").click();
  await page.getByLabel("Dollars").fill("a lot");
  await page.getByRole("button", { name: "Hand it in" }).click();
  await expect(page.getByText("A number from 0 to 1000000, or nothing.")).toBeVisible();
  await expect(page.getByLabel("Title")).toHaveValue("Draw the map");
  await expect(page.getByLabel("Description")).toHaveValue("All of it, =1+1 included.");
  await page.getByLabel("Dollars").fill("0.05");
  await page.getByRole("button", { name: "Hand it in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Draw the map");
  await expect(notice(page)).toContainText("Handed in.");

  await page.getByRole("button", { name: "Hold", exact: true }).click();
  await expect(state(page)).toHaveText("held");
  await expect(notice(page)).toContainText("Held.");
  await notice(page).getByRole("button", { name: "Undo" }).click();
  await expect(state(page)).toHaveText("waiting");

  // The form that opens takes the row below: the buttons stay where they are.
  const cancel = page.locator("summary", { hasText: "Cancel" });
  const before = await cancel.boundingBox();
  await page.getByText("Boost or pin").click();
  await expect(page.getByLabel("How far")).toHaveValue("500");
  expect(await cancel.boundingBox()).toEqual(before);
  await page.getByLabel("How far").selectOption("pin");
  await page.getByLabel("Why").first().fill("The board meets at noon.");
  await page.getByRole("button", { name: "Change its rank" }).click();
  await expect(notice(page)).toContainText("Pinned before everything else for");
  await expect(page.getByRole("button", { name: "Take the boost away" })).toBeVisible();

  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Title").fill("Draw the whole map");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Draw the whole map");

  await page.locator("summary", { hasText: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel this task" }).click();
  await expect(state(page)).toHaveText("cancelled");
  await page.getByRole("button", { name: "Retry" }).click();
  await expect(state(page)).toHaveText("waiting");
}

/** A manager reads a decision and says what they think of it. */
async function review(page: Page) {
  const id = await made("Be looked at");
  const manager = Client.as("manager");
  await manager.ask("POST", `/tasks/${id}/hold`, { reason: "not now" });
  await page.goto(`${at}/tasks/${id}`);
  await page.getByRole("link", { name: /^Held/ }).click();
  await page.getByLabel("A note").fill("I would have waited.");
  await page.getByRole("button", { name: "Disagree" }).click();
  await expect(notice(page)).toContainText("you would have decided otherwise");
  await expect(page.getByText("I would have waited.")).toBeVisible();
}

/** Somebody hands in what they wrote for so long that their session has ended. */
async function late(page: Page, scripts: boolean) {
  const description = `Line one,\nline "two" <b>&amp;</b> ${Date.now()}`;
  await page.goto(`${at}/tasks/new`);
  if (scripts) await awake(page);
  await page.getByLabel("Title").fill("Written for long");
  await page.getByLabel("Description").fill(description);
  await page.getByLabel("Capabilities it takes").fill("nobody has this");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Hand it in" }).click();
  await expect(page.getByRole("status").filter({ hasText: "You were signed out" })).toBeVisible();
  if (scripts) await isFit(page, "signing in with a draft:");
  await page.getByLabel("E-mail").fill(admin.email);
  await page.getByLabel("Password").fill(admin.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(new RegExp(`${at}/tasks/new`));
  await expect(page.getByLabel("Title")).toHaveValue("Written for long");
  await expect(page.getByLabel("Description")).toHaveValue(description);
  await page.getByRole("button", { name: "Hand it in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Written for long");
}

/** Several tasks of the list at once. */
async function together(page: Page) {
  const mark = `bundle${Date.now()}`;
  await made(`First of ${mark}`);
  await made(`Second of ${mark}`);
  await page.goto(`${at}/tasks?q=${mark}`);
  // The bar comes into view with the first choice and moves no row.
  const row = page.getByRole("row", { name: `Second of ${mark}` });
  const before = await row.boundingBox();
  for (const name of ["First", "Second"]) {
    await page.getByRole("checkbox", { name: `Choose ${name} of ${mark}` }).check();
  }
  expect(await row.boundingBox()).toEqual(before);
  await page.getByRole("button", { name: "Hold", exact: true }).click();
  await expect(notice(page)).toContainText("2 tasks held.");
  await expect(page.locator(".row-state", { hasText: "held" })).toHaveCount(2);
  await page.getByRole("row", { name: `First of ${mark}` }).getByRole("link", { name: "Open the row" }).click();
  await expect(page.getByText("Handed in by")).toBeVisible();
}

test.describe("with scripts", () => {
  test("a task is made, held, pinned, edited, cancelled and retried in place", async ({ page }) => {
    const problems = complaints(page);
    await walk(page);
    expect(problems).toEqual([]);
  });

  test("a decision is reviewed", async ({ page }) => review(page));
  test("several tasks are changed at once", async ({ page }) => together(page));

  test("the answer is shown at once, and taken back when the server does not answer", async ({
    page,
  }) => {
    await page.goto(`${at}/tasks/${await made("Answer at once")}`);
    await awake(page);
    let answer = () => {};
    const asked = new Promise<void>((resolve) => (answer = resolve));
    await page.route("**/api/pages/hold_task", async (route) => {
      await asked;
      await route.abort();
    });
    await page.getByRole("button", { name: "Hold", exact: true }).click();
    await expect(state(page)).toHaveText("held");
    answer();
    await expect(notice(page)).toContainText("did not answer");
    await expect(state(page)).toHaveText("waiting");
  });

  test("what is refused comes back as it was, with a sentence", async ({ page }) => {
    const id = await made("Refuse me");
    await page.goto(`${at}/tasks/${id}`);
    await awake(page);
    await page.getByRole("button", { name: "Live" }).click();
    await Client.as("manager").ask("POST", `/tasks/${id}/cancel`, {});
    await page.getByRole("button", { name: "Hold", exact: true }).click();
    await expect(state(page)).toHaveText("cancelled");
    // Its form is gone with its state, so the notice says it.
    await expect(notice(page).getByText("It is cancelled by now")).toBeVisible();
  });

  test("what was typed when the session had ended stands in its form after signing in", async ({ page }) => {
    await late(page, true);
  });

  test("a double click has one effect", async ({ page }) => {
    const title = `Only once ${Date.now()}`;
    await page.goto(`${at}/tasks/new`);
    await awake(page);
    await page.getByLabel("Title").fill(title);
    await page.getByLabel("Capabilities it takes").fill("nobody has this");
    await page.getByRole("button", { name: "Hand it in" }).dblclick();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
    await page.goto(`${at}/tasks?q="${title}"`);
    await expect(page.getByRole("link", { name: title, exact: true })).toHaveCount(1);
  });

  test("every act can be reached and done by the keyboard alone", async ({ page }) => {
    await page.goto(`${at}/tasks/${await made("No mouse")}`);
    await awake(page);
    const press = async (name: string | RegExp, key: string) => {
      for (let steps = 0; steps < 80; steps++) {
        await page.keyboard.press("Tab");
        const words = await page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
        if (typeof name === "string" ? words === name : name.test(words)) {
          await page.keyboard.press(key);
          return;
        }
      }
      throw new Error(`${name} was not reached`);
    };
    await press("Hold", "Enter");
    await expect(state(page)).toHaveText("held");
    await press("Release", "Enter");
    await expect(state(page)).toHaveText("waiting");
    await press("Boost or pin", "Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("By hand.");
    await page.keyboard.press("Enter");
    await expect(notice(page)).toContainText("500 points");
    await press("Cancel", "Enter");
    await press("Cancel this task", "Space");
    await expect(state(page)).toHaveText("cancelled");
  });
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false });
  test("a task is made, held, pinned, edited, cancelled and retried", async ({ page }) =>
    walk(page));
  test("what was typed when the session had ended stands in its form after signing in", async ({ page }) =>
    late(page, false));
  test("a decision is reviewed", async ({ page }) => review(page));
  test("several tasks are changed at once", async ({ page }) => together(page));
});

test("lists leave as files, as text that no spreadsheet runs", async ({ page }) => {
  const mark = `formula${Date.now()}`;
  await made(`=HYPERLINK("${mark}")`);
  const csv = await page.request.get(`${at}/tasks.csv?q=${mark}`);
  expect(csv.headers()["content-disposition"]).toContain("tasks.csv");
  expect(await csv.text()).toContain(`"'=HYPERLINK(""${mark}"")"`);
  const json = await page.request.get(`${at}/tasks.json?q=${mark}`);
  expect((await json.json()).items).toHaveLength(1);
  const decisions = await page.request.get(`${at}/decisions.json?kind=override`);
  expect(Array.isArray((await decisions.json()).items)).toBe(true);
  for (const list of ["/w", `${at}/agents`, `${at}/resources`, `${at}/budgets`, `${at}/spending`]) {
    const file = await page.request.get(`${list}.csv`);
    expect(file.headers()["content-type"], list).toContain("text/csv");
    expect((await (await page.request.get(`${list}.json`)).json()).next_cursor, list).toBeNull();
  }
  expect((await page.request.get("/w/nowhere/tasks.csv")).status()).toBe(404);
});

for (const look of looks) {
  test(`forms, ${look.name}: nothing for axe to find`, async ({ page }) => {
    const id = await made("Look at my forms");
    for (const path of ["tasks/new", `tasks/${id}/edit`, `tasks/${id}`, `tasks?open=${id}`, "resources", "budgets"]) {
      await openIn(page, `${at}/${path}`, look);
      const closed = page.locator("main details:not([open]) > summary:visible");
      while (await closed.count()) await closed.first().click();
      await isFit(page, `${path}:`);
    }
  });
}
