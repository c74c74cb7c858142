import { memoryStore } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { asProgram, type Browser } from "./browser.js";
import type { LoginPage } from "./login-driver.js";
import type { Gate, LoginStage, LoginSubject } from "./login-stage.js";
import {
  AFTER_TOKENS_END_MS,
  clockAhead,
  emailOf,
  gate,
  grantsOf,
  NOBODY,
  openAnotherStage,
  openLoginStage,
  sessionTexts,
  signOut,
  whoIs,
} from "./login-stage.js";

/** How long an answer of the token store holds, to the question whether somebody is signed in. */
const CHECK_INTERVAL_MS = 10_000;

/** How long a request waits for that answer. */
const CHECK_PATIENCE_MS = 2_000;

/** A protected page that waits at a gate, and then asks for a token. */
const latePage = (held: Gate): LoginPage => ({
  path: "/late",
  isProtected: true,
  async answer({ talkdesk }) {
    await held.pass();
    await talkdesk?.getToken();
    return { status: 200, body: "a token" };
  },
});

/** The key and the value of the only session. */
function onlySession({ sessions }: LoginStage): readonly [string, string] {
  expect(sessions.records.size).toBe(1);
  const [[key = "", value = ""] = []] = [...sessions.records];
  return [key, value];
}

/** Several processes on the same stores, and requests that run side by side. */
export function describeProcesses(subject: LoginSubject): void {
  afterEach(() => void vi.useRealTimers());

  it("refresh a session once, however many requests both get at its token's end", async () => {
    const clock = clockAhead();
    await using stage = await openLoginStage(subject, { client: { clock } });
    await using other = await openAnotherStage(subject, stage, { client: { clock } });
    const here = stage.browser();
    await here.signIn();
    const there = other.browser(here);
    expect((await whoIs(there)).isSignedIn).toBe(true);
    clock.aheadMs = AFTER_TOKENS_END_MS;
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => (at % 2 ? here : there).visit("/me")),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("share a login that one begins and the other completes", async () => {
    await using stage = await openLoginStage(subject);
    await using other = await openAnotherStage(subject, stage);
    const here = stage.browser();
    const callback = await here.toTalkdesk("?returnTo=/there");
    const there = other.browser(here);
    expect((await there.visit(callback)).to).toBe("/there");
    expect(await emailOf(stage.browser(there))).toMatch(/@/);
  });

  it("keep people signed in over a restart", async () => {
    const clock = clockAhead();
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    await using restarted = await openAnotherStage(subject, stage, { client: { clock } });
    const later = restarted.browser(browser);
    expect(await whoIs(later)).toEqual(await whoIs(browser));
    expect((await later.visit("/me")).status).toBe(200);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    clock.aheadMs = AFTER_TOKENS_END_MS;
    expect((await later.visit("/me")).status).toBe(200);
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
  });

  it("exchange a callback once when both get it, also where sessions are read from a slow replica", async () => {
    await using stage = await openLoginStage(subject);
    await using other = await openAnotherStage(subject, stage);
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const there = other.browser(browser);
    stage.talkdesk.faults.add({ at: "token", delayMs: 100 });
    stage.sessions.lag();
    const answers = await Promise.all([
      browser.visit(callback),
      there.visit(callback),
      browser.visit(callback),
      there.visit(callback),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([302, 400, 400, 400]);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("exchange a callback, too, while the token store can lock nothing", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.tokens.behave = (operation) => {
      if (operation === "lock") throw new Error("the store is down");
    };
    expect((await browser.visit(callback)).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });

  it("show a page after three logins, and no loop, when they share no token store", async () => {
    await using stage = await openLoginStage(subject);
    await using other = await openAnotherStage(subject, stage, { login: { store: memoryStore() } });
    const browser = stage.browser();
    let there: Browser = other.browser();
    for (let logins = 1; logins <= 3; logins++) {
      await browser.signIn();
      there = other.browser(browser);
      const page = await there.visit("/me");
      expect([logins, page.status]).toEqual([logins, logins < 3 ? 302 : 401]);
      if (logins === 3) expect(page.text).toContain('href="/auth/login?returnTo=%2Fme"');
    }
    expect((await there.visit("/me")).status).toBe(401);
  });

  describe("after a logout", () => {
    it("sign nobody in by an old copy of the session that a slow request stores again", async () => {
      const clock = clockAhead();
      await using stage = await openLoginStage(subject, { client: { clock } });
      await using other = await openAnotherStage(subject, stage, { client: { clock } });
      const here = stage.browser();
      await here.signIn();
      expect((await whoIs(here)).isSignedIn).toBe(true);
      const there = other.browser(here);
      const [key, value] = onlySession(stage);
      expect((await signOut(there)).status).toBe(303);
      await stage.sessions.restore(key, value);
      // At once in the process that ended it.
      expect(await whoIs(there)).toEqual(NOBODY);

      clock.aheadMs = CHECK_INTERVAL_MS;
      expect((await here.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
      expect(await whoIs(here)).toEqual(NOBODY);
      expect((await here.visit("/auth/callback?code=c&state=s")).status).toBe(400);
      expect(stage.tokens.records.size).toBe(0);
      expect(stage.talkdesk.requests.to("api")).toEqual([]);
      expect(stage.errors).toEqual([]);
      // And for good, when the session is stored once more.
      await stage.sessions.restore(key, value);
      clock.aheadMs = 0;
      expect((await here.visit("/me")).status).toBe(302);
    });

    it("sign nobody in in a process that had not seen the user, and leave other browsers signed in", async () => {
      await using stage = await openLoginStage(subject);
      await using other = await openAnotherStage(subject, stage);
      await using third = await openAnotherStage(subject, stage);
      const [browser, bystander] = [stage.browser(), stage.browser()];
      await browser.signIn();
      const [key, value] = onlySession(stage);
      await bystander.signIn();
      await signOut(other.browser(browser));
      await stage.sessions.restore(key, value);
      expect((await whoIs(third.browser(browser))).isSignedIn).toBe(false);
      expect((await whoIs(third.browser(bystander))).isSignedIn).toBe(true);
      expect((await bystander.visit("/me")).status).toBe(200);
    });

    it("give no token to a request that still runs", async () => {
      const clock = clockAhead();
      const held = gate();
      await using stage = await openLoginStage(subject, { client: { clock }, pages: [latePage(held)] });
      await using other = await openAnotherStage(subject, stage);
      const browser = stage.browser();
      await browser.signIn();
      const running = browser.visit("/late", asProgram);
      await held.isReached;
      await signOut(other.browser(browser));
      clock.aheadMs = CHECK_INTERVAL_MS;
      held.open();
      const answer = await running;
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, "reauthentication_required"]);
    });

    it("give no token to a request that still runs, even when the store has kept it", async () => {
      const held = gate();
      await using stage = await openLoginStage(subject, { pages: [latePage(held)] });
      const browser = stage.browser();
      await browser.signIn();
      const running = browser.visit("/late", asProgram);
      await held.isReached;
      stage.tokens.behave = async (operation) => {
        if (operation === "delete") throw new Error("the store is down");
      };
      await signOut(browser);
      held.open();
      expect((await running).status).toBe(401);
      expect(stage.errors).toEqual([]);
    });

    it("store no token that a refresh brings late", async () => {
      const clock = clockAhead();
      const held = gate();
      await using stage = await openLoginStage(subject, {
        client: {
          clock,
          async fetch(input, init) {
            const answer = await fetch(input, init);
            if (String(init?.body).includes("grant_type=refresh_token")) await held.pass();
            return answer;
          },
        },
      });
      const browser = stage.browser();
      await browser.signIn();
      clock.aheadMs = AFTER_TOKENS_END_MS;
      const waiting = browser.visit("/me", asProgram);
      await held.isReached;
      expect((await signOut(browser)).status).toBe(303);
      expect(stage.tokens.records.size).toBe(0);
      expect((await waiting).status).toBe(401);
      expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
      held.open();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(stage.tokens.records.size).toBe(0);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.events.at(-1)?.type).toBe("session_ended");
    });
  });

  describe("ask the token store who is signed in", () => {
    it("at most every ten seconds for each sign-in, however many requests there are", async () => {
      const begunAt = Date.now();
      let elapsedMs = 0;
      const clock = { ...clockAhead(), now: () => begunAt + elapsedMs, monotonic: () => elapsedMs };
      await using stage = await openLoginStage(subject, { client: { clock } });
      await using other = await openAnotherStage(subject, stage, { client: { clock } });
      const browser = stage.browser();
      await browser.signIn();
      const there = other.browser(browser);
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
      elapsedMs = CHECK_INTERVAL_MS - 1;
      await visitOften();
      expect(reads).toBe(1);
      elapsedMs = CHECK_INTERVAL_MS;
      await visitOften();
      expect(reads).toBe(2);
      // A clock that was set back does not say how old an answer is.
      elapsedMs = CHECK_INTERVAL_MS / 2;
      await visitOften();
      expect(reads).toBe(3);
    });

    it.each([
      ["fails", async () => Promise.reject(new Error("the store is down"))],
      ["hangs", () => new Promise<void>(() => {})],
    ])("and sign nobody out while it %s", async (_how, fail) => {
      const clock = clockAhead();
      await using stage = await openLoginStage(subject, { client: { clock } });
      const browser = stage.browser();
      await browser.signIn();
      clock.aheadMs = CHECK_INTERVAL_MS;
      const isAsked = new Promise<void>((resolve) => {
        stage.tokens.behave = () => {
          resolve();
          return fail();
        };
      });
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const visit = browser.visit("/me");
      await isAsked;
      await vi.advanceTimersByTimeAsync(CHECK_PATIENCE_MS);
      expect((await visit).status).toBe(200);
      expect((await whoIs(browser)).isSignedIn).toBe(true);
      expect(stage.errors).toEqual([]);
    });

    it("and sign nobody out whose login it could not store", async () => {
      const clock = clockAhead();
      await using stage = await openLoginStage(subject, { client: { clock } });
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      stage.tokens.behave = (operation) => {
        if (operation === "write") throw new Error("the store is read-only");
      };
      expect((await browser.visit(callback)).status).toBe(302);
      clock.aheadMs = CHECK_INTERVAL_MS;
      expect((await browser.visit("/me")).status).toBe(200);
      expect((await whoIs(browser)).isSignedIn).toBe(true);
      expect(sessionTexts(stage)).toHaveLength(1);
    });
  });
}
