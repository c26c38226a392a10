import { type Page, test } from "@playwright/test";
import { baton, without, workspace } from "../support";
import { looks, open, take } from "./look";
import { longWords, morning } from "./morning";

/**
 * Pictures of every page in both themes, on a phone and on a desk: with a morning's work in it, empty,
 * with words that never end, and when something is wrong. They are for looking at, in
 * `target/screenshots`; those the README shows are kept in `docs`.
 */

const at = `/w/${workspace.slug}`;

/** Where a workspace's pages are. */
const places = (slug: string, mark = ""): Record<string, string> => ({
  [`overview${mark}`]: `/?w=${slug}`,
  [`workspace${mark}`]: `/w/${slug}`,
  [`tasks${mark}`]: `/w/${slug}/tasks`,
  [`decisions${mark}`]: `/w/${slug}/decisions`,
  [`agents${mark}`]: `/w/${slug}/agents`,
  [`resources${mark}`]: `/w/${slug}/resources`,
  [`budgets${mark}`]: `/w/${slug}/budgets`,
  [`settings${mark}`]: `/w/${slug}/settings`,
  [`find${mark}`]: `/w/${slug}/find`,
});
const gone = "00000000-0000-7000-8000-000000000000";
const pages: Record<string, string> = {
  ...places(workspace.slug),
  ...places("hush", "-empty"),
  ...places("long", "-long"),
  "new-task": `${at}/tasks/new`,
  "new-key": `${at}/settings?key=agent`,
  resource: `${at}/resources/opus`,
  "resource-closed": `${at}/resources/twitter_api`,
  "resource-what-if": `${at}/resources/opus?slots=4`,
  "resource-long": "/w/long/resources/a_resource_with_a_name_as_long_as_names_may_ever_be_in_here",
  agent: `${at}/agents/scribe`,
  "agent-long": "/w/long/agents/an_agent_with_a_name_as_long_as_names_may_ever_be_in_here",
  "found": `${at}/find?q=the`,
  "found-nothing": `${at}/find?q=zeppelin`,
  "tasks-none-fit": `${at}/tasks?q=zeppelin`,
  "decisions-none-fit": `${at}/decisions?task=${gone}`,
  workspaces: "/w",
  account: "/account",
  "account-refused": "/account?password=wrong#password",
  "not-found": "/nothing",
  "not-found-task": `${at}/tasks/${gone}`,
};

test.beforeAll(async () => {
  baton(["workspace", "create", "hush", "--name", "Quiet corner"]);
  Object.assign(pages, await morning());
  pages["task-long"] = `/w/long/tasks/${await longWords("long")}`;
});

const single = [
  "task-waiting", "task-needs-you", "task-on-other-work", "task-closed", "task-held", "task-running", "task-done",
  "task-failed", "task-cancelled", "task-long", "edit", "compare", "tasks-open-row",
  "decision", "decision-not-yet", "decision-override", "decision-throttle",
];

for (const name of [...Object.keys(pages), ...single]) {
  for (const look of looks) {
    test(`${name}, ${look.theme}, ${look.width} px`, async ({ page }) => {
      await open(page, pages[name], look);
      await take(page, name, look);
    });
  }
}

/** What pages show after a press, or when something is wrong. */
const moments: Record<string, (page: Page) => Promise<void>> = {
  palette: async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("the");
    await page.locator("#palette-found a").first().waitFor();
  },
  keys: (page) => page.keyboard.press("?"),
  menu: async (page) => {
    const small = page.getByRole("button", { name: "Menu" });
    if (await small.isVisible()) await small.click();
    else await page.locator(".account-button").click();
  },
  switcher: (page) => page.locator(".switcher-button").click(),
  paused: (page) => page.getByRole("button", { name: "Live" }).click(),
};

/** The same, of the whole page. */
const forms: Record<string, [string, (page: Page) => Promise<void>]> = {
  "tasks-chosen": [`${at}/tasks`, async (page) => {
    for (const n of [0, 1]) await page.locator("main tbody input[type=checkbox]").nth(n).check();
  }],
  "new-task-refused": [`${at}/tasks/new`, async (page) => {
    await page.getByLabel("Title").fill("Draw the map");
    await page.getByText("More: limits, estimates, dates").click();
    await page.getByLabel("Dollars").fill("a lot");
    await page.getByRole("button", { name: "Hand it in" }).click();
    await page.locator(".field-fault").first().waitFor();
  }],
  "task-asking": ["task-waiting", async (page) => {
    await page.locator("summary", { hasText: "Boost or pin" }).click();
    await page.locator("summary", { hasText: "Cancel" }).click();
  }],
};

for (const look of looks) {
  const title = (name: string) => `${name}, ${look.theme}, ${look.width} px`;
  for (const [name, act] of Object.entries(moments)) {
    test(title(name), async ({ page }) => {
      await open(page, pages.overview, look);
      await act(page);
      await take(page, name, look, false);
    });
  }

  for (const [name, [path, act]] of Object.entries(forms)) {
    test(title(name), async ({ page }) => {
      await open(page, pages[path] ?? path, look);
      await act(page);
      await take(page, name, look);
    });
  }

  test(title("login"), async ({ browser }) => {
    const page = await browser.newPage({ storageState: undefined });
    await open(page, "/login", look);
    await take(page, "login", look);
    await open(page, "/login?fault=wrong", look);
    await take(page, "login-refused", look);
    await page.close();
  });
}

for (const look of looks) {
  test(`errors, ${look.theme}, ${look.width} px`, async ({ page }) => {
    await without("api_key", async () => {
      await open(page, `${at}/settings`, look);
      await take(page, "broken", look);
    });
    await without("account", async () => {
      await open(page, `${at}/tasks`, look);
      await take(page, "away", look);
    });
  });
}

test.describe("the demo", () => {
  test.setTimeout(180_000);

  test("after a minute of work", async ({ page }) => {
    await page.goto("/?w=hush");
    await page.getByRole("button", { name: "Start the demo" }).click();
    await page.waitForURL(/w=demo/);
    await page.waitForTimeout(Number(process.env.DEMO_MS ?? 90_000));
    for (const look of looks) {
      for (const [name, path] of Object.entries(places("demo"))) {
        await open(page, path, look);
        await take(page, `demo-${name}`, look);
      }
    }
    await page.goto("/?w=demo");
    await page.getByRole("button", { name: "Stop the demo" }).click();
  });
});
