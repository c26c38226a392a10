/** Takes the pictures that `public/` keeps: what a link shows elsewhere, and the icon of a home screen. */
import { chromium } from "@playwright/test";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const [name, width, height] of [["open-graph", 1200, 630], ["icon", 180, 180]]) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(new URL(`${name}.html`, import.meta.url).href);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `../public/${name}.png` });
}
await browser.close();
