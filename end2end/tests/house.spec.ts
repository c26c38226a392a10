import { expect, test } from "@playwright/test";
import { baton, Client, complaints, signIn, workspace } from "./support";

/** The house: places, workspaces, keys, policy, account; with scripts and without. */

const at = `/w/${workspace.slug}`;

test("every place of the margin leads to a page of its own", async ({ page }) => {
  const problems = complaints(page);
  await page.goto(`/?w=${workspace.slug}`);
  const links = page.getByRole("navigation", { name: "Places" }).locator("a.place-link");
  const places = await links.evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href));
  expect(places).toHaveLength(8);
  for (const place of places) {
    const answer = await page.goto(place);
    expect(answer?.status(), place).toBe(200);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.locator(".place-link[aria-current=page]")).toHaveCount(1);
  }
  expect(problems).toEqual([]);
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with scripts" : "without scripts", () => {
    test.use({ javaScriptEnabled });
    const word = javaScriptEnabled ? "loud" : "soft";

    test(`a workspace is made, named and given a goal (${word})`, async ({ page }) => {
      await page.goto("/w");
      await page.getByText("New workspace", { exact: true }).click();
      await page.getByLabel("Name").fill(`The ${word} choir`);
      await page.getByLabel("Its part of addresses").fill("Not A Slug");
      await page.getByRole("button", { name: "Make it" }).click();
      await expect(page.getByText("This takes 1 to 63 lower-case letters")).toBeVisible();
      await page.getByLabel("Its part of addresses").fill(`choir-${word}`);
      await page.getByRole("button", { name: "Make it" }).click();
      await expect(page).toHaveURL(new RegExp(`w=choir-${word}`));
      await page.goto(`/w/choir-${word}/settings`);
      await page.getByLabel("Goal").fill("Sing on Sunday.");
      await page.getByRole("button", { name: "Keep" }).click();
      await expect(page.getByRole("status")).toContainText("Kept.");
      await page.goto(`/w/choir-${word}`);
      await expect(page.getByText("Sing on Sunday.")).toBeVisible();
    });

    test(`a key is made, works, is revoked and works no more (${word})`, async ({ page, baseURL }) => {
      await page.goto(`${at}/settings`);
      await page.getByRole("link", { name: "For an agent" }).click();
      const key = (await page.locator(".secret").innerText()).trim();
      expect(key).toMatch(/^baton_agent_[0-9a-f]{64}$/);
      await page.getByLabel("Agent", { exact: true }).fill(`piccolo-${word}`);
      await page.getByRole("button", { name: "Let this agent in" }).click();
      await expect(page.getByRole("status")).toContainText("works from now on");
      const ask = () =>
        fetch(`${baseURL}/api/v1/agents`, {
          method: "POST",
          headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
          body: JSON.stringify({ name: `piccolo-${word}` }),
        });
      expect((await ask()).status).toBe(200);
      await page.goto(`${at}/agents`);
      await expect(page.getByRole("row", { name: new RegExp(`piccolo-${word}`) })).toContainText("online");

      await page.goto(`${at}/settings`);
      const row = page.getByRole("row", { name: new RegExp(`piccolo-${word}`) });
      await row.getByText("Revoke", { exact: true }).click();
      await row.getByRole("button", { name: "Revoke this key" }).click();
      await expect(page.getByRole("status")).toContainText("Revoked.");
      expect((await ask()).status).toBe(401);
    });

    test(`a policy is changed, and the versions say by what (${word})`, async ({ page }) => {
      await page.goto(`${at}/settings`);
      const field = page.getByLabel("Unfinished tasks");
      const limit = javaScriptEnabled ? "4321" : "4322";
      await field.fill("many");
      await page.getByRole("button", { name: "Put in force" }).click();
      await expect(page.getByText("This takes a whole number from 1 to 4,294,967,295.")).toBeVisible();
      await field.fill(limit);
      await page.getByRole("button", { name: "Put in force" }).click();
      await expect(page.getByRole("status")).toContainText("is in force");
      await page.goto(`${at}/settings`);
      await expect(field).toHaveValue(limit);
      await page.getByText("Versions before").click();
      await expect(page.getByText(`→ ${limit}`).first()).toBeVisible();
    });
  });
}

