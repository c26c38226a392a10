import { expect, test, type Browser } from "@playwright/test";
import { baton, complaints, signIn } from "./support";

test.beforeAll(() => {
  baton(["workspace", "create", "quiet", "--name", "Quiet"]);
});

test("one press starts the demo, a second changes nothing, and stopping leaves nothing", async ({
  page,
}) => {
  const problems = complaints(page);
  await page.goto("/?w=quiet");
  await page.getByRole("button", { name: "Start the demo" }).click();
  await expect(page).toHaveURL(/\/\?w=demo$/);
  await expect(page.getByRole("heading", { name: "This is a demo" })).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText(/[1-9]\d* running/);
  await expect(page.getByText("google_search_api").first()).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("3 need you");

  const again = await page.request.post("/demo/start", {
    headers: { "sec-fetch-site": "same-origin" },
  });
  expect(again.url()).toMatch(/\/\?w=demo$/);
  await page.goto("/?w=quiet");
  await expect(page.getByRole("link", { name: "Watch it" })).toHaveAttribute("href", "/?w=demo");
  await page.goto("/?w=demo");
  await page.getByRole("button", { name: "Stop the demo" }).click();
  await expect(page).toHaveURL(/\/$/);
  expect(problems).toEqual([]);
  const gone = await page.goto("/w/demo/tasks");
  expect(gone?.status()).toBe(404);
});

test("the demo starts and stops without scripts", async ({ browser }) => {
  const context = await browser.newContext({
    javaScriptEnabled: false,
    storageState: "test-results/signed-in.json",
  });
  const page = await context.newPage();
  await page.goto("/?w=quiet");
  await page.getByRole("button", { name: "Start the demo" }).click();
  await expect(page.getByRole("heading", { name: "This is a demo" })).toBeVisible();
  await page.getByRole("button", { name: "Stop the demo" }).click();
  await page.goto("/?w=quiet");
  await expect(page.getByRole("button", { name: "Start the demo" })).toBeVisible();
  await context.close();
});

test("who may not make workspaces is not offered the demo, and cannot start it", async ({
  browser,
}) => {
  const member = { email: "mia@example.org", password: "five lines and four spaces" };
  baton(
    ["user", "create", "--email", member.email, "--workspace", "quiet", "--workspace-role", "admin", "--password-stdin"],
    member.password,
  );
  const context = await signedOut(browser);
  const page = await context.newPage();
  await signIn(page, member.email, member.password);
  await page.goto("/?w=quiet");
  await expect(page.getByText("Hand in the first task")).toBeVisible();
  await expect(page.getByRole("button", { name: "Start the demo" })).toBeHidden();
  const refused = await page.request.post("/demo/start", {
    headers: { "sec-fetch-site": "same-origin" },
  });
  expect(refused.status()).toBe(403);
  await context.close();
});

function signedOut(browser: Browser) {
  return browser.newContext({ storageState: { cookies: [], origins: [] } });
}
