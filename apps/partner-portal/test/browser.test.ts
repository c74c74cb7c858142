import { readFile } from "node:fs/promises";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { findBrowser } from "../../../scripts/browser.mjs";
import { launchBrowser } from "./browser.js";
import { faintTexts } from "./contrast.js";
import { openStage, type PortalStage } from "./portal-stage.js";

const executablePath = findBrowser();

// Where there is no browser and none could be installed, the test command has said so.
describe.skipIf(executablePath === undefined)("in a browser", { timeout: 60_000 }, () => {
  let browser: Browser;
  let stage: PortalStage;
  let context: BrowserContext | undefined;
  /** What the browser complained of: blocked styles and scripts, errors in scripts. */
  let complaints: string[];

  beforeAll(async () => {
    browser = await launchBrowser(executablePath ?? "");
  }, 60_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    stage = await openStage({ login: "page", reportPolls: 4, reportWaits });
    complaints = [];
  });
  afterEach(async () => {
    await context?.close();
    await stage[Symbol.asyncDispose]();
    expect(complaints).toEqual([]);
  });

  const reportWaits = { firstMs: 300, longestMs: 300, totalMs: 10_000 };
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true } as const;

  async function open(options: BrowserContextOptions = {}): Promise<Page> {
    context = await browser.newContext({ baseURL: stage.origin, ...options });
    context.setDefaultTimeout(20_000);
    context.on("weberror", (error) => complaints.push(String(error.error())));
    context.on("console", (message) => {
      const isAnswered = message.text().startsWith("Failed to load resource: the server responded");
      if (message.type() === "error" && !isAnswered) complaints.push(message.text());
    });
    return context.newPage();
  }

  const heading = (of: Page): Promise<string | null> => of.getByRole("heading", { level: 1 }).textContent();
  const users = (of: Page): ReturnType<Page["getByRole"]> =>
    of.getByRole("button", { name: "@users.example.com" });

  async function signIn(of: Page, path = "/contacts"): Promise<void> {
    await of.goto(path);
    await users(of).first().click();
    await of.waitForURL(`**${path}`);
  }

  const pathOf = (of: Page): string => of.url().slice(stage.origin.length);
  const grants = (): (string | null)[] =>
    stage.talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"));

  it("signs in, shows who it is, signs out, and nothing is left for the back button", async () => {
    const page = await open();
    await page.goto("/");
    await page.getByRole("link", { name: "Sign in with Talkdesk" }).click();
    expect(new URL(page.url()).origin).not.toBe(stage.origin);
    const chosen = users(page).nth(1);
    const email = (await chosen.locator("small").textContent()) ?? "";
    const name = (await chosen.textContent())?.replace(email, "");
    await chosen.click();
    await page.waitForURL(`${stage.origin}/`);
    expect(await heading(page)).toBe(`Hello, ${name}`);
    await page.getByRole("link", { name: "Profile" }).first().click();
    await page.getByRole("main").getByText(email).waitFor();

    expect(await page.evaluate(() => document.cookie)).toBe("");
    const [cookie, ...more] = await page.context().cookies(stage.origin);
    expect(more).toEqual([]);
    expect(cookie).toMatchObject({ name: "portal", httpOnly: true, sameSite: "Lax" });

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${stage.origin}/`);
    expect(await heading(page)).toBe("Your contact centre, at a glance");
    await page.goBack();
    expect(new URL(page.url()).origin).not.toBe(stage.origin);
    expect(await users(page).count()).toBeGreaterThan(0);
  });

  it("says it when the person denies, and whom to ask", async () => {
    const page = await open();
    await page.goto("/auth/login");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.waitForURL(`${stage.origin}/**`);
    expect(await heading(page)).toBe("The sign-in was denied");
    expect(await page.getByRole("link", { name: "help@example.com" }).getAttribute("href")).toBe(
      "mailto:help@example.com",
    );
    expect(grants()).toEqual([]);
    await page.goto("/");
    expect(await heading(page)).toBe("Your contact centre, at a glance");
  });

  it("lets two tabs sign in at the same time, and signs out both", async () => {
    const page = await open();
    const other = await page.context().newPage();
    await page.goto("/contacts");
    await other.goto("/reports");
    await users(page).first().click();
    await page.waitForURL("**/contacts");
    await users(other).first().click();
    await other.waitForURL("**/reports");
    expect([await heading(page), await heading(other)]).toEqual(["Contacts", "Reports"]);
    await page.reload();
    expect(await heading(page)).toBe("Contacts");

    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(`${stage.origin}/`);
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await users(page).count()).toBeGreaterThan(0);
  });

  it("takes the back button at the login, and a callback that is loaded again", async () => {
    const page = await open();
    let callback = "";
    page.on("request", (request) => {
      if (request.url().includes("/auth/callback")) callback = request.url();
    });
    await signIn(page);
    await page.goto(callback);
    expect(pathOf(page)).toBe("/");
    expect(await heading(page)).toMatch(/^Hello, /);
    expect(grants()).toEqual(["authorization_code"]);

    await page.goto("/auth/login?returnTo=/profile");
    await page.goBack();
    expect(await heading(page)).toMatch(/^Hello, /);
    await page.goForward();
    await users(page).first().click();
    await page.waitForURL("**/profile");
    await page.goBack();
    await page.goForward();
    expect(await heading(page)).toBe("Profile");
  });

  it("comes back to where it was when the session has expired", async () => {
    const page = await open();
    await signIn(page);
    await page.getByLabel("Name").fill("ada");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/contacts?q=ada");
    stage.sessions.clear();
    await page.reload();
    await users(page).first().click();
    await page.waitForURL("**/contacts?q=ada");
    expect(await page.getByLabel("Name").inputValue()).toBe("ada");
  });

  it("does not show that a token was revoked, unless Talkdesk wants the person to sign in again", async () => {
    const page = await open();
    await signIn(page);
    stage.talkdesk.faults.revokeTokens();
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await heading(page)).toBe("Profile");
    expect(grants()).toEqual(["authorization_code", "refresh_token"]);

    stage.talkdesk.faults.revokeTokens();
    stage.talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      match: { grantType: "refresh_token" },
      respond: {
        status: 400,
        headers: { "content-type": "application/json" },
        body: '{"error":"invalid_grant"}',
      },
    });
    await page.getByRole("link", { name: "Contacts" }).click();
    expect(await heading(page)).toBe("Your session has ended");
    await page.getByRole("link", { name: "Sign in again" }).click();
    await users(page).first().click();
    await page.waitForURL("**/contacts");
    expect(await heading(page)).toBe("Contacts");
  });

  it("explains what fails, and tries again", async () => {
    const page = await open();
    await signIn(page);
    stage.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "5" } } });
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await heading(page)).toBe("Talkdesk is busy");
    await page.getByRole("link", { name: "Try again" }).click();
    expect(await heading(page)).toBe("Profile");
  });

  it("finds contacts, page by page", async () => {
    const page = await open();
    await signIn(page);
    expect(await page.getByRole("row").count()).toBe(21);
    await page.getByRole("link", { name: "Next" }).click();
    await page.waitForURL("**/contacts?page=2");
    expect(await page.getByRole("status").textContent()).toBe("120 contacts, page 2 of 6.");
    await page.getByLabel("Name").fill("INÊS");
    await page.getByRole("button", { name: "Search" }).click();
    await page.waitForURL("**/contacts?q=*");
    const names = await page.getByRole("rowheader").allTextContents();
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(name).toMatch(/^Inês /);
    await page.getByLabel("Name").fill("nobody <b>");
    await page.keyboard.press("Enter");
    await page.getByText("No contacts found").waitFor();
    await page.getByRole("link", { name: "Show all" }).click();
    expect(await page.getByRole("row").count()).toBe(21);
  });

  it("watches a report being made, and downloads it", async () => {
    const page = await open();
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const words = page.getByRole("status");
    await page.evaluate(() => {
      const told: (string | null | undefined)[] = [];
      const progress = document.querySelector("[data-progress]");
      new MutationObserver(() => told.push(progress?.textContent)).observe(document.body, {
        subtree: true,
        childList: true,
      });
      Object.assign(window, { told });
    });
    expect(await words.textContent()).toContain("Talkdesk is making the report.");
    expect(await page.locator("[aria-current=step]").textContent()).toBe("Being made");
    await words.getByText("The report is ready.").waitFor();
    // The page is the same, so all of that was told without loading it again.
    const told = await page.evaluate(() => (window as unknown as { told: string[] }).told);
    expect(told).toContainEqual(expect.stringMatching(/^Talkdesk is making the report\. 1 second so far\.$/));
    expect(await page.title()).toMatch(/^Ready: /);

    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download the file" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^calls-\d{4}-\d{2}-\d{2}\.csv$/);
    const file = await readFile(await download.path(), "utf8");
    expect(file.match(/\n/g)).toHaveLength(2_001);
    for (const { headers } of stage.talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
    }
  });

  it("watches it without scripts as well", async () => {
    const page = await open({ javaScriptEnabled: false });
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const making = page.getByText("Talkdesk is making the report.");
    await making.waitFor();
    stage.talkdesk.faults.add({
      at: "api",
      respond: {
        status: 200,
        headers: { "content-type": "application/json" },
        body: '{"job":{"status":"done"}}',
      },
    });
    await page.getByText("The report is ready.").waitFor();
  });

  it("can be used with the keyboard alone", async () => {
    const page = await open();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { activeElement: element } = document;
        return element instanceof HTMLInputElement ? element.name : (element?.textContent ?? "");
      });
    async function tabTo(what: string | RegExp): Promise<void> {
      for (let presses = 0; presses < 15; presses += 1) {
        await page.keyboard.press("Tab");
        const text = await focused();
        if (typeof what === "string" ? text === what : what.test(text)) return;
      }
      throw new Error(`no Tab leads to ${what}, but to ${await focused()}`);
    }

    await page.goto("/");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await tabTo("Sign in with Talkdesk");
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle);
    expect(ring).toBe("solid");
    await page.keyboard.press("Enter");
    await users(page).first().waitFor();
    await tabTo(/@users\.example\.com/);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${stage.origin}/`);
    await tabTo("Contacts");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/contacts");
    await tabTo("q");
    await page.keyboard.type("ada");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/contacts?q=ada");
    await tabTo("Reports");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/reports");
    await tabTo("Request the report");
    await page.keyboard.press("Enter");
    await page.getByText("The report is ready.").waitFor();
    await tabTo("Download the file");
    await tabTo("Sign out");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "Sign in with Talkdesk" }).waitFor();
  });

  it("fits a phone: nothing to scroll sideways, and nothing too small for a finger", async () => {
    const page = await open(phone);
    const fits = async (): Promise<void> => {
      const { over, small } = await page.evaluate(() => ({
        over: document.documentElement.scrollWidth - window.innerWidth,
        small: [...document.querySelectorAll("nav a, button, .button, input")]
          .map((element) => `${element.textContent} ${Math.round(element.getBoundingClientRect().height)}`)
          .filter((text) => Number(text.split(" ").at(-1)) < 36),
      }));
      expect({ path: pathOf(page), over, small }).toEqual({ path: pathOf(page), over: 0, small: [] });
    };
    await page.goto("/");
    await fits();
    await signIn(page);
    await fits();
    for (const path of ["/", "/profile", "/reports", "/contacts?q=nobody", "/nowhere"]) {
      await page.goto(path);
      await fits();
    }
    await page.goto("/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    await fits();
    await page.getByText("The report is ready.").waitFor();
    await fits();
  });

  it("is easy to read, in light and in dark", async () => {
    const page = await open();
    const grounds = { light: "rgb(245, 246, 250)", dark: "rgb(17, 19, 26)" } as const;
    const isReadable = async (path: string): Promise<void> => {
      await page.goto(path);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const faint = await page.evaluate(faintTexts);
        expect({ path, colorScheme, ground, faint }).toEqual({
          path,
          colorScheme,
          ground: grounds[colorScheme],
          faint: [],
        });
      }
    };
    await isReadable("/");
    await signIn(page);
    for (const path of ["/", "/profile", "/contacts", "/contacts?q=nobody", "/reports", "/nowhere"]) {
      await isReadable(path);
    }
  });
});
