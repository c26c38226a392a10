import { existsSync } from "node:fs";
import { expect, test } from "@playwright/test";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { admin, Client, url, workspace } from "./support";

/**
 * The main walk in Firefox. Playwright drives only a Firefox of its own, so here puppeteer does, over
 * WebDriver BiDi, with the one that is installed.
 */

const firefox = [process.env.FIREFOX, "/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => path && existsSync(path));
const at = `${url}/w/${workspace.slug}`;

let browser: Browser;
let page: Page;
const problems: string[] = [];

test.beforeAll(async () => {
  expect(firefox, "no Firefox was found: install firefox-esr, or name one in FIREFOX").toBeTruthy();
  browser = await puppeteer.launch({ browser: "firefox", executablePath: firefox, headless: true });
  page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
});

test.afterAll(() => browser?.close());

/** What an element says, whenever it says it. */
const says = (selector: string) =>
  expect.poll(() => page.$eval(selector, (found) => found.textContent?.trim()).catch(() => undefined), { timeout: 10_000 });
const press = (name: string) => page.locator(`::-p-aria(${name}[role="button"])`).click();
const awake = () => page.waitForSelector("html[data-awake]");

test("somebody signs in, sees a task go from waiting to done, and reads why", async () => {
  await page.goto(`${url}/login`);
  await page.locator("#email").fill(admin.email);
  await page.locator("#password").fill(admin.password);
  await press("Sign in");
  await page.waitForSelector(".place-link[aria-current]");

  const manager = Client.as("manager");
  const gate = `firefox_${Date.now()}`;
  await manager.ask("PUT", `/resources/${gate}`, { kind: "slots", slots: 1 });
  const scout = Client.as("agent", gate);
  await scout.ask("POST", "/agents", { name: gate, capabilities: [gate] });
  const needs = { capabilities: [gate], requires: [{ resource: gate, amount: 1 }] };
  await manager.ask("POST", "/tasks", { title: "Hold the gate", ...needs });
  const first = await scout.claim();
  const claimed = scout.claim();
  const second = await manager.ask("POST", "/tasks", { title: "Walk in Firefox", ...needs });

  await page.goto(`${at}/tasks/${second.id}`);
  await awake();
  await says("h1").toBe("Walk in Firefox");
  await says("#why").toContain(gate);
  await page.waitForSelector(".live-on");
  await page.evaluate(() => ((window as any).sameDocument = true));
  await scout.lease(first, "complete", { output: {} });
  const lease = await claimed;
  await says("#task-state").toBe("running");
  await scout.lease(lease, "complete", { output: { seen: "in Firefox" } });
  await says("#task-state").toBe("done");
  expect(await page.evaluate(() => (window as any).sameDocument)).toBe(true);

  await page.locator(".decision-words a").click();
  await says("h1").toMatch(/^Given to firefox_/);
  await says(".reasoning").toMatch(new RegExp(`It took 1 of .*${gate}`));
  expect(problems).toEqual([]);
});

test("a task is held, released by undo, and found by keys alone", async () => {
  const title = `Find me in Firefox ${Date.now()}`;
  const task = await Client.as("manager").ask("POST", "/tasks", { title, capabilities: ["nobody has this"] });
  await page.goto(`${at}/tasks/${task.id}`);
  await awake();
  await press("Hold");
  await says("#task-state").toBe("held");
  await says("#notices").toContain("Held.");
  await press("Undo");
  await says("#task-state").toBe("waiting");

  await page.goto(`${url}/?w=${workspace.slug}`);
  await awake();
  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await page.keyboard.type(title);
  await says("#palette-found a").toBe(title);
  await page.keyboard.press("Enter");
  await says("h1").toBe(title);
  expect(problems).toEqual([]);
});
