import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type MemoryStoreOptions, memoryStore, type StoreLock, type TokenStore } from "@talkdesk-oauth/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

const create = (store: TokenStore, key: string, expiresAt?: number): Promise<number | undefined> =>
  store.write(key, `of ${key}`, { expectedVersion: 0, ...(expiresAt !== undefined && { expiresAt }) });

/** Which of the keys have a record. Asked in an order that leaves the order of use as it is. */
async function keysOf(store: TokenStore, keys: readonly string[]): Promise<string> {
  const found: string[] = [];
  for (const key of keys) if ((await store.read(key)) !== undefined) found.push(key);
  return found.join("");
}

describe("memoryStore with maxEntries", () => {
  it("evicts the least recently read or written record", async () => {
    const store = memoryStore({ maxEntries: 3 });
    for (const key of "abc") await create(store, key);
    const a = await store.read("a");
    await create(store, "d");
    expect(await store.read("b")).toBeUndefined();
    const { version = 0 } = (await store.read("c")) ?? {};
    expect(await store.write("c", "again", { expectedVersion: version })).toBeGreaterThan(version);
    await store.write("a", "again", { expectedVersion: a?.version ?? 0 });
    await create(store, "e");
    expect(await keysOf(store, ["a", "b", "c", "d", "e"])).toBe("ace");
  });

  it("evicts nothing for a write that is refused, or replaces", async () => {
    const store = memoryStore({ maxEntries: 2 });
    await create(store, "a");
    await create(store, "b");
    expect(await store.write("c", "refused", { expectedVersion: 1 })).toBeUndefined();
    const { version } = (await store.read("b")) ?? { version: 0 };
    expect(await store.write("b", "again", { expectedVersion: version })).toBeGreaterThan(0);
    expect(await keysOf(store, ["a", "b"])).toBe("ab");
  });

  it("evicts the records that have expired first", async () => {
    const store = memoryStore({ maxEntries: 3 });
    await create(store, "a");
    await create(store, "b", Date.now() + 1_000);
    await create(store, "c", Date.now() + 3_000);
    vi.advanceTimersByTime(2_000);
    await create(store, "d");
    expect(await keysOf(store, ["a", "b", "c", "d"])).toBe("acd");
    vi.advanceTimersByTime(2_000);
    await create(store, "e");
    expect(await keysOf(store, ["a", "b", "c", "d", "e"])).toBe("ade");
  });

  it("evicts no record that is locked, though there are more then", async () => {
    const store = memoryStore({ maxEntries: 2 });
    const locks: (StoreLock | undefined)[] = [];
    for (const key of "abc") {
      await create(store, key);
      locks.push(await store.lock(key, { ttlMs: 1_000 }));
    }
    await create(store, "d");
    expect(await keysOf(store, ["a", "b", "c", "d"])).toBe("abcd");
    await locks[1]?.release();
    await create(store, "e");
    expect(await keysOf(store, ["a", "b", "c", "d", "e"])).toBe("ace");
    vi.advanceTimersByTime(1_000);
    await create(store, "f");
    expect(await keysOf(store, ["a", "c", "e", "f"])).toBe("ef");
  });

  it("gives no version again after an eviction, and keeps its fences", async () => {
    const store = memoryStore({ maxEntries: 1 });
    const early = await store.lock("a", { ttlMs: 1 });
    vi.advanceTimersByTime(1);
    const later = await store.lock("a", { ttlMs: 1 });
    await store.write("a", "value", { expectedVersion: 0, fence: later?.fence ?? 0 });
    const evicted = (await store.read("a"))?.version ?? 0;
    vi.advanceTimersByTime(1);
    await create(store, "b");
    expect(await store.read("a")).toBeUndefined();
    expect(await store.write("a", "late", { expectedVersion: evicted })).toBeUndefined();
    expect(await store.write("a", "late", { expectedVersion: 0, fence: early?.fence ?? 0 })).toBeUndefined();
    await create(store, "a");
    expect((await store.read("a"))?.version).toBeGreaterThan(evicted);
    expect(await store.write("a", "late", { expectedVersion: evicted })).toBeUndefined();
    const { version } = (await store.read("a")) ?? { version: 0 };
    const late = { expectedVersion: version, fence: early?.fence ?? 0 };
    expect(await store.write("a", "late", late)).toBeUndefined();
  });

  it("keeps that many of 10,000 keys, the last ones", async () => {
    const store = memoryStore({ maxEntries: 1_000 });
    for (let index = 0; index < 10_000; index += 1) await create(store, `${index}`);
    let kept = 0;
    for (let index = 0; index < 10_000; index += 1) {
      if ((await store.read(`${index}`)) === undefined) continue;
      kept += 1;
      expect(index).toBeGreaterThanOrEqual(9_000);
    }
    expect(kept).toBe(1_000);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null])("must not be %s", (maxEntries) => {
    expect(() => memoryStore({ maxEntries } as MemoryStoreOptions)).toThrow(
      new TypeError("maxEntries must be a whole number above 0."),
    );
  });
});

