import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { redisStore } from "@talkdesk-oauth/redis";
import { describe, expect, it } from "vitest";
import { redisOfFile } from "./support/redis-of-file.js";
import { rejectionOf } from "./support/rejection.js";

const HOUR_MS = 3_600_000;

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();
  const open = () => redisStore({ client: at.redis, prefix: at.prefix });

  it.each([
    ["a zero byte", "a\0b\0"],
    ["a byte order mark", "\uFEFFa"],
    ["nothing that ASCII has", "鍵 🔑"],
    ["braces", "}{a}{"],
    ["the replacement character", "\uFFFD"],
  ])("keeps a key and a value with %s to the letter", async (_, text) => {
    const version = await open().write(text, text, { expectedVersion: 0 });
    expect(await open().read(text)).toEqual({ value: text, version });
    expect(await open().read(text.slice(0, 1) === text ? "other" : text.slice(0, 1))).toBeUndefined();
  });

  it("refuses half of a surrogate pair, in a key and in a value", async () => {
    const store = open();
    for (const half of ["a\uD83D", "\uDD11a"]) {
      expect(await rejectionOf(store.read(half))).toBeInstanceOf(TypeError);
      expect(await rejectionOf(store.write(half, "value", { expectedVersion: 0 }))).toBeInstanceOf(TypeError);
      expect(await rejectionOf(store.write("key", half, { expectedVersion: 0 }))).toBeInstanceOf(TypeError);
      expect(await rejectionOf(store.delete(half))).toBeInstanceOf(TypeError);
      expect(await rejectionOf(store.lock(half, { ttlMs: 1_000 }))).toBeInstanceOf(TypeError);
    }
    expect(await store.read("key")).toBeUndefined();
  });

  it.each([
    ["an empty key", (store = open()) => store.read("")],
    ["a key that is not a text", (store = open()) => store.delete(17 as unknown as string)],
    [
      "a value that is not a text",
      (store = open()) => store.write("key", 17 as unknown as string, { expectedVersion: 0 }),
    ],
    ["a version below 0", (store = open()) => store.write("key", "value", { expectedVersion: -1 })],
    [
      "a fence that is no number",
      (store = open()) => store.write("key", "value", { expectedVersion: 0, fence: Number.NaN }),
    ],
    ["a lock without end", (store = open()) => store.lock("key", { ttlMs: Number.POSITIVE_INFINITY })],
  ])("refuses %s", async (_, call) => {
    expect(await rejectionOf(call())).toBeInstanceOf(TypeError);
    expect(await at.redis.keys(`${at.prefix}*`)).toEqual([]);
  });

  it("names three hashes after each key, in one slot of a cluster, and lets all of them end", async () => {
    const store = open();
    const key = "user 1}";
    const lock = await store.lock(key, { ttlMs: 60_000 });
    const expiresAt = Date.now() + 100_000;
    const version = await store.write(key, "value", {
      expectedVersion: 0,
      fence: lock?.fence ?? 0,
      expiresAt,
    });
    const slot = `${at.prefix}{user%201%7D}`;
    expect((await at.redis.keys(`${at.prefix}*`)).sort()).toEqual([
      `${slot}:history`,
      `${slot}:lock`,
      `${slot}:record`,
    ]);
    expect(await at.redis.hgetall(`${slot}:record`)).toEqual({
      format: "1",
      version: `${version}`,
      value: "value",
    });
    const recordMs = await at.redis.pttl(`${slot}:record`);
    expect(Math.abs(Date.now() + recordMs - expiresAt)).toBeLessThan(5_000);
    const lockMs = await at.redis.pttl(`${slot}:lock`);
    expect(lockMs).toBeGreaterThan(0);
    expect(lockMs).toBeLessThanOrEqual(60_000);
    expect(Math.abs((await at.redis.pttl(`${slot}:history`)) - recordMs - HOUR_MS)).toBeLessThan(5_000);

    await store.delete(key);
    expect(await at.redis.exists(`${slot}:record`)).toBe(0);
    const historyMs = await at.redis.pttl(`${slot}:history`);
    expect(historyMs).toBeGreaterThan(HOUR_MS);
    expect(historyMs).toBeLessThanOrEqual(HOUR_MS + 60_000);
    await lock?.release();
    expect(await at.redis.keys(`${at.prefix}*`)).toEqual([`${slot}:history`]);
  });

  it("keeps the history for as long as a record without end, and lets it end afterwards", async () => {
    const store = open();
    const lock = await store.lock("key", { ttlMs: 60_000 });
    const history = at.part("key", "history");
    const version = await store.write("key", "for ever", { expectedVersion: 0 });
    expect(await at.redis.pttl(history)).toBe(-1);
    await lock?.extend?.(60_000);
    expect(await at.redis.pttl(history)).toBe(-1);
    await store.write("key", "for a while", { expectedVersion: version ?? 0, expiresAt: Date.now() + 1_000 });
    expect(await at.redis.pttl(history)).toBeGreaterThan(HOUR_MS);
    await lock?.extend?.(3 * HOUR_MS);
    expect(await at.redis.pttl(history)).toBeGreaterThan(3 * HOUR_MS);
  });

  it("leaves nothing of a key that never was", async () => {
    const store = open();
    await store.read("key");
    await store.write("key", "value", { expectedVersion: 17 });
    await store.delete("key");
    expect(await at.redis.keys(`${at.prefix}*`)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["a text", () => at.redis.set(at.part("key", "record"), "text")],
    ["a list", () => at.redis.rpush(at.part("key", "record"), "text")],
    ["another hash", () => at.redis.hset(at.part("key", "record"), "name", "text")],
    ["a record without a value", () => at.redis.hdel(at.part("key", "record"), "value")],
    ["a record without a format", () => at.redis.hdel(at.part("key", "record"), "format")],
    ["a record of an unknown format", () => at.redis.hset(at.part("key", "record"), "format", "old")],
    ...["text", "", "-1", "0", "1.5", "9007199254740992", "1e3", "0x10", "nan"].map(
      (version): [string, () => Promise<unknown>] => [
        `a record of version ${version}`,
        () => at.redis.hset(at.part("key", "record"), "version", version),
      ],
    ),
  ])("calls %s corrupt, and deletes it", async (what, spoil) => {
    const store = open();
    const version = (await store.write("key", "value", { expectedVersion: 0 })) ?? 0;
    if (!what.startsWith("a record")) await at.redis.del(at.part("key", "record"));
    await spoil();
    expect(await rejectionOf(store.read("key"))).toMatchObject({ code: "store_corrupt" });
    for (const expectedVersion of [0, version]) {
      const writing = store.write("key", "next", { expectedVersion });
      expect(await rejectionOf(writing)).toMatchObject({ code: "store_corrupt" });
    }
    await store.delete("key");
    expect(await store.read("key")).toBeUndefined();
    const next = await store.write("key", "next", { expectedVersion: 0 });
    expect(next).toBeGreaterThan(version);
    expect(await store.read("key")).toEqual({ value: "next", version: next });
  });

  it("replaces what else is under the keys of the lock and of the history", async () => {
    const store = open();
    const version = await store.write("key", "value", { expectedVersion: 0 });
    for (const part of ["lock", "history"] as const) {
      await at.redis.del(at.part("key", part));
      await at.redis.set(at.part("key", part), "text");
    }
    const lock = await store.lock("key", { ttlMs: 60_000 });
    expect(lock?.fence).toBeGreaterThan(version ?? 0);
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeUndefined();
    await at.redis.del(at.part("key", "lock"), at.part("key", "history"));
    await at.redis.set(at.part("key", "lock"), "text");
    await at.redis.hset(at.part("key", "history"), { last: "1e300", fence: "text", version: "text" });
    expect(await lock?.extend?.(1_000)).toBe(false);
    await lock?.release();
    const next = await store.write("key", "next", { expectedVersion: version ?? 0, fence: lock?.fence ?? 0 });
    expect(next).toBeGreaterThan(lock?.fence ?? 0);
    expect(Number.isSafeInteger(next)).toBe(true);
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeDefined();
    await at.redis.persist(at.part("key", "lock"));
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeDefined();
  });

  it("reads and replaces no record of a newer format, and keeps it to the letter", async () => {
    const store = open();
    const version = (await store.write("key", "value", { expectedVersion: 0 })) ?? 0;
    const record = at.part("key", "record");
    await at.redis.hset(record, { format: "2", more: "data", version: "v17" });
    const before = await at.redis.hgetall(record);
    expect(await rejectionOf(store.read("key"))).toMatchObject({ code: "record_newer" });
    for (const expectedVersion of [0, version]) {
      const writing = store.write("key", "next", { expectedVersion });
      expect(await rejectionOf(writing)).toMatchObject({ code: "record_newer" });
    }
    expect(await at.redis.hgetall(record)).toEqual(before);
    await store.delete("key");
    expect(await store.read("key")).toBeUndefined();
  });

  it("gives no version and no fence twice after a flush or a restore", async () => {
    const store = open();
    await store.write("key", "old", { expectedVersion: 0 });
    for (const part of ["record", "history"] as const) {
      await at.redis.copy(at.part("key", part), `${at.prefix}backup-${part}`);
    }
    const numbers: number[] = [];
    const takeNumbers = async (): Promise<void> => {
      const expectedVersion = (await store.read("key"))?.version ?? 0;
      numbers.push((await store.write("key", "value", { expectedVersion })) ?? 0);
      const lock = await store.lock("key", { ttlMs: 60_000 });
      numbers.push(lock?.fence ?? 0);
      await lock?.release();
    };
    for (let round = 0; round < 20; round += 1) await takeNumbers();
    for (const part of ["record", "history"] as const) {
      await at.redis.del(at.part("key", part));
      await at.redis.copy(`${at.prefix}backup-${part}`, at.part("key", part));
    }
    await takeNumbers();
    await at.redis.flushall();
    await takeNumbers();
    expect(new Set(numbers).size).toBe(44);
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
  });

  it.each([
    ["the record", "record"],
    ["its history", "history"],
  ] as const)(
    "gives later versions and fences when the clock was set back and %s is lost",
    async (_, lost) => {
      const ahead = (Date.now() + 10_000) * 1_000;
      const prepare = async (key: string) => {
        const store = open();
        await store.write(key, "value", { expectedVersion: 0 });
        await at.redis.hset(at.part(key, "record"), "version", ahead);
        await at.redis.hset(at.part(key, "history"), "last", ahead);
        await at.redis.del(at.part(key, lost));
        return store;
      };
      const expectedVersion = lost === "record" ? 0 : ahead;
      const locked = await (await prepare("locked")).lock("locked", { ttlMs: 60_000 });
      expect(locked?.fence).toBe(ahead + 1);
      expect(await (await prepare("written")).write("written", "next", { expectedVersion })).toBe(ahead + 1);
      const store = await prepare("deleted");
      await store.delete("deleted");
      expect(await store.write("deleted", "next", { expectedVersion: 0 })).toBe(ahead + 1);
    },
  );

  it("gives exact versions by a clock that is centuries ahead", async () => {
    const store = open();
    await at.redis.hset(at.part("key", "history"), "last", 2 ** 53 - 3);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    expect(version).toBe(2 ** 53 - 2);
    expect(await store.read("key")).toEqual({ value: "value", version });
  });

  it("refuses a fence that is older than the history could be, unless its lock is held", async () => {
    const store = open();
    const held = await store.lock("held", { ttlMs: 60_000 });
    const [young, old] = [HOUR_MS - 10_000, HOUR_MS + 10_000].map((ms) => (Date.now() - ms) * 1_000);
    await at.redis.hset(at.part("held", "lock"), "fence", old ?? 0);
    for (const key of ["held", "young", "old"]) await at.redis.del(at.part(key, "history"));
    expect(await store.write("old", "value", { expectedVersion: 0, fence: old ?? 0 })).toBeUndefined();
    expect(await store.write("young", "value", { expectedVersion: 0, fence: young ?? 0 })).toBeGreaterThan(0);
    expect(await store.write("held", "value", { expectedVersion: 0, fence: old ?? 0 })).toBeGreaterThan(0);
    await held?.release();
  });

  it("keeps a write that is sent again, after the record was deleted, from coming back", async () => {
    const sent: [string, number, ...string[]][] = [];
    const client = {
      eval: (...input: [string, number, ...string[]]) => at.redis.eval(...input),
      evalsha(...input: [string, number, ...string[]]) {
        sent.push(input);
        return at.redis.evalsha(...input);
      },
    };
    const store = redisStore({ client, prefix: at.prefix });
    const version = await store.write("key", "value", { expectedVersion: 0 });
    const [writing] = sent;
    await store.delete("key");
    const deletion = sent.at(-1);
    if (writing === undefined || deletion === undefined) throw new Error("Nothing was sent.");
    expect(await at.redis.evalsha(...writing)).toBe(String(version));
    expect(await store.read("key")).toBeUndefined();
    const next = await store.write("key", "of the next login", { expectedVersion: 0 });
    await at.redis.evalsha(...deletion);
    expect(await store.read("key")).toEqual({ value: "of the next login", version: next });
  });

  it("keeps stores of different prefixes apart", async () => {
    const one = redisStore({ client: at.redis, prefix: at.prefix });
    const other = redisStore({ client: at.redis, prefix: `${at.prefix}:` });
    await one.write("key", "value", { expectedVersion: 0 });
    expect(await other.read("key")).toBeUndefined();
    expect(await other.lock("key", { ttlMs: 60_000 })).toBeDefined();
    expect(await one.lock("key", { ttlMs: 60_000 })).toBeDefined();
    const byDefault = redisStore({ client: at.redis });
    await byDefault.write(at.prefix, "value", { expectedVersion: 0 });
    expect(await at.redis.exists(`talkdesk-oauth:{${encodeURIComponent(at.prefix)}}:record`)).toBe(1);
  });
});
