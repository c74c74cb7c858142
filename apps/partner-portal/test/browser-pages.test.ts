import { expect, it } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { findFaintTexts } from "./support/contrast.js";
import { findStructureFaults } from "./support/structure.js";

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true } as const;

/** A page of the login itself: it answers a form there, and no GET. */
const LOGIN_PAGE = "/auth/logout";

describeInBrowser("pages in a browser", {}, (scene) => {
  const { open, signIn, users, pathOf } = scene;

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

  it("can be used with the keyboard alone", async () => {
    const page = await open();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const { activeElement: element } = document;
        return element instanceof HTMLInputElement ? element.name : (element?.textContent ?? "");
      });
    /** The page itself, between its end and its beginning, needs none. */
    const hasRing = (): Promise<boolean> =>
      page.evaluate(() => {
        const { activeElement: element } = document;
        if (element === null || element === document.body) return true;
        return [null, "::after"].some((part) => {
          const { outlineStyle, outlineWidth } = getComputedStyle(element, part);
          return outlineStyle === "solid" && Number.parseFloat(outlineWidth) >= 2;
        });
      });
    async function tabTo(what: string | RegExp): Promise<void> {
      for (let presses = 0; presses < 15; presses += 1) {
        await page.keyboard.press("Tab");
        const text = await focused();
        expect([text, await hasRing()]).toEqual([text, true]);
        if (typeof what === "string" ? text === what : what.test(text)) return;
      }
      throw new Error(`no Tab leads to ${what}, but to ${await focused()}`);
    }

    await page.goto("/");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await tabTo("Sign in with Talkdesk");
    await page.keyboard.press("Enter");
    await users(page).first().waitFor();
    await tabTo(/@users\.example\.com/);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${scene.stage.origin}/`);
    // The second of that name is a card.
    for (const name of ["Sign out", "Contacts"]) await tabTo(name);
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

  it("are complete for screen readers, and each has a title of its own", async () => {
    const page = await open();
    const titles: string[] = [];
    const isWhole = async (): Promise<void> => {
      const faults = await page.evaluate(findStructureFaults);
      expect({ path: pathOf(page), faults }).toEqual({ path: pathOf(page), faults: [] });
      titles.push(await page.title());
    };
    await page.goto("/");
    await isWhole();
    await page.goto("/auth/callback?state=unknown");
    await isWhole();
    await signIn(page);
    for (const path of ["/", "/profile", "/contacts", "/contacts?page=2", "/contacts?q=nobody", "/nowhere"]) {
      await page.goto(path);
      await isWhole();
    }
    await page.goto("/reports");
    await isWhole();
    await page.getByLabel("First day").fill("2026-03-01");
    await page.getByLabel("Last day").fill("2026-01-01");
    await page.getByRole("button", { name: "Request the report" }).click();
    const problem = page.getByRole("alert");
    expect(await problem.textContent()).toBe("The first day is after the last day.");
    const described = page.getByLabel("First day").and(page.locator("[aria-invalid=true]"));
    expect(await described.getAttribute("aria-describedby")).toBe(await problem.getAttribute("id"));
    await isWhole();
    await page.getByLabel("First day").fill("2026-01-01");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    await isWhole();
    await page.getByText("The report is ready.").waitFor();
    await isWhole();
    scene.stage.talkdesk.faults.add({ at: "api", respond: { status: 404 } });
    await page.reload();
    await isWhole();
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
  });

  it("hold names of any length and script without breaking the layout", async () => {
    const page = await open(phone);
    await signIn(page, "/reports");
    const contacts = [
      "Wolfeschlegelsteinhausenbergerdorff".repeat(4),
      "شركة الاتصالات (CEO)",
      "👩‍👩‍👧 Família",
    ].map((name) => ({
      name,
      company: name,
      emails: [{ email: `${name}@example.com` }],
      phones: [{ number: name }],
    }));
    for (const width of [360, 768, 1_100]) {
      await page.setViewportSize({ width, height: 740 });
      scene.stage.talkdesk.faults.add({
        at: "api",
        respond: {
          status: 200,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ total: 3, _embedded: { contacts } }),
        },
      });
      await page.goto("/contacts");
      const names = page.getByRole("rowheader").locator("> *");
      expect(await names.evaluateAll((all) => all.map((name) => getComputedStyle(name).unicodeBidi))).toEqual(
        ["isolate", "isolate", "isolate"],
      );
      const { over, narrowest } = await page.evaluate(() => ({
        over: document.documentElement.scrollWidth - window.innerWidth,
        narrowest: Math.min(...[...document.querySelectorAll("td")].map(({ clientWidth }) => clientWidth)),
      }));
      expect({ width, over }).toEqual({ width, over: 0 });
      expect(narrowest).toBeGreaterThan(100);
    }
  });

  it("mark the current page with forced colours, and move nothing with reduced motion", async () => {
    const page = await open({ forcedColors: "active", reducedMotion: "reduce" });
    await signIn(page, "/reports");
    const borders = await page
      .getByRole("navigation", { name: "Portal" })
      .getByRole("link")
      .evaluateAll((links) => links.map((link) => getComputedStyle(link).borderBottomColor));
    expect(borders[1]).not.toBe(borders[0]);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect([borders[0], borders[2]]).toEqual([ground, ground]);
    await page.getByRole("button", { name: "Request the report" }).click();
    const motion = await page
      .getByRole("progressbar")
      .evaluate((bar) => getComputedStyle(bar, "::after").animationName);
    expect(motion).toBe("fade");
  });

  it("print their text without buttons", async () => {
    const page = await open({ colorScheme: "dark" });
    await signIn(page);
    await page.emulateMedia({ media: "print" });
    expect(await page.getByRole("row").count()).toBe(21);
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
      "rgb(255, 255, 255)",
    );
    for (const pressed of ["button", "a.button", "nav a", "input"]) {
      expect([pressed, await page.locator(`${pressed}:visible`).count()]).toEqual([pressed, 0]);
    }
    expect(await page.evaluate(findFaintTexts)).toEqual([]);
  });

  it("fits a phone: nothing scrolls sideways, and no target is too small for a finger", async () => {
    const page = await open(phone);
    const fits = async (): Promise<void> => {
      const { over, small } = await page.evaluate(() => ({
        over: document.documentElement.scrollWidth - window.innerWidth,
        small: [...document.querySelectorAll("nav a, button, .button, input")]
          .map((element) => `${element.textContent} ${Math.round(element.getBoundingClientRect().height)}`)
          .filter((text) => Number(text.split(" ").at(-1)) < 44),
      }));
      expect({ path: pathOf(page), over, small }).toEqual({ path: pathOf(page), over: 0, small: [] });
    };
    await page.goto("/");
    await fits();
    await signIn(page);
    await fits();
    for (const path of ["/", "/profile", "/reports", "/contacts?q=nobody", "/nowhere", LOGIN_PAGE]) {
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

  it("keeps names, links and steps in one line each", async () => {
    const page = await open();
    await signIn(page);
    /** The texts that take more than one line, or more room than they have. */
    const broken = (selector: string): Promise<readonly (string | null)[]> =>
      page.locator(selector).evaluateAll((elements) =>
        elements
          .filter((element) => {
            const text = document.createRange();
            text.selectNodeContents(element);
            const tops = [...text.getClientRects()].map(({ top }) => Math.round(top));
            return new Set(tops).size !== 1 || element.scrollWidth > element.clientWidth + 1;
          })
          .map((element) => element.textContent),
      );
    const WIDTHS = [320, 390, 768, 1_280];
    const isInOneLine = async (path: string, selectors: readonly string[]): Promise<void> => {
      await page.goto(path);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 740 });
        for (const selector of selectors) {
          const texts = await broken(selector);
          expect({ path, width, selector, texts }).toEqual({ path, width, selector, texts: [] });
        }
        const height = await page.locator("header").evaluate(({ clientHeight }) => clientHeight);
        expect([width, height < (width < 700 ? 130 : 70)]).toEqual([width, true]);
      }
    };
    await isInOneLine("/contacts?q=costa", ["tbody th", ".count a", ".viewer bdi"]);
    await page.goto("/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    await isInOneLine(pathOf(page), [".steps li", ".viewer bdi"]);
    await isInOneLine("/reports", [".state"]);
  });

  it("has enough contrast, in light and in dark", async () => {
    const page = await open();
    const grounds = { light: "rgb(245, 246, 250)", dark: "rgb(17, 19, 26)" } as const;
    const isReadable = async (path: string): Promise<void> => {
      await page.goto(path);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const faint = await page.evaluate(findFaintTexts);
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
    for (const path of [
      "/",
      "/profile",
      "/contacts",
      "/contacts?q=nobody",
      "/reports",
      "/nowhere",
      LOGIN_PAGE,
    ]) {
      await isReadable(path);
    }
  });
});
