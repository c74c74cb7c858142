import { memoryStore, type TokenStore } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type LoginStage, openLoginStage, whoIs } from "./support/login-stage.js";

let stage: LoginStage;
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

const DAY_MS = 86_400_000;

/** A store in memory that says which keys it was ever given. */
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

describe("the tokens of people who never sign out", () => {
  it.each([
    ["a month by default", undefined, 30 * DAY_MS],
    ["as long as maxIdleMs says", 3_600_000, 3_600_000],
  ])("are kept for %s, and then nobody is signed in by them", async (_how, maxIdleMs, keptMs) => {
    const { store, left } = keyedStore();
    stage = await openLoginStage({ login: { store, ...(maxIdleMs !== undefined && { maxIdleMs }) } });
    const browsers = Array.from({ length: 20 }, () => stage.browser());
    for (const browser of browsers) await browser.signIn();
    expect(await left()).toBe(20);
    const signedInAt = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: signedInAt + keptMs - 60_000 });
    expect(await left()).toBe(20);
    vi.setSystemTime(signedInAt + keptMs);
    expect(await left()).toBe(0);
    for (const browser of browsers) expect((await whoIs(browser)).isSignedIn).toBe(false);
    expect((await browsers[0]?.visit("/me"))?.to).toBe("/auth/login?returnTo=%2Fme");
    expect(stage.errors).toEqual([]);
  });

  it("are gone when the same browser signs in again, however often", async () => {
    const { store, left } = keyedStore();
    stage = await openLoginStage({ login: { store } });
    const browser = stage.browser();
    for (let login = 0; login < 5; login++) await browser.signIn();
    expect(await left()).toBe(1);
  });
});
