import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";
import pg from "pg";

export const admin = { email: "ada@example.org", password: "a stave has five lines" };
export const workspace = { slug: "team", name: "Research team" };

/** The server under test. `BATON_URL` names one that runs already; else one is started on `BATON_PORT`. */
export const url = process.env.BATON_URL ?? `http://127.0.0.1:${process.env.BATON_PORT ?? 3210}`;
const base = `${url}/api/v1`;

/** The command line, on the server's database. */
export function baton(args: string[], input?: string): string {
  return execFileSync("../target/debug/baton", args, { encoding: "utf8", input }).trim();
}

/** Takes a table away for a while: nothing else breaks a page at will. */
export async function without(table: string, call: () => Promise<void>) {
  const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await database.connect();
  const rename = (from: string, to: string) => database.query(`ALTER TABLE ${from} RENAME TO ${to}`);
  try {
    await rename(table, `${table}_aside`);
    await call().finally(() => rename(`${table}_aside`, table));
  } finally {
    await database.end();
  }
}

/** Says something to the database itself: nothing else makes a past. */
export async function toDatabase(statement: string) {
  const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
  await database.connect();
  await database.query(statement).finally(() => database.end());
}

/** What the server printed for the first person. */
export function setupCode(): string {
  const code = readFileSync("server.log", "utf8").match(/first account: (\S+)/)?.[1];
  if (!code) throw new Error("the server printed no code");
  return code;
}

/** A program that speaks the public interface. */
export class Client {
  private constructor(private readonly key: string) {}

  static as(role: "manager" | "agent", agent?: string, slug = workspace.slug): Client {
    const named = agent ? ["--agent", agent] : [];
    return new Client(baton(["key", "create", "--workspace", slug, "--role", role, ...named]));
  }

  async ask(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Claims one task, waiting for it. */
  async claim(): Promise<any> {
    const { leases } = await this.ask("POST", "/claims", { wait_ms: 20_000 });
    expect(leases).toHaveLength(1);
    return leases[0];
  }

  lease(lease: any, act: string, body: object = {}): Promise<any> {
    return this.ask("POST", `/leases/${lease.lease_id}/${act}`, { epoch: lease.epoch, ...body });
  }
}

/** Signs in through the form. */
export async function signIn(page: Page, email = admin.email, password = admin.password) {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Opens the menu of one's account. */
export async function openAccount(page: Page) {
  await page.getByRole("button", { name: admin.email }).click();
}

/** Notes what the browser complains about. */
export function complaints(page: Page): string[] {
  const problems: string[] = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  return problems;
}

/** Both themes, on a phone and on a desk. */
export const looks = (["light", "dark"] as const).flatMap((colorScheme) =>
  [360, 1280].map((width) => ({ colorScheme, width, name: `${colorScheme}, ${width} px` })),
);

/** Takes a look at the page as it stands: nothing for axe to find, nothing wider than the page. */
export async function isFit(page: Page, about = "") {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]), about).toEqual([]);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over, `${about} nothing is wider than the page`).toBeLessThanOrEqual(0);
}

/** Presses the button of that name that opens a form, unless the form stands open: there is nothing yet. */
export async function unfold(page: Page, name: string) {
  const asking = page.locator("details.asking", { has: page.locator("summary", { hasText: name }) });
  if (!(await asking.evaluate((asking: HTMLDetailsElement) => asking.open))) await asking.locator("> summary").click();
}

/** Opens a page as `look` says. */
export async function openIn(page: Page, path: string, look: (typeof looks)[number]) {
  await page.emulateMedia({ colorScheme: look.colorScheme });
  await page.setViewportSize({ width: look.width, height: 900 });
  await page.goto(path);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
}
