import { expect, test } from "@playwright/test";
import { openAccount } from "./support";

test("the theme is changed at once and remembered by the server", async ({ page }) => {
  const problems: string[] = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));

  await page.goto("/");
  const root = page.locator("html");
  await expect(root).toHaveAttribute("data-awake", "");
  await openAccount(page);
  await page.getByRole("radio", { name: "Dark" }).check();
  await expect(root).toHaveAttribute("data-theme", "dark");

  await page.reload();
  await expect(root).toHaveAttribute("data-theme", "dark");
  await openAccount(page);
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
  expect(problems).toEqual([]);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("a page reads well and hides what would not work", async ({ page }) => {
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(page.getByRole("group", { name: "Theme" })).toBeHidden();
  });
});
