import { mkdirSync } from "node:fs";
import type { Page } from "@playwright/test";

/** Taking pictures of pages: for looking at, in `target/screenshots`; some are kept for the README. */

const folder = "../target/screenshots";
const shown = "../docs/screenshots";

/** Those that the README shows. */
const kept = [
  "demo-overview-light-1280",
  "task-waiting-dark-1280",
  "resource-what-if-light-1280",
  "decision-dark-1280",
  "overview-dark-360",
  "tasks-light-360",
];

export type Look = { theme: "light" | "dark"; width: number };

/** Every page is looked at in both themes, on a phone and on a desk; some on what is between and beyond. */
export const looks: Look[] = (process.env.WIDTHS?.split(",").map(Number) ?? [360, 1280]).flatMap(
  (width) => (["light", "dark"] as const).map((theme) => ({ theme, width })),
);

/** Opens a page as `look` says, awake if it has scripts. */
export async function open(page: Page, path: string, { theme, width }: Look) {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: width < 400 ? 780 : 860 });
  await page.goto(path);
  if (await page.locator("script").count()) await page.locator("html[data-awake]").waitFor();
  if (await page.locator(".live").count()) await page.locator(".live-on").waitFor();
  await page.evaluate(() => document.fonts.ready);
}

/** Takes the whole page, or what is seen of it. */
export async function take(page: Page, name: string, { theme, width }: Look, fullPage = true) {
  mkdirSync(folder, { recursive: true });
  const look = `${name}-${theme}-${width}`;
  await page.screenshot({ path: `${folder}/${look}.png`, fullPage });
  if (kept.includes(look)) await page.screenshot({ path: `${shown}/${look}.png` });
}
