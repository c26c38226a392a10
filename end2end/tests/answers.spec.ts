import { expect, type Page, test } from "@playwright/test";
import { Client, unfold, workspace } from "./support";

/** What an act answers: its faults at their fields, and what is so afterwards. */

const at = `/w/${workspace.slug}`;
const notice = (page: Page) => page.locator("#notices");

async function awake(page: Page) {
  await expect(page.locator("html")).toHaveAttribute("data-awake", "");
}

/** A task whose result somebody has to look at. */
async function inReview(title: string): Promise<string> {
  const manager = Client.as("manager");
  const name = `reviewed_${Date.now()}`;
  const agent = Client.as("agent", name);
  await agent.ask("POST", "/agents", { name, capabilities: [name] });
  const { id } = await manager.ask("POST", "/tasks", { title, capabilities: [name], needs_review: true });
  await agent.lease(await agent.claim(), "complete", { output: { words: "as asked" } });
  return id;
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled });

    /** Sends a form of which some fields are wrong: those say how, and nothing says it again. */
    async function faulty(page: Page, path: string, button: string, wrong: [string, string, string][], opener?: string) {
      await page.goto(`${at}/${path}`);
      if (javaScriptEnabled) await awake(page);
      if (opener) await unfold(page, opener);
      const form = page.locator("form", { has: page.getByRole("button", { name: button, exact: true }) });
      for (const [label, typed] of wrong) await form.getByLabel(label, { exact: true }).fill(typed);
      await form.getByRole("button", { name: button, exact: true }).click();
      for (const [label, typed, fault] of wrong) {
        const field = form.getByLabel(label, { exact: true });
        await expect(field).toHaveValue(typed);
        if (!fault) continue;
        await expect(field).toHaveAttribute("aria-invalid", "true");
        await expect(field).toHaveAccessibleDescription(new RegExp(fault));
      }
      if (javaScriptEnabled) await expect(form.locator("[aria-invalid=true]").first()).toBeFocused();
      await expect(form.getByRole("alert")).toHaveCount(1);
      await expect(notice(page).locator("p:visible")).toHaveCount(0);
      return form;
    }

    test("a new budget's faults stand at their fields", async ({ page }) => {
      const name = `mended_${javaScriptEnabled}`;
      const form = await faulty(page, "budgets", "Create", [
        ["Name", name, ""],
        ["Limit", "a lot", "This takes"],
        ["Warn at, in per cent", "500", "at most 100"],
      ], "New budget");
      await form.getByLabel("Limit").fill("9000");
      await form.getByLabel("Warn at, in per cent").fill("70");
      await form.getByRole("button", { name: "Create" }).click();
      await expect(page.locator(".limit", { hasText: name }).first()).toBeVisible();
      await expect(page.locator("#set_budget")).toBeHidden();
      await unfold(page, "New budget");
      await expect(form.locator("[aria-invalid]")).toHaveCount(0);
      await expect(form.getByLabel("Limit")).toHaveValue("");
    });

    test("a new resource's faults stand at their fields", async ({ page }) => {
      await faulty(page, "resources", "Create", [
        ["Name", "never_made", ""],
        ["Capacity", "0", "at least 1"],
        ["Refill a second", "never", "This takes a number"],
      ], "New resource");
    });

    test("a limit's faults stand at their fields, however deep", async ({ page }) => {
      const name = `deep_${javaScriptEnabled}`;
      await Client.as("manager").ask("PUT", `/resources/${name}`, { kind: "bucket", capacity: 9, refill_per_s: 1 });
      const form = await faulty(page, `resources/${name}`, "Set the limit", [
        ["Refill a second", "never", "This takes a number"],
      ]);
      await form.getByLabel("Refill a second").fill("1");
      const more = form.locator("details", { hasText: "Adapt when" });
      if (!(await more.evaluate((more: HTMLDetailsElement) => more.open))) await more.locator("summary").click();
      await form.getByLabel("Never below").fill("5");
      await more.locator("summary").click();
      await form.getByRole("button", { name: "Set the limit" }).click();
      await expect(form.getByText("Give both ends, or neither.")).toBeVisible();
    });
  });
}

