import { expect, test } from "@playwright/test";
import { admin, baton, Client, signIn, workspace } from "./support";

const stranger = { email: "grace@example.org", password: "no lines were hers" };

test("another workspace's pages do not exist for those who are no members", async ({ browser }) => {
  const task = await Client.as("manager").ask("POST", "/tasks", {
    title: "Ours alone",
    capabilities: ["nobody has this"],
  });
  baton(["workspace", "create", "elsewhere", "--name", "Elsewhere"]);
  const { email, password } = stranger;
  const member = ["--workspace", "elsewhere", "--workspace-role", "member"];
  baton(["user", "create", "--email", email, ...member, "--password-stdin"], password);
  const context = await browser.newContext({ storageState: undefined });
  const page = await context.newPage();
  await signIn(page, email, password);
  await expect(page.getByText("Elsewhere").first()).toBeVisible();
  const paths = [
    `/w/${workspace.slug}/tasks`,
    `/w/${workspace.slug}/tasks/${task.id}`,
    `/w/${workspace.slug}/decisions`,
    `/w/${workspace.slug}/events`,
    `/w/elsewhere/tasks/${task.id}`,
    `/?w=${workspace.slug}`,
    `/w/nowhere/tasks`,
  ];
  for (const path of paths) {
    const answer = await page.request.get(path);
    expect(answer.status(), path).toBe(404);
    expect(await answer.text()).not.toContain("Ours alone");
  }
  await context.close();
});

test("nothing is shown to those who are not signed in", async ({ playwright, baseURL }) => {
  const request = await playwright.request.newContext({ baseURL, storageState: undefined });
  for (const path of ["/", `/w/${workspace.slug}/tasks`, `/w/${workspace.slug}/events`, "/anything"]) {
    const answer = await request.get(path, { maxRedirects: 0 });
    expect(answer.status(), path).toBe(303);
    expect(answer.headers().location).toMatch(/^\/login/);
  }
});

test("a form that another site sends changes nothing", async ({ page, baseURL }) => {
  const refused = [{ "sec-fetch-site": "cross-site" }, { origin: "https://evil.example" }, {}];
  for (const headers of refused) {
    const answer = await page.request.post("/logout", { headers: headers as any, maxRedirects: 0 });
    expect(answer.status()).toBe(403);
  }
  await page.goto("/");
  await expect(page.getByRole("button", { name: admin.email })).toBeVisible();
  const ours = await page.request.post("/login", {
    headers: { origin: baseURL! },
    form: { email: "x@example.org", password: "wrong" },
    maxRedirects: 0,
  });
  expect(await ours.text()).toContain("do not belong together");
});

test("an address that leads nowhere says so", async ({ page }) => {
  const answer = await page.goto("/w/team/nothing");
  expect(answer?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing is here");
});

test("scripts run by the response's nonce only", async ({ page }) => {
  const answer = await page.goto("/");
  const policy = answer!.headers()["content-security-policy"];
  expect(policy).toMatch(/script-src 'nonce-[^']{16,}' 'strict-dynamic' 'wasm-unsafe-eval';/);
  expect(policy).toContain("base-uri 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(answer!.headers()["cache-control"]).toBe("no-store");
});

test("pages travel compressed, and robots are told in their own words", async ({ page, request }) => {
  const answer = await page.goto("/");
  expect(answer!.headers()["content-encoding"]).toBe("gzip");
  expect((await answer!.request().sizes()).responseBodySize).toBeLessThan((await answer!.body()).length / 3);
  const plain = await request.get("/", { headers: { "accept-encoding": "identity" } });
  expect(plain.headers()["content-encoding"]).toBeUndefined();
  expect(plain.headers().vary).toContain("accept-encoding");
  expect(await (await request.get("/robots.txt")).text()).toContain("User-agent: *");
});
