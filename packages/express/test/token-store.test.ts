import { encryptedStore, memoryStore, type TokenEvent } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it } from "vitest";
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

const SECRETS = [
  "a secret of thirty-two characters or more",
  "another secret of thirty-two characters",
] as const;

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

const asProgram = { headers: { accept: "application/json" } };
const isDown = async (): Promise<void> => {
  throw new Error("redis://user:hunter2@host is down");
};

describe("a store of tokens that is down", () => {
  it("while somebody signs in keeps them signed in here, tells, and has the tokens once it is back", async () => {
    const events: TokenEvent[] = [];
    await open({ login: { onEvent: (event) => void events.push(event) } });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    stage.tokens.behave = isDown;
    expect((await browser.visit(callback)).status).toBe(302);
    expect((await browser.visit("/me")).status).toBe(200);
    expect(events.some(({ type }) => type === "store_failed")).toBe(true);
    expect(JSON.stringify(events)).not.toContain("hunter2");
    expect(stage.tokens.records.size).toBe(0);
    stage.tokens.behave = () => {};
    await expect.poll(() => stage.tokens.records.size).toBe(1);
  });

  it("is no matter while the token in memory is good, and 503 with Retry-After when it has to be renewed", async () => {
    const clock = clockAhead();
    await open({ client: { clock } });
    const browser = stage.browser();
    await browser.signIn();
    stage.tokens.behave = isDown;
    expect((await browser.visit("/me")).status).toBe(200);
    clock.aheadMs = 700_000;
    const page = await browser.visit("/me", asProgram);
    expect([page.status, JSON.parse(page.text).code]).toEqual([503, "store_unavailable"]);
    expect(Number(page.headers["retry-after"])).toBeGreaterThan(0);
    expect(page.text).not.toContain("hunter2");
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    stage.tokens.behave = () => {};
    expect((await browser.visit("/me")).status).toBe(200);
  });

  it("is 503 for a process that has not seen the user, and nobody is signed out by it", async () => {
    await open();
    const browser = stage.browser();
    await browser.signIn();
    await using other = await openSecondStage(stage);
    const there = other.browser();
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    stage.tokens.behave = isDown;
    expect((await there.visit("/me")).status).toBe(503);
    expect((await whoIs(there)).isSignedIn).toBe(true);
    stage.tokens.behave = () => {};
    expect((await there.visit("/me")).status).toBe(200);
    expect(other.errors).toEqual([]);
  });
});

describe("a session whose lock another process holds", () => {
  it("is 503 with Retry-After, and its refresh token is not sent", async () => {
    const clock = clockAhead();
    await open({ client: { clock } });
    await using impatient = await openSecondStage(stage, { client: { clock, timeoutMs: 300 } });
    const [browser, there] = [stage.browser(), impatient.browser()];
    await browser.signIn();
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    const [key = ""] = stage.tokens.records.keys();
    const lock = await stage.tokens.lock(key, { ttlMs: 60_000 });
    clock.aheadMs = 700_000;
    const page = await there.visit("/me", asProgram);
    expect([page.status, JSON.parse(page.text).code]).toEqual([503, "lock_timeout"]);
    expect(Number(page.headers["retry-after"])).toBeGreaterThan(0);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
    await lock?.release();
    expect((await browser.visit("/me")).status).toBe(200);
  });
});

describe("a record of tokens that cannot be read", () => {
  it("is as good as none: the user signs in again", async () => {
    const events: TokenEvent[] = [];
    const kept = memoryStore();
    await open({ login: { store: kept } });
    const browser = stage.browser();
    await browser.signIn();
    const [, key = ""] = /"key":"([^"]+)"/.exec(JSON.stringify(sessionsOf(stage))) ?? [];
    const found = await kept.read(key);
    expect(await kept.write(key, "{ not a record", { expectedVersion: found?.version ?? 0 })).toBeGreaterThan(
      0,
    );
    await using other = await openSecondStage(stage, {
      login: { store: kept, onEvent: (event) => void events.push(event) },
    });
    const there = other.browser();
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    const page = await there.visit("/me", asProgram);
    expect([page.status, JSON.parse(page.text).code]).toEqual([401, "reauthentication_required"]);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "store_failed",
        error: expect.objectContaining({ code: "store_corrupt" }),
      }),
    );
    const callback = new URL(await there.toTalkdesk(), stage.origin);
    await there.visit(`${callback.pathname}${callback.search}`);
    expect((await there.visit("/me")).status).toBe(200);
  });
});

describe("an encrypted store", () => {
  it("carries a login, through a change of its secret, and shows nobody a token", async () => {
    const first = await openLoginStage();
    stage = first;
    const onFirst = await openSecondStage(first, {
      login: { store: encryptedStore(first.tokens, SECRETS[0]) },
    });
    const onSecond = await openSecondStage(first, {
      login: { store: encryptedStore(first.tokens, [SECRETS[1], SECRETS[0]]) },
    });
    const without = await openSecondStage(first, {
      login: { store: encryptedStore(first.tokens, SECRETS[1]) },
    });
    try {
      const browser = onFirst.browser();
      const callback = new URL(await browser.toTalkdesk(), first.origin);
      await browser.visit(`${callback.pathname}${callback.search}`);
      expect((await browser.visit("/me")).status).toBe(200);
      const [record = ""] = first.tokens.records.values();
      expect(record.startsWith("talkdesk-encrypted-1")).toBe(true);
      for (const [status, at] of [
        [200, onSecond],
        [401, without],
      ] as const) {
        const there = at.browser();
        for (const [name, value] of browser.cookies) there.cookies.set(name, value);
        expect((await there.visit("/me")).status).toBe(status);
      }
    } finally {
      for (const each of [onFirst, onSecond, without]) await each[Symbol.asyncDispose]();
    }
  });
});
