import { expect, test, type Page } from "@playwright/test";
import { Client, workspace } from "./support";

const at = `/w/${workspace.slug}`;
const title = `Tune the second violins ${Date.now()}`;

test.beforeAll(async () => {
  await Client.as("manager").ask("POST", "/tasks", { title, capabilities: ["nobody"] });
});

async function open(page: Page, path: string) {
  await page.goto(path);
  await page.locator("html[data-awake]").waitFor();
}

test("the palette finds a task by a few letters and opens it, by keys alone", async ({ page }) => {
  await open(page, `/?w=${workspace.slug}`);
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Find" });
  await expect(palette.getByRole("link", { name: "Settings" })).toBeVisible();
  await page.keyboard.type("second violins");
  const found = palette.getByRole("link", { name: title });
  await expect(found).toBeVisible();
  await page.keyboard.press("ArrowDown");
  await expect(found).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(palette.getByRole("searchbox")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);

  await page.keyboard.press("Meta+k");
  await expect(palette).toBeVisible();
  await page.keyboard.type("words that one Escape does not stop at");
  await page.keyboard.press("Escape");
  await expect(palette).toBeHidden();
});

test("letters go to places and through rows, and can be switched off", async ({ page }) => {
  await open(page, `/?w=${workspace.slug}`);
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page).toHaveURL(`${at}/tasks`);
  await page.locator("html[data-awake]").waitFor();
  await page.keyboard.press("j");
  const rows = page.locator("main tbody tr");
  await expect(rows.nth(0).getByRole("link").first()).toBeFocused();
  await page.keyboard.press("j");
  await expect(rows.nth(1).getByRole("link").first()).toBeFocused();
  await page.keyboard.press("k");
  await expect(rows.nth(0).getByRole("link").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await expect(page.locator("main").getByRole("searchbox").first()).toBeFocused();

  await page.goto("/account");
  await page.getByRole("checkbox", { name: /^Single keys/ }).uncheck();
  await page.getByRole("button", { name: "Keep" }).click();
  await open(page, `/?w=${workspace.slug}`);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeHidden();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Find" })).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("everything is found on a page of its own", async ({ page }) => {
    await page.goto(`/?w=${workspace.slug}`);
    await page.getByRole("link", { name: /^Find .* K$/ }).click();
    await page.getByRole("searchbox", { name: "Find" }).fill("second violins");
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("link", { name: title }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(title);
  });
});
