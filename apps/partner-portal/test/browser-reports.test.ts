import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { describeInBrowser } from "./support/browser.js";

// About two seconds: on a busy machine, too, a report is still being made when the first look is taken.
describeInBrowser("reports in a browser", { reportPolls: 7 }, (scene) => {
  const { open, signIn, users } = scene;
  const polls = { at: "api", times: Number.POSITIVE_INFINITY, match: { path: /\/jobs\// } } as const;

  it("watches a report being made, and downloads it", async () => {
    const page = await open();
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const words = page.getByRole("status");
    await page.evaluate(() => {
      const told: (string | null | undefined)[] = [];
      const report = document.querySelector("#report") as Element;
      new MutationObserver(() => {
        told.push(
          report.querySelector("[role=status]")?.textContent,
          report.querySelector(".elapsed")?.textContent,
        );
      }).observe(report, { subtree: true, childList: true });
      Object.assign(window, { told, words: document.querySelector("[role=status]") });
    });
    expect(await words.textContent()).toBe("Talkdesk is making the report.");
    expect(await page.title()).toMatch(/^In progress: Calls, /);
    expect(await page.locator("[aria-current=step]").textContent()).toBe("Being made");
    await page.getByRole("link", { name: "Reports", exact: true }).last().focus();
    await words.getByText("The report is ready.").waitFor();
    // The page is the same, so all of that was told without loading it again.
    const { told, isSamePlace } = await page.evaluate(() => {
      const { told, words } = window as unknown as { told: string[]; words: Element };
      return { told, isSamePlace: words === document.querySelector("[role=status]") };
    });
    expect(told).toContainEqual(expect.stringMatching(/^\d seconds? so far$/));
    // What is read out is the sentence alone, and each of its words once.
    expect(isSamePlace).toBe(true);
    expect(await page.title()).toMatch(/^Ready: Calls, /);
    expect(await page.locator("[aria-current=step]").count()).toBe(0);
    // The focus was on what is gone.
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Download the file");

    const downloading = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download the file" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^calls-\d{4}-\d{2}-\d{2}\.csv$/);
    const file = await readFile(await download.path(), "utf8");
    expect(file.match(/\n/g)).toHaveLength(2_001);
    for (const { headers } of scene.stage.talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
    }
  });

  it("watches it without scripts, too", async () => {
    const page = await open({ javaScriptEnabled: false });
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const making = page.getByText("Talkdesk is making the report.");
    await making.waitFor();
    scene.stage.talkdesk.faults.add({
      at: "api",
      respond: {
        status: 200,
        headers: { "content-type": "application/json" },
        body: '{"job":{"status":"done"}}',
      },
    });
    await page.getByText("The report is ready.").waitFor();
  });

  it("does not lose a report when the session expires while it is being made", async () => {
    const page = await open();
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const address = page.url();
    scene.stage.sessions.clear();
    await users(page).first().click();
    await page.waitForURL(address);
    await page.getByText("The report is ready.").waitFor();
  });

  it("leads to the login after the user signs out in another tab", async () => {
    const page = await open();
    await signIn(page, "/reports");
    scene.stage.talkdesk.faults.add({ ...polls, respond: { status: 503 } });
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    const other = await page.context().newPage();
    await other.goto("/");
    await other.getByRole("button", { name: "Sign out" }).click();
    await users(page).first().waitFor();
  });

  it("makes one report for a double click", async () => {
    const page = await open();
    await signIn(page, "/reports");
    await page.getByRole("button", { name: "Request the report" }).dblclick();
    await page.waitForURL("**/reports/*");
    await page.goto("/reports");
    expect(await page.getByRole("listitem").count()).toBe(1);
  });

  it("says that a report is gone", async () => {
    const page = await open();
    await signIn(page, "/reports");
    scene.stage.talkdesk.faults.add({ ...polls, skip: 2, respond: { status: 404 } });
    await page.getByRole("button", { name: "Request the report" }).click();
    await page.waitForURL("**/reports/*");
    await page.getByText("Talkdesk no longer has this report.").waitFor();
    expect(await page.title()).toMatch(/^Gone: /);
  });
});