test("two who change one policy see what the other has put in", async ({ page, context }) => {
  await page.goto(`${at}/settings`);
  await awake(page);
  const other = await context.newPage();
  await other.goto(`${at}/settings`);
  await awake(other);
  const put = (page: Page) => page.getByRole("button", { name: "Put in force" }).click();
  await other.getByLabel("Tasks split from one").fill("123");
  await other.getByLabel("An hour of age").fill("7");
  await put(other);
  await expect(notice(other)).toContainText("is in force");

  await page.getByLabel("An hour of age").fill("9");
  await put(page);
  await expect(page.getByText("Somebody else has changed it").filter({ visible: true })).toHaveCount(1);
  await expect(page.getByText("By now it says: 7")).toBeVisible();
  await expect(page.locator(".field-by-now")).toHaveCount(1);
  await expect(page.getByLabel("Tasks split from one")).toHaveValue("123");
  await put(page);
  await expect(notice(page)).toContainText("is in force");
  await page.goto(`${at}/settings`);
  await expect(page.getByLabel("Tasks split from one")).toHaveValue("123");
  await expect(page.getByLabel("An hour of age")).toHaveValue("9");
});

test("a result that is accepted is done, and there is no way back", async ({ page }) => {
  await page.goto(`${at}/tasks/${await inReview("Accept me")}`);
  await awake(page);
  await page.getByRole("button", { name: "Accept the result" }).click();
  await expect(notice(page)).toContainText("The result is accepted, and the task is done.");
  await expect(page.locator("#task-state")).toHaveText("done");
  await expect(notice(page).getByRole("button", { name: "Undo" })).toHaveCount(0);
});

test("a result in review comes first", async ({ page }) => {
  await page.goto(`${at}/tasks/${await inReview("Look at me first")}`);
  const column = page.locator("#task > .column").first();
  await expect(column.getByRole("heading", { level: 2 }).first()).toHaveText("The result to look at");
  await expect(column.locator("section").first()).toContainText("as asked");
});

test("a result goes back with a reason", async ({ page }) => {
  await page.goto(`${at}/tasks/${await inReview("Send me back")}`);
  await awake(page);
  await page.getByText("Send back", { exact: true }).click();
  await page.getByLabel("Why").first().fill("It rhymes.");
  await page.getByRole("button", { name: "Send this result back" }).click();
  await expect(page.locator("#task-state")).toHaveText("waiting");
  await expect(page.locator("#task")).toContainText("It rhymes.");
  await expect(notice(page)).toContainText("Sent back. It waits for its turn again.");
  await expect(page.locator("#task .decision", { hasText: "It rhymes." })).toContainText("Sent back by");
});

test("several released at once leave results in review alone", async ({ page }) => {
  const mark = `heap${Date.now()}`;
  const reviewed = await inReview(`Reviewed of ${mark}`);
  const manager = Client.as("manager");
  const held = await manager.ask("POST", "/tasks", { title: `Held of ${mark}`, capabilities: ["nobody has this"] });
  await manager.ask("POST", `/tasks/${held.id}/hold`, {});
  await page.goto(`${at}/tasks?q=${mark}`);
  await awake(page);
  for (const name of ["Reviewed", "Held"]) {
    await page.getByRole("checkbox", { name: `Choose ${name} of ${mark}` }).check();
  }
  await page.getByRole("button", { name: "Release", exact: true }).click();
  await expect(notice(page)).toContainText("1 task released, 1 left as they were. 1 task: Its result is in review");
  expect((await manager.ask("GET", `/tasks/${reviewed}`)).state).toBe("in_review");
});

test("what waits for a closed resource says when that opens", async ({ page }) => {
  const manager = Client.as("manager");
  const name = "closed_for_an_hour";
  await manager.ask("PUT", `/resources/${name}`, { kind: "bucket", capacity: 9, refill_per_s: 1 });
  const requires = [{ resource: name, amount: 1 }];
  await manager.ask("POST", "/tasks", { title: "Wait at the door", requires });
  await page.goto(`${at}/resources/${name}`);
  await awake(page);
  await page.getByText("Close it", { exact: true }).click();
  await page.getByLabel("Why").fill("The provider asked for it.");
  await page.getByRole("button", { name: "Close it for everyone" }).click();
  await expect(notice(page)).toContainText("Closed.");
  const row = page.getByRole("row", { name: "Wait at the door" });
  await expect(row).toContainText("once it opens, in 60 min");
});
