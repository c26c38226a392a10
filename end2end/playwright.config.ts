import { defineConfig, devices } from "@playwright/test";
import { url } from "./tests/support";

export default defineConfig({
  testDir: "tests",
  // The tests tell one story on one server: set up, sign in, watch.
  workers: 1,
  forbidOnly: true,
  reporter: "list",
  use: {
    ...devices["Desktop Chrome"],
    baseURL: url,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
    },
    trace: "retain-on-failure",
  },
  projects: [
    { name: "first run", testMatch: "first-run.setup.ts" },
    {
      name: "pages",
      testMatch: "*.spec.ts",
      dependencies: ["first run"],
      use: { storageState: "test-results/signed-in.json" },
    },
    // Before anybody has set up: a run of its own, on the same database.
    { name: "first screenshots", testMatch: "pictures/first.pictures.ts" },
    {
      name: "screenshots",
      testMatch: "pictures/pages.pictures.ts",
      dependencies: ["first run"],
      use: { storageState: "test-results/signed-in.json" },
    },
    {
      name: "measurements",
      testMatch: "*.measure.ts",
      dependencies: ["first run"],
      use: { storageState: "test-results/signed-in.json" },
    },
  ],
  webServer: process.env.BATON_URL
    ? undefined
    : {
        // The server prints the one-time code of the first run; the first test reads it there.
        command: "exec ../target/debug/baton serve 2> server.log",
        env: { BATON_LISTEN: new URL(url).host },
        url: `${url}/healthz`,
        timeout: 60_000,
        gracefulShutdown: { signal: "SIGTERM", timeout: 30_000 },
      },
});
