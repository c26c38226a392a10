import { expect, test } from "@playwright/test";
import { Client, workspace } from "./support";

test.use({ javaScriptEnabled: false });

test("the five pages read the same without scripts", async ({ page }) => {
  const manager = Client.as("manager");
  await manager.ask("PUT", "/resources/closed_shop", { kind: "slots", slots: 0 });
  await manager.ask("POST", "/tasks", {
    title: "Buy from the closed shop",
    requires: [{ resource: "closed_shop", amount: 1 }],
  });

  await page.goto(`/?w=${workspace.slug}`);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("waiting");
  await expect(page.getByRole("heading", { name: "Waiting, and for what" })).toBeVisible();
  await expect(page.getByText("closed_shop", { exact: true })).toBeVisible();
  await expect(page.getByRole("group", { name: "Theme" })).toBeHidden();

  await page.getByRole("link", { name: "Tasks", exact: true }).click();
  await page.getByRole("searchbox").fill("closed shop");
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await expect(page).toHaveURL(/q=closed/);
  await page.getByRole("link", { name: "Buy from the closed shop" }).click();
  await expect(page.getByRole("region", { name: /^Not yet:/ })).toContainText("closed_shop");
  await expect(page.getByRole("heading", { name: "Timeline" })).toBeVisible();

  await page.getByRole("link", { name: "Decisions", exact: true }).click();
  await page.getByRole("link", { name: "not yet", exact: true }).click();
  await expect(page).toHaveURL(/kind=not_yet/);
  await page.getByRole("link", { name: /^Not yet:/ }).first().click();
  await expect(page.getByText("Reasoning")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Its lane" })).toBeVisible();
});
