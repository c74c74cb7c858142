import { memoryStore, type TokenStore } from "@talkdesk-oauth/core";
import session, { type SessionData } from "express-session";
import { afterEach, describe, expect, it, vi } from "vitest";
import { StoredSessions } from "../../src/sessions/stored-sessions.js";

afterEach(() => void vi.useRealTimers());

const HOUR_MS = 3_600_000;

/** Sessions over a store, with promises in place of callbacks. */
function sessionsOver(store: TokenStore) {
  const unreadable: unknown[] = [];
  const sessions = new StoredSessions(store, (error) => unreadable.push(error));
  const settled = <T>(
    call: (callback: (error?: unknown, value?: T) => void) => void,
  ): Promise<T | undefined> =>
    new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
  return {
    unreadable,
    get: (id: string) => settled<SessionData | null>((callback) => sessions.get(id, callback)),
    set: (id: string, data: SessionData) => settled<void>((callback) => sessions.set(id, data, callback)),
    touch: (id: string, data: SessionData) => settled<void>((callback) => sessions.touch(id, data, callback)),
    destroy: (id: string) => settled<void>((callback) => sessions.destroy(id, callback)),
  };
}

/** A session that ends in so many milliseconds. */
const lasting = (maxAge: number, members: object = {}): SessionData => ({
  // Setting maxAge sets originalMaxAge to what is left of it, which may be a millisecond less.
  cookie: Object.assign(new session.Cookie(), { maxAge, originalMaxAge: maxAge }),
  ...members,
});

/** A store that tells of the calls it gets. */
function watchedStore(): { readonly store: TokenStore; readonly calls: string[] } {
  const inner = memoryStore();
  const calls: string[] = [];
  const store: TokenStore = {
    ...inner,
    write(key, value, options) {
      calls.push(`write ${key}`);
      return inner.write(key, value, options);
    },
  };
  return { store, calls };
}

describe("sessions in a store of tokens", () => {
  it("are kept until they are destroyed, each under a hash of its id", async () => {
    const { store, calls } = watchedStore();
    const { get, set, destroy } = sessionsOver(store);
    expect(await get("an-id")).toBeNull();
    await set("an-id", lasting(HOUR_MS, { page: 1 }));
    await set("an-id", lasting(HOUR_MS, { page: 2 }));
    expect(await get("an-id")).toMatchObject({ page: 2, cookie: { originalMaxAge: HOUR_MS } });
    expect(await get("another-id")).toBeNull();
    expect(calls).toHaveLength(2);
    expect(calls.join()).not.toContain("an-id");
    await destroy("an-id");
    expect(await get("an-id")).toBeNull();
    await destroy("an-id");
  });

  it("live on while they are used, and expire when they are not", async () => {
    const begunAt = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: begunAt });
    const { get, set, touch } = sessionsOver(memoryStore());
    await set("used", lasting(HOUR_MS));
    await set("unused", lasting(HOUR_MS));
    vi.setSystemTime(begunAt + 0.9 * HOUR_MS);
    await touch("used", lasting(HOUR_MS));
    vi.setSystemTime(begunAt + 1.1 * HOUR_MS);
    expect(await get("used")).not.toBeNull();
    expect(await get("unused")).toBeNull();
  });

  it("are written once a minute when requests do nothing but touch them", async () => {
    const begunAt = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: begunAt });
    const { store, calls } = watchedStore();
    const { set, touch } = sessionsOver(store);
    await set("an-id", lasting(HOUR_MS));
    for (let second = 1; second <= 120; second++) {
      vi.setSystemTime(begunAt + second * 1_000);
      await touch("an-id", lasting(HOUR_MS));
    }
    expect(calls).toHaveLength(3);
  });

  it("are not brought back by a request that was running when they were destroyed", async () => {
    const { get, set, touch, destroy } = sessionsOver(memoryStore());
    await set("an-id", lasting(HOUR_MS));
    await destroy("an-id");
    await touch("an-id", lasting(2 * HOUR_MS));
    expect(await get("an-id")).toBeNull();
  });

  it("take ten writes at once, of which one is the last", async () => {
    const { get, set } = sessionsOver(memoryStore());
    await Promise.all(Array.from({ length: 10 }, (_, page) => set("an-id", lasting(HOUR_MS, { page }))));
    expect(await get("an-id")).toHaveProperty("page");
  });

  it("count as absent when they cannot be read, which is told and deletes nothing", async () => {
    const inner = memoryStore();
    const corrupt = Object.assign(new Error(), { code: "store_corrupt" });
    let isCorrupt = false;
    const { get, set, unreadable } = sessionsOver({
      ...inner,
      read: async (key) => (isCorrupt ? Promise.reject(corrupt) : inner.read(key)),
    });
    await set("an-id", lasting(HOUR_MS, { page: 1 }));
    isCorrupt = true;
    expect(await get("an-id")).toBeNull();
    expect(unreadable).toEqual([corrupt]);
    isCorrupt = false;
    expect(await get("an-id")).toMatchObject({ page: 1 });
  });

  it("pass on the code of a store that fails, and not its message, which may quote a secret", async () => {
    const failure = Object.assign(new Error("redis://:hunter2@sessions"), { code: "SQLITE_FULL" });
    const failing = (): Promise<never> => Promise.reject(failure);
    const { get, set, touch, destroy } = sessionsOver({
      read: failing,
      write: failing,
      delete: failing,
      lock: failing,
    });
    const data = lasting(HOUR_MS);
    const calls = [
      () => get("an-id"),
      () => set("an-id", data),
      () => touch("an-id", data),
      () => destroy("an-id"),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toThrow(/^The store of sessions failed with SQLITE_FULL\.$/);
    }
  });

  it("give up on a store that accepts no write", async () => {
    const { set } = sessionsOver({ ...memoryStore(), write: async () => undefined });
    await expect(set("an-id", lasting(HOUR_MS))).rejects.toThrow(/write_conflict/);
  });
});
