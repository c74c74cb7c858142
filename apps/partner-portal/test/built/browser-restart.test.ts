import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import { expect, it } from "vitest";
import { findBrowser } from "../../../../scripts/browser.mjs";
import { launchBrowser } from "../support/browser.js";
import { startPortalProcess } from "../support/portal-process.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const browserPath = findBrowser();

it.skipIf(browserPath === undefined)("a browser is still signed in after the portal was killed", async () => {
  using folder = temporaryFolder();
  const env = { PORTAL_DATA: folder.path, PORTAL_PORT: String(await reservePort()) };
  await using first = await startPortalProcess(env);
  const { pid } = JSON.parse(readFileSync(join(folder.path, "emulator.json"), "utf8"));
  const browser = await launchBrowser(browserPath ?? "");
  try {
    const page = await browser.newPage({ baseURL: first.origin });
    await page.goto("/contacts");
    await page.getByRole("button", { name: "@users.example.com" }).first().click();
    await page.getByRole("heading", { level: 1, name: "Contacts" }).waitFor();

    await first.end("SIGKILL");
    await using _second = await startPortalProcess(env);
    await page.reload();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Contacts");
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Profile");
  } finally {
    await browser.close();
    process.kill(pid);
  }
});
