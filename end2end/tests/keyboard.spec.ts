import { expect, type Page, test } from "@playwright/test";
import { Client, workspace } from "./support";

/** Every act is reached and done without a mouse: Tab, Enter, Space, and what is typed. */

const at = `/w/${workspace.slug}`;
const nobody = { capabilities: ["nobody has this"] };

async function open(page: Page, path: string) {
  await page.goto(path);
  await page.locator("html[data-awake]").waitFor();
}

/** Tabs to what is called so, a field by its label, and not past the end of the page. */
async function reach(page: Page, name: string | RegExp) {
  for (let steps = 0; steps < 120; steps++) {
    await page.keyboard.press("Tab");
    const words = await page.evaluate(() => {
      const on = document.activeElement as HTMLInputElement | null;
      return (on?.getAttribute("aria-label") ?? on?.labels?.[0]?.textContent ?? on?.textContent ?? "").trim();
    });
    if (typeof name === "string" ? words === name : name.test(words)) return;
  }
  throw new Error(`${name} was not reached`);
}

async function press(page: Page, name: string | RegExp, key = "Enter") {
  await reach(page, name);
  await page.keyboard.press(key);
}

async function type(page: Page, name: string | RegExp, words: string) {
  await reach(page, name);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(words);
}

const notice = (page: Page) => page.locator("#notices");
const state = (page: Page) => page.locator("#task-state");

test("a task is handed in, edited, boosted and let go, cancelled and retried", async ({ page }) => {
  await open(page, `${at}/tasks`);
  await press(page, "New task");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("New task");
  await page.locator("html[data-awake]").waitFor();
  await type(page, "Title", "By keys alone");
  await type(page, "Capabilities it takes", "nobody has this");
  await press(page, "Hand it in");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("By keys alone");
  await page.locator("html[data-awake]").waitFor();

  await press(page, "Edit");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Edit a task");
  await page.locator("html[data-awake]").waitFor();
  await type(page, "Title", "By keys and nothing else");
  await press(page, "Save");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("By keys and nothing else");
  await page.locator("html[data-awake]").waitFor();

  await press(page, "Boost or pin");
  await type(page, "Why", "It is urgent.");
  await press(page, "Change its rank");
  await expect(notice(page)).toContainText("500 points");
  await press(page, "Take the boost away");
  await expect(page.getByRole("button", { name: "Take the boost away" })).toBeHidden();
  await press(page, "Cancel");
  await press(page, "Cancel this task", "Space");
  await expect(state(page)).toHaveText("cancelled");
  await press(page, "Retry");
  await expect(state(page)).toHaveText("waiting");
});

test("tasks are chosen in the list and held together, and a decision is reviewed", async ({ page }) => {
  const mark = `keys${Date.now()}`;
  const manager = Client.as("manager");
  const { id } = await manager.ask("POST", "/tasks", { title: `One ${mark}`, ...nobody });
  await manager.ask("POST", "/tasks", { title: `Two ${mark}`, ...nobody });
  await open(page, `${at}/tasks?q=${mark}`);
  await press(page, `Choose Two ${mark}`, "Space");
  await press(page, `Choose One ${mark}`, "Space");
  await page.locator(".together").waitFor();
  await press(page, "Hold");
  await expect(notice(page)).toContainText("2 tasks held.");

  const { items } = await manager.ask("GET", `/decisions?kind=override&task=${id}`);
  await open(page, `${at}/decisions/${items[0].id}`);
  await type(page, "A note", "As I would have.");
  await press(page, "Agree");
  await expect(page.getByText("As I would have.")).toBeVisible();
});

test("limits are set, closed, opened and asked about", async ({ page }) => {
  const name = `keys_${Date.now()}`;
  const opened = (form: string) => page.locator(`details[open] ${form}`).count();
  await open(page, `${at}/resources`);
  if (!(await opened("#set_resource"))) await press(page, "New resource");
  await type(page, "Name", name);
  await reach(page, "Kind");
  await page.keyboard.press("ArrowDown");
  await type(page, "Slots", "2");
  await press(page, "Create");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await page.locator("html[data-awake]").waitFor();
  await reach(page, /^Slots, instead of 2/);
  await page.keyboard.press("ArrowUp");
  await press(page, "Close it");
  await type(page, "Why", "A rehearsal.");
  await press(page, "Close it for everyone");
  await expect(page.locator("#gauge")).toContainText("Closed by a person");
  await press(page, "Open it again");
  await press(page, "Open it now");
  await expect(page.locator("#gauge")).not.toContainText("Closed by a person");

  await open(page, `${at}/budgets`);
  const form = page.locator("form#set_budget");
  if (!(await opened("#set_budget"))) await press(page, "New budget");
  await type(page, "Name", name);
  await type(page, "Limit", "5");
  await press(page, "Create");
  await expect(page.getByRole("heading", { name })).toBeVisible();
  await expect(form.getByLabel("Name")).toHaveValue("");
});

test("a key is made and revoked, a policy put in force, a look kept", async ({ page }) => {
  const name = `keys_${Date.now()}`;
  await open(page, `${at}/settings`);
  await press(page, "For an agent");
  await page.locator(".secret").waitFor();
  await page.locator("html[data-awake]").waitFor();
  await type(page, "Agent", name);
  await press(page, "Let this agent in");
  await expect(notice(page)).toContainText("works from now on");

  await open(page, `${at}/settings`);
  await type(page, "Unfinished tasks", String(4000 + (Date.now() % 900)));
  await press(page, "Put in force");
  await expect(notice(page)).toContainText("is in force");

  await open(page, `${at}/settings`);
  const row = page.getByRole("row", { name: new RegExp(name) });
  for (let steps = 0; steps < 200 && !(await row.locator("summary:focus").count()); steps++) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await press(page, "Revoke this key");
  await expect(notice(page)).toContainText("Revoked.");

  await open(page, "/account");
  await reach(page, "System");
  await press(page, "Keep");
  await expect(page).toHaveURL(/account#look/);
});

test("a workspace is made, and one goes from one to another", async ({ page }) => {
  const slug = `keys-${Date.now()}`;
  await open(page, "/w");
  await press(page, "New workspace");
  await type(page, "Name", "The silent choir");
  await type(page, "Its part of addresses", slug);
  await press(page, "Make it");
  await expect(page).toHaveURL(new RegExp(`w=${slug}`));
  await page.locator("html[data-awake]").waitFor();
  await press(page, "The silent choir");
  await press(page, workspace.name);
  await expect(page).toHaveURL(new RegExp(`w=${workspace.slug}$`));
});
