import express from "express";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  grantsOf,
  type LoginStage,
  openLoginStage,
  openSecondStage,
  sessionsOf,
  whoIs,
} from "./login-stage.js";
import { frameworks } from "./served.js";

describe.each(frameworks)("a logout in %s", (_name, framework) => {
  let stage: LoginStage;
  beforeEach(async () => {
    stage = await openLoginStage({
      framework,
      before: (app) => void app.use(express.urlencoded({ extended: true })),
    });
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  it("signs the browser out, and leaves nothing in either store", async () => {
    const browser = stage.browser();
    await browser.signIn();
    const before = [...browser.cookies];
    const page = await browser.visit("/auth/logout", { method: "POST" });
    expect([page.status, page.to]).toEqual([303, "/"]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(stage.tokens.records.size).toBe(0);
    expect(sessionsOf(stage)).toEqual([]);
    expect([...browser.cookies]).toEqual(before);
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect((await browser.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
    expect((await browser.signIn()).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.errors).toEqual([]);
  });

  it("is a POST, and nothing else", async () => {
    const browser = stage.browser();
    await browser.signIn();
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const page = await browser.visit("/auth/logout?returnTo=/", { method });
      expect([method, page.status, page.headers["allow"]]).toEqual([method, 405, "POST"]);
    }
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("can be repeated, also by who was never signed in", async () => {
    const browser = stage.browser();
    await browser.signIn();
    const visit = { method: "POST" };
    const both = await Promise.all([
      browser.visit("/auth/logout", visit),
      browser.visit("/auth/logout", visit),
    ]);
    const pages = [
      ...both,
      await browser.visit("/auth/logout", visit),
      await stage.browser().visit("/auth/logout", visit),
    ];
    expect(pages.map(({ status }) => status)).toEqual([303, 303, 303, 303]);
    expect(stage.tokens.records.size).toBe(0);
    expect(stage.errors).toEqual([]);
  });

  it("leads where the form says, as far as that is a path of the app", async () => {
    const browser = stage.browser();
    const ledTo = async (form: Record<string, string>, query = ""): Promise<string | undefined> =>
      (await browser.visit(`/auth/logout${query}`, { form })).to;
    expect(await ledTo({ returnTo: "/goodbye?a=1" })).toBe("/goodbye?a=1");
    expect(await ledTo({}, "?returnTo=/from-the-query")).toBe("/from-the-query");
    expect(await ledTo({ returnTo: "/form" }, "?returnTo=/query")).toBe("/form");
    for (const evil of [
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "/auth/login",
      "/auth/logout",
    ]) {
      expect(await ledTo({ returnTo: evil })).toBe("/");
      expect(await ledTo({}, `?${new URLSearchParams({ returnTo: evil })}`)).toBe("/");
    }
    expect(await ledTo({ "returnTo[]": "/listed" })).toBe("/");
    expect(await ledTo({ "returnTo[of]": "/object" })).toBe("/");
    expect(await ledTo({ "__proto__[returnTo]": "/inherited" })).toBe("/");
    expect(stage.errors).toEqual([]);
  });

  it("ends the logins that the browser had begun", async () => {
    const browser = stage.browser();
    await browser.signIn();
    const callback = await browser.toTalkdesk();
    await browser.visit("/auth/logout", { method: "POST" });
    expect((await browser.visit(callback)).status).toBe(400);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });
});

describe("a logout", () => {
  let stage: LoginStage;
  beforeEach(async () => {
    stage = await openLoginStage();
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  it.each([
    ["Sec-Fetch-Site says cross-site", { "sec-fetch-site": "cross-site" }],
    ["Sec-Fetch-Site says same-site, as of a sub-domain", { "sec-fetch-site": "same-site" }],
    [
      "Sec-Fetch-Site says cross-site, whatever Origin says",
      { "sec-fetch-site": "cross-site", origin: "own" },
    ],
    ["Sec-Fetch-Site says what nobody knows", { "sec-fetch-site": "nearby" }],
    ["Origin is another", { origin: "https://evil.example" }],
    ["Origin is another port", { origin: "http://localhost:1" }],
    ["Origin is hidden", { origin: "null" }],
    ["Origin begins as ours", { origin: "own.evil.example" }],
    ["the browser says only that it comes from another page", { referer: "https://evil.example/page" }],
    ["the browser says only nonsense", { referer: "own.evil.example/page" }],
    ["Origin is another, whatever the page", { origin: "https://evil.example", referer: "own/page" }],
  ])("is refused when %s", async (_what, headers) => {
    const browser = stage.browser();
    await browser.signIn();
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace(/^own/, stage.origin)]),
    );
    const page = await browser.visit("/auth/logout", { method: "POST", headers: own });
    expect(page.status).toBe(403);
    expect(page.text).toContain("another site");
    expect(page.text).toContain("help@example.com");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.tokens.records.size).toBe(1);
  });

  it.each([
    ["Sec-Fetch-Site says same-origin", { "sec-fetch-site": "same-origin" }],
    ["Sec-Fetch-Site says that nobody led there", { "sec-fetch-site": "none" }],
    ["Origin is the app's, in a browser without the other", { origin: "own" }],
    ["the browser says only that it comes from a page of the app", { referer: "own/page?a=1" }],
    ["a program says neither", {}],
  ])("is accepted when %s", async (_what, headers) => {
    const browser = stage.browser();
    await browser.signIn();
    const own = Object.fromEntries(
      Object.keys(headers).map((name) => [
        name,
        (headers as Record<string, string>)[name]?.replace("own", stage.origin) ?? "",
      ]),
    );
    expect((await browser.visit("/auth/logout", { method: "POST", headers: own })).status).toBe(303);
    expect((await whoIs(browser)).isSignedIn).toBe(false);
  });

  it("in another process ends the sign-in in all of them", async () => {
    await using other = await openSecondStage(stage);
    const [here, there] = [stage.browser(), other.browser()];
    await here.signIn();
    for (const [name, value] of here.cookies) there.cookies.set(name, value);
    expect(JSON.parse((await there.visit("/me")).text).email).toMatch(/@/);
    expect((await there.visit("/auth/logout", { method: "POST" })).status).toBe(303);
    expect((await whoIs(here)).isSignedIn).toBe(false);
    expect(stage.tokens.records.size).toBe(0);
  });
});
