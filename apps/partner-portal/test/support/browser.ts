import type { BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { type Browser, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { findBrowser } from "../../../../scripts/browser.mjs";
import { openStage, type PortalStage, type StageOptions } from "./portal-stage.js";

/** Starts a browser without a window. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      // As root, which containers often run as, it starts no other way.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** What a test in a browser has at hand. */
export interface Scene {
  readonly stage: PortalStage;
  /** Opens a page in a browser that remembers nothing; at the end of the test it is closed. */
  open(options?: BrowserContextOptions): Promise<Page>;
  /** Goes somewhere and signs in on the way, as the first user. */
  signIn(page: Page, path?: string): Promise<void>;
  /** The buttons of the emulator's login, one for each user. */
  users(page: Page): Locator;
  heading(page: Page): Promise<string | null>;
  /** Path and query of the page. */
  pathOf(page: Page): string;
  /** The kinds of token requests that Talkdesk has received. */
  grants(): readonly (string | null)[];
}

/** How often the portal asks for a report: as rarely as it takes to see it being made. */
const reportWaits = { firstMs: 300, longestMs: 300, totalMs: 60_000 };

/**
 * Has tests run in one browser, each with a portal of its own. A test fails as well when the browser complains, of a
 * style or script that was blocked or of an error in a script. Skipped where there is no browser: where none could be
 * installed, the test command has said so.
 */
export function describeInBrowser(name: string, options: StageOptions, tests: (scene: Scene) => void): void {
  const executablePath = findBrowser();
  describe.skipIf(executablePath === undefined)(name, { timeout: 300_000 }, () => {
    let browser: Browser;
    let stage: PortalStage;
    let contexts: BrowserContext[];
    let complaints: string[];

    beforeAll(async () => {
      browser = await launchBrowser(executablePath ?? "");
    }, 300_000);
    afterAll(() => browser.close());

    beforeEach(async () => {
      stage = await openStage({ login: "page", reportWaits, ...options });
      contexts = [];
      complaints = [];
    });
    afterEach(async () => {
      for (const context of contexts) await context.close();
      await stage[Symbol.asyncDispose]();
      expect(complaints).toEqual([]);
    });

    const users = (page: Page): Locator => page.getByRole("button", { name: "@users.example.com" });
    tests({
      get stage() {
        return stage;
      },
      async open(contextOptions = {}) {
        const context = await browser.newContext({ baseURL: stage.origin, ...contextOptions });
        contexts.push(context);
        context.setDefaultTimeout(60_000);
        context.on("weberror", (error) => complaints.push(String(error.error())));
        context.on("console", (message) => {
          const isAnswered = message.text().startsWith("Failed to load resource: the server responded");
          if (message.type() === "error" && !isAnswered) complaints.push(message.text());
        });
        return context.newPage();
      },
      async signIn(page, path = "/contacts") {
        await page.goto(path);
        await users(page).first().click();
        await page.waitForURL(`${stage.origin}${path}`);
      },
      users,
      heading: (page) => page.getByRole("heading", { level: 1 }).textContent(),
      pathOf: (page) => page.url().slice(stage.origin.length),
      grants: () => stage.talkdesk.requests.to("token").map(({ form }) => form.get("grant_type")),
    });
  });
}