describe("memoryStore", () => {
  it("evicts nothing when it has no limit", async () => {
    const store = memoryStore();
    for (let index = 0; index < 10_000; index += 1) await create(store, `${index}`);
    for (let index = 0; index < 10_000; index += 1) {
      expect((await store.read(`${index}`))?.value).toBe(`of ${index}`);
    }
  });

  it("is one store for each call", async () => {
    const store = memoryStore();
    await create(store, "a");
    expect(await memoryStore().read("a")).toBeUndefined();
  });

  it("does not grow with expired records and locks", async () => {
    const store = memoryStore();
    async function growth(): Promise<number> {
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (let index = 0; index < 20_000; index += 1) {
        const key = crypto.randomUUID();
        await store.write(key, "x".repeat(16) + key, { expectedVersion: 0, expiresAt: Date.now() + 10 });
        await store.lock(key, { ttlMs: 10 });
        vi.advanceTimersByTime(1);
      }
      collectGarbage();
      return process.memoryUsage().heapUsed - before;
    }
    await growth();
    // 20,000 records and locks that are kept are some 8 MB.
    expect(await growth()).toBeLessThan(1_000_000);
  });

  it("shows nothing of what it holds", async () => {
    const store = memoryStore();
    await store.write("canary-key", "canary-value", { expectedVersion: 0 });
    const lock = await store.lock("canary-key", { ttlMs: 1_000 });
    for (const part of [store, lock]) {
      expect(inspect(part, { depth: 10, showHidden: true })).not.toContain("canary");
      expect(JSON.stringify(part)).not.toContain("canary");
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it("hands out records that do not change it", async () => {
    const store = memoryStore();
    await create(store, "a");
    const record = await store.read("a");
    Object.assign(record ?? {}, { value: "other", version: 99 });
    expect((await store.read("a"))?.value).toBe("of a");
  });

  it("does not end a lock when the wall clock steps", async () => {
    const store = memoryStore();
    await store.lock("a", { ttlMs: 1_000 });
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await store.lock("a", { ttlMs: 1_000 })).toBeUndefined();
    vi.setSystemTime(Date.now() - 7_200_000);
    vi.advanceTimersByTime(1_000);
    expect(await store.lock("a", { ttlMs: 1_000 })).toBeDefined();
  });

  const wrongKeys: readonly unknown[] = ["", undefined, null, 5, {}];
  it.each(wrongKeys)("refuses the key %j", async (wrong) => {
    const store = memoryStore();
    const key = wrong as string;
    const fault = new TypeError("key must be a string that is not empty.");
    await expect(store.read(key)).rejects.toThrow(fault);
    await expect(store.write(key, "value", { expectedVersion: 0 })).rejects.toThrow(fault);
    await expect(store.delete(key)).rejects.toThrow(fault);
    await expect(store.lock(key, { ttlMs: 1 })).rejects.toThrow(fault);
  });

  it.each<[string, unknown, object]>([
    ["value must be a string.", undefined, { expectedVersion: 0 }],
    ["value must be a string.", { canary: true }, { expectedVersion: 0 }],
    ["expectedVersion must be the version of a record, or 0.", "canary", {}],
    ["expectedVersion must be the version of a record, or 0.", "canary", { expectedVersion: -1 }],
    ["expectedVersion must be the version of a record, or 0.", "canary", { expectedVersion: Number.NaN }],
    ["expectedVersion must be the version of a record, or 0.", "canary", { expectedVersion: "0" }],
    ["fence must be the fence of a lock.", "canary", { expectedVersion: 0, fence: "1" }],
    ["fence must be the fence of a lock.", "canary", { expectedVersion: 0, fence: Number.NaN }],
    [
      "expiresAt must be a number of milliseconds since 1970.",
      "canary",
      { expectedVersion: 0, expiresAt: null },
    ],
    [
      "expiresAt must be a number of milliseconds since 1970.",
      "canary",
      { expectedVersion: 0, expiresAt: new Date() },
    ],
    [
      "expiresAt must be a number of milliseconds since 1970.",
      "canary",
      { expectedVersion: 0, expiresAt: Number.NaN },
    ],
  ])("refuses to write: %s", async (message, value, options) => {
    const store = memoryStore();
    const write = store.write("key", value as string, options as { expectedVersion: number });
    await expect(write).rejects.toThrow(new TypeError(message));
    expect(await store.read("key")).toBeUndefined();
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5", undefined])(
    "refuses to lock for %s milliseconds",
    async (ttlMs) => {
      const store = memoryStore();
      await expect(store.lock("key", { ttlMs: ttlMs as number })).rejects.toThrow(
        new TypeError("ttlMs must be a number of milliseconds above 0."),
      );
      expect(await store.lock("key", { ttlMs: 1 })).toBeDefined();
    },
  );
});
