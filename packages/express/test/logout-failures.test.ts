import { inspect } from "node:util";
import type { TokenEvent } from "@talkdesk-oauth/core";
import session from "express-session";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clockAhead } from "./support/clock-ahead.js";
import {
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  openSecondStage,
  whoIs,
} from "./support/login-stage.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

const failures = (events: readonly TokenEvent[]): readonly TokenEvent[] =>
  events.filter(({ type }) => type === "store_failed");

const failing = {
  "that fails": async () => {
    throw new Error("no connection to redis://user:hunter2@host");
  },
  "that throws": () => {
    throw new Error("no connection to redis://user:hunter2@host");
  },
} as const;

describe("at a logout, a store of tokens", () => {
  it.each(Object.entries(failing))(
    "%s leaves the browser signed out, and an event tells",
    async (_how, fail) => {
      const events: TokenEvent[] = [];
      await open({ login: { onEvent: (event) => void events.push(event) } });
      const browser = stage.browser();
      await browser.signIn();
      stage.tokens.behave = fail;
      expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
      expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
      expect(failures(events)).toEqual([
        expect.objectContaining({ error: expect.objectContaining({ code: "store_unavailable" }) }),
      ]);
      expect(JSON.stringify(events)).not.toContain("hunter2");
      expect(stage.errors).toEqual([]);
    },
  );

  it.each(Object.entries(failing))(
    "%s is no different in a process that had not seen the user",
    async (_how, fail) => {
      const events: TokenEvent[] = [];
      await open();
      const browser = stage.browser();
      await browser.signIn();
      await using other = await openSecondStage(stage, {
        isLoginFirst: true,
        login: {
          store: { ...stage.tokens, delete: fail },
          onEvent: async (event) => {
            events.push(event);
            throw new Error("a listener that fails");
          },
        },
      });
      const there = other.browser();
      for (const [name, value] of browser.cookies) there.cookies.set(name, value);
      expect((await there.visit("/auth/logout", { method: "POST" })).status).toBe(303);
      expect(events).toEqual([
        expect.objectContaining({
          type: "store_failed",
          error: expect.objectContaining({ code: "store_unavailable" }),
        }),
      ]);
      expect(inspect(events, { depth: null, showHidden: true })).not.toContain("hunter2");
      expect((await whoIs(there)).isSignedIn).toBe(false);
      expect(stage.tokens.records.size).toBe(1);
    },
  );

  it("that fails for a while has the tokens removed once it is back", async () => {
    await open();
    const browser = stage.browser();
    await browser.signIn();
    let failures = 0;
    stage.tokens.behave = (operation) => {
      if (operation !== "delete" || failures === 3) return;
      failures += 1;
      throw new Error("the store is down");
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
    expect([failures, stage.tokens.records.size]).toEqual([1, 1]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect([failures, stage.tokens.records.size]).toEqual([2, 1]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([failures, stage.tokens.records.size]).toEqual([3, 1]);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(stage.tokens.records.size).toBe(0);
  });

  it("that fails for good is asked no more after some minutes", async () => {
    await open();
    const browser = stage.browser();
    await browser.signIn();
    let attempts = 0;
    stage.tokens.behave = (operation) => {
      if (operation !== "delete") return;
      attempts += 1;
      throw new Error("the store is down");
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await browser.visit("/auth/logout", { method: "POST" });
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect(attempts).toBe(6);
  });

  it("that hangs is waited for two seconds, and an event tells", async () => {
    const events: TokenEvent[] = [];
    await open({ login: { onEvent: (event) => void events.push(event) } });
    const browser = stage.browser();
    await browser.signIn();
    let asked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    stage.tokens.behave = (operation) => {
      if (operation !== "delete") return undefined;
      asked();
      return new Promise(() => {});
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let isAnswered = false;
    const answer = browser.visit("/auth/logout", { method: "POST" }).finally(() => {
      isAnswered = true;
    });
    await isAsked;
    await vi.advanceTimersByTimeAsync(1_900);
    expect([isAnswered, failures(events).length]).toEqual([false, 0]);
    await vi.advanceTimersByTimeAsync(200);
    expect((await answer).status).toBe(303);
    expect(failures(events)).toEqual([
      expect.objectContaining({ error: expect.objectContaining({ code: "store_unavailable" }) }),
    ]);
    vi.useRealTimers();
    expect((await whoIs(browser)).isSignedIn).toBe(false);
  });
});

describe("at a logout, a store of sessions that fails", () => {
  class FailingStore extends session.MemoryStore {
    isFailing = false;
    override destroy: session.MemoryStore["destroy"] = (id, callback) =>
      this.isFailing ? callback?.(new Error("the store is down")) : super.destroy(id, callback);
  }

  it("is told to the app, and the tokens are gone all the same", async () => {
    const sessions = new FailingStore();
    await open({ sessions });
    const browser = stage.browser();
    await browser.signIn();
    sessions.isFailing = true;
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(500);
    expect(stage.errors).toEqual([expect.objectContaining({ message: "the store is down" })]);
    expect(stage.tokens.records.size).toBe(0);
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
  });
});

describe("a logout while the token is being refreshed", () => {
  it("wins: the late answer goes nowhere", async () => {
    const clock = clockAhead();
    const events: string[] = [];
    await open({
      client: { clock },
      login: { onEvent: ({ type }) => void events.push(type) },
    });
    const browser = stage.browser();
    await browser.signIn();
    clock.aheadMs = 700_000;
    stage.talkdesk.faults.add({ at: "token", delayMs: 3_000 });
    const waiting = browser.visit("/me");
    await expect.poll(() => stage.talkdesk.requests.to("token")).toHaveLength(2);
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
    expect(stage.tokens.records.size).toBe(0);
    expect((await waiting).status).toBe(401);
    await stage.talkdesk.requests.waitFor(
      ({ form, status }) => form.get("grant_type") === "refresh_token" && status === 200,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stage.tokens.records.size).toBe(0);
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect(events.at(-1)).toBe("session_ended");
  });
});
