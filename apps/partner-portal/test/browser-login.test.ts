import { expect, it } from "vitest";
import { describeInBrowser } from "./support/browser.js";

describeInBrowser("the login in a browser", {}, (scene) => {
  const { open, signIn, users, heading, pathOf, grants } = scene;

  it("signs in, shows who it is, signs out, and nothing is left for the back button", async () => {
    const page = await open();
    await page.goto("/");
    await page.getByRole("link", { name: "Sign in with Talkdesk" }).click();
    expect(new URL(page.url()).origin).not.toBe(scene.stage.origin);
    const chosen = users(page).nth(1);
    const email = (await chosen.locator("small").textContent()) ?? "";
    const name = (await chosen.textContent())?.replace(email, "");
    await chosen.click();
    await page.waitForURL(`${scene.stage.origin}/`);
    expect(await heading(page)).toBe(`Hello, ${name}`);
    await page.getByRole("link", { name: "Profile" }).first().click();
    await page.getByRole("main").getByText(email).waitFor();

    expect(await page.evaluate(() => document.cookie)).toBe("");
    const [cookie, ...more] = await page.context().cookies(scene.stage.origin);
    expect(more).toEqual([]);
    expect(cookie).toMatchObject({ name: "portal", httpOnly: true, sameSite: "Lax" });

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(`${scene.stage.origin}/`);
    expect(await heading(page)).toBe("Your contact centre, at a glance");
    await page.goBack();
    expect(new URL(page.url()).origin).not.toBe(scene.stage.origin);
    expect(await users(page).count()).toBeGreaterThan(0);
  });

  it("says that the user denied the login, and whom to contact", async () => {
    const page = await open();
    await page.goto("/auth/login");
    await page.getByRole("button", { name: "Deny" }).click();
    await page.waitForURL(`${scene.stage.origin}/**`);
    expect(await heading(page)).toBe("The sign-in was denied");
    expect(await page.getByRole("link", { name: "help@example.com" }).getAttribute("href")).toBe(
      "mailto:help@example.com",
    );
    expect(grants()).toEqual([]);
    await page.goto("/");
    expect(await heading(page)).toBe("Your contact centre, at a glance");
  });

  it("lets two tabs sign in at the same time, and signs both out", async () => {
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
    await other.waitForURL(`${scene.stage.origin}/`);
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await users(page).count()).toBeGreaterThan(0);
  });

  it("copes with the back button at the login, and with a callback that is loaded twice", async () => {
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

  it("comes back to the same page after the session has expired", async () => {
    const page = await open();
    await signIn(page);
    await page.getByLabel("Name").fill("ada");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/contacts?q=ada");
    scene.stage.sessions.clear();
    await page.reload();
    await users(page).first().click();
    await page.waitForURL("**/contacts?q=ada");
    expect(await page.getByLabel("Name").inputValue()).toBe("ada");
  });

  it("does not show that a token was revoked", async () => {
    const page = await open();
    await signIn(page);
    scene.stage.talkdesk.faults.revokeTokens();
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await heading(page)).toBe("Profile");
    expect(grants()).toEqual(["authorization_code", "refresh_token"]);
  });

  it("says that Talkdesk wants a new login, and comes back to the page", async () => {
    const page = await open();
    await signIn(page, "/profile");
    scene.stage.talkdesk.faults.revokeTokens();
    scene.stage.talkdesk.faults.add({
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

  it("explains a failure, and tries again", async () => {
    const page = await open();
    await signIn(page);
    scene.stage.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "5" } } });
    await page.getByRole("link", { name: "Profile" }).click();
    expect(await heading(page)).toBe("Talkdesk is busy");
    await page.getByRole("link", { name: "Try again" }).click();
    expect(await heading(page)).toBe("Profile");
  });
});
