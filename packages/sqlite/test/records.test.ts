import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { afterEach, describe, expect, it, vi } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers, type Handle } from "./support/drivers.js";
import { rejectionOf } from "./support/rejection.js";

const TABLES = ["talkdesk_oauth_tokens", "talkdesk_oauth_locks"];

function rowsIn(database: Handle, table: string): number {
  const [count] = Object.values(Object(database.prepare(`SELECT count(*) FROM ${table}`).get()));
  return Number(count);
}

afterEach(() => vi.useRealTimers());

describe.each(drivers)("a store in a database of $name", (driver) => {
  it.each([
    ["a zero byte", "a\0b\0"],
    ["a byte order mark", "\uFEFFa"],
    ["nothing that ASCII has", "鍵 🔑"],
  ])("keeps a key and a value with %s to the letter", async (_, text) => {
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const version = await store.write(text, text, { expectedVersion: 0 });
    expect(await sqliteStore(file.open()).read(text)).toEqual({ value: text, version });
    expect(await store.read(text.slice(0, 1))).toBeUndefined();
  });

  it("refuses half of a surrogate pair, in a key and in a value", async () => {
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
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
    ["value", "'text'"],
    ["value", "17"],
    ["value", "x'ff'"],
    ["version", "'text'"],
    ["version", "-1"],
    ["version", "0"],
    ["version", "4611686018427387904"],
    ["version", "1.5"],
    ["fence", "'text'"],
    ["fence", "4611686018427387904"],
    ["expires_at", "'text'"],
    ["expires_at", "x'00'"],
  ])("calls a record corrupt whose %s is %s, and deletes it", async (column, literal) => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    database.exec(`UPDATE talkdesk_oauth_tokens SET ${column} = ${literal}`);
    expect(await rejectionOf(store.read("key"))).toMatchObject({ code: "store_corrupt" });
    // A write compares versions, and has no need of a value that it replaces.
    if (literal !== "x'ff'") {
      const writing = store.write("key", "next", { expectedVersion: version ?? 0 });
      expect(await rejectionOf(writing)).toMatchObject({ code: "store_corrupt" });
    }
    await store.delete("key");
    expect(await store.read("key")).toBeUndefined();
    const next = await store.write("key", "next", { expectedVersion: 0 });
    expect(next).toBeGreaterThan(version ?? 0);
    expect(await store.read("key")).toEqual({ value: "next", version: next });
  });

  it("leaves nothing of a key that is gone", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const lock = await store.lock("key", { ttlMs: 60_000 });
    await store.write("key", "value", { expectedVersion: 0, fence: lock?.fence ?? 0 });
    await store.delete("key");
    await lock?.release();
    expect(TABLES.map((table) => rowsIn(database, table))).toEqual([0, 0]);
  });

  it("removes what has expired, a little with each write", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const expiresAt = Date.now() + 1_000;
    for (let index = 0; index < 100; index += 1) {
      await store.write(`key ${index}`, "value", { expectedVersion: 0, expiresAt });
      await store.lock(`key ${index}`, { ttlMs: 1_000 });
    }
    expect(TABLES.map((table) => rowsIn(database, table))).toEqual([100, 100]);
    vi.advanceTimersByTime(1_000);
    for (let round = 0; round < 10; round += 1) {
      const before = rowsIn(database, "talkdesk_oauth_tokens");
      await store.write(`new ${round}`, "value", { expectedVersion: 0 });
      expect(before - rowsIn(database, "talkdesk_oauth_tokens")).toBeLessThan(20);
    }
    expect(TABLES.map((table) => rowsIn(database, table))).toEqual([10, 0]);
  });

  it("removes a record that expires at once before other expired records", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const version = await store.write("key", "value", { expectedVersion: 0 });
    for (let index = 0; index < 50; index += 1) {
      await store.write(`key ${index}`, "value", { expectedVersion: 0, expiresAt: Date.now() + 500 });
    }
    vi.advanceTimersByTime(1_000);
    await store.write("key", "next", { expectedVersion: version ?? 0, expiresAt: Date.now() });
    vi.setSystemTime(0);
    expect(await store.read("key")).toBeUndefined();
    expect(await store.read("key 49")).toBeDefined();
  });

  it("remembers which fence wrote a record that has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const early = await store.lock("key", { ttlMs: 1_000 });
    await early?.release();
    const later = await store.lock("key", { ttlMs: 1_000 });
    const expiresAt = Date.now() + 1_000;
    await store.write("key", "value", { expectedVersion: 0, fence: later?.fence ?? 0, expiresAt });
    await later?.release();
    vi.advanceTimersByTime(1_000);
    const expectedVersion = (await store.write("key", "of the next login", { expectedVersion: 0 })) ?? 0;
    const fence = early?.fence ?? 0;
    expect(await store.write("key", "late", { expectedVersion, fence })).toBeUndefined();
  });

  it("accepts the fence of the held lock, after any history of other keys", async () => {
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const held = await store.lock("key", { ttlMs: 60_000 });
    const other = await store.lock("other", { ttlMs: 60_000 });
    await store.write("other", "value", { expectedVersion: 0, fence: other?.fence ?? 0 });
    await store.delete("other");
    const expectedVersion = (await store.write("key", "without a fence", { expectedVersion: 0 })) ?? 0;
    const fence = held?.fence ?? 0;
    expect(await store.write("key", "value", { expectedVersion, fence })).toBeGreaterThan(0);
  });

  it("gives no version and no fence twice after a restore", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    await store.write("key", "old", { expectedVersion: 0 });
    database.exec("CREATE TABLE backup AS SELECT * FROM talkdesk_oauth_store");
    const numbers: (number | undefined)[] = [];
    for (let round = 0; round < 50; round += 1) {
      const expectedVersion = (await store.read("key"))?.version ?? 0;
      numbers.push(await store.write("key", `${round}`, { expectedVersion }));
      const lock = await store.lock("key", { ttlMs: 60_000 });
      numbers.push(lock?.fence);
      await lock?.release();
    }
    database.exec("DELETE FROM talkdesk_oauth_store; INSERT INTO talkdesk_oauth_store SELECT * FROM backup");
    await store.delete("key");
    const version = await store.write("key", "new", { expectedVersion: 0 });
    const lock = await store.lock("key", { ttlMs: 60_000 });
    expect(new Set([...numbers, version, lock?.fence]).size).toBe(102);
    expect(Math.min(version ?? 0, lock?.fence ?? 0)).toBeGreaterThan(
      Math.max(...numbers.map((number) => number ?? 0)),
    );
  });

  it.each([
    ["emptied", "DELETE FROM"],
    ["dropped", "DROP TABLE"],
  ])("goes on in tables that somebody has %s, and gives no version twice", async (_, verb) => {
    using file = databaseFile(driver);
    const database = file.open();
    const store = sqliteStore(database);
    const first = await store.write("key", "first", { expectedVersion: 0 });
    for (const table of [...TABLES, "talkdesk_oauth_store"]) database.exec(`${verb} ${table}`);
    expect(await store.read("key")).toBeUndefined();
    const second = await store.write("key", "second", { expectedVersion: 0 });
    expect(second).toBeGreaterThan(first ?? 0);
    expect(await sqliteStore(file.open()).read("key")).toEqual({ value: "second", version: second });
  });

  it("ends a lock after its own duration when the clock was set back", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const other = sqliteStore(file.open());
    await store.lock("key", { ttlMs: 10_000 });
    vi.setSystemTime(Date.now() - 86_400_000);
    expect(await other.lock("key", { ttlMs: 10_000 })).toBeUndefined();
    vi.advanceTimersByTime(9_999);
    expect(await other.lock("key", { ttlMs: 10_000 })).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await other.lock("key", { ttlMs: 10_000 })).toBeDefined();
  });

  it("gives later versions and fences when the clock was set back", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const first = await store.write("key", "first", { expectedVersion: 0 });
    vi.setSystemTime(0);
    const lock = await store.lock("key", { ttlMs: 10_000 });
    expect(lock?.fence).toBeGreaterThan(first ?? 0);
    expect(await store.write("other", "value", { expectedVersion: 0 })).toBeGreaterThan(lock?.fence ?? 0);
  });

  it("gives exact versions by a clock that is centuries ahead", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(8.64e15);
    using file = databaseFile(driver);
    const store = sqliteStore(file.open());
    const first = await store.write("key", "first", { expectedVersion: 0 });
    const second = await store.write("key", "second", { expectedVersion: first ?? 0 });
    expect(second).toBe((first ?? 0) + 1);
    expect(Number.isSafeInteger(second)).toBe(true);
  });

  it("keeps records in a database of UTF-16", async () => {
    using file = databaseFile(driver);
    file.open().exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE users (name TEXT)");
    const store = sqliteStore(file.open());
    const version = await store.write("🔑", "é鍵", { expectedVersion: 0 });
    expect(await store.read("🔑")).toEqual({ value: "é鍵", version });
  });
});
