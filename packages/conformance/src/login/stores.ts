import { encryptedStore, memoryStore, type TokenStore } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { asProgram } from "./browser.js";
import type { LoginStage, LoginSubject } from "./login-stage.js";
import {
  AFTER_TOKENS_END_MS,
  clockAhead,
  grantsOf,
  NOBODY,
  openAnotherStage,
  openLoginStage,
  sessionTexts,
  signOut,
  whoIs,
} from "./login-stage.js";
import { watchedStore } from "./watched-store.js";

const SECRETS = [
  "a secret of thirty-two characters or more",
  "another secret of thirty-two characters",
] as const;

const DAY_MS = 86_400_000;

const isDown = async (): Promise<void> => {
  throw new Error("redis://user:hunter2@host is down");
};

const failuresIn = ({ events }: LoginStage) => events.filter(({ type }) => type === "store_failed");

/** Stores that fail, hang, or hold what cannot be read. */
export function describeStores(subject: LoginSubject): void {
  afterEach(() => void vi.useRealTimers());

  describe("a token store that is down", () => {
    it("at a login keeps the user signed in here, and has the tokens once it is back", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      stage.tokens.behave = isDown;
      expect((await browser.visit(callback)).status).toBe(302);
      expect((await browser.visit("/me")).status).toBe(200);
      expect(failuresIn(stage).length).toBeGreaterThan(0);
      expect(JSON.stringify(stage.events)).not.toContain("hunter2");
      expect(stage.tokens.records.size).toBe(0);
      stage.tokens.behave = () => {};
      await expect.poll(() => stage.tokens.records.size).toBe(1);
    });

    it("matters only when a token must be renewed: then the answer is 503 with Retry-After", async () => {
      const clock = clockAhead();
      await using stage = await openLoginStage(subject, { client: { clock } });
      const browser = stage.browser();
      await browser.signIn();
      stage.tokens.behave = isDown;
      expect((await browser.visit("/me")).status).toBe(200);
      clock.aheadMs = AFTER_TOKENS_END_MS;
      const answer = await browser.visit("/me", asProgram);
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, "store_unavailable"]);
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
      expect(answer.text).not.toContain("hunter2");
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
      stage.tokens.behave = () => {};
      expect((await browser.visit("/me")).status).toBe(200);
    });

    it("is 503 in a process that has not seen the user, and signs nobody out", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      await using other = await openAnotherStage(subject, stage);
      const there = other.browser(browser);
      stage.tokens.behave = isDown;
      expect((await there.visit("/me")).status).toBe(503);
      expect((await whoIs(there)).isSignedIn).toBe(true);
      stage.tokens.behave = () => {};
      expect((await there.visit("/me")).status).toBe(200);
      expect(other.errors).toEqual([]);
    });
  });

  it("answer 503 with Retry-After while another process holds the lock, and send no refresh token", async () => {
    const clock = clockAhead();
    await using stage = await openLoginStage(subject, { client: { clock } });
    await using impatient = await openAnotherStage(subject, stage, { client: { clock, timeoutMs: 1_000 } });
    const browser = stage.browser();
    await browser.signIn();
    const there = impatient.browser(browser);
    const [key = ""] = stage.tokens.records.keys();
    const lock = await stage.tokens.lock(key, { ttlMs: 60_000 });
    clock.aheadMs = AFTER_TOKENS_END_MS;
    const answer = await there.visit("/me", asProgram);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, "lock_timeout"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    await lock?.release();
    expect((await browser.visit("/me")).status).toBe(200);
  });

  it("ask the user to sign in again when the record of the tokens cannot be read", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const [key = ""] = stage.tokens.records.keys();
    await stage.tokens.restore(key, "{ not a record");
    await using other = await openAnotherStage(subject, stage);
    const there = other.browser(browser);
    const answer = await there.visit("/me", asProgram);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, "reauthentication_required"]);
    expect(other.events).toContainEqual(
      expect.objectContaining({
        type: "store_failed",
        error: expect.objectContaining({ code: "store_corrupt" }),
      }),
    );
    await there.signIn();
    expect((await there.visit("/me")).status).toBe(200);
  });

  it("carry a login in encryptedStore, over a change of its secret, and hold no token in the clear", async () => {
    await using stage = await openLoginStage(subject);
    const open = (...secrets: readonly [string, ...string[]]): Promise<LoginStage> =>
      openAnotherStage(subject, stage, { login: { store: encryptedStore(stage.tokens, [...secrets]) } });
    await using before = await open(SECRETS[0]);
    await using after = await open(SECRETS[1], SECRETS[0]);
    await using without = await open(SECRETS[1]);
    const browser = before.browser();
    await browser.signIn();
    expect((await browser.visit("/me")).status).toBe(200);
    const [record = ""] = stage.tokens.records.values();
    expect(record.startsWith("talkdesk-encrypted-1")).toBe(true);
    expect((await after.browser(browser).visit("/me")).status).toBe(200);
    expect((await without.browser(browser).visit("/me", asProgram)).status).toBe(401);
  });

  it("may be one and the same", async () => {
    const sessions = watchedStore();
    await using stage = await openLoginStage(subject, { sessions, tokens: sessions });
    const browser = stage.browser();
    expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
    expect((await browser.visit("/me")).status).toBe(200);
    expect(sessions.records.size).toBe(2);
    expect((await signOut(browser)).status).toBe(303);
    expect(sessions.records.size).toBe(0);
    expect(await whoIs(browser)).toEqual(NOBODY);
  });

  describe("at a logout, a token store", () => {
    it.each([
      ["rejects", isDown],
      [
        "throws",
        () => {
          throw new Error("redis://user:hunter2@host is down");
        },
      ],
    ])("that %s leaves the browser signed out, with an event", async (_how, fail) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      stage.tokens.behave = fail;
      expect((await signOut(browser)).status).toBe(303);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(failuresIn(stage)).toEqual([
        expect.objectContaining({ error: expect.objectContaining({ code: "store_unavailable" }) }),
      ]);
      expect(JSON.stringify(stage.events)).not.toContain("hunter2");
      expect(stage.errors).toEqual([]);
    });

    it("that fails for a while has the tokens removed once it is back", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      let failures = 0;
      stage.tokens.behave = (operation) => {
        if (operation !== "delete" || failures === 3) return;
        failures += 1;
        throw new Error("the store is down");
      };
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      expect((await signOut(browser)).status).toBe(303);
      expect([failures, stage.tokens.records.size]).toEqual([1, 1]);
      await vi.advanceTimersByTimeAsync(31_000);
      expect([failures, stage.tokens.records.size]).toEqual([3, 0]);
    });

    it("that fails for good is asked no more after some minutes", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      let attempts = 0;
      stage.tokens.behave = (operation) => {
        if (operation !== "delete") return;
        attempts += 1;
        throw new Error("the store is down");
      };
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      await signOut(browser);
      await vi.advanceTimersByTimeAsync(DAY_MS);
      expect(attempts).toBe(6);
    });

    it("that fails signs out in a process that had not seen the user, too, whatever a listener does", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      const types: string[] = [];
      await using other = await openAnotherStage(subject, stage, {
        login: {
          store: { ...stage.tokens, delete: isDown },
          onEvent: ({ type }) => {
            types.push(type);
            throw new Error("a listener that fails");
          },
        },
      });
      const there = other.browser(browser);
      expect((await signOut(there)).status).toBe(303);
      expect(types).toEqual(["store_failed"]);
      expect((await whoIs(there)).isSignedIn).toBe(false);
      expect(stage.tokens.records.size).toBe(1);
    });

    it("that hangs is waited for two seconds, with an event", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      let ask = (): void => {};
      const isAsked = new Promise<void>((resolve) => {
        ask = resolve;
      });
      stage.tokens.behave = (operation) => {
        if (operation !== "delete") return undefined;
        ask();
        return new Promise(() => {});
      };
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      let isAnswered = false;
      const answer = signOut(browser).finally(() => {
        isAnswered = true;
      });
      await isAsked;
      await vi.advanceTimersByTimeAsync(1_900);
      expect([isAnswered, failuresIn(stage).length]).toEqual([false, 0]);
      await vi.advanceTimersByTimeAsync(200);
      expect((await answer).status).toBe(303);
      expect(failuresIn(stage)).toEqual([
        expect.objectContaining({ error: expect.objectContaining({ code: "store_unavailable" }) }),
      ]);
      vi.useRealTimers();
      expect((await whoIs(browser)).isSignedIn).toBe(false);
    });
  });

  describe("a store of sessions that fails", () => {
    it.each(["read", "write", "delete"] as const)("to %s signs nobody in", async (failing) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      stage.sessions.behave = (operation) => {
        if (operation === failing) throw new Error("the store is down");
      };
      expect((await browser.visit(callback)).status).toBeGreaterThanOrEqual(500);
      stage.sessions.behave = () => {};
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.tokens.records.size).toBe(0);
      expect((await browser.signIn()).status).toBe(302);
      expect((await whoIs(browser)).isSignedIn).toBe(true);
    });

    it("when a login begins sends nobody to Talkdesk", async () => {
      await using stage = await openLoginStage(subject);
      stage.sessions.behave = (operation) => {
        if (operation === "write") throw new Error("the store is down");
      };
      const page = await stage.browser().visit("/auth/login");
      expect(page.status).toBeGreaterThanOrEqual(500);
      expect(page.to).toBeUndefined();
    });

    it("at a logout has the tokens removed all the same", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      stage.sessions.behave = (operation) => {
        if (operation === "delete") throw new Error("the store is down");
      };
      expect((await signOut(browser)).status).toBeGreaterThanOrEqual(500);
      expect(stage.tokens.records.size).toBe(0);
      expect(await whoIs(browser)).toEqual(NOBODY);
    });
  });

  describe("tokens of people who never sign out", () => {
    it.each([
      ["a month by default", undefined, 30 * DAY_MS],
      ["as long as maxIdleMs says", 3_600_000, 3_600_000],
    ])("are kept for %s, and then nobody is signed in by them", async (_how, maxIdleMs, keptMs) => {
      const { store, left } = keyedStore();
      await using stage = await openLoginStage(subject, {
        login: { store, ...(maxIdleMs !== undefined && { maxIdleMs }) },
      });
      const browsers = Array.from({ length: 5 }, () => stage.browser());
      for (const browser of browsers) await browser.signIn();
      expect(await left()).toBe(5);
      const signedInAt = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now: signedInAt + keptMs - 60_000 });
      expect(await left()).toBe(5);
      vi.setSystemTime(signedInAt + keptMs);
      expect(await left()).toBe(0);
      for (const browser of browsers) expect((await whoIs(browser)).isSignedIn).toBe(false);
      expect((await browsers[0]?.visit("/me"))?.to).toBe("/auth/login?returnTo=%2Fme");
      expect(stage.errors).toEqual([]);
    });

    it("are gone when the same browser signs in again, however often", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      for (let login = 0; login < 5; login++) await browser.signIn();
      expect(stage.tokens.records.size).toBe(1);
      expect(sessionTexts(stage)).toHaveLength(1);
    });
  });
}

/** A store in memory that counts how many of the records that it was ever given are left. */
function keyedStore(): { readonly store: TokenStore; left(): Promise<number> } {
  const kept = memoryStore();
  const keys = new Set<string>();
  return {
    store: {
      ...kept,
      write(key, value, options) {
        keys.add(key);
        return kept.write(key, value, options);
      },
    },
    async left() {
      const found = await Promise.all([...keys].map((key) => kept.read(key)));
      return found.filter((record) => record !== undefined).length;
    },
  };
}
