import { test } from "@playwright/test";
import { looks, open, take } from "./look";

/** The way in of a house in which nobody lives yet. */

for (const look of looks) {
  test(`set-up, ${look.theme}, ${look.width} px`, async ({ page }) => {
    await open(page, "/", look);
    await take(page, "setup", look);
    await open(page, "/setup?fault=common", look);
    await take(page, "setup-refused", look);
  });
}
