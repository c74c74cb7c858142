import { afterEach, describe, expect, it, vi } from "vitest";
import { signalled } from "./support/app.js";
import type { Browser } from "./support/browser.js";
import { clockAhead } from "./support/clock-ahead.js";
import {
  grantsOf,
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  openSecondStage,
  sessionsOf,
  whoIs,
} from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

/** The same browser, at another process. */
function at(other: LoginStage, browser: Browser): Browser {
  const there = other.browser();
  for (const [name, value] of browser.cookies) there.cookies.set(name, value);
  return there;
}

/** Pages that take as long as a test wants: one changes the session at its end, one asks for a token. */
function slowPages() {
  const [reached, released] = [signalled(), signalled()];
  const place: LoginStageOptions["place"] = (app, login) => {
    app.use("/auth", login);
    app.get("/slow", (request, response, next) => {
      reached.give();
      released.given.then(() => {
        Object.assign(request.session, { touchedBy: "a slow page" });
        response.json({});
      }, next);
    });
    app.get("/late", (request, response, next) => {
      reached.give();
      released.given.then(() => request.talkdesk.getToken()).then(() => response.json("a token"), next);
    });
  };
  return { place, reached: reached.given, release: () => released.give() };
}

const signOut = (browser: Browser) => browser.visit("/auth/logout", { method: "POST" });

describe.each(frameworks)("a logout at another process, in %s,", (_name, framework) => {
  it("holds beside a slow request that stores the session again", async () => {
    const clock = clockAhead();
    const slow = slowPages();
    await open({ framework, client: { clock }, place: slow.place });
    await using other = await openSecondStage(stage, { framework, client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    const running = browser.visit("/slow");
    await slow.reached;
    expect((await signOut(at(other, browser))).status).toBe(303);
    slow.release();
    expect((await running).status).toBe(200);
    expect(JSON.stringify(sessionsOf(stage))).toContain('"signIn"');
    // At the process that ended it, at once.
    expect(await whoIs(at(other, browser))).toEqual({ isSignedIn: false, user: null });

    clock.aheadMs = 10_000;
    expect((await browser.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect((await browser.visit("/auth/callback?code=c&state=s")).status).toBe(400);
    expect(stage.tokens.records.size).toBe(0);
    expect(stage.talkdesk.requests.to("api")).toEqual([]);
    expect(stage.errors).toEqual([]);
    // And for good, however often the session is stored.
    clock.aheadMs = 0;
    expect((await browser.visit("/me")).status).toBe(302);
  });

  it("has a request that runs on get no token any more", async () => {
    const clock = clockAhead();
    const slow = slowPages();
    await open({ framework, client: { clock }, place: slow.place });
    await using other = await openSecondStage(stage, { framework });
    const browser = stage.browser();
    await browser.signIn();
    const running = browser.visit("/late", { headers: { accept: "application/json" } });
    await slow.reached;
    await signOut(at(other, browser));
    clock.aheadMs = 10_000;
    slow.release();
    const page = await running;
    expect([page.status, JSON.parse(page.text).code]).toEqual([401, "reauthentication_required"]);
  });

  it("is seen by a process that had not seen the user, and does not end another browser's sign-in", async () => {
    const slow = slowPages();
    await open({ framework, place: slow.place });
    await using other = await openSecondStage(stage, { framework });
    await using third = await openSecondStage(stage, { framework });
    const [browser, bystander] = [stage.browser(), stage.browser()];
    await browser.signIn();
    await bystander.signIn();
    const running = browser.visit("/slow");
    await slow.reached;
    await signOut(at(other, browser));
    slow.release();
    await running;
    expect((await whoIs(at(third, browser))).isSignedIn).toBe(false);
    expect((await whoIs(at(third, bystander))).isSignedIn).toBe(true);
    expect((await bystander.visit("/me")).status).toBe(200);
  });
});

describe("an app that only asks for the user", () => {
  it("hears of a logout at another process, too", async () => {
    const clock = clockAhead();
    await open({ client: { clock } });
    await using other = await openSecondStage(stage, { client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    const [{ talkdeskLogins } = { talkdeskLogins: {} }] = sessionsOf(stage);
    // A request is a session to the login. This one was read before the logout.
    const request = { session: { talkdeskLogins, regenerate() {}, save() {}, destroy() {} } };
    const userThere = () => other.login.user(request as never);
    expect(await userThere()).toEqual({ sub: expect.any(String) });
    await signOut(browser);
    clock.aheadMs = 10_000;
    expect(await userThere()).toBeUndefined();
  });
});

describe("the store of tokens", () => {
  it("is asked whether somebody is still signed in at most every ten seconds, however many requests there are", async () => {
    const begunAt = Date.now();
    let elapsedMs = 0;
    const clock = {
      ...clockAhead(),
      now: () => begunAt + elapsedMs,
      monotonic: () => elapsedMs,
    };
    await open({ client: { clock } });
    await using other = await openSecondStage(stage, { client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    const there = at(other, browser);
    let reads = 0;
    stage.tokens.behave = (operation) => {
      if (operation === "read") reads += 1;
    };
    const visitOften = async (): Promise<void> => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => whoIs(there)));
      expect(answers.every(({ isSignedIn }) => isSignedIn)).toBe(true);
    };
    await visitOften();
    expect(reads).toBe(1);
    elapsedMs = 9_999;
    await visitOften();
    expect(reads).toBe(1);
    elapsedMs = 10_000;
    await visitOften();
    expect(reads).toBe(2);
    // A clock that was set back says nothing of how old an answer is.
    elapsedMs = 5_000;
    await visitOften();
    expect(reads).toBe(3);
  });

  it.each([
    ["fails", async () => Promise.reject(new Error("the store is down"))],
    ["hangs", () => new Promise<void>(() => {})],
  ])("signs nobody out while it %s", async (_how, fail) => {
    const clock = clockAhead();
    await open({ client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    clock.aheadMs = 10_000;
    stage.tokens.behave = fail;
    expect((await browser.visit("/me")).status).toBe(200);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.errors).toEqual([]);
  });

  it("signs nobody out that it has not heard of yet, since it was down at the login", async () => {
    const clock = clockAhead();
    await open({ client: { clock } });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.tokens.behave = (operation) => {
      if (operation === "write") throw new Error("the store is read-only");
    };
    expect((await browser.visit(callback)).status).toBe(302);
    clock.aheadMs = 10_000;
    expect((await browser.visit("/me")).status).toBe(200);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });
});

describe("a callback that two processes get at once", () => {
  it("is exchanged by one of them", async () => {
    await open();
    // As in another process, nothing in memory is shared.
    vi.resetModules();
    const { talkdeskLogin } = await import("@talkdesk-oauth/express");
    await using other = await openSecondStage(stage, { makeLogin: talkdeskLogin });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const there = at(other, browser);
    const pages = await Promise.all([
      browser.visit(callback),
      there.visit(callback),
      browser.visit(callback),
      there.visit(callback),
    ]);
    expect(pages.map(({ status }) => status).sort()).toEqual([302, 400, 400, 400]);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("is exchanged, too, while the store of tokens can lock nothing", async () => {
    await open();
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.tokens.behave = (operation) => {
      if (operation === "lock") throw new Error("the store is down");
    };
    expect((await browser.visit(callback)).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });
});
