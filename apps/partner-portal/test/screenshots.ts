import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { findBrowser } from "../../../scripts/browser.mjs";
import { launchBrowser } from "./support/browser.js";
import { openStage } from "./support/portal-stage.js";

const folder = fileURLToPath(new URL("../../../docs/portal/", import.meta.url));
const desk = { viewport: { width: 960, height: 620 }, colorScheme: "light" } as const;
const phone = {
  viewport: { width: 375, height: 720 },
  deviceScaleFactor: 1.5,
  isMobile: true,
  hasTouch: true,
  colorScheme: "dark",
} as const;

it("takes the pictures of the documentation", async () => {
  const path = findBrowser();
  expect(path, "a Chromium or Chrome on the PATH, or in CHROME_PATH").toBeDefined();
  await mkdir(folder, { recursive: true });
  const waits = { firstMs: 1_000, longestMs: 1_000, totalMs: 60_000 };
  await using stage = await openStage({ login: "page", reportPolls: 8, reportWaits: waits });
  const browser = await launchBrowser(path ?? "");
  const take = async (page: Page, name: string): Promise<void> => {
    await page.screenshot({ path: `${folder}${name}.png` });
  };
  async function signIn(page: Page): Promise<void> {
    await page.getByRole("button", { name: "@users.example.com" }).first().click();
    await page.waitForURL(`${stage.origin}/**`);
  }

  const page = await browser.newPage({ ...desk, baseURL: stage.origin });
  await page.goto("/");
  await take(page, "home");
  await page.getByRole("link", { name: "Sign in with Talkdesk" }).click();
  await take(page, "login");
  await signIn(page);
  await page.goto("/contacts");
  await page.getByLabel("Name").fill("costa");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/contacts?q=costa");
  await take(page, "contacts");
  await page.goto("/reports");
  await page.getByLabel("First day").fill("2026-01-01");
  await page.getByLabel("Last day").fill("2026-01-31");
  await page.getByRole("button", { name: "Request the report" }).click();
  await page.getByText("3 seconds so far").waitFor();
  // The bar moves; halfway it is seen best.
  await page.getByRole("progressbar").evaluate((bar) => {
    for (const motion of bar.getAnimations({ subtree: true })) {
      motion.pause();
      motion.currentTime = 900;
    }
  });
  await take(page, "report");
  stage.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "12" } } });
  await page.goto("/profile");
  await take(page, "error");
  await page.getByRole("link", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Profile" }).waitFor();
  await take(page, "profile");

  const small = await browser.newPage({ ...phone, baseURL: stage.origin });
  await small.goto("/contacts");
  await signIn(small);
  await take(small, "contacts-dark-phone");
  await browser.close();
});