test("somebody changes their password, which ends their other sessions", async ({ browser }) => {
  const nadia = { email: "nadia@example.org", password: "seven strings on this lute" };
  baton(
    ["user", "create", "--email", nadia.email, "--workspace", workspace.slug, "--workspace-role", "member", "--password-stdin"],
    nadia.password,
  );
  const [here, there] = [await browser.newContext({ storageState: undefined }), await browser.newContext({ storageState: undefined })];
  const [desk, phone] = [await here.newPage(), await there.newPage()];
  await signIn(desk, nadia.email, nadia.password);
  await signIn(phone, nadia.email, nadia.password);
  await desk.goto("/account");
  await expect(desk.getByRole("row")).toHaveCount(3);
  await expect(desk.getByRole("row", { name: /this one/ })).toContainText(/Chrom\w+ on \w+/);

  const fresh = "eight strings on that lute";
  await desk.getByLabel("The one you have").fill("not this");
  await desk.getByLabel("A new one").fill(fresh);
  await desk.getByRole("button", { name: "Change it" }).click();
  await expect(desk.getByRole("alert")).toContainText("not your password");
  await desk.getByLabel("The one you have").fill(nadia.password);
  await desk.getByLabel("A new one").fill(fresh);
  await desk.getByRole("button", { name: "Change it" }).click();
  await expect(desk.getByRole("alert")).toContainText("is changed");
  await phone.goto("/account");
  await expect(phone).toHaveURL(/\/login/);

  await signIn(phone, nadia.email, fresh);
  await desk.goto("/account");
  await desk.getByRole("button", { name: "End it" }).click();
  await expect(desk.getByRole("status")).toContainText("That session is over.");
  await expect(desk.getByRole("row")).toHaveCount(2);
  await phone.goto("/account");
  await expect(phone).toHaveURL(/\/login/);
  await here.close();
  await there.close();
});

test("a member sees the settings and may change none of them", async ({ browser }) => {
  const email = "otto@example.org";
  const password = "a drum heard from afar";
  baton(
    ["user", "create", "--email", email, "--workspace", workspace.slug, "--workspace-role", "member", "--password-stdin"],
    password,
  );
  const context = await browser.newContext({ storageState: undefined });
  const page = await context.newPage();
  await signIn(page, email, password);
  await page.goto(`${at}/settings`);
  await expect(page.getByRole("heading", { name: "Policy" })).toBeVisible();
  for (const name of ["Keep", "Put in force", "Revoke this key"]) {
    await expect(page.getByRole("button", { name })).toHaveCount(0);
  }
  await expect(page.getByRole("link", { name: "For an agent" })).toHaveCount(0);
  await page.goto("/w");
  await expect(page.getByText("New workspace")).toHaveCount(0);
  await context.close();
});

test("an agent's page says what it holds and what it did", async ({ page }) => {
  const manager = Client.as("manager");
  const name = `oboe_${Date.now()}`;
  const oboe = Client.as("agent", name);
  await oboe.ask("POST", "/agents", { name, capabilities: [name], max_concurrency: 3 });
  for (const title of ["Give the A", "Play the solo"]) {
    await manager.ask("POST", "/tasks", { title, capabilities: [name], max_attempts: 1 });
  }
  await oboe.lease(await oboe.claim(), "fail", { error: "The reed is dry.", retryable: false });
  await oboe.claim();
  await page.goto(`${at}/agents`);
  await page.getByRole("link", { name, exact: true }).click();
  await expect(page.getByRole("region", { name: "What it holds" })).toContainText("Play the solo");
  await expect(page.getByRole("region", { name: "What it did" })).toContainText("Give the A");
  await expect(page.getByRole("region", { name: "Last error" })).toContainText("The reed is dry.");
  await page.goto(`/?w=${workspace.slug}`);
  const score = page.getByRole("region", { name: "Agents at work" });
  await expect(score.getByRole("listitem").filter({ hasText: name })).toContainText("1 running, 1 ended");
});

test("a link to Baton shows its picture elsewhere", async ({ browser, baseURL }) => {
  const context = await browser.newContext({ storageState: undefined });
  const page = await context.newPage();
  await page.goto("/login");
  const picture = await page.locator("meta[property='og:image']").getAttribute("content");
  expect(picture).toBe(`${baseURL}/open-graph.png`);
  expect((await page.request.get(picture!)).headers()["content-type"]).toBe("image/png");
  await context.close();
});

test("the interface's page is of one piece with the others", async ({ page, context, baseURL }) => {
  const problems = complaints(page);
  await page.goto("/api/docs");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await ground();
  await context.addCookies([{ name: "theme", value: "dark", url: baseURL! }]);
  await page.reload();
  expect(await ground()).not.toBe(light);
  await page.goto("/api/docs#lease_lost");
  await expect(page.locator("#lease_lost")).toBeInViewport();
  await page.getByRole("link", { name: "Baton" }).click();
  await expect(page).toHaveURL(`${baseURL}/`);
  expect(problems).toEqual([]);
});
