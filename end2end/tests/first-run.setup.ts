import { expect, test } from "@playwright/test";
import { admin, complaints, isFit, looks, openAccount, openIn, setupCode, signIn, workspace } from "./support";

test("the first person sets up, signs out, mistypes, and signs in", async ({ page }) => {
  const problems = complaints(page);
  const begin = async (code: string, password: string) => {
    await page.getByLabel("One-time code").fill(code);
    await page.getByLabel("Your e-mail").fill(admin.email);
    await page.getByLabel("A password").fill(password);
    await page.getByLabel("The workspace's name").fill(workspace.name);
    await page.getByLabel("Its part of addresses").fill(workspace.slug);
    await page.getByRole("button", { name: "Begin" }).click();
  };

  await page.goto("/");
  await expect(page).toHaveURL(/\/setup$/);
  for (const look of looks) {
    await openIn(page, "/setup", look);
    await isFit(page, look.name);
  }
  await begin(setupCode(), "password123");
  await expect(page.getByRole("alert")).toContainText("first that others would try");
  await expect(page.getByLabel("A password")).toBeFocused();
  await begin("000000-000000-000000-00", admin.password);
  await expect(page.getByRole("alert")).toContainText("not the code");
  await begin(setupCode(), admin.password);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(
    "Nothing is running and nothing waits.",
  );
  await expect(page.getByText("Hand in the first task")).toBeVisible();

  await openAccount(page);
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login$/);
  await page.goto("/setup");
  await expect(page).toHaveURL(/\/login$/);

  await signIn(page, admin.email, "not the password");
  await expect(page.getByRole("alert")).toContainText("do not belong together");
  await signIn(page);
  await expect(page).toHaveURL(/\/$/);
  const cookies = await page.context().cookies();
  expect(cookies.find((cookie) => cookie.name.endsWith("baton"))).toMatchObject({
    httpOnly: true,
    sameSite: "Lax",
  });
  expect(problems).toEqual([]);
  await page.context().storageState({ path: "test-results/signed-in.json" });
});
